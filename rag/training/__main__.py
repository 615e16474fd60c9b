"""The command line of the training: `train` does all of it, `evaluate` measures and exports a checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import onnx
import torch
import typer

from rag.adapters.int8 import tokenwise
from rag.training.card import write_card
from rag.training.evaluate import Case, Results, cases_of, combination, figures_of, predicted
from rag.training.examples import Mixture
from rag.training.export import DYNAMIC_GRAPH, INT8_GRAPH, write_folder, write_int8_graph
from rag.training.features import Featurizer
from rag.training.measures import auroc, token_f1
from rag.training.model import Reader, load_reader
from rag.training.predict import Prediction, Scorer, onnx_scorer, predict, torch_scorer
from rag.training.sources import Collection, Split, part_of, read_all, split_of
from rag.training.sources import unseen as unseen_articles
from rag.training.train import RUNS, Recipe, Trainer

app = typer.Typer(add_completion=False)

Data = Annotated[
    Path,
    typer.Option(help="Folder with squad-v2.json, squad-v1.json, policyqa/, fairytaleqa/, qed-dev.jsonl."),
]
Base = Annotated[
    Path, typer.Option(help="Folder of all-MiniLM-L6-v2 (config.json, model.safetensors, tokenizer.json).")
]
Output = Annotated[
    Path, typer.Option(help="Folder of the run: checkpoints, log, and the artefact/ at the end.")
]
Passes = Annotated[int, typer.Option(help="Times that the questions are drawn and gone through.")]
Minutes = Annotated[
    float | None,
    typer.Option(help="End on the clock should that come first, the learning rate decayed by then."),
]
Rate = Annotated[float, typer.Option(help="Learning rate at its highest.")]
Seed = Annotated[int, typer.Option(help="Of the examples, their order and the dropout.")]
Start = Annotated[
    Path | None,
    typer.Option(help="Folder of an earlier run, to go on from its weights with this run's data."),
]
Device = Annotated[str, typer.Option(help="cpu or cuda.")]


@app.callback()
def configure(threads: Annotated[int, typer.Option(help="Threads of torch.")] = 1) -> None:
    """Train the reader, and measure it on articles that it was never trained on."""
    torch.set_num_threads(threads)


@app.command()
def train(  # noqa: PLR0913, PLR0917
    data: Data,
    base: Base,
    output: Output,
    passes: Passes = 6,
    minutes: Minutes = None,
    learning_rate: Rate = 1.5e-4,
    seed: Seed = 17,
    device: Device = "cpu",
    start: Start = None,
) -> None:
    """Train, or go on from the checkpoint in the output folder; then measure, and write the artefact."""
    recipe = Recipe(passes=passes, minutes=minutes, learning_rate=learning_rate, seed=seed)
    collections = read_all(data)
    trainer = Trainer(Mixture(list(part_of(collections, "train")), seed), base, output, recipe, device, start)
    trainer.resume()
    trainer.train()
    _write_artefact(collections, base, output)


@app.command()
def evaluate(data: Data, base: Base, output: Output) -> None:
    """Measure the run's weights as they are, and write the artefact."""
    _write_artefact(read_all(data), base, output)


@app.command()
def unseen(data: Data, output: Annotated[Path, typer.Option(help="Folder for the files.")]) -> None:
    """Write the articles never trained on as `unseen-development.json` and `unseen-test.json`, to be asked about."""
    output.mkdir(parents=True, exist_ok=True)
    collections = read_all(data)
    for split in ("development", "test"):
        _write_json(output / f"unseen-{split}.json", unseen_articles(collections, split))


@app.command()
def quantise(
    source: Annotated[Path, typer.Argument(help="A graph that `train` wrote as reader.int8.onnx.")],
    target: Annotated[Path, typer.Argument(help="Where to write it as one that computes in int8.")],
) -> None:
    """Rewrite a graph with int8 weights so that it rounds the activations too; the weights stay as they are."""
    target.write_bytes(tokenwise(onnx.load(source)).SerializeToString(deterministic=True))


def _write_artefact(collections: list[Collection], base: Path, output: Path) -> None:
    """Weights, int8 graph, held-out articles, figures and card, in `output/artefact`."""
    artefact = output / "artefact"
    write_folder(base, output / "model.safetensors", artefact)
    write_int8_graph(artefact, artefact / INT8_GRAPH)
    write_int8_graph(artefact, artefact / DYNAMIC_GRAPH, dynamic=True)
    held_out = {
        collection.name: {
            article: split for article, split in split_of(collection).items() if split != "train"
        }
        for collection in collections
    }
    _write_json(artefact / "held_out.json", held_out)
    metrics = _metrics(collections, artefact, output)
    _write_json(artefact / "metrics.json", metrics)
    write_card(artefact, metrics, base)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _metrics(collections: list[Collection], artefact: Path, output: Path) -> dict[str, Any]:
    reader = load_reader(artefact)
    featurizer = Featurizer(artefact)
    runs = json.loads((output / RUNS).read_text(encoding="utf-8"))
    scorer = torch_scorer(reader, runs[-1]["bfloat16"])
    development = _results(collections, "development", scorer, featurizer)
    weights = combination([row for name, its in development.items() if name != "policyqa" for row in its])
    test = _results(collections, "test", scorer, featurizer)
    return {
        "runs": runs,
        "examples": sum(run["steps"] * run["batch_size"] for run in runs),
        "weights": [round(float(weight), 4) for weight in weights],
        "development": figures_of(development, weights),
        "test": figures_of(test, weights),
        "int8": _int8_figures(_some_cases(test), reader, artefact, featurizer),
    }


def _results(
    collections: list[Collection], split: Split, scorer: Scorer, featurizer: Featurizer
) -> dict[str, Results]:
    return {its.name: predicted(cases_of(its), scorer, featurizer) for its in part_of(collections, split)}


def _int8_figures(
    cases: list[Case], reader: Reader, artefact: Path, featurizer: Featurizer
) -> dict[str, dict[str, float]]:
    """How far each graph with int8 weights departs from the model in float32."""
    pairs = [(case.question, case.passage) for case in cases]
    exact = predict(torch_scorer(reader), featurizer, pairs)
    figures = {"float32": {"pairs": len(cases), "F1": _mean_f1(cases, exact), **_aurocs(cases, exact)}}
    for name in (INT8_GRAPH, DYNAMIC_GRAPH):
        rounded = predict(onnx_scorer(artefact / name), featurizer, pairs)
        both = list(zip(exact, rounded, strict=True))
        figures[name] = {
            "F1": _mean_f1(cases, rounded),
            **_aurocs(cases, rounded),
            "same span": round(float(np.mean([a.span == b.span for a, b in both])), 4),
            "margin moved": round(float(np.mean([abs(a.margin - b.margin) for a, b in both])), 4),
            "answerable moved": round(float(np.mean([abs(a.answerable - b.answerable) for a, b in both])), 4),
        }
    return figures


def _aurocs(cases: list[Case], predictions: list[Prediction]) -> dict[str, float]:
    """AUROC of answered against all unanswered cases, by margin and by head."""
    answered = np.array([bool(case.answers) for case in cases])
    scores = np.array([(its.margin, its.answerable) for its in predictions])
    names = ("margin", "head")
    return {
        f"AUROC of {name}": round(auroc(scores[answered, n], scores[~answered, n]), 4)
        for n, name in enumerate(names)
    }


def _some_cases(results: dict[str, Results]) -> list[Case]:
    """Every tenth case."""
    return [case for its in results.values() for case, _ in its][::10]


def _mean_f1(cases: list[Case], predictions: list[Prediction]) -> float:
    scores = [
        token_f1(case.passage[its.span[0] : its.span[1]], list(case.answers))
        for case, its in zip(cases, predictions, strict=True)
        if case.answers
    ]
    return round(float(np.mean(scores)), 4)


if __name__ == "__main__":
    app()

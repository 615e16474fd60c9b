"""The model side: tokens, the network, resuming, decoding, measures, the int8 graph."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers  # noqa: E402

from rag.training import export  # noqa: E402
from rag.training.examples import Example  # noqa: E402
from rag.training.export import write_float_graph, write_folder, write_int8_graph  # noqa: E402
from rag.training.features import Featurizer, batches, collated  # noqa: E402
from rag.training.measures import auroc, logistic_weights, token_f1  # noqa: E402
from rag.training.model import BertShape, Reader, dropout, load_reader, save_reader  # noqa: E402
from rag.training.predict import onnx_scorer, predict, torch_scorer  # noqa: E402
from rag.training.train import RUNS, Recipe, Trainer  # noqa: E402

WORDS = "the bridge was opened in 1931 by clara stone when who did open it ? . leeds toll no".split()
SHAPE = BertShape(16, 2, 2, 32, len(WORDS) + 4, 256, 2, 1e-12)
ANSWERED = Example(
    "when was the bridge opened ?", "the bridge was opened in 1931 by clara stone .", (25, 29), "answered"
)
UNANSWERED = Example("who did open the toll ?", "the bridge was opened in 1931 .", None, "changed")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A BERT-family folder with a tiny random encoder."""
    folder = tmp_path / "base"
    folder.mkdir()
    vocabulary = {word: n for n, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {name: getattr(SHAPE, name) for name in SHAPE.__dataclass_fields__}
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", **config}), encoding="utf-8")
    torch.manual_seed(1)
    save_reader(Reader(SHAPE), folder / "model.safetensors")
    return folder


class TwoExamples:
    """A mixture of the same two examples in every pass."""

    def drawn(self, number: int) -> list[Example]:
        return [ANSWERED, UNANSWERED] * 8


def test_tokens_of_the_answer_are_those_of_its_characters(base: Path) -> None:
    answered, unanswered = Featurizer(base).examples([ANSWERED, UNANSWERED])
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    assert tokenizer.decode(answered.ids[answered.start : answered.end + 1]) == "1931"
    assert answered.answerable
    assert (unanswered.start, unanswered.end, unanswered.answerable) == (0, 0, False)


def test_an_example_whose_answer_is_cut_off_is_left_out(base: Path) -> None:
    late = Example("when ?", "the " * 300 + "1931", (1200, 1204), "answered")
    assert Featurizer(base).examples([late, ANSWERED]) == Featurizer(base).examples([ANSWERED])


def test_padding_changes_no_logit(base: Path) -> None:
    features = Featurizer(base).examples([ANSWERED, UNANSWERED])
    reader = load_reader(base).eval()
    both, alone = collated(features), collated(features[1:])
    with torch.inference_mode():
        padded = reader(both.token_ids, both.type_ids, both.attention)
        bare = reader(alone.token_ids, alone.type_ids, alone.attention)
    length = alone.token_ids.shape[1]
    assert length < both.token_ids.shape[1]
    torch.testing.assert_close(padded.start[1, :length], bare.start[0])
    torch.testing.assert_close(padded.answerable[1], bare.answerable[0])


def test_an_encoder_tensor_that_is_missing_is_named(base: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(base / "model.safetensors")
    del tensors["encoder.layer.1.output.dense.weight"]
    save_file(tensors, base / "model.safetensors")
    with pytest.raises(KeyError, match=r"encoder\.layer\.1\.output\.dense\.weight"):
        load_reader(base)


def test_dropout_drops_its_share_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    dropped = dropout(torch.ones(400, 500), 0.1, training=True)
    assert abs(float((dropped == 0).float().mean()) - 0.1) < 0.01
    assert abs(float(dropped.mean()) - 1.0) < 0.01
    assert torch.equal(dropout(dropped, 0.1, training=False), dropped)


def test_batches_use_every_feature_once(base: Path) -> None:
    features = Featurizer(base).examples([ANSWERED, UNANSWERED] * 33)
    numbered = [replace(feature, start=n) for n, feature in enumerate(features)]
    grouped = list(batches(numbered, 4, random.Random(0)))
    assert sorted(feature.start for group in grouped for feature in group) == list(range(66))
    assert max(len(group) for group in grouped) == 4


def recipe(**changes: object) -> Recipe:
    return replace(
        Recipe(passes=12, batch_size=4, learning_rate=1e-2, bfloat16=False, dropout_rate=0.1), **changes
    )


def test_training_learns_and_goes_on_from_a_checkpoint_as_if_never_stopped(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Trainer(TwoExamples(), base, tmp_path / "whole", recipe())  # type: ignore[arg-type]
    whole.train()

    broken = Trainer(TwoExamples(), base, tmp_path / "broken", recipe())  # type: ignore[arg-type]
    steps = 0

    def stopping(report: float, rate: float) -> None:
        nonlocal steps
        steps += 1
        if steps == 18:
            raise KeyboardInterrupt

    monkeypatch.setattr(broken, "_report", stopping)
    with pytest.raises(KeyboardInterrupt):
        broken.train()
    broken.save()
    resumed = Trainer(TwoExamples(), base, tmp_path / "broken", recipe())  # type: ignore[arg-type]
    assert resumed.resume()
    resumed.train()

    for name, tensor in whole.reader.state_dict().items():
        assert torch.equal(tensor, resumed.reader.state_dict()[name]), name
    first, second = predict(
        torch_scorer(whole.reader),
        Featurizer(base),
        [(x.question, x.passage) for x in (ANSWERED, UNANSWERED)],
    )
    assert first.span == ANSWERED.answer
    assert first.margin > 0 > second.margin
    assert first.answerable > 0 > second.answerable


def test_a_checkpoint_of_another_recipe_is_refused(base: Path, tmp_path: Path) -> None:
    Trainer(TwoExamples(), base, tmp_path / "run", recipe()).save()  # type: ignore[arg-type]
    other = Trainer(TwoExamples(), base, tmp_path / "run", recipe(seed=2))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="another recipe"):
        other.resume()


def test_a_run_goes_on_from_another_with_a_recipe_of_its_own(base: Path, tmp_path: Path) -> None:
    first = Trainer(TwoExamples(), base, tmp_path / "first", recipe())  # type: ignore[arg-type]
    first.train()
    second = Trainer(
        TwoExamples(),  # type: ignore[arg-type]
        base,
        tmp_path / "second",
        recipe(seed=2, passes=1),
        start=tmp_path / "first",
    )
    for name, tensor in first.reader.state_dict().items():
        assert torch.equal(tensor, second.reader.state_dict()[name]), name
    second.train()
    runs = json.loads((tmp_path / "second" / RUNS).read_text())
    assert [(run["seed"], run["passes"]) for run in runs] == [(recipe().seed, 12), (2, 1)]
    assert all(run["steps"] > 0 for run in runs)


@pytest.mark.parametrize(("rounding", "tolerance"), [("none", 1e-4), ("weights", 0.03), ("dynamic", 0.1)])
def test_the_graphs_give_what_the_model_gives(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rounding: str, tolerance: float
) -> None:
    monkeypatch.setattr(export, "QUANTISED_FROM", 256)
    graph, folder = tmp_path / "graph.onnx", tmp_path / "artefact"
    write_folder(base, base / "model.safetensors", folder)
    if rounding == "none":
        write_float_graph(folder, graph)
    else:
        write_int8_graph(folder, graph, dynamic=rounding == "dynamic")
        assert any(tensor.name.endswith(".int8") for tensor in onnx.load(graph).graph.initializer)
    pairs = [(x.question, x.passage) for x in (ANSWERED, UNANSWERED)]
    featurizer = Featurizer(base)
    ours = predict(torch_scorer(load_reader(base)), featurizer, pairs)
    theirs = predict(onnx_scorer(graph), featurizer, pairs)
    for a, b in zip(ours, theirs, strict=True):
        assert a.margin == pytest.approx(b.margin, abs=tolerance)
        assert a.answerable == pytest.approx(b.answerable, abs=tolerance)


def test_measures_on_cases_done_by_hand() -> None:
    assert auroc(np.array([3.0, 2.0]), np.array([1.0, 2.0])) == pytest.approx(0.875)
    assert token_f1("the Clara Stone", ["Stone", "Anna"]) == pytest.approx(2 / 3)
    inputs = np.array([[-2.0, 0.0], [-1.0, 1.0], [1.0, 0.0], [2.0, 1.0]])
    weights = logistic_weights(inputs, np.array([0.0, 0.0, 1.0, 1.0]))
    assert weights[0] > 1
    assert abs(weights[1]) < weights[0]

"""`mission-record eval ...`. Each command imports what it needs when it runs, so that `--help` is instant."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from eval.judge import Judge
    from rag.settings import Settings

eval_app = typer.Typer(help="Measure how right the answers are.", no_args_is_help=True)

DEFAULT_OUT = Path("eval/runs/latest")
DEFAULT_BASELINE = Path("eval/baseline")

SplitName = Literal["development", "test"]
Cases = Annotated[
    list[Path] | None,
    typer.Option(
        "--cases", help="Our JSON lines, a SQuAD file (.json) or a BEIR folder; default: the bundled cases."
    ),
]
OneSplit = Annotated[SplitName | None, typer.Option("--split", help="Only this half of the cases.")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="At most so many cases, a fixed sample.")]
TopK = Annotated[int, typer.Option("--top-k", min=1, max=20, help="Passages to read.")]
DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Folder of the index. [env: RAG_DATA_DIR]")]
Corpus = Annotated[
    Path | None,
    typer.Option("--corpus", help="Folder of documents; without --data-dir its index is temporary."),
]
RunFolder = Annotated[Path, typer.Argument(help="A folder that `eval run --out` wrote.")]


@eval_app.command()
def run(  # noqa: PLR0913, PLR0917
    cases: Cases = None,
    split: OneSplit = None,
    mode: Annotated[
        Literal["auto", "extractive", "generative"], typer.Option(help="How to answer.")
    ] = "extractive",
    limit: Limit = None,
    top_k: TopK = 6,
    timeout: Annotated[
        float, typer.Option(min=0.001, help="Seconds until a question counts as wrong.")
    ] = 60.0,
    paragraphs: Annotated[
        bool, typer.Option("--paragraphs", help="SQuAD: each paragraph a document, retrieval alone.")
    ] = False,
    query_key: Annotated[str, typer.Option(help="BEIR: the field of a query to ask.")] = "text",
    retriever: Annotated[
        Literal["dense", "bm25"] | None,
        typer.Option("--retriever", help="Search with this one alone, for comparison."),
    ] = None,
    judge: Annotated[
        bool, typer.Option("--judge", help="Have the language model of the settings grade the answers too.")
    ] = False,
    out: Annotated[Path, typer.Option("--out", help="Folder for the report.")] = DEFAULT_OUT,
    baseline: Annotated[Path, typer.Option("--baseline", help="A run to compare with.")] = DEFAULT_BASELINE,
    reveal_test: Annotated[
        bool, typer.Option("--reveal-test", help="Show wrong answers of the test split.")
    ] = False,
    data_dir: DataDir = None,
    corpus: Corpus = None,
) -> None:
    """Ask every case and write the report: report.html, report.md, report.json and cases.jsonl."""
    from eval.evaluate import Plan, evaluate
    from eval.runner import Conditions
    from eval.terminal import print_run
    from eval.writing import write_run
    from rag.terminal import progress_bar

    conditions = Conditions(mode, top_k, timeout)
    overrides: dict[str, object] = {"retrievers": (retriever,)} if retriever else {}
    plan = Plan(tuple(cases or ()), split, limit, conditions, paragraphs, query_key, overrides)
    with _settings(data_dir, corpus) as settings, progress_bar() as advance:
        finished = evaluate(plan, settings, advance, _judge(settings) if judge else None)
    comparison = write_run(finished, out, baseline, reveal_test)
    print_run(finished.report, comparison, out)


@eval_app.command()
def compare(first: RunFolder, second: RunFolder) -> None:
    """Compare two runs case by case; exit 1 unless the second is shown to be no worse than the first."""
    from eval.compare import compare as compare_runs
    from eval.report import load
    from eval.terminal import print_comparison

    comparison = compare_runs(load(first), load(second))
    print_comparison(comparison)
    if comparison.verdict != "no worse":
        raise typer.Exit(1)


@eval_app.command()
def calibrate(
    out: Annotated[
        Path | None, typer.Option("--out", help="Where to store it, instead of in the program.")
    ] = None,
    cost_ratio: Annotated[float, typer.Option(min=0.01, help="Refusals that one wrong answer costs.")] = 2.0,
    penalty: Annotated[
        float, typer.Option(min=0.0, help="How strongly weights are pulled to the prior.")
    ] = 10.0,
    cases: Annotated[
        list[Path] | None,
        typer.Option("--cases", help="Each a collection of its own; default: the bundled cases."),
    ] = None,
    data_dir: DataDir = None,
    corpus: Corpus = None,
) -> None:
    """Fit when to answer and when to refuse, on the development split alone, and print both error rates."""
    from eval.calibrate import fit_decision, stored_calibration, write
    from eval.terminal import print_fit
    from rag.terminal import progress_bar

    with _settings(data_dir, corpus) as settings, progress_bar() as advance:
        fitted = fit_decision(tuple(cases or ()), settings, cost_ratio, penalty, advance)
    path = out or stored_calibration()
    write(fitted, path)
    print_fit(fitted, path)


@eval_app.command()
def explain(
    case_id: Annotated[str, typer.Argument(help="The id of a case.")],
    cases: Cases = None,
    top_k: TopK = 6,
    data_dir: DataDir = None,
    corpus: Corpus = None,
) -> None:
    """Show what was retrieved, read and decided for one case, with every score."""
    from rich.console import Console

    from eval.evaluate import Plan
    from eval.explain import explain_case
    from eval.runner import Conditions

    plan = Plan(tuple(cases or ()), conditions=Conditions(top_k=top_k))
    with _settings(data_dir, corpus) as settings:
        explain_case(case_id, plan, settings, Console())


@eval_app.command()
def ablate(
    cases: Cases = None,
    split: OneSplit = "development",
    limit: Limit = None,
    paragraphs: Annotated[bool, typer.Option("--paragraphs", help="SQuAD: retrieval alone.")] = False,
    signals: Annotated[
        bool, typer.Option("--signals", help="What each signal adds to the decision; both splits are asked.")
    ] = False,
    data_dir: DataDir = None,
    corpus: Corpus = None,
) -> None:
    """Show what each part of the pipeline is worth: the same cases with parts taken out."""
    from eval.ablate import ablate as ablate_plan
    from eval.ablate import ablate_signals
    from eval.evaluate import Plan, bundled_cases
    from eval.terminal import print_ablation, print_signals
    from rag.terminal import progress_bar

    if signals:
        with _settings(data_dir, corpus) as settings, progress_bar() as advance:
            signal_rows = [ablate_signals(path, settings, advance) for path in cases or [bundled_cases()]]
        for rows in signal_rows:
            print_signals(rows)
        return
    plan = Plan(tuple(cases or ()), split, limit, paragraphs=paragraphs)
    with _settings(data_dir, corpus) as settings, progress_bar() as advance:
        print_ablation(ablate_plan(plan, settings, advance))


@eval_app.command()
def conversation(
    multi_turn: Annotated[
        Path | None,
        typer.Option(
            "--multi-turn", help="A BEIR folder of conversations with `rewritten` last turns, to search."
        ),
    ] = None,
    fresh: Annotated[
        Path | None, typer.Option("--fresh", help="A SQuAD file: each question is asked after another.")
    ] = None,
    limit: Limit = None,
    cases: Annotated[Path | None, typer.Option("--cases", help="A folder of cases, instead of ours.")] = None,
) -> None:
    """Show how well follow-ups are understood without an LLM, and that fresh questions are left alone."""
    from eval.conversation import bundled_conversations, load_conversations, understood
    from eval.conversation_search import fresh_questions, last_turns
    from eval.terminal import print_shares
    from rag.terminal import progress_bar

    print_shares("right", understood(load_conversations(cases or bundled_conversations())))
    with _settings(None, None) as settings:
        if multi_turn:
            with progress_bar() as advance:
                figures = last_turns(multi_turn, settings, advance)
            print_shares("R@5", figures)
        if fresh:
            with progress_bar() as advance:
                figures = fresh_questions(fresh, settings, limit, advance)
            print_shares("R@5", figures)


@eval_app.command()
def languages(
    cases: Annotated[Path | None, typer.Option("--cases", help="A folder of cases, instead of ours.")] = None,
) -> None:
    """Show how well questions in languages that the embedding model does not read are told from English ones."""
    from eval.languages import bundled_languages, load_languages, told_apart
    from eval.terminal import print_shares
    from rag.foreign import LanguageGate
    from rag.settings import load_settings
    from rag.wiring import build

    gate = LanguageGate(build(load_settings()).embedder, embedder_reads_all=False, reader_reads_all=False)
    print_shares("right", told_apart(load_languages(cases or bundled_languages()), gate))


@eval_app.command()
def verification(
    split: OneSplit = None,
    fit: Annotated[
        bool,
        typer.Option("--fit", help="First fit the decision anew, on the development split, and store it."),
    ] = False,
    cases: Annotated[Path | None, typer.Option("--cases", help="A folder of cases, instead of ours.")] = None,
) -> None:
    """Show how many errors planted in written answers are caught, right sentences flagged, and the time."""
    from eval.fit_verification import fit_decision, store
    from eval.terminal import print_shares
    from eval.verification import (
        Remembering,
        Shelf,
        bundled_verification,
        load_verification,
        median_milliseconds,
        outcomes,
        report,
    )
    from rag.settings import load_settings
    from rag.terminal import progress_bar
    from rag.wiring import build

    folder = cases or bundled_verification()
    loaded = load_verification(folder)
    application = build(load_settings())
    shelf = Shelf(folder, application.embedder.count_tokens)
    with progress_bar() as advance:
        verify = Remembering(application.embedder, application.reader)
        if fit:
            decision = fit_decision(loaded, shelf, verify, advance)
            store(decision)
            verify = verify.decided_by(decision)
        chosen = [case for case in loaded if split in (None, case.split)]
        found = outcomes(chosen, shelf, verify, advance)
    print_shares("share", report(found))
    if not fit:  # with it, every sentence has been read before
        typer.echo(f"{median_milliseconds(found):.0f} ms for one answer (median of {len(chosen)})")


@eval_app.command()
def figures(
    run_folder: Annotated[Path, typer.Option("--run", help="The run to show.")] = DEFAULT_BASELINE,
    file: Annotated[Path, typer.Option("--file", help="The file with the markers.")] = Path("README.md"),
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 1 if the table is stale.")
    ] = False,
) -> None:
    """Write the table of figures between the eval markers of the README."""
    from eval.markdown_report import figures_table
    from eval.marked import insert
    from eval.report import load

    text = file.read_text(encoding="utf-8")
    fresh = insert(text, "eval", figures_table(load(run_folder).report))
    if check and fresh != text:
        typer.echo(f"The figures in {file} are stale. Run `mission-record eval figures`.", err=True)
        raise typer.Exit(1)
    if not check:
        file.write_text(fresh, encoding="utf-8")


def _judge(settings: Settings) -> Judge:
    """Grades with the language model of the settings.

    Raises:
        NoLanguageModel: they name none.
    """
    from eval.judge import Judge
    from rag.adapters.llama import WritingLLM
    from rag.errors import NoLanguageModel
    from rag.wiring import build

    model = build(settings).language_model
    if model is None:
        raise NoLanguageModel(
            "--judge needs a language model. Set RAG_LLM__PROVIDER and RAG_LLM__MODEL, or RAG_LLM__BASE_URL."
        )
    return Judge(WritingLLM(model))


@contextmanager
def _settings(data_dir: Path | None, corpus: Path | None) -> Iterator[Settings]:
    """The settings; another corpus never replaces the index that is in use, unless its folder is named too."""
    from rag.settings import load_settings

    if corpus is None or data_dir is not None:
        yield load_settings(data_dir=data_dir, corpus_dir=corpus)
        return
    models_dir = load_settings().models_dir
    with tempfile.TemporaryDirectory(prefix="mission-record-eval-") as folder:
        yield load_settings(data_dir=Path(folder), corpus_dir=corpus, model_cache_dir=models_dir)

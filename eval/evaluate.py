"""One run from its cases to its report."""

from __future__ import annotations

import hashlib
import json
import platform
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path

from eval.cases import Case, InvalidCases, Split, load_cases, sample
from eval.formats import DOCUMENTS, Collection, read_beir, read_own, read_squad, read_squad_paragraphs
from eval.judge import Judge, judge_answers
from eval.outcomes import Outcome
from eval.report import Report, Run, query_records, records_of
from eval.retrieval_run import run_queries
from eval.runner import DEFAULT_CONDITIONS, Conditions, run_cases
from eval.scoring import scored
from eval.summary import Figures, causes, control_figures, figures, knowing, latency, mean_figures
from eval.workspace import documents_of, opened, prepared
from rag.domain import Manifest
from rag.settings import Settings
from rag.wiring import Application

PACKAGES = ("mission-record", "numpy", "chromadb", "onnxruntime", "llama-index-core", "nupunkt")

Advance = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run: cases (the bundled ones if no path is given), which of them, and how they are asked.

    `paragraphs` and `query_key` are for SQuAD files and BEIR folders (see `eval.formats`); `overrides` go to
    `rag.wiring.build`.
    """

    paths: tuple[Path, ...] = ()
    split: Split | None = None
    limit: int | None = None
    conditions: Conditions = DEFAULT_CONDITIONS
    paragraphs: bool = False
    query_key: str = "text"
    overrides: dict[str, object] = field(default_factory=dict)


def bundled_cases() -> Path:
    """The cases on the mission record."""
    return Path(str(files("eval"))) / "cases" / "mission"


def bundled_collections() -> tuple[Path, ...]:
    """All that the program is tuned on: the mission record, and everyday documents of many kinds."""
    return bundled_cases(), bundled_cases().parent / "everyday"


def silent(_stage: str, _done: int, _total: int) -> None:
    """Progress that nobody watches."""


def evaluate(plan: Plan, settings: Settings, advance: Advance = silent, judge: Judge | None = None) -> Run:
    """Run the plan; `advance` is told how much of how much of a stage is done. A `judge` grades the answers too.

    Raises:
        InvalidCases: the cases cannot be used.
        RagError: the index cannot be built or opened. What happens to one question is a result, not an error.
    """
    collection = external(plan)
    with prepared(collection, settings) as place:
        return evaluate_in(place, plan, collection, advance, judge)


def evaluate_in(
    settings: Settings,
    plan: Plan,
    collection: Collection | None,
    advance: Advance = silent,
    judge: Judge | None = None,
) -> Run:
    """Run the plan on a place that is prepared; several plans can share one."""
    with opened(settings, advance, plan.overrides) as application:
        return evaluate_application(application, plan, collection, advance, judge)


def evaluate_application(
    application: Application,
    plan: Plan,
    collection: Collection | None = None,
    advance: Advance = silent,
    judge: Judge | None = None,
) -> Run:
    """Run the plan on an application that is open already, and left open."""
    if collection is not None and collection.queries:
        return _run_queries(plan, collection, application, advance)
    cases = chosen_cases(plan, collection, application)
    return _run_cases(
        plan, collection.name if collection else _name(plan), cases, application, advance, judge
    )


def external(plan: Plan) -> Collection | None:
    """The collection that the plan names, by what its path is; None for cases on the index in use."""
    if len(plan.paths) == 1:
        path = plan.paths[0]
        if (path / DOCUMENTS).is_dir():
            return read_own(path)
        if path.is_dir() and (path / "corpus.jsonl").is_file():
            return read_beir(path, plan.query_key)
        if path.suffix == ".json":
            return read_squad_paragraphs(path) if plan.paragraphs else read_squad(path)
    return None


def chosen_cases(plan: Plan, collection: Collection | None, application: Application) -> tuple[Case, ...]:
    """The plan's cases, checked against the documents.

    Raises:
        InvalidCases: they cannot be used, or none is left of the split.
    """
    documents = documents_of(application)
    if collection is not None and collection.cases is not None:
        cases = collection.cases(documents)
    else:
        cases = load_cases(plan.paths or (bundled_cases(),), documents)
    kept = sample([case for case in cases if plan.split in (None, case.split)], plan.limit)
    if not kept:
        raise InvalidCases(f"None of the {len(cases)} cases is in the split {plan.split!r}.")
    return kept


def _run_cases(
    plan: Plan,
    name: str,
    cases: Sequence[Case],
    application: Application,
    advance: Advance,
    judge: Judge | None,
) -> Run:
    began = time.perf_counter()
    texts: dict[str, str] = {}

    def document_text(document_id: str) -> str:
        if document_id not in texts:
            texts[document_id] = application.catalog.document(document_id).text
        return texts[document_id]

    outcomes = run_cases(
        cases,
        application.pipeline.ask,
        document_text,
        plan.conditions,
        _counting(advance, "asking", len(cases)),
    )
    outcomes = scored(cases, outcomes, application.catalog.passages_of)
    pairs = list(zip(cases, outcomes, strict=True))
    report = _report(plan, name, application, outcomes, figures(pairs), began)
    report = report.model_copy(
        update={
            "cases_sha256": digest(cases),
            "controls": control_figures(pairs),
            "knowing": knowing(pairs),
            "causes": causes(pairs),
            "judge": judge_answers(pairs, judge) if judge else {},
        }
    )
    return Run(report, records_of(pairs))


def _run_queries(plan: Plan, collection: Collection, application: Application, advance: Advance) -> Run:
    began = time.perf_counter()
    queries = sample(collection.queries, plan.limit)
    outcomes = run_queries(
        queries, application.pipeline.stream, _counting(advance, "searching", len(queries))
    )
    found = {"all": mean_figures(outcomes, [query.cluster for query in queries])}
    report = _report(plan, collection.name, application, outcomes, found, began)
    digest = _digest(json.dumps([query.id, query.text, dict(query.gains)]) for query in queries)
    return Run(report.model_copy(update={"cases_sha256": digest}), query_records(queries, outcomes))


def _report(
    plan: Plan,
    name: str,
    application: Application,
    outcomes: Sequence[Outcome],
    found: dict[str, Figures],
    began: float,
) -> Report:
    manifest: Manifest = application.catalog.manifest()
    return Report(
        name=name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=time.perf_counter() - began,
        configuration=_configuration(plan, application.settings),
        versions=_versions(),
        index_id=manifest.index_id,
        documents=manifest.documents,
        passages=manifest.passages,
        cases_sha256="",
        cases=len(outcomes),
        figures=found,
        latency=latency(outcomes),
        failed={outcome.case_id: outcome.error for outcome in outcomes if outcome.error},
    )


def _configuration(plan: Plan, settings: Settings) -> dict[str, str | int | float | bool | None]:
    """What shapes the answers; no paths, which say nothing elsewhere."""
    return {
        "mode": plan.conditions.mode,
        "top_k": plan.conditions.top_k,
        "timeout": plan.conditions.timeout,
        "split": plan.split,
        "limit": plan.limit,
        "embedding_model": Path(settings.embedding_model).name,
        "embedding_precision": settings.embedding_precision,
        "passage_tokens": settings.passage_tokens,
        "candidates": settings.candidates,
    } | {name: str(value) for name, value in plan.overrides.items()}


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # run from a checkout that is not installed
            found[package] = "not installed"
    return found


def _name(plan: Plan) -> str:
    return ", ".join(path.stem for path in plan.paths) or bundled_cases().name


def digest(cases: Iterable[Case]) -> str:
    """Names exactly these cases, in whatever order."""
    return _digest(repr(case) for case in cases)


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def _counting(advance: Advance, stage: str, total: int) -> Callable[[Outcome], None]:
    done = 0

    def count(_: Outcome) -> None:
        nonlocal done
        done += 1
        advance(stage, done, total)

    return count


def with_overrides(plan: Plan, overrides: dict[str, object]) -> Plan:
    """The same plan for another configuration of the pipeline."""
    return replace(plan, overrides=overrides)

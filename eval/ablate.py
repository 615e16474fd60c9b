"""What is each part worth? The same cases asked of the pipeline with parts taken out, or judged by fewer signals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eval.calibrate import ask, examples_of, prior_weights, signal_names, stored_calibration
from eval.cases import SPLITS, InvalidCases, Split
from eval.compare import Difference, compare
from eval.evaluate import Plan, evaluate_in, external, silent, with_overrides
from eval.fitting import Example, Fit, answer_made, fit
from eval.knowing import auroc
from eval.logistic import Array
from eval.report import Run
from eval.statistics import Estimate, estimate, estimate_mean
from eval.summary import Figures
from eval.workspace import prepared
from rag.retrieve import by_rank
from rag.settings import Settings

Advance = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Variant:
    """A configuration of the pipeline: what is passed to `rag.wiring.build` beside the settings."""

    name: str
    overrides: dict[str, object]


FULL = Variant("full pipeline", {})
VARIANTS = (
    Variant("dense only", {"retrievers": ("dense",)}),
    Variant("BM25 only", {"retrievers": ("bm25",)}),
    Variant("fused by rank", {"fusion": by_rank}),
)
# What reading adds to retrieval is seen against answers that are made of the first passage as it is.
UNREAD = ("first passage", "first 3 sentences")


# What was added, in the order of its cost: retrieval is there anyway, words and names are looked up, the reader is run.
SIGNAL_GROUPS = {
    "retrieval": ("rank",),
    "words": ("coverage", "attributes", "says_more", "question_words"),
    "names and numbers": ("names_missing", "row_missing", "unknown_names", "numbers_missing"),
    "kind of answer": ("type_fits", "yes_no", "definition", "defines", "is_question"),
    "the reader's span": ("span", "span_fits"),
    "the reader's verdict": ("answerable",),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `changes` by measure against the full pipeline, where the cases can be paired."""

    name: str
    figures: Figures
    changes: dict[str, Difference]


def ablate(plan: Plan, settings: Settings, advance: Advance = silent) -> tuple[Row, ...]:
    """Run the plan once in full and once for each variant, on one index."""
    collection = external(plan)
    with prepared(collection, settings) as place:
        full = evaluate_in(place, with_overrides(plan, FULL.overrides), collection, advance)
        rows = [Row(FULL.name, full.report.figures["all"], {})]
        for variant in VARIANTS:
            run = evaluate_in(place, with_overrides(plan, variant.overrides), collection, advance)
            rows.append(Row(variant.name, run.report.figures["all"], _changes(full, run)))
    controls = full.report.controls
    rows += [Row(f"no reading: {name}", controls[name], {}) for name in UNREAD if name in controls]
    return tuple(rows)


def shown_measures(rows: Sequence[Row]) -> tuple[str, ...]:
    """The measures worth a column: of answers where there are any, else of retrieval."""
    answers = (
        "right_answerable",
        "refused_answerable",
        "answered_unanswerable",
        "passages_success@1",
        "passages_mrr@5",
    )
    retrieval = ("documents_success@1", "documents_recall@5", "documents_mrr@10", "documents_ndcg@10")
    return answers if "right_answerable" in rows[0].figures else retrieval


def _changes(full: Run, run: Run) -> dict[str, Difference]:
    return {found.measure.name: found for found in compare(full, run).differences}


@dataclass(frozen=True, slots=True)
class SignalRow:
    """How far a decision gets that is fitted on some signals of the development cases; figures by split.

    `best_right`: of the answerable questions, how often the answer would be right; `auroc`: how well its probability
    tells answerable from unanswerable questions. Those of the development split are cross-validated.
    """

    name: str
    best_right: dict[Split, Estimate]
    auroc: dict[Split, Estimate]


def ablate_signals(path: Path, settings: Settings, advance: Advance = silent) -> tuple[SignalRow, ...]:
    """Fit the decision on ever more signals of the development cases, and judge both splits by each fit.

    Raises:
        InvalidCases: nothing can be fitted on the cases.
    """
    asked = {split: ask(path, settings, split, advance) for split in SPLITS}
    known = signal_names(answer for its in asked.values() for answer in its.answers)
    rows: list[SignalRow] = []
    names: list[str] = []
    for group, members in SIGNAL_GROUPS.items():
        names += [name for name in members if name in known]
        examples = {split: examples_of(its, names) for split, its in asked.items()}
        prior = prior_weights(stored_calibration(), names)
        fitted = fit(examples["development"], names, prior)
        judged = {"development": (fitted.confidence, fitted.right), "test": _judged(fitted, examples["test"])}
        figures = {split: _signal_figures(examples[split], *judged[split]) for split in SPLITS}
        rows.append(
            SignalRow(
                name=group if not rows else f"+ {group}",
                best_right={split: found[0] for split, found in figures.items()},
                auroc={split: found[1] for split, found in figures.items()},
            )
        )
    return tuple(rows)


def _judged(fitted: Fit, examples: Sequence[Example]) -> tuple[Array, Array]:
    """Of each example's best sentence the probability, and whether the answer that it leads is right."""
    best = np.array([answer_made(fitted.model, found) for found in examples])
    return best[:, 0], best[:, 1]


def _signal_figures(
    examples: Sequence[Example], confidence: Array, right: Array
) -> tuple[Estimate, Estimate]:
    answerable = np.array([found.answerable for found in examples])
    clusters = [found.cluster for found in examples]
    best_right = estimate_mean(
        right[answerable], [c for c, its in zip(clusters, answerable, strict=True) if its]
    )
    separates = estimate(lambda at: auroc(confidence[at], answerable[at]), clusters)
    if separates is None:
        raise InvalidCases("To ablate signals takes questions that can be answered and some that cannot.")
    return best_right, separates

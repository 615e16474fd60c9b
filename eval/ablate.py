"""What is each part worth? The same cases asked of the pipeline with parts taken out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from eval.compare import Difference, compare
from eval.evaluate import Plan, evaluate_in, external, silent, with_overrides
from eval.report import Run
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

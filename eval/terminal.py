"""What the eval commands print."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from eval.ablate import Row, SignalRow, shown_measures
from eval.calibrate import Decision
from eval.cases import SPLITS
from eval.compare import Comparison, Difference
from eval.conversation import ShareFigure
from eval.measures import HEADLINE, MEASURES, Measure, shown
from eval.report import Report
from eval.statistics import Estimate
from eval.summary import split_columns

# Every few thresholds: the file holds all.
THRESHOLD_STEP = 5


def print_run(report: Report, comparison: Comparison | None, folder: Path) -> None:
    """The headline of each split, the change against the baseline and where the report is."""
    console = Console(highlight=False)
    columns = split_columns(report.figures)
    table = _table("", *columns)
    names = [name for name in HEADLINE if name in report.figures["all"]] or list(report.figures["all"])
    for name in names:
        table.add_row(
            MEASURES[name].title, *(_figure(found.get(name), MEASURES[name]) for found in columns.values())
        )
    console.print(table)
    for case_id, error in report.failed.items():
        console.print(f"[red]{case_id}[/]: {error}", markup=True)
    if comparison:
        print_comparison(comparison)
    console.print(f"{report.cases} questions in {report.seconds:.0f} s. {folder / 'report.html'}")


def print_comparison(comparison: Comparison) -> None:
    """Every measure of both runs with the interval of its difference, and the verdict."""
    console = Console(highlight=False)
    table = _table("", "first", "second", "change", "better", "worse", "p")
    for found in comparison.differences:
        measure = found.measure
        table.add_row(
            measure.title,
            shown(found.first, measure),
            shown(found.second, measure),
            _change(found),
            str(len(found.wins)),
            str(len(found.losses)),
            f"{found.p:.3f} {found.test}",
        )
    console.print(table)
    unpaired = f", {len(comparison.unpaired)} without a partner" if comparison.unpaired else ""
    console.print(
        f"{comparison.paired} questions paired{unpaired}. The second is [bold]{comparison.verdict}[/]."
    )


def print_fit(decision: Decision, path: Path) -> None:
    """The error rates along the threshold, the chosen one, and how the confidence fares on cases left out."""
    console = Console(highlight=False)
    fitted = decision.fit
    table = _table(
        "threshold", "answerable refused", "unanswerable answered", "wrong of answered", "answered", "cost"
    )
    for place, rate in enumerate(fitted.error_rates):
        chosen = rate.threshold == fitted.threshold
        if chosen or place % THRESHOLD_STEP == THRESHOLD_STEP - 1:
            shares = (
                rate.refused_answerable,
                rate.answered_unanswerable,
                rate.wrong_of_answered,
                rate.coverage,
            )
            cells = [f"{rate.threshold:.2f}", *(f"{share:.1%}" for share in shares), f"{rate.cost:.3f}"]
            table.add_row(*cells, style="bold" if chosen else "")
    console.print(table)
    weights = ", ".join(
        f"{name} {weight:+.2f}"
        for name, weight in zip(fitted.feature_names, fitted.model.weights, strict=True)
    )
    console.print(f"Fitted on {fitted.cases} development cases: {weights}, bias {fitted.model.bias:+.2f}.")
    for its in decision.collections:
        console.print(
            f"{its.collection} ({its.cases} cases), left out of the fit: AUROC {its.auroc:.3f}, "
            f"calibration error {its.expected_calibration_error:.3f}."
        )
    console.print(
        f"Left out of the fit: AUROC {fitted.auroc:.3f}, calibration error {fitted.calibration_error:.3f}. "
        f"Threshold {fitted.threshold:.2f}, stored in {path}."
    )


def print_ablation(rows: Sequence[Row]) -> None:
    """A row a configuration, with the interval of its difference from the full pipeline."""
    console = Console(highlight=False)
    names = shown_measures(rows)
    table = _table("", *(MEASURES[name].title for name in names))
    for row in rows:
        cells = []
        for name in names:
            figure, change = row.figures.get(name), row.changes.get(name)
            moved = f"\n[dim]{_change(change)}[/]" if change else ""
            cells.append((shown(figure.value, MEASURES[name]) if figure else "") + moved)
        table.add_row(row.name, *cells)
    console.print(table)


def print_signals(rows: Sequence[SignalRow]) -> None:
    """A row for each group of signals that was added."""
    console = Console(highlight=False)
    columns = [(name, split) for name in ("best_right", "auroc") for split in SPLITS]
    titles = {"best_right": "best sentence right", "auroc": "AUROC of answerable"}
    table = _table("", *(f"{titles[name]}, {split}" for name, split in columns))
    for row in rows:
        table.add_row(row.name, *(str(getattr(row, name)[split]) for name, split in columns))
    console.print(table, markup=False)


def print_shares(measure: str, figures: Sequence[ShareFigure]) -> None:
    """A row a figure, with its interval for each split."""
    console = Console(highlight=False)
    splits = list(dict.fromkeys(split for figure in figures for split in figure.columns))
    table = _table(measure, *splits)
    for figure in figures:
        shares = (figure.columns.get(split) for split in splits)
        table.add_row(figure.name, *(_share(share) if share else "" for share in shares))
    console.print(table)


def _share(found: Estimate) -> str:
    return f"{found.value:.3f} [dim]\\[{found.low:.3f}, {found.high:.3f}] n={found.n}[/]"


def _table(*columns: str) -> Table:
    table = Table(header_style="bold")
    for place, name in enumerate(columns):
        table.add_column(name, justify="left" if place == 0 else "right")
    return table


def _figure(figure: Estimate | None, measure: Measure) -> str:
    if figure is None:
        return ""
    low, high = (shown(value, measure).removesuffix(" %") for value in (figure.low, figure.high))
    return f"{shown(figure.value, measure)} [dim]\\[{low}, {high}] n={figure.n}[/]"


def _change(found: Difference) -> str:
    scale, digits = {"share": (100, 1), "score": (1, 3), "count": (1, 0)}[found.measure.unit]
    change = found.change
    value, low, high = (f"{scale * part:+.{digits}f}" for part in (change.value, change.low, change.high))
    return f"{value} \\[{low}, {high}]"

"""The report as Markdown, and the table of figures that stands in the README."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eval.compare import Comparison
from eval.measures import GROUPS, HEADLINE, MEASURES, Measure, shown
from eval.report import Report, Run
from eval.statistics import Estimate
from eval.summary import Figures, by_dimension, split_columns

CONTROL_COLUMNS = ("right_answerable", "refused_answerable", "answered_unanswerable", "nugget_recall")


def markdown_report(run: Run, comparison: Comparison | None = None) -> str:
    """Headline, controls, slices, time and what went wrong; the questions themselves are in the page."""
    report = run.report
    columns = split_columns(report.figures)
    present = [
        m for group in GROUPS.values() for m in group if any(m.name in found for found in columns.values())
    ]
    parts = [
        f"# Answers on {report.name}",
        f"{report.cases} questions, {report.documents} documents, {report.passages} passages, index "
        f"`{report.index_id}`, {report.created[:10]}. Brackets: 95 % bootstrap intervals, by cluster.",
        _figures_table(present, columns),
    ]
    if comparison:
        parts += ["## Change against the baseline", _change_table(comparison)]
    if report.controls:
        rows = {"this run": report.figures["all"]} | report.controls
        parts += ["## Controls", _rows_table(rows, CONTROL_COLUMNS)]
    types = by_dimension(report.figures, "type")
    if types:
        ordered = dict(sorted(types.items(), key=lambda item: item[1]["right"].value))
        parts += [
            "## By type",
            _rows_table(ordered, ("right", "refused_answerable", "answered_unanswerable")),
        ]
    if report.latency:
        parts += ["## Milliseconds", _latency_table(report)]
    if report.judge:
        grades = [(name.replace("_", " "), str(value)) for name, value in report.judge.items()]
        parts += ["## Judge", _table(("", ""), grades)]
    if report.causes:
        parts += [
            "## Wrong, by cause",
            _table(("cause", "n"), [(k, str(v)) for k, v in report.causes.items()]),
        ]
    if report.failed:
        parts += [
            "## Crashed or timed out",
            "\n".join(f"- `{key}`: {error}" for key, error in report.failed.items()),
        ]
    return "\n\n".join(parts) + "\n"


def figures_table(report: Report) -> str:
    """The table for the README: the headline on each split, with what it was measured on."""
    columns = by_dimension(report.figures, "split") or {"all": report.figures["all"]}
    measures = [MEASURES[name] for name in HEADLINE if any(name in found for found in columns.values())]
    time = report.latency.get("total")
    timed = f" Median time of an answer: {time.median:.0f} ms." if time else ""
    return (
        f"{_figures_table(measures, columns)}\n\n"
        f"{report.cases} questions on {report.documents} documents; in brackets 95 % intervals.{timed}"
    )


def _figures_table(measures: Sequence[Measure], columns: Mapping[str, Figures]) -> str:
    counts = {
        name: max((figure.n for figure in found.values()), default=0) for name, found in columns.items()
    }
    head = ("", *(f"{name} (n = {counts[name]})" for name in columns))
    rows = [(m.title, *(_figure(found.get(m.name), m) for found in columns.values())) for m in measures]
    return _table(head, rows)


def _rows_table(rows: Mapping[str, Figures], names: Sequence[str]) -> str:
    head = ("", "n", *(MEASURES[name].title for name in names))
    lines = []
    for label, figures in rows.items():
        count = max(figure.n for figure in figures.values())
        lines.append((label, str(count), *(_figure(figures.get(name), MEASURES[name]) for name in names)))
    return _table(head, lines)


def _change_table(comparison: Comparison) -> str:
    rows = []
    for found in comparison.differences:
        change, unit = found.change, 100 if found.measure.unit == "share" else 1
        moved = f"{unit * change.value:+.3g} [{unit * change.low:+.3g}, {unit * change.high:+.3g}]"
        before, after = shown(found.first, found.measure), shown(found.second, found.measure)
        rows.append(
            (
                found.measure.title,
                before,
                after,
                moved,
                f"{len(found.wins)} / {len(found.losses)}",
                f"{found.p:.3f}",
            )
        )
    table = _table(("", "before", "after", "change", "better / worse", "p"), rows)
    return f"{comparison.paired} questions paired: **{comparison.verdict}**.\n\n{table}"


def _latency_table(report: Report) -> str:
    rows = [
        (stage, f"{time.median:.1f}", f"{time.p95:.1f}", f"{time.p99:.1f}")
        for stage, time in report.latency.items()
    ]
    return _table(("stage", "median", "95 %", "99 %"), rows)


def _figure(figure: Estimate | None, measure: Measure) -> str:
    if figure is None:
        return ""
    low, high = (shown(value, measure).removesuffix(" %") for value in (figure.low, figure.high))
    return f"{shown(figure.value, measure)} [{low}, {high}]"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)

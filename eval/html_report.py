"""The report as one page that needs nothing beside it: no network, no other file, readable without its script."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from importlib.resources import files
from string import Template

from eval import plots
from eval.compare import Comparison
from eval.html_answers import right_answers, wrong_answers
from eval.measures import GROUPS, HEADLINE, MEASURES, Measure, shown
from eval.report import Report, Run
from eval.statistics import Estimate
from eval.summary import Figures, by_dimension, split_columns

CONTROL_COLUMNS = (
    "right_answerable",
    "refused_answerable",
    "answered_unanswerable",
    "nugget_recall",
    "answer_characters",
)


def html_report(run: Run, comparison: Comparison | None = None, reveal_test: bool = False) -> str:
    """The page. Wrong answers of the test split are counted but not shown, unless `reveal_test`.

    With a `comparison`, of this run against another, the changes stand beside the figures.
    """
    report = run.report
    sections = (
        ("", _head(report)),
        ("", _headline(report, comparison)),
        ("Figures", _figures_table(report)),
        ("Change", _change_table(comparison) if comparison else ""),
        ("Controls", _controls_table(report)),
        ("Slices", _slices_table(report)),
        ("Confidence", _confidence(report)),
        ("Time", _time(report)),
        ("Judge", _judge(report)),
        ("Wrong answers", wrong_answers(run, reveal_test)),
        ("Right answers", right_answers(run, reveal_test)),
        ("How it was made", _provenance(report)),
    )
    named = [(title, body) for title, body in sections if title and body]
    links = "".join(f'<a href="#{_anchor(title)}">{title}</a>' for title, _ in named)
    parts = [body for title, body in sections if not title and body]
    parts.insert(1, f"<nav>{links}</nav>")
    parts += [f'<section id="{_anchor(title)}"><h2>{title}</h2>{body}</section>' for title, body in named]
    template = Template((files("eval") / "templates" / "report.html").read_text(encoding="utf-8"))
    return template.safe_substitute(title=escape(f"Answers on {report.name}"), body="\n".join(parts))


def _head(report: Report) -> str:
    figures = report.figures["all"]
    unanswerable = figures["answered_unanswerable"].n if "answered_unanswerable" in figures else 0
    kinds = f" ({report.cases - unanswerable} answerable, {unanswerable} not)" if unanswerable else ""
    split = report.configuration.get("split")
    return (
        f"<h1>How right are the answers on “{escape(report.name)}”?</h1>"
        f'<div class="note-text">{report.cases} questions{kinds}{f", {split} split" if split else ""}, '
        f"{report.documents} documents in {report.passages} passages, "
        f"asked in {report.seconds:.0f} s on {report.created[:10]}. Brackets hold 95 % intervals.</div>"
    )


def _headline(report: Report, comparison: Comparison | None) -> str:
    changes = {found.measure.name: found for found in comparison.differences} if comparison else {}
    figures = report.figures["all"]
    names = [name for name in HEADLINE if name in figures] or list(figures)[:8]
    cards = []
    for name in names:
        measure, figure = MEASURES[name], figures[name]
        change = changes.get(name)
        moved = f'<div class="change">{_change(measure, change.change)}</div>' if change else ""
        cards.append(
            f'<div class="card" title="{escape(measure.meaning)}"><div class="name">{measure.title}</div>'
            f'<div class="value">{shown(figure.value, measure)}</div>'
            f'<div class="interval">{_interval(figure, measure)} · n = {figure.n}</div>{moved}</div>'
        )
    if "total" in report.latency:
        time = report.latency["total"]
        cards.append(
            '<div class="card"><div class="name">time to answer</div>'
            f'<div class="value">{time.median:.0f} ms</div>'
            f'<div class="interval">median; 95 % within {time.p95:.0f} ms · n = {time.n}</div></div>'
        )
    return f'<div class="headline">{"".join(cards)}</div>'


def _figures_table(report: Report) -> str:
    columns = split_columns(report.figures)
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    rows = []
    for group, measures in GROUPS.items():
        present = [
            measure for measure in measures if any(measure.name in found for found in columns.values())
        ]
        if present:
            rows.append(f'<tr class="group"><td colspan="{len(columns) + 1}">{group}</td></tr>')
        for measure in present:
            cells = "".join(_cell(found.get(measure.name), measure) for found in columns.values())
            title = f'{measure.title}<span class="meaning">{escape(measure.meaning)}</span>'
            rows.append(f"<tr><td>{title}</td>{cells}</tr>")
    return (
        "<p>Every figure with its 95 % bootstrap interval, resampled by cluster, and the number of cases that it "
        "is made of. A crash or a timeout counts as wrong.</p>"
        f'<div class="card scroll"><table><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _change_table(comparison: Comparison) -> str:
    rows = []
    for found in comparison.differences:
        measure = found.measure
        rows.append(
            f"<tr><td>{measure.title}</td><td>{shown(found.first, measure)}</td>"
            f"<td>{shown(found.second, measure)}</td><td>{_change(measure, found.change)}</td>"
            f"<td>{len(found.wins)}</td><td>{len(found.losses)}</td>"
            f"<td>{found.p:.3f} <small>{found.test}</small></td></tr>"
        )
    losses = next((found.losses for found in comparison.differences if found.measure.name == "right"), ())
    turned = f"<p>Turned wrong: {', '.join(map(_code, losses))}</p>" if losses else ""
    return (
        f"<p>Against the baseline, {comparison.paired} questions paired: <b>{comparison.verdict}</b>. "
        "The interval of the difference decides, not the difference.</p>"
        '<div class="card scroll"><table><thead><tr><th></th><th>baseline</th><th>this run</th><th>change</th>'
        f"<th>better</th><th>worse</th><th>p</th></tr></thead><tbody>{''.join(rows)}</tbody></table></div>{turned}"
    )


def _controls_table(report: Report) -> str:
    if not report.controls:
        return ""
    own = report.figures["all"]
    rows = [_control_row("this run", own, "own")]
    rows += [_control_row(name, found, "") for name, found in report.controls.items()]
    head = "".join(f"<th>{MEASURES[name].title}</th>" for name in CONTROL_COLUMNS)
    return (
        "<p>The same questions, answered by rules that know nothing, and by the sentences known to answer. A figure "
        "means what it is above the former and below the latter.</p>"
        f'<div class="card scroll"><table><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _control_row(name: str, figures: Figures, kind: str) -> str:
    cells = "".join(_cell(figures.get(column), MEASURES[column], with_n=False) for column in CONTROL_COLUMNS)
    return f'<tr class="{kind}"><td>{escape(name)}</td>{cells}</tr>'


def _slices_table(report: Report) -> str:
    rows = []
    for dimension, title in (("type", "By type of question"), ("difficulty", "By difficulty")):
        found = by_dimension(report.figures, dimension)
        if found:
            rows.append(f'<tr class="group"><td colspan="6">{title}</td></tr>')
        rows += [_slice_row(name, figures) for name, figures in sorted(found.items(), key=_worst_first)]
    if not rows:
        return ""
    return (
        "<p>Worst first. A slice of few questions has a wide interval: read that, not the point.</p>"
        '<div class="card scroll"><table><thead><tr><th></th><th>n</th><th>right</th><th></th>'
        "<th>answerable refused</th><th>unanswerable answered</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _worst_first(item: tuple[str, Figures]) -> float:
    return item[1]["right"].value


def _slice_row(name: str, figures: Figures) -> str:
    right = figures["right"]
    columns = ("refused_answerable", "answered_unanswerable")
    others = "".join(_cell(figures.get(column), MEASURES[column], with_n=False) for column in columns)
    return (
        f"<tr><td>{escape(name)}</td><td>{right.n}</td><td>{shown(right.value, MEASURES['right'])}</td>"
        f"<td>{plots.whisker(right)}</td>{others}</tr>"
    )


def _confidence(report: Report) -> str:
    knowing = report.knowing
    if knowing is None:
        return ""
    return (
        "<p>Left: answering only the most confident share of the questions, how many of those would be wrong; an "
        "unanswerable question is wrong whatever is said. Right: of the answers given with some confidence, the "
        "share that is right; numbers are counts.</p>"
        f'<div class="plots"><div class="card">{plots.risk_coverage_plot(knowing)}</div>'
        f'<div class="card">{plots.calibration_plot(knowing)}</div></div>'
    )


def _time(report: Report) -> str:
    if not report.latency:
        return ""
    plot = plots.latency_plot(report.latency)
    return f'<p>One question at a time, in this process.</p><div class="card">{plot}</div>'


def _judge(report: Report) -> str:
    if not report.judge:
        return ""
    rows = "".join(
        f"<tr><td>{escape(name.replace('_', ' '))}</td><td>{escape(str(value))}</td></tr>"
        for name, value in report.judge.items()
    )
    return (
        "<p>An LLM's opinion of the answers given. What it said that is no grade is unscored, and in no share. "
        "Agreement is with the deterministic measures above.</p>"
        f'<div class="card scroll"><table><tbody>{rows}</tbody></table></div>'
    )


def _provenance(report: Report) -> str:
    facts: Mapping[str, object] = {
        **report.configuration,
        "index": report.index_id,
        "cases": report.cases_sha256[:16],
        **report.versions,
    }
    listed = "".join(
        f"<div>{escape(name)}: {_code(value)}</div>" for name, value in facts.items() if value is not None
    )
    failed = "".join(f"<div>{_code(key)}: {escape(error)}</div>" for key, error in report.failed.items())
    crashes = f"<p>Crashed or timed out, counted as wrong:</p>{failed}" if failed else ""
    return f'{crashes}<div class="card facts">{listed}</div>'


def _cell(figure: Estimate | None, measure: Measure, with_n: bool = True) -> str:
    if figure is None:
        return "<td></td>"
    number = f" n={figure.n}" if with_n else ""
    return f"<td>{shown(figure.value, measure)} <small>{_interval(figure, measure)}{number}</small></td>"


def _interval(figure: Estimate, measure: Measure) -> str:
    low, high = (shown(value, measure).removesuffix(" %") for value in (figure.low, figure.high))
    return f"[{low}, {high}]"


def _change(measure: Measure, change: Estimate) -> str:
    better = (change.value > 0) == measure.higher_is_better
    sure = change.low > 0 or change.high < 0
    kind = ("better" if better else "worse") if sure else ""
    scale, digits = {"share": (100, 1), "score": (1, 3), "count": (1, 0)}[measure.unit]
    value, low, high = (f"{scale * part:+.{digits}f}" for part in (change.value, change.low, change.high))
    return f'<span class="{kind}">{value}</span> <small>[{low}, {high}]</small>'


def _code(value: object) -> str:
    return f"<code>{escape(str(value))}</code>"


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")

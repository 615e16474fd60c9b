"""A measurement as HTML: what its figures mean to a person, with intervals, curves and examples. Pure."""

from __future__ import annotations

from pathlib import Path

from ui import plots
from ui.evaluation import Case, Curves, Evaluation, Figure, examples, own_folder
from ui.markup import text
from ui.messages import message
from ui.sources import clipped
from ui.wording import counted, date_in_words

# What a reader must see side by side: how many are right never without how many are refused and made up.
HEADLINE = (
    "right_answerable",
    "answered_unanswerable",
    "refused_answerable",
    "citation_integrity",
    "citation_recall",
    "gold_quote_hit",
)
ANSWER_CHARACTERS, QUOTE_CHARACTERS = 320, 240


def measured(evaluation: Evaluation, index_id: str | None, data_dir: Path, language: str) -> str:
    """The whole page; `index_id` is that of the record in use, to say whether it is what was measured."""
    report = evaluation.report
    when = date_in_words(report.created[:10], language)
    about = message(
        "accuracy.about",
        language,
        questions=counted(report.cases, "question", language),
        documents=counted(report.documents, "document", language),
        date=f'<time datetime="{text(report.created)}">{text(when)}</time>',
    )
    return (
        f"<section><h2>{message('accuracy.title', language)}</h2><p>{about}</p>"
        f"{_other_record(report.index_id, index_id, data_dir, language)}{_headline(evaluation, language)}"
        f'<p class="remark">{message("accuracy.intervals", language)}</p></section>'
        f"{_curves(report.knowing, language) if report.knowing else ''}{_examples(evaluation, language)}"
    )


def unmeasured(data_dir: Path, language: str) -> str:
    """Why there is nothing to show, and how to have something."""
    return (
        f'<section class="none"><h2>{message("accuracy.none", language)}</h2>'
        f"<p>{message('accuracy.none.note', language)}</p>{command(data_dir)}</section>"
    )


def command(data_dir: Path) -> str:
    """What to type to measure this record."""
    folder = text(_quoted(str(own_folder(data_dir))))
    return f'<pre tabindex="0"><code>mission-record eval run --cases my.jsonl --out {folder}</code></pre>'


def _quoted(path: str) -> str:
    return f'"{path}"' if " " in path else path


def _other_record(measured_id: str, index_id: str | None, data_dir: Path, language: str) -> str:
    if index_id is None or measured_id == index_id:
        return ""
    return f'<div class="notice"><p>{message("accuracy.other", language)}</p>{command(data_dir)}</div>'


def _headline(evaluation: Evaluation, language: str) -> str:
    figures = evaluation.report.figures.get("all", {})
    cards = "".join(_card(name, figures[name], language) for name in HEADLINE if name in figures)
    return f'<dl class="headline">{cards}</dl>'


def _card(name: str, figure: Figure, language: str) -> str:
    span = message(
        "accuracy.interval",
        language,
        low=_percent(figure.low),
        high=_percent(figure.high),
        n=f"{figure.n:,}",
    )
    return (
        f'<div class="card"><dt>{message(f"accuracy.{name}", language)}</dt>'
        f"<dd><strong>{_percent(figure.value)}</strong>{plots.interval(figure)}<span>{span}</span></dd>"
        f'<dd class="meaning">{message(f"accuracy.{name}.note", language)}</dd></div>'
    )


def _percent(share: float) -> str:
    """To a whole percent, but 100 and 0 only where there is nothing else."""
    if 0 < share < 0.005 or 0.995 <= share < 1:
        return f"{100 * share:.1f}%"
    return f"{100 * share:.0f}%"


def _curves(curves: Curves, language: str) -> str:
    drawn = (
        ("risk", plots.risk_coverage(curves, language)),
        ("calibration", plots.calibration(curves.calibration, language)),
    )
    figures = "".join(
        f"<figure><figcaption><h3>{message(f'accuracy.{name}.title', language)}</h3>"
        f"<p>{message(f'accuracy.{name}.note', language)}</p></figcaption>{plot}</figure>"
        for name, plot in drawn
        if plot
    )
    return (
        f'<section class="curves"><h2>{message("accuracy.knowing", language)}</h2>'
        f"{figures}{_table(curves, language)}</section>"
    )


def _table(curves: Curves, language: str) -> str:
    rows = "".join(
        f"<tr><td>{_percent(found.confidence)}</td><td>{_percent(found.accuracy)}</td><td>{found.n:,}</td></tr>"
        for found in curves.calibration
    )
    head = "".join(
        f'<th scope="col">{message(f"accuracy.{name}", language)}</th>'
        for name in ("confidence", "share", "answers")
    )
    return (
        f'<details class="table"><summary>{message("pictures.table", language)}</summary>'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></details>"
    )


def _examples(evaluation: Evaluation, language: str) -> str:
    groups = "".join(
        f'<div class="group {kind}"><h3>{message(f"accuracy.examples.{kind}", language)}</h3>'
        f"{''.join(_example(case, language) for case in cases)}</div>"
        for kind, cases in examples(evaluation.cases).items()
        if cases
    )
    if not groups:
        return ""
    return (
        f'<section class="examples"><h2>{message("accuracy.examples", language)}</h2>'
        f"<p>{message('accuracy.examples.note', language)}</p>{groups}</section>"
    )


def _example(case: Case, language: str) -> str:
    quote = ""
    if case.outcome.citations:
        cited = case.outcome.citations[0]
        quote = (
            f'<blockquote dir="auto">{text(clipped(cited.quote, QUOTE_CHARACTERS))}'
            f"<footer>{text(cited.title)}</footer></blockquote>"
        )
    sure = ""
    if case.answered:
        share = _percent(case.outcome.confidence)
        sure = f'<p class="sure">{message("accuracy.sure", language, confidence=share)}</p>'
    answer = text(clipped(case.outcome.answer_plain, ANSWER_CHARACTERS))
    return (
        f'<article><p class="asked" dir="auto">{text(case.turns[-1])}</p><p class="said" dir="auto">{answer}</p>'
        f"{quote}{sure}</article>"
    )

"""The questions of a run as cards of its page, the wrong ones first."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from eval import plots
from eval.report import Record, Run


def wrong_answers(run: Run, reveal_test: bool) -> str:
    """Causes, a choice of what to see, and each wrong answer; those of the test split are counted, not shown."""
    if not run.report.causes:
        return ""
    wrong = sorted((record for record in run.records if record.wrong), key=lambda r: -r.outcome.confidence)
    visible = [record for record in wrong if reveal_test or record.split != "test"]
    hidden = len(wrong) - len(visible)
    withheld = (
        f"<p>{hidden} wrong answers of the test split are not shown, so that nobody tunes on them; "
        "<code>--reveal-test</code> shows them.</p>"
        if hidden
        else ""
    )
    tools = (
        f'<div class="tools">{_choice("cause", "every cause", (record.cause for record in visible))}'
        f"{_choice('type', 'every type', (record.type for record in visible))}"
        '<input type="search" id="search" placeholder="words in the question or the answer" aria-label="search">'
        '<span id="count"></span></div>'
    )
    cards = "".join(_answer(record) for record in visible)
    return (
        f'<p>By the first stage that went wrong; the surest answers first.</p><div class="card">'
        f'{plots.bars(run.report.causes)}</div>{withheld}{tools}<div id="wrong">{cards}</div>'
    )


def right_answers(run: Run, reveal_test: bool) -> str:
    """All the others, folded away."""
    visible = [
        record for record in run.records if not record.wrong and (reveal_test or record.split != "test")
    ]
    if not visible or not run.report.causes:
        return ""
    cards = "".join(_answer(record) for record in visible)
    return f"<details><summary>{len(visible)} that are right</summary>{cards}</details>"


def _choice(name: str, every: str, values: Iterable[str]) -> str:
    options = "".join(f"<option>{escape(value)}</option>" for value in sorted(set(values)))
    return f'<select id="{name}" aria-label="{name}"><option value="">{every}</option>{options}</select>'


def _answer(record: Record) -> str:
    outcome = record.outcome
    tags = [("cause", record.cause)] if record.wrong else []
    tags += [("", record.id), ("", record.type), ("", f"confidence {outcome.confidence:.2f}")]
    shown_tags = "".join(f'<span class="tag {kind}">{escape(text)}</span>' for kind, text in tags)
    earlier = "".join(f'<div class="turn">{escape(turn)}</div>' for turn in record.turns[:-1])
    said = outcome.answer_plain or outcome.error or ""
    rows: list[tuple[str, str]] = [("expected", _expected(record)), ("said", escape(said))]
    if len(record.turns) > 1 or outcome.standalone_question != record.turns[-1]:
        rows.append(("searched", escape(outcome.standalone_question)))
    if outcome.citations:
        rows.append(
            ("sources", _quotes(f"{cited.document_id}: {cited.quote}" for cited in outcome.citations))
        )
    if record.wrong and record.gold:
        rows.append(("gold", _quotes(record.gold)))
    if record.wrong and not outcome.answered and outcome.evidence:
        best = outcome.evidence[0]
        rows.append(("best read", _quotes([f"{best.document_id}: {best.text} ({best.score:.2f})"])))
    listed = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in rows if text)
    kind = "" if record.wrong else " right"
    return (
        f'<article class="answer{kind}" data-cause="{escape(record.cause)}" data-type="{escape(record.type)}">'
        f'{earlier}<div class="question">{escape(record.turns[-1])}</div>'
        f'<div class="tags">{shown_tags}</div><dl>{listed}</dl></article>'
    )


def _expected(record: Record) -> str:
    if record.expect == "not_found":
        return "that the record does not say"
    expected = "; ".join(record.nuggets)
    if record.forbidden:
        expected += f" — and not: {'; '.join(record.forbidden)}"
    return escape(expected)


def _quotes(texts: Iterable[str]) -> str:
    return "".join(f"<blockquote>{escape(text)}</blockquote>" for text in texts)

"""The conversation as HTML. Pure: the same conversation gives the same HTML.

Questions, documents and models are untrusted: all their text goes through `ui.markup`. The only links lead to
anchors of the same page and to `/documents/`. What `data-` attributes of buttons stand for is in `assets/window.js`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from rag.domain import MAX_QUESTION_CHARACTERS, Answer, Filters, Manifest, Rating
from rag.errors import InvalidQuestion
from ui.conversation import Conversation, Exchange, Problem
from ui.markup import markdown, text
from ui.messages import DEFAULT_LANGUAGE, LANGUAGES, message, messages
from ui.sources import clipped
from ui.transcript import with_sources
from ui.wording import confidence_in_words, counted, date_in_words, kind_in_words

THUMB = (
    '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M7 10.5v9.5H3.5v-9.5zM7 10.5l4-7.5c1.4 0 2.5 1.1 2.5'
    ' 2.5V9h5.2a2 2 0 0 1 2 2.4l-1.3 7a2 2 0 0 1-2 1.6H7"/></svg>'
)


@dataclass(frozen=True, slots=True)
class Rated:
    """What a person thought of an answer, and whether they have said why."""

    rating: Rating
    commented: bool = False


Ratings = Mapping[str, Rated]
NO_RATINGS: Ratings = MappingProxyType({})


def header(manifest: Manifest | None, language: str) -> str:
    """The head of the page; without a manifest the counts are left open."""
    counts = ""
    if manifest is not None:
        documents = counted(manifest.documents, "document", language)
        counts = f"{documents} · {counted(manifest.passages, 'passage', language)}"
    return (
        f'<header><h1>{message("window.title", language)}</h1><p class="status">{counts}</p>'
        f"{_languages(language)}</header>"
    )


def _languages(current: str) -> str:
    # Relative to the window in use, so that it also works below another path than the root of a host.
    start = "./" if current == DEFAULT_LANGUAGE else "../"
    links = "".join(
        f'<a href="{start}?language={tag}" lang="{tag}" hreflang="{tag}"{_current(tag == current)}>{name}</a>'
        for tag, name in LANGUAGES.items()
    )
    return f'<nav class="languages" aria-label="{message("window.languages", current)}">{links}</nav>'


def _current(yes: bool) -> str:
    return ' aria-current="true"' if yes else ""


def problem(problem: Problem, language: str) -> str:
    """What is wrong and what to do; calm, in the place of what could not be shown."""
    label, told = _explained(problem, language)
    return f'<div class="reply problem" role="alert"><p class="label">{label}</p><p dir="auto">{text(told)}</p></div>'


def _explained(problem: Problem, language: str) -> tuple[str, str]:
    label = messages(language).get(f"error.{problem.code}", message("error.other", language))
    return label, problem.text or message("error.unexpected", language)


def conversation(exchanges: Conversation, language: str, ratings: Ratings = NO_RATINGS) -> str:
    """All questions with their answers, oldest first; before the first question, what to do.

    `ratings` has those given so far, by answer id.
    """
    if not exchanges:
        return (
            f'<section class="welcome"><h2>{message("chat.welcome.title", language)}</h2>'
            f"<p>{message('chat.welcome.text', language)}</p></section>"
        )
    last = len(exchanges)
    return "".join(
        f'<article class="turn" id="turn-{turn}" aria-label="{message("chat.turn", language, number=turn)}">'
        f'<h2 class="question" dir="auto">{text(clipped(exchange.question, MAX_QUESTION_CHARACTERS))}</h2>'
        f"{_reply(turn, exchange, language, ratings)}{_again(exchange, language) if turn == last else ''}</article>"
        for turn, exchange in enumerate(exchanges, start=1)
    )


def questions(found: Sequence[str], heading: str) -> str:
    """Questions to choose from; nothing for none."""
    if not found:
        return ""
    buttons = "".join(
        f'<li><button type="button" data-ask="{text(question)}" dir="auto">{text(question)}</button></li>'
        for question in found
    )
    return f'<section class="questions" aria-label="{heading}"><h2>{heading}</h2><ul>{buttons}</ul></section>'


def filters(active: Filters, titles: Mapping[str, str], language: str) -> str:
    """What the search is limited to, each with a button that lifts it; nothing where there is no limit."""
    if not active:
        return ""
    chips = "".join(
        f'<li><button type="button" data-action="lift" data-field="{field}" data-value="{text(value)}"'
        f' aria-label="{text(message("filters.remove", language, filter=label))}">{text(label)}</button></li>'
        for field, value, label in _limits(active, titles, language)
    )
    return (
        f'<section aria-label="{message("filters.label", language)}"><p>{message("filters.label", language)}</p>'
        f'<ul>{chips}</ul><button type="button" class="plain" data-action="lift">'
        f"{message('filters.clear', language)}</button></section>"
    )


def _limits(active: Filters, titles: Mapping[str, str], language: str) -> list[tuple[str, str, str]]:
    """Field, value and label of each limit; a document goes by its title."""
    limits = [("kinds", kind, kind_in_words(kind)) for kind in active.kinds]
    limits += [("document_ids", name, clipped(titles.get(name, name), 60)) for name in active.document_ids]
    for field, value in (("from", active.published_from), ("to", active.published_to)):
        if value:
            label = message(f"filters.{field}", language, date=date_in_words(value, language))
            limits.append((f"published_{field}", value, label))
    return limits


def announcement(exchange: Exchange, language: str) -> str:
    """What a screen reader says once an exchange has come to its end."""
    if exchange.pending:
        return ""
    if exchange.problem is not None:
        return text(". ".join(_explained(exchange.problem, language)))
    if exchange.answer is None:
        return message("chat.stopped", language)
    if exchange.answer.status == "not_found":
        return text(f"{message('chat.not_found', language)}. {refusal(exchange.answer, language)}")
    sources = counted(len(exchange.answer.citations), "source", language)
    return text(message("announce.answer", language, sources=sources, answer=exchange.answer.answer_plain))


def refusal(answer: Answer, language: str) -> str:
    """Why the record does not answer: in the answer's own words where those are in this language."""
    if language == DEFAULT_LANGUAGE or f"refusal.{answer.reason}" not in messages(language):
        return answer.answer_plain
    names = ", ".join(answer.reading.unknown_names) if answer.reading else ""
    return message(f"refusal.{answer.reason}", language, names=names)


def _reply(turn: int, exchange: Exchange, language: str, ratings: Ratings) -> str:
    if exchange.problem is not None:
        return problem(exchange.problem, language)
    if exchange.stopped:
        return f'<div class="reply stopped"><p>{message("chat.stopped", language)}</p></div>'
    if exchange.answer is None:
        return _pending(exchange, language)
    notes = _notes(exchange, exchange.answer, language) + _actions(exchange.answer, language, ratings)
    if exchange.answer.status == "not_found":
        return _not_found(turn, exchange.answer, notes, language)
    return _answered(turn, exchange.answer, notes, language)


def _pending(exchange: Exchange, language: str) -> str:
    if exchange.draft:
        return f'<div class="reply pending draft text" dir="auto">{markdown(exchange.draft, language)}</div>'
    doing = message("chat.searching", language)
    if exchange.passages is not None:
        doing = message("chat.reading", language, passages=counted(exchange.passages, "passage", language))
    return f'<div class="reply pending"><p>{doing}<span class="dots" aria-hidden="true"></span></p></div>'


def _answered(turn: int, answer: Answer, notes: str, language: str) -> str:
    short = answer.short_answer or ""
    lead = ""
    if short and short.strip(" .") != answer.answer_plain.strip(" ."):
        lead = f'<p class="short-answer" dir="auto">{text(short)}</p>'
    confidence = confidence_in_words(answer.confidence, language)
    by = message("chat.quoted", language)
    if answer.answerer == "generative":
        by = message("chat.written", language, model=text(answer.model or ""))
    return (
        f'<div class="reply answered">{lead}'
        f'<div class="text" dir="auto">{markdown(answer.answer, language, turn, answer.citations)}</div>'
        f"{_unsupported(answer, language)}"
        f'<p class="confidence {confidence.level}"><strong>{confidence.words}</strong> '
        f'<span class="odds">{confidence.odds}</span> <span class="by">{by}</span></p>{notes}</div>'
    )


def _not_found(turn: int, answer: Answer, notes: str, language: str) -> str:
    jump = ""
    if answer.retrieved:
        jump = f'<p><a class="jump" href="#sources-{turn}">{message("chat.closest", language)}</a></p>'
    return (
        f'<div class="reply not-found"><p class="label">{message("chat.not_found", language)}</p>'
        f'<p dir="auto">{text(refusal(answer, language))}</p>{jump}{notes}</div>'
    )


def _notes(exchange: Exchange, answer: Answer, language: str) -> str:
    notes = []
    if answer.standalone_question.strip() != exchange.question.strip():
        searched = f'<q dir="auto">{text(answer.standalone_question)}</q>'
        notes.append(message("chat.searched", language, question=searched))
    if exchange.filters:
        limits = ", ".join(label for *_, label in _limits(exchange.filters, _titles(answer), language))
        notes.append(message("chat.within", language, filters=text(limits)))
    if answer.fallback_reason:
        notes.append(message("chat.fallback", language, reason=text(answer.fallback_reason)))
    return "".join(f'<p class="note">{note}</p>' for note in notes)


def _titles(answer: Answer) -> dict[str, str]:
    return {hit.passage.document_id: hit.passage.title for hit in answer.retrieved}


def _unsupported(answer: Answer, language: str) -> str:
    if not answer.unsupported:
        return ""
    sentences = "".join(f'<li dir="auto">{text(sentence)}</li>' for sentence in answer.unsupported)
    label = message("chat.unsupported", language)
    return f'<div class="unsupported"><p class="label">{label}</p><ul>{sentences}</ul></div>'


def _actions(answer: Answer, language: str, ratings: Ratings) -> str:
    copy = ""
    if answer.citations:
        copy = (
            f'<button type="button" data-copy="{text(with_sources(answer, language))}"'
            f' data-copied="{message("chat.copied", language)}">{message("chat.copy", language)}</button>'
        )
    group = message("chat.actions", language)
    rated = ratings.get(answer.id) if ratings is not None else None
    thumbs = (
        "" if ratings is None else "".join(_thumb(answer, way, rated, language) for way in ("up", "down"))
    )
    return (
        f'<div class="actions" role="group" aria-label="{group}">{copy}{thumbs}</div>'
        f"{_comment(answer, rated, language) if rated else ''}"
    )


def _thumb(answer: Answer, way: str, rated: Rated | None, language: str) -> str:
    pressed = "true" if rated and rated.rating == way else "false"
    label = message("chat.good" if way == "up" else "chat.bad", language)
    return (
        f'<button type="button" class="thumb {way}" data-action="rate" data-answer="{text(answer.id)}"'
        f' data-rating="{way}" aria-pressed="{pressed}" aria-label="{label}" title="{label}">{THUMB}</button>'
    )


def _comment(answer: Answer, rated: Rated, language: str) -> str:
    if rated.commented:
        return f'<p class="note">{message("chat.thanks.comment", language)}</p>'
    field = f"comment-{text(answer.id)}"
    return (
        f'<form class="comment" data-action="rate" data-answer="{text(answer.id)}" data-rating="{rated.rating}">'
        f'<label for="{field}">{message("chat.comment", language)}</label>'
        f'<textarea id="{field}" name="comment" rows="2" maxlength="2000"></textarea>'
        f'<button type="submit">{message("chat.comment.send", language)}</button></form>'
    )


def _again(exchange: Exchange, language: str) -> str:
    """A way to ask again, where another answer may come of it."""
    answer = exchange.answer
    same_again = answer is not None and answer.answerer == "extractive" and not answer.fallback_reason
    refused = exchange.problem is not None and exchange.problem.code == InvalidQuestion.code
    if exchange.pending or same_again or refused:
        return ""
    return (
        f'<p class="again"><button type="button" data-ask="{text(exchange.question)}">'
        f"{message('chat.again', language)}</button></p>"
    )

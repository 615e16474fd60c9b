"""Answers as HTML. Pure: the same conversation gives the same HTML.

Questions, documents and models are untrusted: all their text goes through `ui.markup`. The only links lead to
anchors of the same page and to `/documents/`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rag.api.page import readable_date
from rag.domain import MAX_QUESTION_CHARACTERS, Answer, Citation, Hit, Manifest
from ui.conversation import Conversation, Exchange
from ui.markup import markdown, text
from ui.messages import DEFAULT_LANGUAGE, LANGUAGES, message
from ui.wording import confidence_in_words, counted

CLOSEST_PASSAGES = 3
CLOSEST_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class Extract:
    """A stretch of a document, which starts at character `start`, and the citations that quote from it.

    `place` says where it stands and how it is opened; for a passage that nothing cites it has marker 0.
    """

    text: str
    start: int
    place: Citation
    citations: tuple[Citation, ...] = ()


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


def problem(problem: str, language: str) -> str:
    """A message that says what is wrong and what to do; calm, in the place of what could not be shown."""
    return (
        f'<div class="reply problem" role="alert"><p class="label">{message("chat.problem", language)}</p>'
        f'<p dir="auto">{text(problem)}</p></div>'
    )


def examples(questions: Sequence[str]) -> str:
    """Questions to choose from; nothing for none."""
    return "".join(
        f'<button type="button" data-ask="{text(question)}" dir="auto">{text(question)}</button>'
        for question in questions
    )


def conversation(exchanges: Conversation) -> str:
    """All questions with their answers, oldest first; before the first question, what to do."""
    if not exchanges:
        return (
            '<section class="welcome"><h2>Ask the record</h2>'
            "<p>Answers come from the documents alone, and each statement shows the sentence it comes from."
            "</p></section>"
        )
    return "".join(
        f'<article class="turn" id="turn-{turn}" aria-label="Question {turn}">'
        f'<h2 class="question" dir="auto">{text(_clipped(exchange.question, MAX_QUESTION_CHARACTERS))}</h2>'
        f"{_reply(turn, exchange)}</article>"
        for turn, exchange in enumerate(exchanges, start=1)
    )


def announcement(exchange: Exchange) -> str:
    """What a screen reader says once an exchange has come to its end."""
    if exchange.problem is not None:
        return text(f"That did not work. {exchange.problem}")
    if exchange.answer is None:
        return ""
    if exchange.answer.status == "not_found":
        return text(f"Not in the record. {exchange.answer.answer_plain}")
    sources = counted(len(exchange.answer.citations), "source", "en")
    return text(f"Answer, with {sources}: {exchange.answer.answer_plain}")


def _reply(turn: int, exchange: Exchange) -> str:
    if exchange.problem is not None:
        return problem(exchange.problem, "en")
    if exchange.answer is None:
        return _pending(exchange)
    if exchange.answer.status == "not_found":
        return _not_found(turn, exchange.answer)
    return _answered(turn, exchange.question, exchange.answer)


def _pending(exchange: Exchange) -> str:
    if exchange.draft:
        return f'<div class="reply draft text" dir="auto">{markdown(exchange.draft)}</div>'
    doing = "Searching the record"
    if exchange.passages is not None:
        doing = f"Reading {counted(exchange.passages, 'passage', 'en')}"
    return f'<div class="reply pending"><p>{doing}<span class="dots" aria-hidden="true"></span></p></div>'


def _answered(turn: int, question: str, answer: Answer) -> str:
    short = answer.short_answer or ""
    lead = ""
    if short and short.strip(" .") != answer.answer_plain.strip(" ."):
        lead = f'<p class="short-answer" dir="auto">{text(short)}</p>'
    confidence = confidence_in_words(answer.confidence)
    return (
        f'<div class="reply answered">{lead}'
        f'<div class="text" dir="auto">{markdown(answer.answer, turn, answer.citations)}</div>'
        f"{_unsupported(answer)}{_notes(question, answer)}"
        f'<p class="confidence {confidence.level}"><strong>{confidence.words}</strong> '
        f'<span class="odds">{confidence.odds}</span></p></div>'
    )


def _not_found(turn: int, answer: Answer) -> str:
    jump = ""
    if answer.retrieved:
        jump = f'<p><a class="jump" href="#sources-{turn}">See the closest passages</a></p>'
    return (
        '<div class="reply not-found"><p class="label">Not in the record</p>'
        f'<p dir="auto">{text(answer.answer_plain)}</p>{jump}{_notes("", answer)}</div>'
    )


def _notes(question: str, answer: Answer) -> str:
    notes = []
    if question and answer.standalone_question.strip() != question.strip():
        notes.append(f'Searched for <q dir="auto">{text(answer.standalone_question)}</q>')
    if answer.fallback_reason:
        notes.append(f"Answered without the language model: {text(answer.fallback_reason)}")
    return "".join(f'<p class="note">{note}</p>' for note in notes)


def _unsupported(answer: Answer) -> str:
    if not answer.unsupported:
        return ""
    sentences = "".join(f'<li dir="auto">{text(sentence)}</li>' for sentence in answer.unsupported)
    return f'<div class="unsupported"><p class="label">No source supports this</p><ul>{sentences}</ul></div>'


def sources(exchanges: Conversation) -> str:
    """The sources of each answer, those of the newest on show; before the first, what will stand here."""
    answers = [
        (turn, exchange.question, exchange.answer)
        for turn, exchange in enumerate(exchanges, start=1)
        if exchange.answer is not None
    ]
    if not answers:
        return (
            '<section class="sources empty" aria-label="Sources"><h2>Sources</h2>'
            "<p>The numbers in an answer open their sources here, with the quoted sentence marked.</p>"
            "</section>"
        )
    newest = answers[-1][0]
    return "".join(_sources(turn, question, answer, turn == newest) for turn, question, answer in answers)


def _sources(turn: int, question: str, answer: Answer, shown: bool) -> str:
    found = answer.status == "answered"
    heading = "Sources" if found else "Closest passages"
    cards = [_card(turn, extract) for extract in (extracts(answer) if found else closest(answer))]
    remark = "" if found else '<p class="remark">They do not answer the question, but come nearest to it.</p>'
    return (
        f'<section class="sources{"" if found else " closest"}" id="sources-{turn}" tabindex="-1"'
        f' aria-label="{heading} for question {turn}"{"" if shown else " hidden"}>'
        f'<h2>{heading}</h2><p class="asked" dir="auto">{text(_clipped(question, 160))}</p>{remark}'
        f"<ol>{''.join(cards)}</ol></section>"
    )


def extracts(answer: Answer) -> list[Extract]:
    """The passages that are quoted from, by first marker; all quotes from one passage stand in it together.

    A quote that no retrieved passage holds in full stands alone.
    """
    found: dict[object, Extract] = {}
    for citation in answer.citations:
        passage = next((hit.passage for hit in answer.retrieved if _holds(hit, citation)), None)
        if passage is None:
            found[citation] = Extract(citation.quote, citation.start, citation, (citation,))
        elif (known := found.get(passage.id)) is not None:
            found[passage.id] = replace(known, citations=(*known.citations, citation))
        else:
            found[passage.id] = Extract(passage.text, passage.start, citation, (citation,))
    return list(found.values())


def _holds(hit: Hit, citation: Citation) -> bool:
    passage = hit.passage
    here = slice(citation.start - passage.start, citation.end - passage.start)
    return (
        passage.document_id == citation.document_id
        and here.start >= 0
        and passage.text[here] == citation.quote
    )


def closest(answer: Answer) -> list[Extract]:
    """The best passage of each of the documents that came nearest, clipped."""
    best: dict[str, Extract] = {}
    for hit in answer.retrieved:
        passage = hit.passage
        place = Citation(
            marker=0,
            document_id=passage.document_id,
            title=passage.title,
            section=passage.section,
            kind=passage.kind,
            published=passage.published,
            source=passage.source,
            quote=passage.text,
            start=passage.start,
            end=passage.end,
            page=passage.page,
        )
        extract = Extract(_clipped(passage.text, CLOSEST_CHARACTERS), passage.start, place)
        best.setdefault(passage.document_id, extract)
    return list(best.values())[:CLOSEST_PASSAGES]


def _card(turn: int, extract: Extract) -> str:
    place = extract.place
    markers = "".join(
        f'<a class="marker" href="#mark-{turn}-{citation.marker}"'
        f' aria-label="Back to statement {citation.marker}">{citation.marker}</a>'
        for citation in extract.citations
    )
    section = ""
    if place.section and place.section != place.title:
        section = f'<p class="section" dir="auto">{text(place.section.replace(" > ", " › "))}</p>'
    return (
        f'<li class="source"><div class="head">{markers}<h3 dir="auto">{text(place.title)}</h3></div>'
        f'{section}<p class="about">{_about(place)}</p>'
        f'<blockquote dir="auto">{"".join(_quoted(turn, extract))}</blockquote>'
        f'<p class="open"><a href="{text(place.url)}" target="_blank" rel="noopener">Open the document'
        '<span class="visually-hidden"> (in a new tab)</span></a></p></li>'
    )


def _about(place: Citation) -> str:
    parts = [f'<span class="kind">{text(place.kind.replace("_", " ").capitalize())}</span>']
    if place.page:
        parts.append(f"Page {place.page}")
    if place.published:
        date = text(readable_date(place.published))
        parts.append(f'Published <time datetime="{text(place.published)}">{date}</time>')
    return " · ".join(parts)


def _quoted(turn: int, extract: Extract) -> Iterator[str]:
    """The text with its quotes marked; where quotes overlap, the first keeps what they share."""
    position = 0
    for citation in sorted(extract.citations, key=lambda citation: (citation.start, citation.end)):
        start = max(citation.start - extract.start, position)
        end = max(citation.end - extract.start, start)
        yield text(extract.text[position:start])
        yield (
            f'<mark id="source-{turn}-{citation.marker}" tabindex="-1">{text(extract.text[start:end])}'
            f'<span class="visually-hidden"> (quoted as {citation.marker})</span></mark>'
        )
        position = end
    yield text(extract.text[position:])


def _clipped(value: str, characters: int) -> str:
    """At most so many characters, cut between words where there is a space to cut at."""
    value = value.strip()
    if len(value) <= characters:
        return value
    return value[:characters].rsplit(maxsplit=1)[0].rstrip(" ,;:.") + " …"

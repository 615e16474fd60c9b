"""The sources of answers as cards: each passage that is quoted from, with its quotes marked. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from rag.domain import Answer, Citation, Hit
from ui.conversation import Conversation
from ui.markup import text
from ui.messages import message
from ui.wording import date_in_words, kind_in_words

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


def sources(exchanges: Conversation, language: str) -> str:
    """The sources of each answer, those of the newest on show; before the first, what will stand here."""
    answers = [
        (turn, exchange.question, exchange.answer)
        for turn, exchange in enumerate(exchanges, start=1)
        if exchange.answer is not None
    ]
    if not answers:
        title = message("sources.title", language)
        return (
            f'<section class="sources empty" aria-label="{title}"><h2>{title}</h2>'
            f"<p>{message('sources.empty', language)}</p></section>"
        )
    newest = answers[-1][0]
    return "".join(
        _sources(turn, question, answer, turn == newest, language) for turn, question, answer in answers
    )


def _sources(turn: int, question: str, answer: Answer, shown: bool, language: str) -> str:
    found = answer.status == "answered"
    heading = message("sources.title" if found else "sources.closest", language)
    label = message("sources.turn", language, heading=heading, number=turn)
    cards = [_card(turn, extract, language) for extract in (extracts(answer) if found else closest(answer))]
    remark = "" if found else f'<p class="remark">{message("sources.closest.remark", language)}</p>'
    return (
        f'<section class="sources{"" if found else " closest"}" id="sources-{turn}" tabindex="-1"'
        f' aria-label="{label}"{"" if shown else " hidden"}>'
        f'<h2>{heading}</h2><p class="asked" dir="auto">{text(clipped(question, 160))}</p>{remark}'
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
        extract = Extract(clipped(passage.text, CLOSEST_CHARACTERS), passage.start, place)
        best.setdefault(passage.document_id, extract)
    return list(best.values())[:CLOSEST_PASSAGES]


def _card(turn: int, extract: Extract, language: str) -> str:
    place = extract.place
    markers = "".join(
        f'<a class="marker" href="#mark-{turn}-{citation.marker}"'
        f' aria-label="{message("sources.back", language, number=citation.marker)}">{citation.marker}</a>'
        for citation in extract.citations
    )
    section = ""
    if place.section and place.section != place.title:
        section = f'<p class="section" dir="auto">{text(place.section.replace(" > ", " › "))}</p>'
    return (
        f'<li class="source"><div class="head">{markers}<h3 dir="auto">{text(place.title)}</h3></div>'
        f'{section}<p class="about">{_about(place, language)}</p>'
        f'<blockquote dir="auto">{"".join(_quoted(turn, extract, language))}</blockquote>'
        f'<p class="open"><a href="{text(place.url)}" target="_blank" rel="noopener">'
        f"{message('sources.open', language)}"
        f'<span class="visually-hidden"> {message("sources.new_tab", language)}</span></a></p></li>'
    )


def _about(place: Citation, language: str) -> str:
    parts = [f'<span class="kind">{text(kind_in_words(place.kind))}</span>']
    if place.page:
        parts.append(message("sources.page", language, number=place.page))
    if place.published:
        date = text(date_in_words(place.published, language))
        time = f'<time datetime="{text(place.published)}">{date}</time>'
        parts.append(message("sources.published", language, date=time))
    return " · ".join(parts)


def _quoted(turn: int, extract: Extract, language: str) -> Iterator[str]:
    """The text with its quotes marked; where quotes overlap, the first keeps what they share."""
    position = 0
    for citation in sorted(extract.citations, key=lambda citation: (citation.start, citation.end)):
        start = max(citation.start - extract.start, position)
        end = max(citation.end - extract.start, start)
        quoted_as = message("sources.quoted", language, number=citation.marker)
        yield text(extract.text[position:start])
        yield (
            f'<mark id="source-{turn}-{citation.marker}" tabindex="-1">{text(extract.text[start:end])}'
            f'<span class="visually-hidden"> {quoted_as}</span></mark>'
        )
        position = end
    yield text(extract.text[position:])


def clipped(value: str, characters: int) -> str:
    """At most so many characters, cut between words where there is a space to cut at."""
    value = value.strip()
    if len(value) <= characters:
        return value
    return value[:characters].rsplit(maxsplit=1)[0].rstrip(" ,;:.") + " …"

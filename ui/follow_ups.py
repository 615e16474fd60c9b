"""Questions that could come next, made from what the last answer rests on, each tried before it is shown."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from time import monotonic as now
from typing import TYPE_CHECKING

from rag.domain import Answer, Document, Filters, Passage
from rag.errors import RagError
from rag.language import names
from rag.mentions import is_person
from ui.conversation import Conversation, history
from ui.examples import MAX_NAME_CHARACTERS, WHAT, WHO, Candidate, answer_to

if TYPE_CHECKING:
    from rag.wiring import Application

SHOWN = 3
# What finding them may cost: documents looked at, questions tried, seconds.
MAX_DOCUMENTS = 3
MAX_TRIALS = 12
SECONDS = 4.0

logger = logging.getLogger(__name__)


def follow_ups(application: Application, exchanges: Conversation, filters: Filters) -> Iterator[str]:
    """At most `SHOWN` questions that the record answers with something that the conversation has not shown yet."""
    answer = exchanges[-1].answer if exchanges else None
    if answer is None:
        return
    ends = now() + SECONDS
    earlier = history(exchanges)
    seen = {quote for exchange in exchanges if exchange.answer for quote in _quotes(exchange.answer)}
    found = 0
    try:
        for candidate in islice(_candidates(application, answer, _told(exchanges)), MAX_TRIALS):
            if now() > ends or found == SHOWN:
                return
            reply = answer_to(candidate, application, earlier, filters)
            if reply is not None and not _quotes(reply) <= seen:
                seen |= _quotes(reply)
                found += 1
                yield candidate.question
    except RagError as error:
        # Whoever asks next is told; without suggestions nothing is missing.
        logger.info("No follow-up questions: %s", error)


def _quotes(answer: Answer) -> set[tuple[str, int]]:
    return {(citation.document_id, citation.start) for citation in answer.citations}


def _told(exchanges: Conversation) -> str:
    return " ".join(exchange.question for exchange in exchanges).lower()


def _candidates(application: Application, answer: Answer, asked: str) -> Iterator[Candidate]:
    """Names in the answer before other names of its documents, and these before the sections of the documents."""
    near = [hit.passage for hit in answer.retrieved]
    cited = dict.fromkeys(citation.document_id for citation in answer.citations)
    chosen = list(cited or dict.fromkeys(passage.document_id for passage in near))[:MAX_DOCUMENTS]
    documents = [application.catalog.document(document_id) for document_id in chosen]
    expected = frozenset(chosen) | {passage.document_id for passage in near}
    told = answer.answer_plain.lower()
    about = sorted(_names(documents, near), key=lambda about: about[0].lower() not in told)
    sections = (_section(document, title) for document in documents for title in _sections(document))
    for name, question in dict.fromkeys(chain(about, sections)):
        if len(name) <= MAX_NAME_CHARACTERS and name.lower() not in asked:
            yield Candidate(question, expected)


def _names(documents: Sequence[Document], near: Sequence[Passage]) -> list[tuple[str, str]]:
    """Those that the documents list; where they list none, those in the text of their passages."""
    listed = [
        (name, form.format(name))
        for document in documents
        for found, form in ((document.people, WHO), (document.organisations, WHAT))
        for name in found
    ]
    identities = {document.id for document in documents}
    texts = (f"so {passage.text}" for passage in near if passage.document_id in identities)
    return listed or [
        (name, (WHO if is_person(name) else WHAT).format(name))
        for name in chain.from_iterable(map(names, texts))
    ]


def _sections(document: Document) -> Iterator[str]:
    for section in document.sections:
        if section.path and section.path[-1] != document.title:
            yield section.path[-1]


def _section(document: Document, title: str) -> tuple[str, str]:
    return title, f"What does “{document.title}” say about “{title}”?"

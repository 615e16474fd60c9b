"""Questions to start with, made from whatever record there is, each tried before it is shown."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from threading import Lock
from typing import TYPE_CHECKING

from rag.api.page import readable_date
from rag.domain import Answer, Document, Filters, Question, Turn
from rag.errors import RagError

if TYPE_CHECKING:
    from rag.wiring import Application

SHOWN = 4
# What finding examples may cost: documents looked at, questions tried.
MAX_DOCUMENTS = 100
MAX_TRIALS = 16
LEAST_CONFIDENCE = 0.7
# Longer names and titles make no question that one takes in at a glance.
MAX_NAME_CHARACTERS = 50
WHO, WHAT = "Who is {}?", "What is {}?"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question, and the ids of the documents that made it look answerable."""

    question: str
    document_ids: frozenset[str]


class ExampleQuestions:
    """The examples of one record. Found when first asked for, kept until the index changes."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._lock = Lock()
        self._index_id: str | None = None
        self._questions: tuple[str, ...] = ()

    def questions(self) -> tuple[str, ...]:
        """At most `SHOWN` questions that the record answers; none where it cannot answer at all."""
        with self._lock:
            try:
                index_id = self._application.catalog.manifest().index_id
                if index_id != self._index_id:
                    self._questions = self._find()
                    self._index_id = index_id
            except RagError as error:
                # The header of the window says what is wrong and what to do.
                logger.info("No example questions: %s", error)
                return ()
            return self._questions

    def _find(self) -> tuple[str, ...]:
        catalog = self._application.catalog
        documents = [
            catalog.document(summary.id) for summary in catalog.documents(limit=MAX_DOCUMENTS).documents
        ]
        tried = islice(candidates(documents), MAX_TRIALS)
        found = (candidate.question for candidate in tried if answer_to(candidate, self._application))
        return tuple(islice(found, SHOWN))


def answer_to(
    candidate: Candidate,
    application: Application,
    history: tuple[Turn, ...] = (),
    filters: Filters = Filters(),
) -> Answer | None:
    """The record's answer, if it is likely right and comes from a document that it was expected from."""
    # Extractive whatever is configured: a question that is only offered may cost neither time nor money.
    question = Question(candidate.question, history, filters, mode="extractive")
    answer = application.pipeline.ask(question)
    expected = any(citation.document_id in candidate.document_ids for citation in answer.citations)
    return answer if expected and answer.confidence >= LEAST_CONFIDENCE else None


def candidates(documents: Sequence[Document]) -> Iterator[Candidate]:
    """Questions that the documents seem to answer: one of each sort in turn, what is named most first."""
    sorts = (
        _about(documents, lambda document: document.organisations, WHAT),
        _about(documents, lambda document: document.people, WHO),
        _about(documents, _day, "What happened on {}?"),
        _about(documents, lambda document: (document.title,), "What does the record say about “{}”?"),
    )
    return (candidate for candidate in chain.from_iterable(zip_longest(*sorts)) if candidate is not None)


def _about(
    documents: Sequence[Document], names_of: Callable[[Document], Iterable[str]], form: str
) -> Iterator[Candidate]:
    mentions: dict[str, list[Document]] = defaultdict(list)
    for document in documents:
        for name in names_of(document):
            if len(name) <= MAX_NAME_CHARACTERS:
                mentions[name].append(document)

    def rank(name: str) -> tuple[int, int, str]:
        return -len(mentions[name]), -sum(len(document.text) for document in mentions[name]), name

    for name in sorted(mentions, key=rank):
        yield Candidate(form.format(name), frozenset(document.id for document in mentions[name]))


def _day(document: Document) -> tuple[str, ...]:
    date = document.date or ""
    return (readable_date(date),) if len(date) == len("2025-04-23") else ()

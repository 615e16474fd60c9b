"""The one flow: question -> standalone question -> retrieve -> read -> answer -> cite -> Answer."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from rag.answer.catalogued import Catalogued
from rag.answer.cite import cite, escape_markdown, not_found_text
from rag.answer.extractive import answer
from rag.converse import standalone
from rag.domain import Answer, Completed, Delta, Event, Filters, Hit, Question, Reading, Retrieved
from rag.errors import NoLanguageModel
from rag.foreign import UNSUPPORTED_LANGUAGE, LanguageGate
from rag.language import parts
from rag.read import Read
from rag.retrieve import Retrieve
from rag.spell import Spell

# What comes of a question in a language that nothing here reads.
NOT_READ = Reading((), 0.0, UNSUPPORTED_LANGUAGE)


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The passages that a search found, and the index that it searched."""

    hits: tuple[Hit, ...]
    index_id: str


class Pipeline:
    """Answers questions; the chat window, the HTTP API, the command line and the eval suite all use this object."""

    def __init__(
        self, spell: Spell, catalogued: Catalogued, retrieve: Retrieve, read: Read, unread: LanguageGate
    ) -> None:
        self._spell = spell
        self._catalogued = catalogued
        self._retrieve = retrieve
        self._read = read
        self._unread = unread

    def ask(self, question: Question) -> Answer:
        """The verified answer.

        Raises:
            IndexEmpty, IndexMismatch, IndexCorrupt: there is nothing to answer from.
            NoLanguageModel: generative mode was asked for.
        """
        completed = None
        for event in self.stream(question):
            completed = event
        assert isinstance(completed, Completed)
        return completed.answer

    def stream(self, question: Question) -> Iterator[Event]:
        """The same, step by step: the passages found, provisional text, and last the verified answer."""
        if question.mode == "generative":
            raise NoLanguageModel(
                "Generative answers need an LLM, and none is configured. Ask with mode extractive or auto."
            )
        clock = Stopwatch()
        with clock.stage("converse"):
            follow_up = standalone(question.text, question.history)
            unread = self._unread(question.text)
            text = follow_up.text if unread else self._spell(follow_up.text)
        with clock.stage("catalog"):
            catalogued = None if unread else self._catalogued(text, question)
        if catalogued:
            yield Retrieved(catalogued.retrieved, catalogued.standalone_question)
            yield Delta(catalogued.answer)
            yield Completed(replace(catalogued, timings_ms=clock.read()))
            return
        questions = parts(text)
        with clock.stage("retrieve"):
            retrieval = self._retrieve(
                [text, *questions], question.top_k, question.filters, follow_up.leans_on, follow_up.perhaps
            )
        yield Retrieved(retrieval.hits, text)
        with clock.stage("read"):
            reading = NOT_READ if unread else self._read(questions, retrieval.hits)
        with clock.stage("answer"):
            draft = answer(questions, reading, self._read.threshold)
            cited = cite(draft)
        found = bool(draft.statements)
        refusal = unread or not_found_text(draft.unknown_names, retrieval.hits)
        if found:
            yield Delta(cited.answer)
        yield Completed(
            Answer(
                id=uuid.uuid4().hex,
                status="answered" if found else "not_found",
                reason=None if found else draft.reason,
                answer=cited.answer if found else escape_markdown(refusal),
                answer_plain=cited.answer_plain if found else refusal,
                short_answer=draft.short_answer,
                confidence=round(draft.confidence, 4),
                standalone_question=text,
                citations=cited.citations,
                unsupported=(),
                retrieved=retrieval.hits,
                used=cited.used,
                answerer="extractive",
                model=None,
                fallback_reason=None,
                index_id=retrieval.manifest.index_id,
                timings_ms=clock.read(),
                reading=reading,
                disagreement=cited.disagreement,
            )
        )

    def search(self, query: str, top_k: int, filters: Filters = Filters()) -> SearchResult:
        """The passages nearest to a query, without reading them."""
        retrieval = self._retrieve([query], top_k, filters)
        return SearchResult(retrieval.hits, retrieval.manifest.index_id)


class Stopwatch:
    """Milliseconds per stage, and in all since it was made."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._stages: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time inside to `name`."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._stages[name] = self._stages.get(name, 0.0) + (time.perf_counter() - began) * 1_000

    def read(self) -> dict[str, float]:
        """Each stage and `total`, rounded to microseconds."""
        stages = self._stages | {"total": (time.perf_counter() - self._began) * 1_000}
        return {name: round(value, 3) for name, value in stages.items()}

"""The one flow: question -> standalone question -> retrieve -> read -> answer -> cite -> Answer."""

from __future__ import annotations

import uuid
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from rag.answer.catalogued import Catalogued
from rag.answer.cite import Cited, cite, escape_markdown, not_found_text
from rag.answer.draft import Draft
from rag.answer.extractive import answer
from rag.catalog import Catalog
from rag.converse import Standalone, standalone
from rag.domain import (
    Answer,
    Completed,
    Delta,
    Event,
    Question,
    Reading,
    Retrieved,
    Search,
    Trace,
    Working,
)
from rag.errors import LanguageModelError, NoLanguageModel
from rag.foreign import UNSUPPORTED_LANGUAGE, LanguageGate
from rag.language import parts
from rag.read import Read
from rag.retrieve import Retrieval, Retrieve
from rag.spell import Spell
from rag.stopwatch import Stopwatch

if TYPE_CHECKING:
    from rag.answer.generative import Write
    from rag.condense import Condense

# What comes of a question in a language that nothing here reads.
NOT_READ = Reading((), 0.0, UNSUPPORTED_LANGUAGE)

# When a model is asked: where the reader found an answer; where the record has every name of the question; always.
Gate = Literal["evidence", "names", "open"]


@dataclass(frozen=True, slots=True)
class Generation:
    """What answering with a language model takes."""

    condense: Condense
    write: Write
    gate: Gate = "evidence"


@dataclass(frozen=True, slots=True)
class _Understood:
    """A question as it is searched for. `unread` says why it cannot be read, `failed` why no model is used any more.

    `condensed`: a language model wrote it.
    """

    standalone: Standalone
    unread: str | None = None
    failed: str | None = None
    condensed: bool = False


class Pipeline:
    """Answers questions; the chat window, the HTTP API, the command line and the eval suite all use this object."""

    def __init__(
        self,
        catalog: Catalog,
        spell: Spell,
        catalogued: Catalogued,
        retrieve: Retrieve,
        read: Read,
        unread: LanguageGate,
        generation: Generation | None = None,
    ) -> None:
        self._catalog = catalog
        self._spell = spell
        self._catalogued = catalogued
        self._retrieve = retrieve
        self._read = read
        self._unread = unread
        self._generation = generation

    def ask(self, question: Question) -> Answer:
        """The verified answer.

        Raises:
            IndexEmpty, IndexMismatch, IndexCorrupt: there is nothing to answer from.
            NoLanguageModel: generative mode was asked for, and no LLM is configured.
        """
        completed = None
        for event in self.stream(question):
            completed = event
        assert isinstance(completed, Completed)
        return completed.answer

    def stream(self, question: Question, clock: Stopwatch | None = None) -> Iterator[Event]:
        """The same, step by step: the passages found, the answer as it grows, and last the whole of it.

        What is found and how it is read are of one version of the index, whatever changes meanwhile: go on with the
        iterator in the thread where it was begun. `clock` is told of the stages, also of those before an error.
        """
        generation = self._chosen(question)
        clock = clock or Stopwatch()
        with clock.stage("converse"):
            understood = self._understand(question, generation)
        # Not before: a language model may take long to understand it, and a version that is read has to be kept.
        with self._catalog.reading():
            with clock.stage("converse"):
                text = understood.standalone.text
                text = text if understood.unread else self._spell(text)
            with clock.stage("catalog"):
                catalogued = None if understood.unread else self._catalogued(text, question)
            if catalogued:
                yield Retrieved(catalogued.retrieved, catalogued.standalone_question)
                yield Delta(catalogued.answer)
                trace = self._trace(question, understood) if question.debug else None
                yield Completed(replace(catalogued, timings_ms=clock.read(), trace=trace))
                return
            questions = parts(text)
            with clock.stage("retrieve"):
                leaning = understood.standalone
                retrieval = self._retrieve(
                    [text, *questions],
                    question.top_k,
                    question.filters,
                    leaning.leans_on,
                    leaning.perhaps,
                    question.debug,
                )
            yield Retrieved(retrieval.hits, text)
            with clock.stage("read"):
                reading = NOT_READ if understood.unread else self._read(questions, retrieval.hits)
        with clock.stage("answer"):
            draft = answer(questions, reading, self._read.threshold)
        failed = understood.failed
        wrote = None
        if generation and not failed and _passes(generation.gate, draft, reading):
            try:
                written = yield from _write(generation.write, question.text, text, reading, retrieval, clock)
                wrote, draft = generation.write, replace(written, short_answer=_kept(draft, written))
            except LanguageModelError as error:
                failed = str(error)
        with clock.stage("cite"):
            cited = cite(draft)
        if draft.statements and not wrote:
            yield Delta(cited.answer)
        trace = self._trace(question, understood, questions, retrieval.searches) if question.debug else None
        refusal = understood.unread or not_found_text(draft.unknown_names, retrieval.hits)
        yield Completed(
            replace(
                _answer(text, draft, cited, refusal, retrieval),
                answerer="generative" if wrote else "extractive",
                model=wrote.model if wrote else None,
                prompt=wrote.prompt if wrote else None,
                fallback_reason=failed,
                reading=reading,
                disagreement=cited.disagreement,
                timings_ms=clock.read(),
                trace=trace,
            )
        )

    def _chosen(self, question: Question) -> Generation | None:
        """The language model that the question is to be answered with, if any."""
        if question.mode == "generative" and self._generation is None:
            raise NoLanguageModel(
                "Generative answers need an LLM, and none is configured. Set RAG_LLM__PROVIDER and RAG_LLM__MODEL,"
                " or ask with mode extractive or auto."
            )
        return None if question.mode == "extractive" else self._generation

    def _understand(self, question: Question, generation: Generation | None) -> _Understood:
        """The question standing alone; by a language model where there is one and something to resolve."""
        offline = standalone(question.text, question.history)
        unread = self._unread(question.text)
        if generation is None:
            return _Understood(offline, unread)
        from rag.condense import may_refer  # not needed without a language model

        stands = offline.text == question.text and not offline.leans_on
        alone = not question.history or (stands and not may_refer(question.text))
        if alone and not unread:
            return _Understood(offline, unread)
        try:
            condensed = generation.condense(question.text, question.history, translate=unread is not None)
        except LanguageModelError as error:
            return _Understood(offline, unread, str(error))
        if not condensed:
            return _Understood(offline, unread)
        return _Understood(Standalone(condensed), condensed=True)

    def _trace(
        self,
        question: Question,
        understood: _Understood,
        questions: Sequence[str] = (),
        searches: tuple[Search, ...] = (),
    ) -> Trace:
        leaning = understood.standalone
        rewritten = leaning.text != question.text
        return Trace(
            standalone=leaning.text,
            rewritten_by=("model" if understood.condensed else "rules") if rewritten else None,
            corrections=() if understood.unread else self._spell.corrections(leaning.text),
            parts=tuple(questions),
            leans_on=leaning.leans_on,
            searches=searches,
            threshold=self._read.threshold,
        )


def _passes(gate: Gate, draft: Draft, reading: Reading) -> bool:
    if gate == "evidence":
        return bool(draft.statements)
    return gate == "open" or not reading.unknown_names


def _write(
    write: Write, question: str, meaning: str, reading: Reading, retrieval: Retrieval, clock: Stopwatch
) -> Generator[Event, None, Draft]:
    """Deltas of the answer as its sentences are checked; returns the whole draft."""
    told = ""
    draft: Draft | None = None
    for grown in write(question, meaning, reading, retrieval.hits, clock):
        if isinstance(grown, Working):
            yield grown
            continue
        draft = grown
        text = cite(draft).answer
        if text.startswith(told) and text != told:
            yield Delta(text[len(told) :])
            told = text
    assert draft is not None
    return draft


def _kept(extracted: Draft, written: Draft) -> str | None:
    """The few words that answer, as the reader points at them, where the model wrote them too."""
    short = extracted.short_answer
    said = " ".join(statement.text for statement in written.statements)
    return short if short and short.casefold() in said.casefold() else None


def _answer(text: str, draft: Draft, cited: Cited, refusal: str, retrieval: Retrieval) -> Answer:
    found = bool(draft.statements)
    return Answer(
        id=uuid.uuid4().hex,
        status="answered" if found else "not_found",
        reason=None if found else draft.reason,
        answer=cited.answer if found else escape_markdown(refusal),
        answer_plain=cited.answer_plain if found else refusal,
        short_answer=draft.short_answer,
        confidence=round(draft.confidence, 4),
        standalone_question=text,
        citations=cited.citations,
        unsupported=draft.unsupported,
        retrieved=retrieval.hits,
        used=cited.used,
        answerer="extractive",
        model=None,
        fallback_reason=None,
        index_id=retrieval.manifest.index_id,
        timings_ms={},
        tokens=draft.usage,
    )

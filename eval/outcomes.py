"""What was said to a case, as it is kept in `cases.jsonl`: all that the measures and the report need."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from rag.domain import Answer, Evidence, Hit, Reading, Retrieved

# Evidence beyond the best few explains no decision.
KEPT_EVIDENCE = 3


class CitedQuote(BaseModel):
    """A citation; `intact` says whether `document.text[start:end]` is the quote, character for character."""

    model_config = ConfigDict(frozen=True)

    marker: int
    document_id: str
    title: str
    quote: str
    start: int
    end: int
    intact: bool


class RetrievedPassage(BaseModel):
    """A passage that was retrieved; its text is for the controls of this run and is not kept."""

    model_config = ConfigDict(frozen=True)

    passage_id: str
    document_id: str
    start: int
    end: int
    score: float
    used: bool
    text: str = Field("", exclude=True)


class ReadSentence(BaseModel):
    """A sentence that was read, with the score and the signals that it was given."""

    model_config = ConfigDict(frozen=True)

    document_id: str
    start: int
    end: int
    text: str
    score: float
    signals: dict[str, float]


class TokenCount(BaseModel):
    """The tokens that the language model says it read and wrote."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    read: int
    written: int


class Outcome(BaseModel):
    """One question asked.

    `status` "error": it crashed or ran out of time, and `error` says which; "retrieved": only a search.
    """

    model_config = ConfigDict(frozen=True)

    case_id: str
    status: Literal["answered", "not_found", "error", "retrieved"]
    error: str | None = None
    reason: str | None = None
    answer: str = ""
    answer_plain: str = ""
    short_answer: str | None = None
    confidence: float = 0.0
    answerability: float | None = None
    standalone_question: str = ""
    citations: tuple[CitedQuote, ...] = ()
    retrieved: tuple[RetrievedPassage, ...] = ()
    evidence: tuple[ReadSentence, ...] = ()
    answerer: str | None = None
    model: str | None = None
    fallback_reason: str | None = None
    unsupported: tuple[str, ...] = ()
    prompt: str | None = None
    tokens: TokenCount | None = None
    timings_ms: dict[str, float] = {}
    measures: dict[str, float] = {}

    @property
    def answered(self) -> bool:
        """Whether an answer was given, right or wrong."""
        return self.status == "answered"

    @property
    def written(self) -> bool:
        """Whether a language model wrote a reply, be it one that nothing was left of."""
        return self.answerer == "generative"


def failed(case_id: str, error: str) -> Outcome:
    """The outcome of a question that got no answer."""
    return Outcome(case_id=case_id, status="error", error=error)


def recorded(case_id: str, answer: Answer, texts: dict[str, str]) -> Outcome:
    """What of an answer is kept; `texts` holds the text of every document that it cites."""
    reading = answer.reading
    return Outcome(
        case_id=case_id,
        status=answer.status,
        reason=answer.reason,
        answer=answer.answer,
        answer_plain=answer.answer_plain,
        short_answer=answer.short_answer,
        confidence=answer.confidence,
        answerability=reading.answerability if reading else None,
        standalone_question=answer.standalone_question,
        citations=_citations(answer, texts),
        retrieved=tuple(_retrieved(hit, hit.passage.id in answer.used) for hit in answer.retrieved),
        evidence=_evidence(reading),
        answerer=answer.answerer,
        model=answer.model,
        fallback_reason=answer.fallback_reason,
        unsupported=answer.unsupported,
        prompt=answer.prompt,
        tokens=TokenCount.model_validate(answer.tokens) if answer.tokens else None,
        timings_ms={stage: round(time, 3) for stage, time in answer.timings_ms.items()},
    )


def searched(query_id: str, event: Retrieved, milliseconds: float) -> Outcome:
    """The outcome of a search without an answer."""
    return Outcome(
        case_id=query_id,
        status="retrieved",
        standalone_question=event.standalone_question,
        retrieved=tuple(_retrieved(hit, False) for hit in event.hits),
        timings_ms={"retrieve": round(milliseconds, 3)},
    )


def _citations(answer: Answer, texts: dict[str, str]) -> tuple[CitedQuote, ...]:
    return tuple(
        CitedQuote(
            marker=citation.marker,
            document_id=citation.document_id,
            title=citation.title,
            quote=citation.quote,
            start=citation.start,
            end=citation.end,
            intact=texts.get(citation.document_id, "")[citation.start : citation.end] == citation.quote,
        )
        for citation in answer.citations
    )


def _retrieved(hit: Hit, used: bool) -> RetrievedPassage:
    passage = hit.passage
    return RetrievedPassage(
        passage_id=passage.id,
        document_id=passage.document_id,
        start=passage.start,
        end=passage.end,
        score=round(hit.score, 6),
        used=used,
        text=passage.text,
    )


def _evidence(reading: Reading | None) -> tuple[ReadSentence, ...]:
    best = reading.evidence[:KEPT_EVIDENCE] if reading else ()
    return tuple(_read_sentence(evidence) for evidence in best)


def _read_sentence(evidence: Evidence) -> ReadSentence:
    return ReadSentence(
        document_id=evidence.hit.passage.document_id,
        start=evidence.sentence.start,
        end=evidence.sentence.end,
        text=evidence.sentence.text,
        score=round(evidence.score, 6),
        signals={name: round(float(value), 6) for name, value in evidence.signals.items()},
    )

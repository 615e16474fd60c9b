"""What is sent back, field by field, and the only place where the program's words become it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from rag import domain


class _Response(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class Citation(_Response):
    """The place that a statement of the answer comes from: `document.text[start:end] == quote`, always."""

    marker: int = Field(description="the `n` of `[n]` in the answer", examples=[1])
    document_id: str
    title: str
    section: str | None = Field(description="the headings above the quote, outermost first, joined by ` > `")
    kind: str
    published: str | None = Field(description="ISO date, as precise as is known", examples=["2025-04-21"])
    source: str | None = Field(description="where the document comes from")
    quote: str
    start: int = Field(description="offset into the document's text, in characters (Unicode code points)")
    end: int = Field(description="offset of the first character after the quote")
    url: str = Field(
        description="the document's page, opened with the quote highlighted",
        examples=["/documents/overview#c=120-187"],
    )
    page: int | None = Field(description="the page or slide that the quote begins on, where there are such")


class RetrievedPassage(_Response):
    """A passage that the answerer could read."""

    passage_id: str
    document_id: str
    title: str
    section: str
    text: str
    score: float = Field(description="orders the passages of one answer; not comparable between answers")
    used: bool = Field(description="whether the answer cites it")
    page: int | None = Field(description="the page or slide that it begins on, where there are such")


class Tokens(_Response):
    """What a generated answer took of the language model."""

    read: int
    written: int


class Candidate(_Response):
    """A passage that a search weighed; what a retriever did not find has no rank and no score of it."""

    passage_id: str
    document_id: str
    section: str
    rank: int = Field(description="in this search, from 1")
    score: float = Field(description="of both retrievers together")
    dense_rank: int | None = Field(description="by meaning, from 1")
    dense_score: float | None = Field(description="cosine to the vector of the question")
    bm25_rank: int | None = Field(description="by words, from 1")
    bm25_score: float | None


class Search(_Response):
    """One text that was searched for."""

    query: str
    candidates: list[Candidate] = Field(description="best first; the best of each search in turn were read")


class Correction(_Response):
    """A misspelt word."""

    written: str
    corrected: str


class JudgedSentence(_Response):
    """A sentence that was read, judged as the answer to one part of the question."""

    part: int = Field(description="which of `parts`, from 0")
    passage_id: str
    document_id: str
    start: int
    end: int
    text: str
    probability: float = Field(description="that it answers")
    signals: dict[str, float] = Field(description="what the probability was made of")
    span: str | None = Field(description="the few words of it that the reader points at")
    chosen: bool = Field(description="whether the answer cites it")


class Debug(_Response):
    """How an answer came about. `reason` and `timings_ms` of the answer itself say the rest."""

    request_id: str = Field(description="also in the header X-Request-ID, and in the log")
    standalone: str = Field(description="the question without the turns before, as it was before spelling")
    rewritten_by: Literal["rules", "model"] | None = Field(description="null: it is as it was asked")
    corrections: list[Correction]
    parts: list[str] = Field(description="the questions within the question; none where the catalog answered")
    leans_on: list[str] = Field(description="turns that the search for meaning went a little towards")
    searches: list[Search]
    not_read: list[str] = Field(
        description="passages retrieved and not read, those before being sure to answer, or for another `reason`"
    )
    sentences: list[JudgedSentence] = Field(description="those that were read, likeliest first")
    unknown_names: list[str] = Field(description="names of the question that the record never mentions")
    probability: float | None = Field(description="that the record answers; null where it was not read")
    threshold: float = Field(description="the probability from which on a sentence is taken to answer")


class Answer(_Response):
    """The answer and everything it rests on."""

    id: str = Field(description="unique to this answer")
    status: Literal["answered", "not_found"] = Field(
        description="`not_found`: the record does not say. That is an answer, not an error."
    )
    reason: str | None = Field(description="for `not_found`, why: `no_evidence`, `unsupported_language` …")
    answer: str = Field(description="Markdown, with markers `[1]`, `[2]` numbered by first use")
    answer_plain: str = Field(description="the same without markers or markup")
    short_answer: str | None = Field(description="the few words that answer, where there are such")
    confidence: float = Field(ge=0, le=1, description="of the answers given at 0.8, about 80 % are right")
    standalone_question: str = Field(description="what was searched for, after resolving the history")
    citations: list[Citation] = Field(description="only what the answer uses; empty for `not_found`")
    unsupported: list[str] = Field(description="sentences of a generated answer that no source supports")
    retrieved: list[RetrievedPassage] = Field(description="best first; for `not_found` the closest passages")
    answerer: Literal["extractive", "generative"]
    model: str | None = Field(description="the language model's name")
    fallback_reason: str | None = Field(description="why a configured language model was not used")
    index_id: str = Field(description="fingerprint of the index that answered")
    timings_ms: dict[str, float] = Field(
        description="milliseconds of each stage, and `total`", examples=[{"retrieve": 6.1, "total": 9.8}]
    )
    prompt: str | None = Field(description="version of the prompts, of a generated answer")
    tokens: Tokens | None = Field(description="what the language model read and wrote, where it says so")
    basis: domain.Basis = Field(
        description="`catalog` where the question was about the record itself (how many documents, which mention X):"
        " counts and dates then need no citation"
    )
    disagreement: list[list[int]] = Field(
        description="groups of markers: sources that give different figures for the same, newest first",
        examples=[[[1, 2]]],
    )
    debug: Debug | None = Field(
        None, exclude_if=lambda debug: debug is None, description="where the request asked for it"
    )


class Retrieved(_Response):
    """Event `retrieved`: the passages that will be read."""

    retrieved: list[RetrievedPassage]
    standalone_question: str


class Delta(_Response):
    """Event `delta`: provisional text of the answer."""

    text: str


class FoundPassage(_Response):
    """A passage that a search found."""

    passage_id: str
    document_id: str
    title: str
    section: str
    text: str
    start: int = Field(description="offset into the document's text, in characters (Unicode code points)")
    end: int = Field(description="offset of the first character after the passage")
    score: float = Field(description="orders the hits of one search; not comparable between searches")
    retrievers: list[str] = Field(description="which retrievers found it")
    page: int | None = Field(description="the page or slide that it begins on, where there are such")


class SearchResponse(_Response):
    """The passages found, best first."""

    hits: list[FoundPassage]
    index_id: str = Field(description="fingerprint of the index that was searched")


class Copy(_Response):
    """A document that says the same as another, and is not searched beside it."""

    id: str
    title: str
    path: str = Field(description="of the file, relative to the folder of the record")
    source: str | None = Field(description="where it comes from")


class DocumentSummary(_Response):
    """A document without its text."""

    id: str
    title: str
    kind: str
    published: str | None = Field(
        description="when its source was published; ISO date, as precise as is known"
    )
    source: str | None = Field(description="where it comes from")
    characters: int = Field(description="length of its text, in Unicode code points")
    passages: int = Field(description="how many passages it was split into")
    sha256: str = Field(description="of the file's bytes")
    date: str | None = Field(description="when what it tells of took place; ISO date, as precise as is known")
    path: str = Field(description="of the file, relative to the folder of the record")
    also_in: list[Copy] = Field(description="other documents that say the same")


class DocumentList(_Response):
    """One page of the documents, by title."""

    documents: list[DocumentSummary]
    total: int = Field(description="how many there are in all, on every page")


class Section(_Response):
    """The text `[start, end)` under one heading."""

    title: str = Field(description="the headings above it as one line; empty before the first heading")
    path: list[str] = Field(description="the headings above it, outermost first")
    start: int
    end: int


class Document(DocumentSummary):
    """A whole document. Offsets everywhere are into `text`, in Unicode code points."""

    place: str | None
    people: list[str]
    organisations: list[str]
    text: str
    sections: list[Section]


class Failure(_Response):
    """A file that could not be used."""

    name: str
    reason: str


class Duplicate(_Response):
    """A file that says the same as a document, and so is not one of its own."""

    path: str
    document_id: str = Field(description="the document, whose `also_in` has the file")


class IngestReport(_Response):
    """What became of files, by the ids of their documents."""

    added: list[str]
    updated: list[str]
    unchanged: list[str]
    removed: list[str] = Field(description="no documents of their own any more, because of these files")
    failed: list[Failure]
    duplicates: list[Duplicate] = Field(description="files that say the same as a document that is there")
    index_id: str = Field(description="fingerprint of the index that holds them")


class Health(_Response):
    """The process lives."""

    status: Literal["ok"] = "ok"


class Readiness(_Response):
    """Questions can be answered."""

    status: Literal["ready"] = "ready"
    index_id: str
    documents: int
    passages: int


class FieldError(_Response):
    """What is wrong with one field of the request."""

    field: str = Field(examples=["filters.kinds.0"])
    message: str = Field(examples=["Input should be a valid string."])


class Problem(_Response):
    """An error, after RFC 9457."""

    type: str = Field(description="names the kind of error, as `code` does")
    title: str
    status: int
    detail: str = Field(description="what is wrong with this request, and what to do about it")
    code: str = Field(description="stable name of the error")
    request_id: str = Field(description="also in the header X-Request-ID, and in the log")
    errors: list[FieldError] | None = Field(
        None,
        exclude_if=lambda errors: errors is None,
        description="for `invalid_request`: each field that does not fit",
    )
    retry_after: int | None = Field(
        None,
        exclude_if=lambda seconds: seconds is None,
        description="for 429: seconds until it may be better; also in the header Retry-After",
    )


def answer_of(answer: domain.Answer, request_id: str = "") -> Answer:
    """The whole response to a question; `request_id` of the request, for `debug`."""
    return Answer(
        id=answer.id,
        status=answer.status,
        reason=answer.reason,
        answer=answer.answer,
        answer_plain=answer.answer_plain,
        short_answer=answer.short_answer,
        confidence=answer.confidence,
        standalone_question=answer.standalone_question,
        citations=[_citation(citation) for citation in answer.citations],
        unsupported=list(answer.unsupported),
        retrieved=[_retrieved(hit, hit.passage.id in answer.used) for hit in answer.retrieved],
        answerer=answer.answerer,
        model=answer.model,
        fallback_reason=answer.fallback_reason,
        prompt=answer.prompt,
        tokens=Tokens.model_validate(answer.tokens) if answer.tokens else None,
        index_id=answer.index_id,
        timings_ms=dict(answer.timings_ms),
        basis=answer.basis,
        disagreement=[list(markers) for markers in answer.disagreement],
        debug=_debug(answer, answer.trace, request_id) if answer.trace else None,
    )


def _debug(answer: domain.Answer, trace: domain.Trace, request_id: str) -> Debug:
    evidence = answer.reading.evidence if answer.reading else ()
    cited = {(citation.document_id, citation.start, citation.end) for citation in answer.citations}
    read = {found.hit.passage.id for found in evidence}
    return Debug(
        request_id=request_id,
        standalone=trace.standalone,
        rewritten_by=trace.rewritten_by,
        corrections=[Correction(written=each, corrected=other) for each, other in trace.corrections],
        parts=list(trace.parts),
        leans_on=list(trace.leans_on),
        searches=[Search.model_validate(search) for search in trace.searches],
        not_read=[hit.passage.id for hit in answer.retrieved if hit.passage.id not in read],
        sentences=[_judged(found, cited) for found in evidence],
        unknown_names=list(answer.reading.unknown_names) if answer.reading else [],
        probability=answer.reading.answerability if answer.reading else None,
        threshold=trace.threshold,
    )


def _judged(found: domain.Evidence, cited: Collection[tuple[str, int, int]]) -> JudgedSentence:
    passage, sentence = found.hit.passage, found.sentence
    return JudgedSentence(
        part=found.part,
        passage_id=passage.id,
        document_id=passage.document_id,
        start=sentence.start,
        end=sentence.end,
        text=sentence.text,
        probability=found.score,
        signals={name: float(value) for name, value in found.signals.items()},
        span=found.answer.text if found.answer else None,
        chosen=(passage.document_id, sentence.start, sentence.end) in cited,
    )


def retrieved_of(event: domain.Retrieved) -> Retrieved:
    """The passages that will be read; none is used yet."""
    return Retrieved(
        retrieved=[_retrieved(hit, used=False) for hit in event.hits],
        standalone_question=event.standalone_question,
    )


def found_of(hit: domain.Hit) -> FoundPassage:
    """One hit of a search."""
    passage = hit.passage
    return FoundPassage(
        passage_id=passage.id,
        document_id=passage.document_id,
        title=passage.title,
        section=passage.section,
        text=passage.text,
        start=passage.start,
        end=passage.end,
        score=hit.score,
        retrievers=list(hit.retrievers),
        page=passage.page,
    )


def document_of(document: domain.Document, summary: domain.DocumentSummary) -> Document:
    """A whole document: what a list shows of it, and the rest."""
    return Document(
        **DocumentSummary.model_validate(summary).model_dump(),
        place=document.place,
        people=list(document.people),
        organisations=list(document.organisations),
        text=document.text,
        sections=[
            Section(title=section.title, path=list(section.path), start=section.start, end=section.end)
            for section in document.sections
        ],
    )


def _citation(citation: domain.Citation) -> Citation:
    return Citation.model_validate(citation).model_copy(update={"section": citation.section or None})


def _retrieved(hit: domain.Hit, used: bool) -> RetrievedPassage:
    passage = hit.passage
    return RetrievedPassage(
        passage_id=passage.id,
        document_id=passage.document_id,
        title=passage.title,
        section=passage.section,
        text=passage.text,
        score=hit.score,
        used=used,
        page=passage.page,
    )

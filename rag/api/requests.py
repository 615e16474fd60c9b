"""What clients send, and what it means in the program's words."""

from __future__ import annotations

import re
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from rag import domain
from rag.dates import days
from rag.errors import InvalidInput
from rag.feedback import ANSWER_ID, MAX_COMMENT_CHARACTERS

MAX_JSON_BYTES = 1024 * 1024
MAX_FILTER_VALUES = 1_000
MAX_FILTER_CHARACTERS = 500
MAX_LIMIT = 1_000
MAX_OFFSET = 1_000_000_000

# All control characters but tab and line ends: nobody types them, and nothing further on should meet them.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def _readable(value: Any) -> Any:
    """With control characters as spaces. JSON can spell half a character too, which no encoding can carry."""
    if not isinstance(value, str):
        return value
    if _SURROGATE.search(value):
        raise PydanticCustomError("surrogate", "An unpaired surrogate (U+D800 to U+DFFF) is not a character")
    return _CONTROL.sub(" ", value)


def _whole(value: Any) -> Any:
    """JSON has numbers, not integers: 6.0 is 6 (JSON Schema, section 4.2.3)."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _iso_date(value: str) -> str:
    try:
        days(value)
    except InvalidInput as error:
        raise PydanticCustomError("iso_date", "{reason}", {"reason": str(error)}) from error
    return value


Readable = BeforeValidator(_readable)
PlainText = Annotated[str, Readable]
AskedText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=domain.MAX_QUESTION_CHARACTERS),
    Readable,
    Field(json_schema_extra={"pattern": r"[^\s\u0000-\u001f\u007f-\u009f]"}),
]
IsoDate = Annotated[
    str,
    AfterValidator(_iso_date),
    WithJsonSchema(
        {"type": "string", "pattern": r"^(?!0000)[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$"},
        mode="validation",
    ),
]
FilterValue = Annotated[str, StringConstraints(min_length=1, max_length=MAX_FILTER_CHARACTERS), Readable]
QueryText = Annotated[str, StringConstraints(max_length=MAX_FILTER_CHARACTERS), Readable]
TopK = Annotated[int, Field(ge=1, le=domain.MAX_TOP_K), BeforeValidator(_whole)]


class _Request(BaseModel):
    """What a client sends: nothing unknown, and no value of another type than was asked for."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Turn(_Request):
    """One message of the conversation so far."""

    role: domain.Role
    content: PlainText


class Filters(_Request):
    """Which documents may be searched, applied inside every retriever. What is left out does not restrict."""

    document_ids: list[FilterValue] = Field(
        [], max_length=MAX_FILTER_VALUES, description="only these documents"
    )
    kinds: list[FilterValue] = Field(
        [],
        max_length=MAX_FILTER_VALUES,
        description="only documents of these kinds",
        examples=[["event", "company"]],
    )
    published_from: IsoDate | None = Field(
        None,
        description="published on this day or later: YYYY-MM-DD, YYYY-MM or YYYY",
        examples=["2025-04-01"],
    )
    published_to: IsoDate | None = Field(
        None,
        description="published on this day or earlier; a month or year counts to its end",
        examples=["2025"],
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        earliest, latest = days(self.published_from), days(self.published_to)
        if earliest and latest and earliest[0] > latest[1]:
            raise PydanticCustomError(
                "dates_reversed", "published_from is after published_to, so nothing can fit. Swap them"
            )
        return self

    def to_domain(self) -> domain.Filters:
        """The same in the program's words."""
        return domain.Filters(
            tuple(self.document_ids), tuple(self.kinds), self.published_from, self.published_to
        )


class AskRequest(_Request):
    """A question, and all that shapes its answer."""

    question: AskedText = Field(
        description="Trimmed; control characters are read as spaces.", examples=["Who organised the mission?"]
    )
    history: list[Turn] = Field(
        [],
        max_length=domain.MAX_HISTORY_TURNS,
        description="The turns before this one, oldest first. The server keeps no conversation.",
    )
    filters: Filters | None = Field(
        None, description="Which documents may be searched; all where there are none."
    )
    top_k: TopK = Field(domain.DEFAULT_TOP_K, description="How many passages the answerer may read.")
    mode: domain.Mode = Field(
        "auto",
        description="`auto`: generative where a language model is configured, else extractive. "
        "`generative` without one is a 409.",
    )
    stream: bool = Field(
        False,
        description="Answer with server-sent events; so does a request with `Accept: text/event-stream`.",
    )
    debug: bool = Field(False, description="Say in `debug` how the answer came about.")

    def to_domain(self) -> domain.Question:
        """The same in the program's words."""
        return domain.Question(
            text=self.question,
            history=tuple(domain.Turn(turn.role, turn.content) for turn in self.history),
            filters=self.filters.to_domain() if self.filters else domain.Filters(),
            top_k=self.top_k,
            mode=self.mode,
            debug=self.debug,
        )


class SearchRequest(_Request):
    """What to look for."""

    query: AskedText = Field(
        description="A question or some words; trimmed, control characters are read as spaces.",
        examples=["regenerative medicine"],
    )
    top_k: TopK = Field(domain.DEFAULT_TOP_K, description="How many passages to return at most.")
    filters: Filters | None = Field(
        None, description="Which documents may be searched; all where there are none."
    )


class FeedbackRequest(_Request):
    """What somebody thought of an answer."""

    answer_id: str = Field(
        pattern=ANSWER_ID.pattern,
        description="the `id` of the answer",
        examples=["5d41402abc4b2a76b9719d911017c592"],
    )
    rating: domain.Rating
    comment: Annotated[str, StringConstraints(max_length=MAX_COMMENT_CHARACTERS), Readable] | None = None


class DocumentQuery(BaseModel):
    """Which documents to list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: QueryText | None = Field(None, description="only those of this kind")
    q: QueryText | None = Field(
        None,
        description="only those whose title, id or text has each of these words",
    )
    limit: int = Field(100, ge=1, le=MAX_LIMIT, description="how many at most")
    offset: int = Field(0, ge=0, le=MAX_OFFSET, description="how many to pass over first")

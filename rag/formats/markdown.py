"""Markdown with front matter."""

from __future__ import annotations

import datetime
import reprlib
from typing import Annotated, Any

import yaml
from frontmatter.default_handlers import YAMLHandler
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from rag.dates import days
from rag.domain import BlockKind, ReadingLimits, Source
from rag.errors import DocumentMalformed, InvalidInput
from rag.formats.encoding import decode
from rag.formats.metadata import DEFAULT_KIND, MAX_TITLE_CHARACTERS, Metadata
from rag.text import TextBuilder, one_line, table_row

MAX_NESTING = 100
# Of what is wrong with a file, so much is said.
MAX_PROBLEMS = 5
_SHOWN = reprlib.Repr()
_SHOWN.maxlevel, _SHOWN.maxlist, _SHOWN.maxdict, _SHOWN.maxstring = 2, 3, 3, 80

# One line of front matter. YAML's escapes can put anything into a text.
Line = Annotated[str, BeforeValidator(lambda value: one_line(value) if isinstance(value, str) else value)]


class _SourceMatter(BaseModel):
    model_config = ConfigDict(coerce_numbers_to_str=True)

    title: Line = Field(min_length=1)
    publisher: Line | None = None
    published: str | None = None

    @field_validator("published", mode="before")
    @classmethod
    def _date(cls, value: object) -> object:
        return _iso_date(value)


class _FrontMatter(BaseModel):
    """The keys of a document's front matter that mean something here; others are left alone."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    id: str | None = Field(None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")
    title: Line | None = Field(None, min_length=1, max_length=MAX_TITLE_CHARACTERS)
    kind: Line = Field(DEFAULT_KIND, min_length=1, max_length=100)
    date: str | None = None
    place: Line | None = None
    people: tuple[Line, ...] = ()
    organisations: tuple[Line, ...] = ()
    source: _SourceMatter | None = None

    @field_validator("date", mode="before")
    @classmethod
    def _date(cls, value: object) -> object:
        return _iso_date(value)

    @field_validator("people", "organisations", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value or ()

    @field_validator("source", mode="before")
    @classmethod
    def _title_is_a_source(cls, value: object) -> object:
        return {"title": value} if isinstance(value, str) else value


def _iso_date(value: object) -> object:
    """YAML turns dates into objects and years into numbers: back to text, and checked."""
    if value is None:
        return None
    text = str(value.date() if isinstance(value, datetime.datetime) else value)
    try:
        days(text)
    except InvalidInput as error:
        raise ValueError(str(error)) from error
    return text


def read_markdown(content: bytes, builder: TextBuilder, limits: ReadingLimits) -> Metadata:
    """CommonMark with tables, after front matter.

    Raises:
        DocumentMalformed: the front matter cannot be used, or something is nested too deep.
    """
    metadata, body = _split_front_matter(decode(content, limits))
    try:
        matter = _FrontMatter(**metadata)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc'])} = {_SHOWN.repr(problem['input'])}: {problem['msg']}"
            for problem in error.errors()[:MAX_PROBLEMS]
        )
        raise DocumentMalformed(f"Its front matter cannot be used: {problems}") from error
    # Raw HTML is off: in a document it is text like any other.
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": MAX_NESTING}).enable("table")
    tokens = parser.parse(body)
    if any(token.level >= MAX_NESTING - 1 for token in tokens):  # what is nested deeper was left out
        raise DocumentMalformed(f"Its quotes or lists are nested {MAX_NESTING} deep or deeper. Flatten them.")
    _add_markdown(tokens, builder)
    stated = matter.model_dump(exclude={"source"})
    return Metadata(**stated, source=Source(**matter.source.model_dump()) if matter.source else None)


def _split_front_matter(text: str) -> tuple[dict[str, Any], str]:
    """The YAML between two lines of hyphens at the very start, and what follows it."""
    handler = YAMLHandler()
    begun = text.lstrip()
    if not handler.detect(begun) or len(handler.FM_BOUNDARY.findall(begun)) < 2:
        return {}, text
    matter, body = handler.split(begun)
    try:
        metadata = handler.load(matter)
    except (yaml.YAMLError, TypeError, ValueError, AttributeError, RecursionError) as error:
        detail = " ".join(str(error).split())
        raise DocumentMalformed(f"Its front matter is not valid YAML: {detail}") from error
    if not isinstance(metadata or {}, dict):
        raise DocumentMalformed(
            f"Its front matter is not made of lines like `key: value`: {_SHOWN.repr(metadata)}. Where none is meant,"
            " begin with something else than a line of hyphens."
        )
    return {str(key): value for key, value in (metadata or {}).items()}, body


def _add_markdown(tokens: list[Token], builder: TextBuilder) -> None:
    list_depth = 0
    header: list[str] = []
    row: list[str] = []
    for position, token in enumerate(tokens):
        match token.type:
            case "bullet_list_open" | "ordered_list_open" | "bullet_list_close" | "ordered_list_close":
                list_depth += token.nesting
            case "thead_open":
                header = []
            case "thead_close":
                if tokens[position + 1].type == "table_close":  # no row will name its columns
                    builder.add(BlockKind.TABLE_ROW, "; ".join(filter(None, header)))
            case "tr_open":
                row = []
            case "tr_close":
                if header:
                    builder.add(BlockKind.TABLE_ROW, table_row(header, row))
                else:
                    header = row
            case "fence" | "code_block":
                builder.add(BlockKind.CODE, token.content)
            case "inline" if tokens[position - 1].type in ("th_open", "td_open"):
                row.append(_inline_text(token))
            case "inline":
                kind, level = _inline_kind(tokens[position - 1], list_depth)
                builder.add(kind, _inline_text(token), level)


def _inline_kind(opened: Token, list_depth: int) -> tuple[BlockKind, int]:
    if opened.type == "heading_open":
        return BlockKind.HEADING, int(opened.tag[1])
    return (BlockKind.LIST_ITEM, list_depth) if list_depth else (BlockKind.PARAGRAPH, 0)


def _inline_text(token: Token) -> str:
    parts = []
    for child in token.children or ():
        if child.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        else:  # an image has its description as content
            parts.append(child.content)
    return "".join(parts)

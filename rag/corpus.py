"""Files to Documents: Markdown with front matter, plain text and HTML, as plain text with its structure beside it."""

from __future__ import annotations

import calendar
import datetime
import hashlib
import os
import re
import reprlib
import stat
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import yaml
from frontmatter.default_handlers import YAMLHandler
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator
from selectolax.lexbor import LexborHTMLParser, LexborNode

from rag.domain import Block, BlockKind, Document, Failure, Section, Source
from rag.errors import DocumentError, DocumentMalformed, DocumentUnreadable, InvalidInput, UnsupportedFormat

MAX_FILE_BYTES = 20 * 1024 * 1024
MAX_TITLE_CHARACTERS = 500
MAX_NESTING = 100
DEFAULT_KIND = "document"
# Of what is wrong with a file, so much is said.
MAX_PROBLEMS = 5
_SHOWN = reprlib.Repr()
_SHOWN.maxlevel, _SHOWN.maxlist, _SHOWN.maxdict, _SHOWN.maxstring = 2, 3, 3, 80

# Invisible characters that carry no text but can reorder it, hide instructions in it or split words:
# control characters, soft hyphen, zero-width space and BOM, bidirectional controls, the tag block.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)
# They end a line or a page: white space between words, also where white space is kept.
_BREAKS = re.compile("[\x0b\x0c\r\x1c-\x1f\x85\u2028\u2029]")
_DATE = re.compile(r"([0-9]{4})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12][0-9]|3[01]))?)?")


@dataclass
class TextBuilder:
    """Collects blocks into one text, and the sections that its headings make."""

    parts: list[str] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    length: int = 0

    def add(self, kind: BlockKind, text: str, level: int = 0) -> None:
        """Append a block; white space is folded except in code, and an empty block is left out."""
        text = clean(text)
        text = text.strip("\n") if kind is BlockKind.CODE else " ".join(text.split())
        if not text.strip():
            return
        if self.blocks:
            together = kind is self.blocks[-1].kind in (BlockKind.LIST_ITEM, BlockKind.TABLE_ROW)
            self._append("\n" if together else "\n\n")
        start = self.length
        self._append(text)
        self.blocks.append(Block(kind, start, self.length, level))

    def _append(self, text: str) -> None:
        self.parts.append(text)
        self.length += len(text)

    @property
    def text(self) -> str:
        """All blocks, separated by blank lines; items of one list by single line ends."""
        return "".join(self.parts)

    def sections(self) -> tuple[Section, ...]:
        """The stretches between headings that hold any text, each with the headings it stands under."""
        found: list[Section] = []
        path: list[tuple[int, str]] = []
        start: int | None = None
        text = self.text
        for block in self.blocks:
            if block.kind is BlockKind.HEADING:
                path = [entry for entry in path if entry[0] < block.level]
                path.append((block.level, text[block.start : block.end]))
                start = None
                continue
            if start is None:
                start = block.start
                found.append(Section(tuple(title for _, title in path), start, block.end))
            else:
                found[-1] = Section(found[-1].path, start, block.end)
        return tuple(found)


def clean(text: str) -> str:
    """Canonical composition (NFC), without invisible and control characters and unpaired surrogates."""
    text = valid(text)
    return unicodedata.normalize("NFC", _INVISIBLE.sub("", _BREAKS.sub(" ", text)))


def valid(text: str) -> str:
    """The text with each surrogate that stands alone replaced: encoders refuse them."""
    return text.encode("utf-8", "replace").decode("utf-8")


def one_line(text: str) -> str:
    """Clean text with its white space folded to single spaces."""
    return " ".join(clean(text).split())


def days(date: str | None) -> tuple[int, int] | None:
    """The first and last day that an ISO date of any precision covers, as YYYYMMDD; None for none.

    Raises:
        InvalidInput: not a date of the form YYYY, YYYY-MM or YYYY-MM-DD.
    """
    if date is None:
        return None
    match = _DATE.fullmatch(date)
    if match:
        year, month, day = int(match[1]), int(match[2] or 0), int(match[3] or 0)
        first_month, last_month = month or 1, month or 12
        if year:
            last_day = day or calendar.monthrange(year, last_month)[1]
            if last_day <= calendar.monthrange(year, last_month)[1]:
                return (year * 100 + first_month) * 100 + (day or 1), (
                    year * 100 + last_month
                ) * 100 + last_day
    raise InvalidInput(f"{date!r} is not a date. Write YYYY-MM-DD, YYYY-MM or YYYY.")


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


class FrontMatter(BaseModel):
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


def read_corpus(corpus: Sequence[Path]) -> Iterator[Document | Failure]:
    """Read files, and every file below folders, in the order of paths; hidden files and linked folders are passed over.

    A document's path is relative to its folder, with the folder's name in front where several are read. A file that
    cannot be used is a `Failure`, and so are one whose id an earlier file has and a folder that cannot be listed.

    Raises:
        DocumentUnreadable: a folder is not there or cannot be listed.
    """
    owners: dict[str, tuple[Path, str]] = {}
    for root in corpus:
        prefix = f"{root.resolve().name}/" if len(corpus) > 1 and root.is_dir() else ""
        for path, unlisted in _files(root):
            # A name need not be text; the record's must be.
            name = valid(prefix + path.relative_to(root if root.is_dir() else root.parent).as_posix())
            entry = (
                Failure(name, f"It cannot be listed: {unlisted.strerror}.") if unlisted else _read(path, name)
            )
            if isinstance(entry, Document):
                place = root.resolve() / path.relative_to(root)
                owner, owner_name = owners.setdefault(entry.id, (place, entry.path))
                if owner != place:
                    also = owner_name if owner_name != name else owner
                    entry = Failure(name, f"Its id {entry.id!r} is also that of {also}. Change one of them.")
            yield entry


def _read(path: Path, name: str) -> Document | Failure:
    try:
        return read_file(path, name)
    except DocumentError as error:
        return Failure(name, str(error))


def _files(root: Path) -> list[tuple[Path, OSError | None]]:
    if root.is_file():
        return [(root, None)]
    if not root.is_dir():
        raise DocumentUnreadable(
            f"There is no folder or file {root}. Set --corpus or RAG_CORPUS_DIR to a folder."
        )
    return [
        (path, unlisted)
        for path, unlisted in _walk(root)
        if not any(part.startswith(".") for part in path.relative_to(root).parts)
    ]


def _walk(folder: Path) -> list[tuple[Path, OSError | None]]:
    """Everything below a folder but folders, by path, and the folders that cannot be listed with the reason."""
    unlisted: list[OSError] = []
    found: list[tuple[Path, OSError | None]] = [
        (Path(parent, name), None)
        for parent, _, names in os.walk(folder, onerror=unlisted.append)
        for name in names
    ]
    found += [(Path(error.filename), error) for error in unlisted]
    if any(path == folder for path, _ in found):
        raise DocumentUnreadable(f"The corpus folder {folder} cannot be listed: {unlisted[0].strerror}.")
    return sorted(found, key=lambda entry: entry[0])


def read_file(path: Path, name: str) -> Document:
    """Read one file; `name` is its path as the record knows it.

    Raises:
        UnsupportedFormat: no reader reads files with this ending.
        DocumentUnreadable: it cannot be opened, is too large or is not UTF-8 text.
        DocumentMalformed: its front matter cannot be used, or it holds no text.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(sorted(READERS))
        raise UnsupportedFormat(
            f"No reader reads {path.suffix or 'files without an ending'}. These are read: {known}."
        )
    content = _content(path)
    builder = TextBuilder()
    matter = reader(_decode(content), builder)
    if not builder.sections():
        raise DocumentMalformed("The document holds no text.")
    identifier = matter.id or _slug(name)
    source = Source(**matter.source.model_dump()) if matter.source else Source(title=name)
    return Document(
        id=identifier,
        title=(matter.title or _first_heading(builder) or _title(name))[:MAX_TITLE_CHARACTERS].rstrip(),
        kind=matter.kind,
        text=builder.text,
        blocks=tuple(builder.blocks),
        sections=builder.sections(),
        path=name,
        sha256=hashlib.sha256(content).hexdigest(),
        date=matter.date,
        place=matter.place,
        people=matter.people,
        organisations=matter.organisations,
        source=source,
    )


def _content(path: Path) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise DocumentUnreadable("It is not a file that can be read: a folder, pipe, socket or device.")
        if status.st_size > MAX_FILE_BYTES:
            raise DocumentUnreadable(
                f"It has {status.st_size:,} bytes; at most {MAX_FILE_BYTES:,} are read. Split it."
            )
        return path.read_bytes()
    except OSError as error:
        raise DocumentUnreadable(f"It cannot be opened: {error.strerror}.") from error


def _decode(content: bytes) -> str:
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise DocumentUnreadable(
            f"It is not {encoding.removesuffix('-sig').upper()} text: byte 0x{content[error.start]:02x} "
            f"at position {error.start}. Save it as UTF-8."
        ) from error
    if "\x00" in text:
        raise DocumentUnreadable(f"It holds a NUL byte at position {text.index(chr(0))}: not a text file.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _slug(name: str) -> str:
    """An id made from a path: letters and digits of any script, the rest as hyphens."""
    stem = unicodedata.normalize("NFC", str(Path(name).with_suffix("")))
    slug = re.sub(r"[\W_]+", "-", stem.lower()).strip("-")[:150]
    return slug or hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:16]


def _title(name: str) -> str:
    return one_line(Path(name).stem.replace("-", " ").replace("_", " ")) or one_line(Path(name).name)


def _first_heading(builder: TextBuilder) -> str | None:
    headings = (block for block in builder.blocks if block.kind is BlockKind.HEADING)
    first = next(headings, None)
    return builder.text[first.start : first.end] if first else None


def _read_text(text: str, builder: TextBuilder) -> FrontMatter:
    for paragraph in re.split(r"\n\s*\n", text):
        builder.add(BlockKind.PARAGRAPH, paragraph)
    return FrontMatter()


def _read_markdown(text: str, builder: TextBuilder) -> FrontMatter:
    metadata, body = _split_front_matter(text)
    try:
        matter = FrontMatter(**metadata)
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
    return matter


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


def table_row(header: list[str], cells: list[str]) -> str:
    """A row of a table as words that can be understood without the table."""
    named = (
        f"{name}: {cell}" if name else cell for name, cell in zip(header, cells, strict=False) if cell.strip()
    )
    return "; ".join(named)


_HIDDEN_TAGS = [
    "script",
    "style",
    "noscript",
    "template",
    "nav",
    "footer",
    "aside",
    "form",
    "iframe",
    "svg",
    "button",
]
_BLOCK_TAGS = {
    "address", "article", "blockquote", "body", "dd", "details", "div", "dl", "dt", "fieldset", "figcaption", "figure",
    "header", "hr", "html", "li", "main", "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th",
    "thead", "tr", "ul", "h1", "h2", "h3", "h4", "h5", "h6",
}  # fmt: skip


def _read_html(text: str, builder: TextBuilder) -> FrontMatter:
    tree = LexborHTMLParser(text)
    title_node = tree.css_first("title")
    title = one_line(title_node.text()) if title_node else ""
    if tree.body is not None:
        tree.body.strip_tags(_HIDDEN_TAGS)
        _add_html(tree.body, builder)
    return FrontMatter(title=title[:MAX_TITLE_CHARACTERS] or None)


def _add_html(root: LexborNode, builder: TextBuilder) -> None:
    """Walk the tree without recursion (pages can be nested deeper than Python's stack) and add its blocks."""
    inline: list[str] = []
    kind, level = BlockKind.PARAGRAPH, 0

    def flush() -> None:
        builder.add(kind, "".join(inline), level)
        inline.clear()

    pending: list[tuple[LexborNode | None, BlockKind, int]] = [(root, kind, level)]
    while pending:
        node, node_kind, node_level = pending.pop()
        if node is None:  # the end of a block element: what follows is its parent's again
            flush()
            kind, level = node_kind, node_level
            continue
        tag = node.tag
        if tag == "-text":
            inline.append(node.text_content or "")
        elif tag == "tr" and node.css_first("table") is None:  # a table in a table is there for the layout
            flush()
            builder.add(BlockKind.TABLE_ROW, _html_row(node))
        elif tag == "br":
            inline.append("\n" if kind is BlockKind.CODE else " ")
        else:
            if tag in _BLOCK_TAGS:
                flush()
                pending.append((None, kind, level))
                kind, level = _html_kind(tag, kind, level)
            children = list(node.iter(include_text=True))
            pending.extend((child, kind, level) for child in reversed(children))
    flush()


def _html_kind(tag: str, kind: BlockKind, level: int) -> tuple[BlockKind, int]:
    if tag in ("h1", "h2", "h3", "h4", "h5", "h6"):
        return BlockKind.HEADING, int(tag[1])
    if tag == "pre":
        return BlockKind.CODE, 0
    if tag in ("li", "dd", "dt"):
        return BlockKind.LIST_ITEM, level + 1 if kind is BlockKind.LIST_ITEM else 1
    return (kind, level) if kind is BlockKind.LIST_ITEM else (BlockKind.PARAGRAPH, 0)


def _html_row(row: LexborNode) -> str:
    """A table row with the names of its columns, where the table's first row gives names."""
    table = row.parent
    while table is not None and table.tag != "table":
        table = table.parent
    first = table.css_first("tr") if table is not None else None
    names: list[str] = []
    if table is not None and first is not None and first.css_first("td") is None and table.css_first("td"):
        if first.mem_id == row.mem_id:
            return ""  # each row names its columns
        names = _html_cells(first)
    cells = _html_cells(row)
    return table_row(names, cells) if len(names) == len(cells) else "; ".join(cell for cell in cells if cell)


def _html_cells(row: LexborNode) -> list[str]:
    cells = []
    for cell in row.iter():
        builder = TextBuilder()
        _add_html(cell, builder)
        cells.append(one_line(builder.text))
    return cells


Reader = Callable[[str, TextBuilder], FrontMatter]
READERS: dict[str, Reader] = {
    ".md": _read_markdown,
    ".markdown": _read_markdown,
    ".txt": _read_text,
    ".text": _read_text,
    ".html": _read_html,
    ".htm": _read_html,
}

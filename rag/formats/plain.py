"""Plain text, and text in rows and columns."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from rag.domain import BlockKind, ReadingLimits
from rag.errors import DocumentMalformed
from rag.formats.encoding import decode
from rag.formats.metadata import Metadata
from rag.text import TextBuilder, one_line, table_row

DELIMITERS = ",;\t|"
# So much of a file is looked at to tell how it parts its columns.
_SAMPLE_CHARACTERS = 64 * 1024
_SHORTEST_HEADING, _LONGEST_HEADING = 4, 60
_UNDERLINE = re.compile(r"={3,}|-{3,}|~{3,}")
_NUMBER = re.compile(r"(?:\d{1,2}(?:\.\d{1,2})*[.)]|\d{1,2}(?:\.\d{1,2})+)\s+(?=[A-Z])")


def read_text(content: bytes, builder: TextBuilder, limits: ReadingLimits) -> Metadata:
    """Paragraphs, parted by blank lines, and the headings above them."""
    add_paragraphs(decode(content, limits), builder)
    return Metadata()


def add_paragraphs(text: str, builder: TextBuilder) -> None:
    """Add what blank lines and headings part as paragraphs.

    A heading is a short line that is underlined, numbered, or all in capitals, with something else below it.
    """
    lines = [line.strip() for line in text.splitlines()]
    filled = [number for number, line in enumerate(lines) if line]
    neighbours = {
        number: (lines[before] if before is not None else "", lines[after] if after is not None else "")
        for before, number, after in zip([None, *filled], filled, [*filled[1:], None], strict=False)
    }
    paragraph: list[str] = []

    def end() -> None:
        if paragraph:
            builder.add(BlockKind.PARAGRAPH, "\n".join(paragraph))
            paragraph.clear()

    underlined = False
    for number, line in enumerate(lines):
        if not line or underlined:
            underlined = False
            end()
            continue
        below = lines[number + 1] if number + 1 < len(lines) else ""
        level = 0 if paragraph and not _numbered(line) else _level(line, *neighbours[number], below)
        if level:
            end()
            builder.add(BlockKind.HEADING, line, level)
            underlined = bool(_UNDERLINE.fullmatch(below))
        else:
            paragraph.append(line)
    end()


def _level(line: str, before: str, after: str, below: str) -> int:
    """How deep a line stands as a heading; 0 if it is none. `before` and `after` are the lines next to it that are not
    empty, `below` the very next.
    """
    if len(line) > _LONGEST_HEADING or line[-1] in ".,;:!?" or not after:
        return 0
    if _UNDERLINE.fullmatch(below) and 2 * len(below) >= len(line) >= _SHORTEST_HEADING:
        return 1 if below[0] == "=" else 2
    depth = _numbered(line)
    if depth:
        # Numbered lines one after the other are a list.
        return 0 if depth == _numbered(after) or depth == _numbered(before) else depth + 1
    capitals = line.isupper() and len(line) >= _SHORTEST_HEADING
    return int(capitals and not after.isupper())


def _numbered(line: str) -> int:
    """How many numbers stand before a line that begins as numbered headings do: 2 for "3.1 Scope"."""
    found = _NUMBER.match(line)
    return len(re.findall(r"\d+", found.group())) if found else 0


def read_csv(content: bytes, builder: TextBuilder, limits: ReadingLimits) -> Metadata:
    """Rows of cells, parted as the file parts them (`,`, `;`, tab or `|`).

    Raises:
        DocumentMalformed: it is not made of rows.
    """
    text = decode(content, limits)
    try:
        dialect: type[csv.Dialect] | csv.Dialect = csv.Sniffer().sniff(text[:_SAMPLE_CHARACTERS], DELIMITERS)
    except csv.Error:  # one column, or columns of uneven length
        dialect = csv.excel
    csv.field_size_limit(limits.characters)
    try:
        add_table(csv.reader(io.StringIO(text), dialect), builder)
    except csv.Error as error:
        raise DocumentMalformed(f"It is not made of rows and columns: {error}.") from error
    return Metadata()


def add_table(rows: Iterable[Sequence[str]], builder: TextBuilder) -> None:
    """Add rows; the first that has only words, in two columns or more, names the columns of those after it.

    What stands above it, such as the title of a table, is added as it is.
    """
    header: list[str] = []
    named = False
    for row in rows:
        cells = [one_line(cell) for cell in row]
        if not header and names_columns(cells):
            header = cells
            continue
        named = named or bool(header and any(cells))
        builder.add(
            BlockKind.TABLE_ROW, table_row(header, cells) if header else "; ".join(filter(None, cells))
        )
    if header and not named:  # no row has named its columns
        builder.add(BlockKind.TABLE_ROW, "; ".join(filter(None, header)))


def names_columns(cells: Sequence[str]) -> bool:
    """Whether a first row has only words, and more than one: then it says what is in the columns."""
    filled = [cell for cell in cells if cell.strip()]
    return len(filled) > 1 and not any(re.fullmatch(r"[\d\s.,:%€$£+/-]+", cell) for cell in filled)

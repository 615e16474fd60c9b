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


def read_text(content: bytes, builder: TextBuilder, limits: ReadingLimits) -> Metadata:
    """Paragraphs, parted by blank lines."""
    add_paragraphs(decode(content, limits), builder)
    return Metadata()


def add_paragraphs(text: str, builder: TextBuilder) -> None:
    """Add what blank lines part as paragraphs."""
    for paragraph in re.split(r"\n\s*\n", text):
        builder.add(BlockKind.PARAGRAPH, paragraph)


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

"""Lines at their places on pages -> headings, paragraphs, list items and table rows.

A PDF holds where each character stands and nothing of what it is. What a reader sees is told from sizes and gaps, with
the usual rules (as in Bast and Korzen 2017, "A Benchmark and Evaluation for Text Extraction from PDF"): larger or bold
lines are headings, wider gaps part paragraphs, and words below each other in columns, line after line, are a table.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rag.domain import BlockKind
from rag.formats.plain import add_table
from rag.text import TextBuilder

# In heights of a line. Between two cells there is no character; between two words there mostly is a space.
CELL_GAP = 1.0
EMPTY_CELL_GAP = 0.45
PARAGRAPH_GAP = 0.35
INDENT = 0.8
# A heading is so much higher than most of the text.
HEADING_HEIGHT = 1.12
MAX_HEADING_CHARACTERS = 200
MAX_COLUMN_NAME = 40
# A line at the head or foot of so many pages, and of half of all, is not of the text.
RUNNING_PAGES = 3

_BULLET = re.compile(r"(?:[•◦▪‣·●○■–—*-]|\(?\d{1,3}[.)]|\(?[a-z][.)])")
_ENDS = re.compile(r"[.!?:;。！？]['\"”’)\]]*$")
_PAGE_NUMBER = re.compile(r"(?<![\w.,])\d{1,4}(?![\w.,])")
# PDFium's own marks for a hyphen that parts a word, and the hyphens of fonts.
_HYPHEN = re.compile(r"(?<=\w)[\x02\ufffe\xad\u2010-]$")


@dataclass
class Line:
    """A line of a page: its cells as `(left, right, text)` in points; `bottom` and `top` as from the page's foot.

    `size` is that of its font.
    """

    bottom: float
    top: float
    cells: list[tuple[float, float, str]]
    bold: bool = False
    size: float = 0.0

    @property
    def height(self) -> float:
        """Of its font, in points."""
        return max(self.top - self.bottom, 0.1)

    @property
    def text(self) -> str:
        """All its cells."""
        return " ".join(text for _, _, text in self.cells)

    def goes_on(self, left: float, bottom: float, top: float) -> bool:
        """Whether a character at this place stands on it, after what it holds."""
        shared = min(self.top, top) - max(self.bottom, bottom)
        return shared > 0.4 * min(self.height, top - bottom) and left > self.cells[-1][1] - self.height

    def append(self, left: float, right: float, character: str, spaced: bool, cell_gap: float) -> None:
        """Add a character: to the last cell, or to a new one where the gap before it is as wide as `cell_gap`."""
        first, last, text = self.cells[-1]
        if left - last > cell_gap * self.height:
            self.cells.append((left, right, character))
        else:
            self.cells[-1] = (first, max(last, right), f"{text}{' ' if spaced else ''}{character}")


def add_pages(pages: Sequence[Sequence[Line]], builder: TextBuilder) -> None:
    """Add the blocks of all pages; a paragraph that a page's end breaks goes on over it."""
    kept = list(_without_running_lines(pages))
    sizes = Counter[float]()
    for line in (line for page in kept for line in page):
        sizes[line.size] += len(line.text)
    body = max(sizes, key=lambda size: sizes[size], default=0.0)
    levels = sorted((size for size in sizes if size > HEADING_HEIGHT * body), reverse=True)
    words = {_bare(word) for page in kept for line in page for word in line.text.split()}
    for page in kept:
        groups = list(_groups(page))
        if groups and _goes_over(builder, groups[0], body):
            builder.add_over_page(_joined([line.text for line in groups.pop(0)], words))
        else:
            builder.begin_page()
        for lines in groups:
            _add_group(lines, builder, levels, words)


def _goes_over(builder: TextBuilder, lines: Sequence[Line], body: float) -> bool:
    """Whether the first lines of a page go on with the paragraph that the page before ends with."""
    if not builder.blocks or builder.blocks[-1].kind is not BlockKind.PARAGRAPH:
        return False
    return lines[0].size == body and lines[0].text[:1].islower() and not _ENDS.search(builder.parts[-1])


def _without_running_lines(pages: Sequence[Sequence[Line]]) -> Iterator[list[Line]]:
    """Pages without what most of them have at the head or foot: the same words, or the number of the page."""
    signs = [[_signs(page, at, number) for at in range(len(page))] for number, page in enumerate(pages)]
    counts = Counter(sign for page in signs for sign in set().union(*page))
    most = max(RUNNING_PAGES, len(pages) / 2)
    for page, of_lines in zip(pages, signs, strict=True):
        yield [
            line
            for line, of_line in zip(page, of_lines, strict=True)
            if all(counts[sign] < most for sign in of_line)
        ]


def _signs(page: Sequence[Line], at: int, number: int) -> set[tuple[str, int]]:
    """What may show a line to be a running one: its words at its place, or how far its number is from the page's."""
    if 2 <= at < len(page) - 2:
        return set()
    text = page[at].text
    signs = {(text, round(page[at].bottom))}
    inner = at + 1 if at < 2 else at - 1
    first, second = sorted((at, inner))
    # A line of the text can end with the number of its page by chance; a running one stands apart.
    if not 0 <= inner < len(page) or not -0.5 < _gap(page[first], page[second]) < 0.8:
        signs |= {("", number - int(digits)) for digits in _PAGE_NUMBER.findall(text)}
    return signs


def _groups(page: Sequence[Line]) -> Iterator[list[Line]]:
    """Lines that belong together: of a paragraph, a list item, a heading or a table."""
    tables = _table_lines(page)
    for at, line in enumerate(page):
        if at not in tables:
            line.cells = [(line.cells[0][0], line.cells[-1][1], line.text)]
    gaps = sorted(_gap(above, below) for above, below in pairwise(page) if -0.5 < _gap(above, below) < 1.5)
    usual = gaps[(len(gaps) - 1) // 4] if gaps else 0.0
    group: list[Line] = []
    for line in page:
        if group and not _belongs(group, line, usual):
            yield group
            group = []
        group.append(line)
    if group:
        yield group


def _gap(above: Line, below: Line) -> float:
    return (above.bottom - below.top) / max(above.height, below.height)


def _table_lines(page: Sequence[Line]) -> set[int]:
    """The positions of the lines that make tables: two or more rows of the same columns, and what goes on with one."""
    for line in page:
        _join_bullet(line)
    found: set[int] = set()
    row: int | None = None  # the last line that may be a row
    for at, line in enumerate(page):
        if row is not None and _same_columns(page[row], line) and len(line.cells) > 1:
            found.update(range(row, at + 1))
            row = at
        elif len(line.cells) > 1:
            row = at
        elif row is not None and not _continues(page[row], page[at - 1], line):
            row = None
    return found


def _continues(row: Line, last: Line, line: Line) -> bool:
    """Whether a line goes on with what a row of a table has in its second column, or a later one."""
    columns = [left for left, _, _ in row.cells[1:]]
    return -0.5 < _gap(last, line) < 0.6 and any(
        abs(left - line.cells[0][0]) < 0.7 * line.height for left in columns
    )


def _join_bullet(line: Line) -> None:
    if len(line.cells) > 1 and _BULLET.fullmatch(line.cells[0][2]):
        (left, _, bullet), (_, right, text), *rest = line.cells
        line.cells = [(left, right, f"{bullet} {text}"), *rest]


def _belongs(group: Sequence[Line], line: Line, usual: float) -> bool:
    last = group[-1]
    row = next((one for one in reversed(group) if len(one.cells) > 1), None)
    if row is not None and len(line.cells) == 1:
        return _continues(row, last, line)
    if row is not None or len(line.cells) > 1:
        return row is not None and _same_columns(row, line) and -0.5 < _gap(last, line) < 3
    if abs(last.size - line.size) > 0.5 or last.bold != line.bold or _is_item(line):
        return False
    ended = bool(_ENDS.search(last.text))
    if line.bottom > last.top:  # the next column
        return not ended
    if _gap(last, line) > usual + PARAGRAPH_GAP:
        return False
    indented = line.cells[0][0] - last.cells[0][0] > INDENT * line.height
    return not (ended and indented and not _is_item(group[0]))


def _same_columns(first: Line, line: Line) -> bool:
    """Whether the cells of two lines stand below each other, by their left ends, right ends or middles."""
    if len(first.cells) != len(line.cells):
        return False
    near = 0.7 * line.height
    return all(
        abs(above[0] - below[0]) < near
        or abs(above[1] - below[1]) < near
        or abs(above[0] + above[1] - below[0] - below[1]) < 2 * near
        for above, below in zip(first.cells, line.cells, strict=True)
    )


def _is_item(line: Line) -> bool:
    bullet, _, rest = line.text.partition(" ")
    return bool(rest and _BULLET.fullmatch(bullet))


def _add_group(lines: Sequence[Line], builder: TextBuilder, levels: Sequence[float], words: set[str]) -> None:
    text = _joined([line.text for line in lines], words)
    if len(lines) > 1 and len(lines[0].cells) > 1:
        add_table(_rows(lines, words), builder)
    elif len(text) <= MAX_HEADING_CHARACTERS and lines[0].size in levels:
        builder.add(BlockKind.HEADING, text, min(levels.index(lines[0].size) + 1, 6))
    elif (
        len(lines) == 1
        and lines[0].bold
        and not _ENDS.search(text)
        and len(text) <= MAX_HEADING_CHARACTERS / 2
    ):
        builder.add(BlockKind.HEADING, text, min(len(levels) + 1, 6))
    elif _is_item(lines[0]):
        bullet, _, rest = text.partition(" ")
        numbered = any(map(str.isalnum, bullet))  # what is numbered may be referred to by its number
        builder.add(BlockKind.LIST_ITEM, text if numbered else rest, 1)
    else:
        builder.add(BlockKind.PARAGRAPH, text)


def _rows(lines: Sequence[Line], words: set[str]) -> list[list[str]]:
    """The cells of a table, each with the lines that go on with it; an empty first row if none names the columns."""
    rows: list[list[str]] = []
    lefts: list[float] = []
    for line in lines:
        if len(line.cells) > 1:
            rows.append([text for _, _, text in line.cells])
            lefts = [left for left, _, _ in line.cells]
        else:
            column = min(range(len(lefts)), key=lambda at: abs(lefts[at] - line.cells[0][0]))
            rows[-1][column] = _joined([rows[-1][column], line.text], words)
    # Where terms are explained one below the other, the first one names no column.
    named = all(len(cell) <= MAX_COLUMN_NAME and not _ENDS.search(cell) for cell in rows[0])
    return rows if named else [["; ".join(row)] for row in rows]


def _joined(lines: Sequence[str], words: set[str]) -> str:
    """One line of text, with the words made whole that the ends of lines part."""
    text = ""
    for line in lines:
        parted = _HYPHEN.search(text)
        if parted and line[:1].islower():
            halves = text[: parted.start()].rsplit(maxsplit=1)[-1], line.split(maxsplit=1)[0]
            # It stays where the word is written so in the middle of a line.
            hyphen = "-" if "-".join(map(_bare, halves)) in words else ""
            text = f"{text[: parted.start()]}{hyphen}{line}"
        else:
            text = f"{text} {line}".lstrip()
    return re.sub("[\x02\ufffe]", "-", text)


def _bare(word: str) -> str:
    return word.strip(".,;:!?()[]'\"“”‘’").lower()

"""Text as the record keeps it: cleaned, in blocks, with the sections and pages that it stands on."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest

from rag.domain import Block, BlockKind, Section
from rag.errors import DocumentUnreadable

# Invisible characters that carry no text but can reorder it, hide instructions in it or split words:
# control characters, soft hyphen, zero-width space and BOM, bidirectional controls, the tag block.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)
# They end a line or a page: white space between words, also where white space is kept.
_BREAKS = re.compile("[\x0b\x0c\r\x1c-\x1f\x85\u2028\u2029]")


@dataclass
class TextBuilder:
    """Collects blocks into one text, the sections that its headings make, and where its pages begin.

    Raises (whatever adds text):
        DocumentUnreadable: it has grown longer than `most_characters`.
    """

    most_characters: int | None = None
    parts: list[str] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    page_starts: list[int] = field(default_factory=list)
    length: int = 0
    _turned: int = 0

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
        self._turn()
        self._append(text)
        self.blocks.append(Block(kind, start, self.length, level))

    def begin_page(self) -> None:
        """What is added from here on stands on the next page."""
        self._turned += 1

    def add_over_page(self, text: str) -> None:
        """Begin a page in the middle of a paragraph: the text goes on with the last block."""
        text = one_line(text)
        last = self.blocks.pop()
        self._append(" ")
        self.begin_page()
        self._turn()
        self._append(text)
        self.blocks.append(replace(last, end=self.length))

    def finish(self) -> None:
        """Nothing is added any more: pages begun since stand empty at the end."""
        self._turn()

    def _turn(self) -> None:
        self.page_starts += [self.length] * self._turned
        self._turned = 0

    def _append(self, text: str) -> None:
        self.length += len(text)
        if self.most_characters is not None and self.length > self.most_characters:
            raise DocumentUnreadable(
                f"It holds more than {self.most_characters:,} characters of text, the most that is read. Split it."
            )
        self.parts.append(text)

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


def table_row(header: Sequence[str], cells: Sequence[str]) -> str:
    """A row of a table as words that can be understood without the table."""
    named = (
        f"{name}: {cell}" if name else cell
        for name, cell in zip_longest(header, cells, fillvalue="")
        if cell.strip()
    )
    return "; ".join(named)

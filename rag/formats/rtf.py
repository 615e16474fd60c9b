"""Rich Text Format, through striprtf, with the headings and the properties that it leaves out."""

from __future__ import annotations

import re

from rag.domain import BlockKind, ReadingLimits
from rag.errors import DocumentMalformed, DocumentUnreadable
from rag.formats.metadata import Metadata
from rag.formats.plain import add_table
from rag.text import TextBuilder, one_line

# A paragraph's outline level, or its style, is written before its text. It is put into the text as a character of the
# private use area, so that it comes out in front of the paragraph.
_OUTLINE = re.compile(r"\\(outlinelevel|s)(\d+)(?!\d)")
_HEADING_STYLE = re.compile(r"\{\\s(\d+)[^{}]*? (?:[Hh]eading (\d)|Title);\}")
_FIRST_MARK = 0xE100
_MARK = re.compile(r"[\ue100-\ue108]")
# It would be left out; it is read where it is called.
_FOOTNOTE = re.compile(r"(?:\\\*)?\\footnote(?![a-z])")
_BULLET = re.compile(r"^\s*(?:[•◦▪‣·–\uf0b7-]|\(?\d{1,3}[.)])\s*\t\s*")
_CREATED = re.compile(r"\\creatim\\yr(\d{4})\\mo(\d{1,2})\\dy(\d{1,2})")


def read_rtf(content: bytes, builder: TextBuilder, limits: ReadingLimits) -> Metadata:
    """Headings, paragraphs, lists and tables.

    Raises:
        DocumentMalformed: it is no RTF.
        DocumentUnreadable: it is longer than the limit.
    """
    from striprtf.striprtf import rtf_to_text

    written = content.decode(
        "latin-1"
    )  # RTF is ASCII; what is not is escaped, or in the code page that it names
    if not written.startswith("{\\rtf"):
        raise DocumentMalformed("It is damaged: it does not begin as RTF does.")
    if len(written) > limits.characters:
        raise DocumentUnreadable(
            f"It has {len(written):,} bytes; at most {limits.characters:,} are read. Split it."
        )
    _add_lines(rtf_to_text(_with_marks(written), errors="replace"), builder)
    created = _CREATED.search(written)
    title = _property(written, "title")
    return Metadata(
        title=title or None,
        author=_property(written, "author"),
        published=f"{created[1]}-{int(created[2]):02}-{int(created[3]):02}" if created else None,
    )


def _with_marks(written: str) -> str:
    """With a mark in front of each heading's text."""
    written = _FOOTNOTE.sub(r"\\~", written)
    styles = {number: int(level or 1) - 1 for number, level in _HEADING_STYLE.findall(written)}

    def mark(control: re.Match[str]) -> str:
        level = int(control[2]) if control[1] == "outlinelevel" else styles.get(control[2], -1)
        return f"\\u{_FIRST_MARK + level - 0x10000}?" if 0 <= level <= 8 else control[0]

    return _OUTLINE.sub(mark, written)


def _add_lines(text: str, builder: TextBuilder) -> None:
    rows: list[list[str]] = []
    # A paragraph can end within a cell.
    for line in re.sub(r"\n+\|", "|", text).split("\n"):
        if line.endswith("|"):  # cells are parted, and rows end, with a bar
            rows.append(_MARK.sub("", line[:-1]).split("|"))
            continue
        add_table(rows, builder)
        rows = []
        mark = _MARK.search(line)
        line = _MARK.sub("", line)
        if mark:
            builder.add(BlockKind.HEADING, line, min(ord(mark[0]) - _FIRST_MARK + 1, 6))
        elif bullet := _BULLET.match(line):
            builder.add(BlockKind.LIST_ITEM, line[bullet.end() :], 1)
        else:
            builder.add(BlockKind.PARAGRAPH, line)
    add_table(rows, builder)


def _property(written: str, name: str) -> str | None:
    """A property of the file's information group."""
    from striprtf.striprtf import rtf_to_text

    match = re.search(
        rf"{{\\{name} ((?:[^{{}}\\]|\\'[0-9a-f]{{2}}|\\u-?\d+ ?\??|{{[^{{}}]{{0,200}}}}){{1,500}})}}", written
    )
    return (
        (one_line(rtf_to_text("{\\rtf1\\ansi " + match[1] + "}", errors="replace")) or None)
        if match
        else None
    )

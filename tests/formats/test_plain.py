"""Plain text, and tables in text."""

from __future__ import annotations

from rag.domain import BlockKind
from tests.contracts.documents import Read, shown


def test_paragraphs_of_plain_text_are_parted_by_blank_lines(read: Read) -> None:
    document = read("x.txt", "One\nline.\n  \n\nTwo:  *no* markup.\n")
    assert shown(document) == [
        (BlockKind.PARAGRAPH, 0, "One line."),
        (BlockKind.PARAGRAPH, 0, "Two: *no* markup."),
    ]

"""Plain text, and tables in text."""

from __future__ import annotations

import pytest

from rag.domain import BlockKind
from tests.contracts.documents import Read, shown


def test_paragraphs_of_plain_text_are_parted_by_blank_lines(read: Read) -> None:
    document = read("x.txt", "One\nline.\n  \n\nTwo:  *no* markup.\n")
    assert shown(document) == [
        (BlockKind.PARAGRAPH, 0, "One line."),
        (BlockKind.PARAGRAPH, 0, "Two: *no* markup."),
    ]


def test_headings_of_plain_text_are_told_from_what_stands_below_them(read: Read) -> None:
    text = (
        "Rules of the house\n==================\n\nNEWS\n\n1. Annual leave\nEverybody has 27 days.\n2.1 Who counts\n\n"
        "All do.\n\nTowels\n------\nBring one.\n"
    )
    assert shown(read("x.txt", text)) == [
        (BlockKind.HEADING, 1, "Rules of the house"),
        (BlockKind.HEADING, 1, "NEWS"),
        (BlockKind.HEADING, 2, "1. Annual leave"),
        (BlockKind.PARAGRAPH, 0, "Everybody has 27 days."),
        (BlockKind.HEADING, 3, "2.1 Who counts"),
        (BlockKind.PARAGRAPH, 0, "All do."),
        (BlockKind.HEADING, 2, "Towels"),
        (BlockKind.PARAGRAPH, 0, "Bring one."),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "1. Apples\n2. Pears\n3. Plums\n\nBuy them.",  # a list
        "12 March 2024\nThe council met.",
        "3. It rained.\nThen it stopped.",
        "STOP.\nThey did.",
        "THE END",  # with nothing below it
        "UN\nmet.",
        "1. A line that goes on for much longer than any heading would, and then a little longer still\nText.",
        "a\n---\nb",  # a dash between
    ],
)
def test_what_only_looks_like_a_heading_stays_text(read: Read, text: str) -> None:
    assert BlockKind.HEADING not in [kind for kind, _, _ in shown(read("x.txt", text))]

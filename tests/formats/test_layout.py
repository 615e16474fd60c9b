"""Lines at their places to headings, paragraphs, lists and tables."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from rag.domain import BlockKind
from rag.formats.layout import Line, add_pages
from rag.text import TextBuilder


def line(text: str, row: float, left: float = 50, height: float = 10, bold: bool = False) -> Line:
    """A line of 10 points on a grid of 12; `|` parts cells, each at the next 100 points."""
    cells = [
        (left + 100 * at, left + 100 * at + 5 * len(cell), cell) for at, cell in enumerate(text.split("|"))
    ]
    return Line(700 - 12 * row, 700 - 12 * row + height, cells, bold, height)


def shown(*pages: Sequence[Line]) -> list[tuple[BlockKind, int, str]]:
    builder = built(*pages)
    return [(block.kind, block.level, builder.text[block.start : block.end]) for block in builder.blocks]


def built(*pages: Sequence[Line]) -> TextBuilder:
    builder = TextBuilder()
    add_pages(pages, builder)
    builder.finish()
    assert len(builder.page_starts) == len(pages)
    assert builder.page_starts == sorted(builder.page_starts)
    return builder


PARAGRAPH, HEADING, ITEM, ROW = (
    BlockKind.PARAGRAPH,
    BlockKind.HEADING,
    BlockKind.LIST_ITEM,
    BlockKind.TABLE_ROW,
)


def test_lines_make_paragraphs_parted_by_gaps() -> None:
    page = [line("The quay is", 0), line("long.", 1), line("The lamp is bright.", 3)]
    assert shown(page) == [(PARAGRAPH, 0, "The quay is long."), (PARAGRAPH, 0, "The lamp is bright.")]


def test_an_indent_after_a_full_stop_begins_a_paragraph() -> None:
    page = [line("It is long.", 0), line("The lamp is bright.", 1, left=70), line("It turns.", 2)]
    assert [text for _, _, text in shown(page)] == ["It is long.", "The lamp is bright. It turns."]


def test_larger_lines_are_headings_by_size_and_bold_ones_below_them() -> None:
    page = [
        line("Works", 0, height=20),
        line("The firms", 3, height=14),
        line("Abroad", 5, bold=True),
        line("Text that is longer than all the headings.", 6),
    ]
    assert [(kind, level) for kind, level, _ in shown(page)] == [
        (HEADING, 1),
        (HEADING, 2),
        (HEADING, 3),
        (PARAGRAPH, 0),
    ]


def test_bullets_and_numbers_make_items() -> None:
    page = [
        line("• First", 0),
        line("goes on", 1),
        line("• Second", 2),
        line("2. Third", 3),
        line("(b) Fourth", 4),
    ]
    assert shown(page) == [
        (ITEM, 1, "First goes on"),
        (ITEM, 1, "Second"),
        (ITEM, 1, "2. Third"),
        (ITEM, 1, "(b) Fourth"),
    ]


def test_the_same_columns_line_after_line_are_a_table() -> None:
    page = [line("Port|Depth", 0), line("Elsin|12 m", 1), line("Varn|9 m", 2), line("No table.", 4)]
    assert shown(page) == [
        (ROW, 0, "Port: Elsin; Depth: 12 m"),
        (ROW, 0, "Port: Varn; Depth: 9 m"),
        (PARAGRAPH, 0, "No table."),
    ]


def test_a_wide_gap_in_one_line_makes_no_table() -> None:
    assert shown([line("The quay|is", 0), line("long.", 1)]) == [(PARAGRAPH, 0, "The quay is long.")]


def test_a_cell_goes_on_below_itself_and_explained_terms_name_no_columns() -> None:
    page = [
        line("lattice|Graphics that are drawn in many small multi-", 0),
        line("ples.", 1, left=150),
        line("mgcv|Models.", 2),
    ]
    assert shown(page) == [
        (ROW, 0, "lattice; Graphics that are drawn in many small multiples."),
        (ROW, 0, "mgcv; Models."),
    ]


def test_running_heads_of_chapters_are_told_by_the_number_of_the_page() -> None:
    pages = [
        [
            line(f"Chapter {word} {number + 10}" if number % 2 else f"{number + 10} The book", -3),
            line(f"It is {word}.", 0),
        ]
        for number, word in enumerate(("one", "two", "three", "four", "five"), start=1)
    ]
    assert [text for _, _, text in shown(*pages)] == [
        f"It is {word}." for word in ("one", "two", "three", "four", "five")
    ]


def test_numbers_of_the_text_are_not_taken_for_those_of_pages() -> None:
    pages = [
        [
            line(f"Chapter {word} - {number} -", -3),
            line(f"As {word} says, see", 0),
            line(f"table {number}", 1),
            line(f"below {word}.", 2),
            line(f"Total: {number * 7}", 5),
        ]
        for number, word in enumerate(("one", "two", "three", "four"), start=1)
    ]
    assert [text for _, _, text in shown(*pages)] == [
        text
        for number, word in enumerate(("one", "two", "three", "four"), start=1)
        for text in (f"As {word} says, see table {number} below {word}.", f"Total: {number * 7}")
    ]


def test_words_that_a_line_parts_are_made_whole() -> None:
    page = [
        line("The well-known harbour of Elsin is regenera-", 0),
        line("tive and well-", 1),
        line("known.", 2),
    ]
    assert shown(page) == [(PARAGRAPH, 0, "The well-known harbour of Elsin is regenerative and well-known.")]


def test_a_paragraph_goes_on_over_the_end_of_a_page() -> None:
    builder = built([line("The quay is", 0)], [line("long.", 0), line("It is new.", 3)])
    assert builder.text == "The quay is long.\n\nIt is new."
    assert builder.page_starts == [0, builder.text.index("long")]


def test_empty_pages_are_counted() -> None:
    builder = built([], [line("The quay is long.", 0)], [], [line("The lamp.", 0)], [])
    lamp = builder.text.index("The lamp")
    assert builder.page_starts == [0, 0, lamp, lamp, len(builder.text)]


def test_what_every_page_repeats_is_left_out() -> None:
    pages = [
        [line("Gazette", -3), line(f"Text {word}.", 0), line(f"Page {number}", 50)]
        for number, word in enumerate(("one", "two", "three", "four"), start=1)
    ]
    assert [text for _, _, text in shown(*pages)] == [
        f"Text {word}." for word in ("one", "two", "three", "four")
    ]


PLACED = st.builds(
    line,
    st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=20).filter(str.strip),
    st.floats(0, 60),
    st.floats(0, 400),
    st.sampled_from([8, 10, 14, 20]),
    st.booleans(),
)


@given(st.lists(st.lists(PLACED, max_size=8), min_size=1, max_size=2))
def test_no_letter_of_a_page_is_lost(pages: list[list[Line]]) -> None:
    written = sorted(
        letter
        for page in pages
        for one in page
        for letter in one.text
        if letter.isascii() and letter.isalpha()
    )
    kept = sorted(letter for letter in built(*pages).text if letter.isascii() and letter.isalpha())
    assert set(written) <= set(kept)
    assert len(kept) >= len(written) - sum(one.text.count("-") for page in pages for one in page)

"""The words of the program: what they refuse, and what they say of themselves."""

from __future__ import annotations

import dataclasses

import pytest

from rag.domain import (
    MAX_HISTORY_TURNS,
    MAX_QUESTION_CHARACTERS,
    MAX_TOP_K,
    Citation,
    Document,
    Filters,
    Question,
    Section,
    Source,
    Turn,
)
from rag.errors import InvalidInput, InvalidQuestion


def test_a_question_is_trimmed() -> None:
    assert Question("  Who built it?\n").text == "Who built it?"


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\u3000"])
def test_an_empty_question_is_refused(text: str) -> None:
    with pytest.raises(InvalidQuestion, match="empty"):
        Question(text)


def test_a_long_question_is_refused_with_its_length() -> None:
    assert len(Question("x" * MAX_QUESTION_CHARACTERS).text) == MAX_QUESTION_CHARACTERS
    with pytest.raises(InvalidQuestion, match=r"10,000 characters; at most 2,000"):
        Question("x" * 10_000)


def test_a_long_history_is_refused() -> None:
    turns = tuple(Turn("user", "Who?") for _ in range(MAX_HISTORY_TURNS))
    assert Question("Who?", turns).history == turns
    with pytest.raises(InvalidQuestion, match="51 turns"):
        Question("Who?", (*turns, Turn("user", "Who?")))


@pytest.mark.parametrize("top_k", [0, -1, MAX_TOP_K + 1])
def test_a_top_k_out_of_range_is_refused(top_k: int) -> None:
    with pytest.raises(InvalidQuestion, match=f"top_k is {top_k}"):
        Question("Who?", top_k=top_k)


def test_an_invalid_question_is_invalid_input() -> None:
    assert issubclass(InvalidQuestion, InvalidInput)
    assert InvalidQuestion.code == "invalid_request"


def test_values_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Question("Who?").text = "What?"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("filters", "restricts"),
    [
        (Filters(), False),
        (Filters(document_ids=("a",)), True),
        (Filters(kinds=("a",)), True),
        (Filters(published_from="2020"), True),
        (Filters(published_to="2020"), True),
    ],
)
def test_filters_are_true_where_they_restrict(filters: Filters, restricts: bool) -> None:
    assert bool(filters) is restricts


def test_a_source_names_who_published_it_what_and_when() -> None:
    assert (
        str(Source("Elsin Gazette", "Elsin Press", "2023-06-01")) == "Elsin Press, Elsin Gazette, 2023-06-01"
    )
    assert str(Source("notes.txt")) == "notes.txt"
    assert (
        str(Source("book.epub", "Elsin Press", "1931", "Maud Ferrier"))
        == "Maud Ferrier, Elsin Press, book.epub, 1931"
    )


def test_the_page_of_a_character() -> None:
    document = Document(
        "x", "x", "k", "One.\n\nTwo.\n\nFour.", (), (), "x.pdf", "", page_starts=(0, 6, 12, 12, 17)
    )
    assert [document.page_of(offset) for offset in (0, 5, 6, 11, 12, 16)] == [1, 1, 2, 2, 4, 4]
    assert dataclasses.replace(document, page_starts=()).page_of(3) is None


def test_a_section_is_titled_by_the_headings_above_it() -> None:
    assert Section(("Works", "Who built it"), 0, 1).title == "Works > Who built it"
    assert Section((), 0, 1).title == ""


def test_the_url_of_a_citation_survives_any_id() -> None:
    citation = Citation(1, "港/ a?#", "", "", "", None, None, "", 3, 9)
    assert citation.url == "/documents/%E6%B8%AF%2F%20a%3F%23#c=3-9"

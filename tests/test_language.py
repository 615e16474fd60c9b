"""What a question asks: invariants for any text, and plain examples of each kind."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.language import (
    FUNCTION_WORDS,
    Asks,
    asked,
    content_words,
    names,
    numbers,
    parts,
    quantities,
    stems,
    text_stems,
    words,
)


@pytest.mark.parametrize(
    ("question", "asks"),
    [
        ("Who opened the quay?", Asks.WHO),
        ("When did the quay open?", Asks.WHEN),
        ("Where does the ferry go?", Asks.WHERE),
        ("How many firms took part?", Asks.HOW_MANY),
        ("How much did the quay cost?", Asks.HOW_MUCH),
        ("Why was the lamp restored?", Asks.WHY),
        ("Did the quay open in May?", Asks.YES_NO),
        ("List the firms that took part.", Asks.LIST),
        ("What is a quay?", Asks.DEFINITION),
    ],
)
def test_the_kind_of_answer_that_is_asked_for(question: str, asks: Asks) -> None:
    assert asked(question).asks is asks


def test_content_words_are_what_is_asked_about() -> None:
    assert content_words("When was the container quay of Elsin opened?") == [
        "container",
        "quay",
        "elsin",
        "opened",
    ]


def test_a_question_of_function_words_alone_keeps_them() -> None:
    assert content_words("What is it?") == ["what", "is", "it"]


def test_each_content_word_comes_once() -> None:
    assert content_words("quay, Quay and QUAY") == ["quay"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Did Ada Moreau build the quay?", ["Ada Moreau"]),
        ("Who works for the Port of Elsin?", ["Port", "Elsin"]),
        ("What does iPSC mean?", ["iPSC"]),
        ("what is the quay?", []),
    ],
)
def test_names_are_written_as_names(text: str, expected: list[str]) -> None:
    found = names(text)
    assert set(" ".join(expected).split()) <= set(" ".join(found).split())
    assert bool(found) == bool(expected)


def test_numbers_lose_their_separators_and_keep_their_decimals() -> None:
    assert numbers("It cost 42,500,000 euros, 3.5% more than the 2nd of 1998.") == [
        "42500000",
        "3.5",
        "2",
        "1998",
    ]


def test_quantities_may_be_written_in_words() -> None:
    assert "twenty-one" in quantities("There were twenty-one firms.")
    assert quantities("There were firms.") == []


@pytest.mark.parametrize(
    ("one", "other"), [("open", "opened"), ("conference", "conferences"), ("visiting", "visits")]
)
def test_inflections_share_a_stem(one: str, other: str) -> None:
    assert stems(one) == stems(other)


def test_the_parts_of_a_double_question() -> None:
    assert len(parts("Who built the quay, and when did it open?")) == 2
    assert len(parts("Who built the quay? When did it open?")) == 2
    assert parts("Who built the quay and the lighthouse?") == ["Who built the quay and the lighthouse?"]


@given(st.text(max_size=300))
def test_any_text_can_be_taken_apart(text: str) -> None:
    taken = asked(text)
    assert taken == asked(text)
    assert taken.text == text
    assert len(set(taken.words)) == len(taken.words)
    assert set(taken.words) <= set(words(text))
    assert all(word not in FUNCTION_WORDS for word in taken.words) or set(taken.words) == set(words(text))
    assert all(name for name in taken.names)
    assert parts(text)
    assert text_stems(text) == frozenset().union(*(stems(word) for word in words(text)))

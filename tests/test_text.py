"""What holds of text whatever it was read from: characters, composition, rows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text import clean, table_row
from tests.contracts.documents import Read


def test_invisible_and_control_characters_are_left_out(read: Read) -> None:
    assert read(
        "x.txt", "Pay\u200bload \u202eright\u202c to le\xadft\u2066\x07, \U000e0041tagged\ufeff."
    ).text == ("Payload right to left, tagged.")


@pytest.mark.parametrize("space", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\xa0", "\u3000", "\t"])
def test_every_white_space_parts_words(read: Read, space: str) -> None:
    assert read("x.txt", f"one{space}two").text == "one two"


def test_joiners_within_words_and_emoji_stay(read: Read) -> None:
    text = "می\u200cخواهم 👩\u200d🔬"
    assert read("x.txt", text).text == text


def test_text_is_composed(read: Read) -> None:
    assert read("x.txt", "Cafe\u0301 e\u200b\u0301").text == "Café é"


@given(st.text())
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    clean(text).encode()


def test_a_lone_surrogate_is_replaced() -> None:
    assert clean("a\ud800b") == "a?b"


def test_a_row_says_what_its_cells_are() -> None:
    assert table_row(["Name", "", "Sum"], ["Quay", "new", " "]) == "Name: Quay; new"

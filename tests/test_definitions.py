"""Which sentences define, and where abbreviations are spelled out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.definitions import defines, has_initials, long_form, spelled_out


@pytest.mark.parametrize(
    ("word", "sentence", "expected"),
    [
        ("ASU", "Ines Okafor is with the Association of Sluice Users (ASU).", "Association of Sluice Users"),
        ("asu", "Ines Okafor is with the Association of Sluice Users (ASU).", "Association of Sluice Users"),
        (
            "IFHMA",
            "Ada Moreau of the International Federation of Harbour Makers & Associations (IFHMA) agreed.",
            "International Federation of Harbour Makers & Associations",
        ),
        ("ASU", "ASU (Association of Sluice Users) was founded in 1990.", "Association of Sluice Users"),
        ("ASU", "ASU stands for Association of Sluice Users.", "Association of Sluice Users"),
        (
            "ASU",
            "ASU is short for the Association of Sluice Users, which met in May.",
            "Association of Sluice Users",
        ),
        ("LINK-E", "LINK-E is the Life Inland Network Elsin.", "Life Inland Network Elsin"),
        (
            "iPSC",
            "An iPSC is an induced pluripotent stem cell: an adult cell.",
            "induced pluripotent stem cell",
        ),
        ("TG", "A tide-gate (TG) keeps the sea out.", "tide-gate"),
    ],
)
def test_the_long_form_of_an_abbreviation(word: str, sentence: str, expected: str) -> None:
    found = spelled_out(word, sentence)
    assert found is not None
    assert sentence[slice(*found)] == expected


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("S-RAMO", "S-RAMO is the name of facilities that Elsin Pharma has in Osterby, Denland."),
        ("ASU", "ASU is a member of the port council."),
        ("ASU", "The board of the port (ASU) met in May."),
        ("quay", "A quay (landing place) is built of stone."),
        ("ASU", "Nothing is said of it here."),
    ],
)
def test_a_sentence_that_does_not_spell_it_out(word: str, sentence: str) -> None:
    assert spelled_out(word, sentence) is None


def test_a_copula_defines_what_stands_before_it_and_nothing_more() -> None:
    assert defines("A tide gate is a barrier that keeps the sea out.", ("tide", "gate"))
    assert not defines("The tide gate of Elsin is a barrier that was built in 1931.", ("tide", "gate"))
    assert not defines("The tide gate was opened in 1931.", ("tide", "gate"))


def test_what_a_thing_is_does_not_say_what_its_letters_stand_for() -> None:
    sentence = "ASU is a club of people who use sluices."
    assert defines(sentence, ("asu",))
    assert not defines(sentence, ("asu",), spelling_out=True)
    assert defines("The Association of Sluice Users (ASU) met.", ("asu",), spelling_out=True)


@pytest.mark.parametrize(
    ("short", "text", "has"),
    [
        ("VCs", "Six venture capital firms came.", True),
        ("VC", "Six venture capital firms came.", True),
        ("BOE", "The Bank of Elsin lends.", True),
        ("BE", "The Bank of Elsin lends.", True),
        ("VC", "Capital for ventures grew.", False),
        ("V", "Venture capital came.", False),
    ],
)
def test_a_short_form_is_known_by_the_words_that_it_stands_for(short: str, text: str, has: bool) -> None:
    assert has_initials(short, text) is has


@given(st.text(max_size=12), st.text(max_size=200))
def test_a_long_form_is_a_stretch_of_the_sentence(word: str, sentence: str) -> None:
    found = long_form((word,), sentence) if word else None
    if found:
        first, last = found
        assert 0 <= first < last <= len(sentence)

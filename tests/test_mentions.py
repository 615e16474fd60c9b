"""What a conversation speaks of: noun phrases, subjects, names and lists."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.mentions import is_person, items, listed_names, new_names, noun_phrases, several, subject


@pytest.mark.parametrize(
    ("question", "phrases"),
    [
        ("What did the new quay of Elsin cost?", ["new quay of Elsin"]),
        ("Who conducts the Varga Philharmonic?", ["Varga Philharmonic"]),
        ("How do black holes form?", ["black holes"]),
        ("How long does sourdough bread keep?", ["sourdough bread"]),
        ("Where was Salt Road filmed?", ["Salt Road"]),
        ("Which films won prizes at the Bexley Festival?", ["films", "Bexley Festival"]),
        ("Which company built the quay?", ["company", "quay"]),
        ("How many musicians does the Varga Philharmonic have?", ["musicians", "Varga Philharmonic"]),
        ("Is it open?", []),
    ],
)
def test_noun_phrases_are_found_without_their_verbs(question: str, phrases: list[str]) -> None:
    found = noun_phrases(question)
    assert [phrase.text for phrase in found] == phrases
    assert all(question[phrase.start : phrase.end].startswith(phrase.text) for phrase in found)


@pytest.mark.parametrize(
    ("question", "about"),
    [
        ("What did the new quay of Elsin cost?", "the new quay of Elsin"),
        ("What are the symptoms of type 2 diabetes?", "type 2 diabetes"),
        ("What is photosynthesis?", "photosynthesis"),
        ("What is new in Larkspur 4.2?", "Larkspur 4.2"),
        ("What's APACRM?", "APACRM"),
        ("About the Tolland line: how long is it?", "the Tolland line"),
        ("Which telescopes does the Kirra Observatory have?", "the Kirra Observatory"),
    ],
)
def test_what_a_question_is_about(question: str, about: str) -> None:
    found = subject(question)
    assert found is not None
    assert found.about == about


@pytest.mark.parametrize(
    "text", ["Why?", "My tenant left and never paid the rent of the last month, nor the one before it."]
)
def test_of_some_it_cannot_be_told(text: str) -> None:
    assert subject(text) is None


def test_several_things_are_told_from_one() -> None:
    companies = several("Which companies took part?")
    assert companies is not None
    assert (companies.text, companies.asked) == ("companies", True)
    assert several("Which company took part?") is None


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        (
            "Veritas Gene, Kolm Robotics and Amber Foods joined.",
            ("Veritas Gene", "Kolm Robotics", "Amber Foods"),
        ),
        (
            '"Salt Road", "Paper Moons" and "The Ninth Tide" won.',
            ("Salt Road", "Paper Moons", "The Ninth Tide"),
        ),
        (
            "CBC Group said so. They saw CBC Group, Astellas and Sumitomo.",
            ("CBC Group", "Astellas", "Sumitomo"),
        ),
        ("Thirst, tiredness and blurred vision are symptoms.", ("Thirst", "tiredness", "blurred vision")),
        ("Larkspur adds an offline mode and a faster importer.", ("offline mode", "faster importer")),
        (
            "These firms took part:\n- Brandt Marine Co., Ltd.\n- Okafor & Daughters",
            ("Brandt Marine Co., Ltd", "Okafor & Daughters"),
        ),
        ("These firms took part:\n\nBrandt Marine\nSól Dredging Inc.", ("Brandt Marine", "Sól Dredging Inc")),
        ("1. dig\n2. pour\n3. wait", ("dig", "pour", "wait")),
        ("The quay cost 42 million euros.", ()),
        ("No, the line closed in 1964.", ()),
    ],
)
def test_what_is_listed(text: str, listed: tuple[str, ...]) -> None:
    assert items(text) == listed


def test_names_that_an_answer_brings() -> None:
    assert new_names("Who leads it?", "Ines Okafor leads it.") == ["Ines Okafor"]
    assert new_names("What did Ines Okafor say?", "Ines Okafor thanked Varn.") == ["Varn"]
    assert new_names("Where?", "However, nobody knows.") == []


def test_people_are_told_from_organisations() -> None:
    assert is_person("Ines Okafor")
    assert is_person("Dr. Wray")
    assert not is_person("Halden Clinic")
    assert not is_person("Elsin")


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    for phrase in noun_phrases(text):
        assert 0 <= phrase.start < phrase.end <= len(text)
    subject(text)
    listed_names(text)
    items(text)

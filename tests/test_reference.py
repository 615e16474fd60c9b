"""How questions refer back, and which only look as if they did."""

from __future__ import annotations

import pytest

from rag.language import PERSON
from rag.reference import THING, THINGS, demonstrative, leans, ordinal, pronoun, says_that


@pytest.mark.parametrize(
    ("question", "place"),
    [
        ("What does the second one make?", 1),
        ("Who runs the last of them?", -1),
        ("When was the first built?", 0),
        ("How do I join the latter?", -1),
        ("Where does the third play now?", 2),
        ("Who was the first woman in space?", None),
        ("What is the last letter of the alphabet?", None),
        ("Which country was the last to receive it?", None),
    ],
)
def test_ordinals_that_stand_for_a_thing(question: str, place: int | None) -> None:
    found = ordinal(question)
    assert (found.place if found else None) == place


@pytest.mark.parametrize(
    "question", ["Who leads it?", "What is its height?", "How long is it?", "How far is it from Oslo?"]
)
def test_pronouns_that_refer_back(question: str) -> None:
    assert pronoun(question, THING)


@pytest.mark.parametrize(
    "question",
    [
        "Is it true that honey keeps?",
        "How cold is it at the South Pole?",
        "How far is it from Oslo to Bergen?",
        "What does a thermostat do when it gets cold?",
        "How did the plague make it to Europe?",
        "What is new?",
    ],
)
def test_pronouns_that_do_not(question: str) -> None:
    assert not pronoun(question, THING)


def test_plural_and_personal_pronouns_with_something_before_them() -> None:
    assert pronoun("How are they chosen?", THINGS)
    assert not pronoun("How do bats find their way?", THINGS)
    assert pronoun("Where was she born?", PERSON)
    assert not pronoun("Who invited Washington to dine with him?", PERSON)


@pytest.mark.parametrize(
    ("question", "noun"),
    [
        ("Where is that company based?", "company"),
        ("How large is this ship?", "ship"),
        ("Who pays for those nurses?", "nurses"),
        ("How many beds does the clinic have?", "clinic"),
        ("How much dust that travels falls here?", None),
        ("Is this year a leap year?", None),
        ("How old is the clinic of Halden?", None),
        ("What is the sky made of?", None),
    ],
)
def test_nouns_that_point_back(question: str, noun: str | None) -> None:
    found = demonstrative(question)
    assert (found.noun if found else None) == noun
    if found:
        assert question[found.start : found.end].lower().endswith(found.noun)


def test_that_alone() -> None:
    assert says_that("When was that?")
    assert not says_that("What is that smell in old books?")


@pytest.mark.parametrize(
    "question", ["Why?", "Side effects?", "What are the risks?", "How many were shown?", "Who else?"]
)
def test_questions_that_say_too_little(question: str) -> None:
    assert leans(question)


@pytest.mark.parametrize(
    "question", ["What is jazz?", "Why do leaves fall?", "GoldNanoTech", "Is honey vegan?"]
)
def test_short_questions_that_say_enough(question: str) -> None:
    assert not leans(question)

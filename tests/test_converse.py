"""Follow-ups: what stands alone is left alone, what leans on the turns before names what it is about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.converse import HISTORY_CHARACTERS, Standalone, recent, standalone
from rag.domain import Turn


def history(*contents: str) -> tuple[Turn, ...]:
    return tuple(
        Turn("user" if number % 2 == 0 else "assistant", content) for number, content in enumerate(contents)
    )


QUAY = history("What did the quay of Elsin cost?", "The quay of Elsin cost 42 million euros. [1]")


@pytest.mark.parametrize(
    "question", ["Who is Ada Moreau?", "it", "and then?", "What about that?", "?", "港は？"]
)
def test_without_turns_before_a_question_is_left_as_it_is(question: str) -> None:
    assert standalone(question, ()) == Standalone(question)
    assert standalone(question, (Turn("assistant", "Ask me about Elsin."),)) == Standalone(question)


@pytest.mark.parametrize(
    "question", ["Who is Ada Moreau?", "When does the ferry to Varn leave?", "GoldNanoTech"]
)
def test_a_question_that_names_what_it_is_about_takes_no_notice_of_the_history(question: str) -> None:
    assert standalone(question, QUAY) == Standalone(question)


@pytest.mark.parametrize(
    "question",
    [
        "How do bats find their way in the dark?",
        "Who was the first woman in space?",
        "What does a thermostat do when it gets too cold?",
        "Is it true that honey keeps for ever?",
        "Is this year a leap year?",
        "What is inflation?",
        "Who organised the mission?",
        "How long was the conference?",
    ],
)
def test_a_question_without_names_that_asks_of_something_else_keeps_its_words(question: str) -> None:
    found = standalone(question, QUAY)
    assert found.text == question
    assert found.perhaps or not found.leans_on


@pytest.mark.parametrize(
    ("question", "turns", "expected"),
    [
        ("Who led it?", history("What is the Port of Elsin?", "A port."), "Who led the Port of Elsin?"),
        (
            "Where does she work?",
            history("Who is Ada Moreau?", "Ada Moreau is an engineer. [1]"),
            "Where does Ada Moreau work?",
        ),
        (
            "What about Varn?",
            history("When did Elsin open its quay?", "In May."),
            "When did Varn open its quay?",
        ),
        ("And Varn?", history("When did Elsin open its quay?", "In May."), "When did Varn open its quay?"),
        (
            "And in 2024?",
            history("What did Elsin earn in 2023?", "Little."),
            "What did Elsin earn in 2024?",
        ),
        (
            "Why?",
            history("When did the quay open?", "In May."),
            "Why did the quay open?",
        ),
        (
            "What does the second one make?",
            history("Which firms took part?", "Brandt Marine, Sól Dredging and Okafor took part. [1]"),
            "What does Sól Dredging make?",
        ),
        (
            "Who runs the last of them?",
            history("Which firms took part?", "Brandt Marine, Sól Dredging and Okafor took part. [1]"),
            "Who runs Okafor?",
        ),
        (
            "How many beds does the clinic have?",
            history("Who founded the Halden Clinic?", "Dr. Teodor Wray did."),
            "How many beds does Halden Clinic have?",
        ),
        (
            "How many were there?",
            history("Which firms joined the Norland delegation?", "Some."),
            "About the Norland delegation: how many firms were there?",
        ),
        (
            "And the oldest?",
            history("Who was the youngest champion?", "Gukesh."),
            "Who was the oldest champion?",
        ),
        (
            "And the Russian one?",
            history("When did the French Revolution begin?", "In 1789."),
            "When did the Russian Revolution begin?",
        ),
    ],
)
def test_a_follow_up_becomes_a_question_of_its_own(
    question: str, turns: tuple[Turn, ...], expected: str
) -> None:
    found = standalone(question, turns)
    assert found.text == expected
    assert found.leans_on[0] == turns[-2].content
    assert not found.perhaps


def test_what_is_spoken_of_is_kept_over_several_turns() -> None:
    turns = history(
        "Which company built the quay of Elsin?",
        "Brandt Marine built the quay. [1]",
        "Who leads it?",
        "Brandt Marine is led by Ines Okafor. [1]",
        "Where did she study?",
        "In Varn. [2]",
    )
    assert standalone("How old is she?", turns).text == "How old is Ines Okafor?"


def test_what_leans_but_cannot_be_resolved_keeps_its_words_and_its_turns() -> None:
    turns = history(
        "My renter left and the damage to my flat is far more than the deposit. Do I sue?", "You may. [1]"
    )
    assert standalone("Are the forms online?", turns) == Standalone(
        "Are the forms online?", (turns[0].content, "You may.")
    )


def test_markers_of_an_answer_never_reach_the_question() -> None:
    turns = history("Who built it?", "**Brandt Marine** built the quay. [1][2]")
    for question in ("Where is it?", "Why?", "What does she do?", "And the lamp?"):
        found = standalone(question, turns)
        assert "[1]" not in found.text + " ".join(found.leans_on)


def test_of_a_long_history_the_newest_turns_are_kept() -> None:
    turns = tuple(Turn("user", f"{number} " + "x" * 980) for number in range(20))
    kept = recent(turns)
    assert kept == turns[-(HISTORY_CHARACTERS // 1000) :]
    assert recent((Turn("user", "y" * 20_000),)) == (Turn("user", "y" * HISTORY_CHARACTERS),)
    assert recent(QUAY) == QUAY


def test_the_newest_turns_decide_whatever_was_said_before() -> None:
    old = history(*("Tell me about Old Town. " + "Words. " * 300, "Old Town is old. " + "More. " * 300) * 20)
    assert standalone("Who built it?", (*old, *QUAY)) == standalone("Who built it?", QUAY)


TEXT = st.text(max_size=80)
WORDS = st.lists(
    st.sampled_from("And what about the second one in it they 2024 quay of Elsin ? , is that who".split()),
    max_size=12,
).map(" ".join)
TURNS = st.lists(st.builds(Turn, st.sampled_from(["user", "assistant"]), TEXT | WORDS), max_size=8)


@given((TEXT | WORDS).filter(lambda text: bool(text.strip())).map(str.strip), TURNS)
def test_any_conversation_gives_a_question(question: str, turns: list[Turn]) -> None:
    found = standalone(question, turns)
    assert found.text.strip()
    assert standalone(question, turns) == found


def test_a_conversation_of_fifty_turns() -> None:
    turns = history(*(f"And what about it {number}?" for number in range(50)))
    assert standalone("And then?", turns).text.strip()


@pytest.mark.parametrize(
    "text", ["in " + "a" * 1_990, "what about " + " " * 1_900, "and the " * 250, "of " * 600]
)
def test_a_hostile_question_is_read_in_no_time(text: str) -> None:
    turns = history(text, text, text[:1_000] + "?", text)
    assert standalone("And " + text[:1_000], turns).text

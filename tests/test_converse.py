"""Follow-ups: what stands alone is left alone, what leans on the turns before names what it is about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.converse import standalone
from rag.domain import Turn


def history(*contents: str) -> tuple[Turn, ...]:
    return tuple(
        Turn("user" if number % 2 == 0 else "assistant", content) for number, content in enumerate(contents)
    )


QUAY = history("What did the quay of Elsin cost?", "The quay cost 42 million euros. [1]")


@pytest.mark.parametrize(
    "question", ["Who is Ada Moreau?", "it", "and then?", "What about that?", "?", "港は？"]
)
def test_without_turns_before_a_question_is_left_as_it_is(question: str) -> None:
    assert standalone(question, ()) == question
    assert standalone(question, (Turn("assistant", "Ask me about Elsin."),)) == question


@pytest.mark.parametrize("question", ["Who is Ada Moreau?", "When does the ferry to Varn leave?"])
def test_a_question_that_names_what_it_is_about_stands_alone(question: str) -> None:
    assert standalone(question, QUAY) == question


@pytest.mark.parametrize(
    ("question", "turns", "named"),
    [
        ("Who led it?", history("What is the Port of Elsin?", "A port."), "Elsin"),
        (
            "Where does she work?",
            history("Who is Ada Moreau?", "Ada Moreau is an engineer. [1]"),
            "Ada Moreau",
        ),
        ("What about Varn?", history("When did Elsin open its quay?", "In May."), "Varn"),
        ("And Varn?", history("When did Elsin open its quay?", "In May."), "Varn"),
    ],
)
def test_a_follow_up_names_what_it_is_about(question: str, turns: tuple[Turn, ...], named: str) -> None:
    assert named in standalone(question, turns)


def test_a_question_asked_of_another_subject_keeps_its_words() -> None:
    asked = standalone("And Varn?", history("When did Elsin open its quay?", "In May."))
    assert "quay" in asked
    assert "Elsin" not in asked


def test_markers_of_an_answer_never_reach_the_question() -> None:
    turns = history("Who built it?", "**Brandt Marine** built the quay. [1][2]")
    for question in ("Where is it?", "Why?", "What does she do?", "And the lamp?"):
        assert "[1]" not in standalone(question, turns)


TEXT = st.text(max_size=80)
TURNS = st.lists(st.builds(Turn, st.sampled_from(["user", "assistant"]), TEXT), max_size=8)


@given(TEXT.filter(lambda text: bool(text.strip())).map(str.strip), TURNS)
def test_any_conversation_gives_a_question(question: str, turns: list[Turn]) -> None:
    found = standalone(question, turns)
    assert found.strip()
    assert standalone(question, turns) == found


def test_a_conversation_of_fifty_turns() -> None:
    turns = history(*(f"And what about it {number}?" for number in range(50)))
    assert standalone("And then?", turns).strip()

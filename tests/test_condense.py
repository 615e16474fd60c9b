"""Questions rewritten by a language model: taken only where nothing was lost or made up."""

from __future__ import annotations

import pytest

from rag.condense import Condense
from rag.domain import Turn
from rag.errors import LanguageModelError
from tests.fakes import ScriptedLanguageModel

HISTORY = (
    Turn("user", "Who leads Halden Clinic?"),
    Turn("assistant", "Dr. Ina Rask has led Halden Clinic since 2019. [1]"),
)


def condensed(reply: str, question: str, translate: bool = False) -> str | None:
    return Condense(ScriptedLanguageModel(reply))(question, HISTORY, translate)


@pytest.mark.parametrize(
    ("reply", "question", "expected"),
    [
        ("Where did Ina Rask study?", "Where did she study?", "Where did Ina Rask study?"),
        ('Question: "Where did Ina Rask study?"\n', "Where did she study?", "Where did Ina Rask study?"),
        (
            "How many beds did Halden Clinic have in 2019?",
            "And how many beds then?",
            "How many beds did Halden Clinic have in 2019?",
        ),
    ],
)
def test_a_faithful_rewrite_is_taken(reply: str, question: str, expected: str) -> None:
    assert condensed(reply, question) == expected


@pytest.mark.parametrize(
    ("reply", "question"),
    [
        ("Where did Carl Berg study?", "Where did she study?"),  # a name from nowhere
        ("Where did she study?", "Where did she meet Lund?"),  # a name lost
        ("How many beds did Halden Clinic have in 2023?", "And how many beds then?"),  # a year from nowhere
        ("How many beds were there?", "How many beds were there in 2021?"),  # a year lost
        ("She studied in Oslo.\nWhere did Ina Rask study?", "Where did she study?"),  # an answer before it
        ("", "Where did she study?"),
        ("x" * 2_001, "Where did she study?"),
    ],
)
def test_what_loses_or_makes_up_something_is_not(reply: str, question: str) -> None:
    assert condensed(reply, question) is None


def test_a_translation_may_write_names_in_latin_and_must_keep_numbers_and_latin_names() -> None:
    question = "2019年に誰が Halden Clinic を率いていましたか？"
    assert condensed("Who led Halden Clinic in 2019?", question, translate=True)
    assert condensed("Who led the clinic in 2019?", question, translate=True) is None
    assert condensed("Who led Halden Clinic in 2018?", question, translate=True) is None
    assert condensed(
        "Where did Rask study in Taipei?", "ラスク先生は台北のどこで学びましたか？", translate=True
    )


def test_the_conversation_is_given_without_its_oldest_turns() -> None:
    model = ScriptedLanguageModel("Where did Ina Rask study?")
    long = (Turn("user", "An old question?"), Turn("assistant", "word " * 2_000), *HISTORY)
    Condense(model)("Where did she study?", long, translate=False)
    (messages,) = model.requests
    assert "since 2019" in messages[-1].content
    assert "An old question" not in messages[-1].content
    assert messages[-1].content.endswith("Last question: Where did she study?")


def test_a_model_that_fails_says_so() -> None:
    with pytest.raises(LanguageModelError, match="timed out"):
        Condense(ScriptedLanguageModel(LanguageModelError("It timed out.")))("Why?", HISTORY, False)

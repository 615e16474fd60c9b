"""The cases of follow-ups: what they hold, how they are judged, and how many are understood."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.cases import InvalidCases, split_of
from eval.conversation import (
    FRESH,
    ConversationCase,
    bundled_conversations,
    is_right,
    load_conversations,
    understood,
)

Write = Callable[..., Path]

HISTORY = [
    {"role": "user", "content": "What did the quay of Elsin cost?"},
    {"role": "assistant", "content": "42 million euros. [1]"},
]
LINE = {
    "id": "quay-1",
    "split": split_of("quay"),
    "cluster": "quay",
    "kind": "pronoun",
    "question": "Who built it?",
    "names": [["quay", "pier"], ["Elsin"]],
    "history": HISTORY,
}


def case(**changes: object) -> ConversationCase:
    return ConversationCase.model_validate(LINE | changes)


@pytest.fixture(scope="module")
def cases() -> tuple[ConversationCase, ...]:
    return load_conversations(bundled_conversations())


def test_there_are_enough_of_both_kinds_in_both_halves(cases: tuple[ConversationCase, ...]) -> None:
    counted = Counter((found.split, found.kind == FRESH) for found in cases)
    assert sum(found.kind != FRESH for found in cases) >= 80
    assert sum(found.kind == FRESH for found in cases) >= 80
    assert min(counted.values()) >= 40
    assert len({found.id for found in cases}) == len(cases)
    assert len({found.kind for found in cases}) >= 8


def test_most_follow_ups_are_understood_and_fresh_questions_left_alone(
    cases: tuple[ConversationCase, ...],
) -> None:
    figures = {figure.name: figure.columns for figure in understood(cases)}
    assert figures["follow-ups resolved"]["development"].value >= 0.95
    assert figures["follow-ups resolved"]["test"].value >= 0.85
    assert figures["fresh questions left alone"]["all"].value >= 0.98


def test_a_follow_up_is_right_if_it_names_all_and_nothing_else() -> None:
    assert is_right(case())
    assert is_right(case(names=[["pier", "QUAY"]]))
    assert not is_right(case(names=[["lighthouse"]]))
    assert not is_right(case(without=["Elsin"]))


def test_a_fresh_question_is_right_if_it_is_left_alone() -> None:
    assert is_right(case(kind=FRESH, names=[], question="Who is Ada Moreau?"))
    assert not is_right(case(kind=FRESH, names=[]))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"split": "development" if split_of("quay") == "test" else "test"}, "the hash of 'quay' says"),
        ({"names": []}, "a follow-up has `names`"),
        ({"kind": FRESH}, "a fresh question has none"),
        ({"history": []}, "history"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(
    write_lines: Write, changes: dict[str, object], problem: str
) -> None:
    path = write_lines(LINE, LINE | changes)
    with pytest.raises(InvalidCases, match=f"(?s){path.name}:2: .*{problem}"):
        load_conversations(path.parent)


def test_a_folder_without_cases_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidCases, match=r"no \*\.jsonl file"):
        load_conversations(tmp_path)

"""Conversations on the command line: histories from files, and one question after the other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag.chat import converse, read_history
from rag.domain import MAX_HISTORY_TURNS, Answer, Question, Turn
from rag.errors import InvalidInput
from rag.wiring import Application


def test_a_history_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "history.json"
    file.write_text(
        json.dumps([{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "Ada."}])
    )
    assert read_history(file) == (Turn("user", "Who?"), Turn("assistant", "Ada."))


def test_of_a_long_history_the_newest_turns_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "history.json"
    file.write_text(json.dumps([{"role": "user", "content": str(number)} for number in range(70)]))
    turns = read_history(file)
    assert (len(turns), turns[-1].content) == (MAX_HISTORY_TURNS, "69")


@pytest.mark.parametrize(
    "content", ["", "{}", '[{"role": "system", "content": "x"}]', '[{"role": "user"}]', "[1]"]
)
def test_a_file_that_is_no_history_is_named(tmp_path: Path, content: str) -> None:
    file = tmp_path / "history.json"
    file.write_text(content)
    with pytest.raises(InvalidInput, match=r"history\.json is no list of turns"):
        read_history(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"nowhere\.json cannot be read"):
        read_history(tmp_path / "nowhere.json")


def test_each_question_follows_those_before_it(small_application: Application) -> None:
    shown: list[tuple[Question, Answer]] = []
    complaints: list[str] = []
    converse(
        ["Who led the building of the quay?", "", "  ", "x" * 3_000, "Where does she work?"],
        small_application.pipeline.ask,
        lambda question, answer: shown.append((question, answer)),
        complaints.append,
        top_k=3,
    )
    assert [answer.standalone_question for _, answer in shown] == [
        "Who led the building of the quay?",
        "Where does Ada Moreau work?",
    ]
    assert [len(question.history) for question, _ in shown] == [0, 2]
    assert "Shorten it" in complaints[0]

"""What users said of answers: kept in a file of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rag.errors import InvalidInput, StorageError
from rag.feedback import MAX_COMMENT_CHARACTERS, FeedbackFile


def test_everything_said_is_kept_in_its_order(tmp_path: Path) -> None:
    assert list(FeedbackFile(tmp_path / "data").all()) == []
    FeedbackFile(tmp_path / "data").add("a-1", "up")
    FeedbackFile(tmp_path / "data").add("a-1", "down", " It is\nwrong. ")
    kept = list(FeedbackFile(tmp_path / "data").all())
    assert [(found.answer_id, found.rating, found.comment) for found in kept] == [
        ("a-1", "up", None),
        ("a-1", "down", "It is\nwrong."),
    ]
    assert kept[0].given.endswith("+00:00")


def test_many_at_the_same_time(tmp_path: Path) -> None:
    feedback = FeedbackFile(tmp_path)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: feedback.add(f"a{number}", "up"), range(40)))
    assert len(list(feedback.all())) == 40


@pytest.mark.parametrize("answer_id", ["", "a b", "a\n", "x" * 65, "é", "../a"])
def test_what_is_no_id_of_an_answer_is_refused(tmp_path: Path, answer_id: str) -> None:
    with pytest.raises(InvalidInput, match="not the id of an answer"):
        FeedbackFile(tmp_path).add(answer_id, "up")


def test_a_comment_without_end_and_another_rating_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="at most 4,000"):
        FeedbackFile(tmp_path).add("a", "up", "x" * (MAX_COMMENT_CHARACTERS + 1))
    with pytest.raises(InvalidInput, match="sideways"):
        FeedbackFile(tmp_path).add("a", "sideways")  # type: ignore[arg-type]
    assert list(FeedbackFile(tmp_path).all()) == []


def test_a_file_that_is_damaged_is_named(tmp_path: Path) -> None:
    (tmp_path / "feedback.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(StorageError, match=r"feedback\.sqlite cannot be read or written"):
        list(FeedbackFile(tmp_path).all())
    with pytest.raises(StorageError, match=r"feedback\.sqlite cannot be read or written"):
        FeedbackFile(tmp_path).add("a", "up")

"""A question followed from asking to its end."""

from __future__ import annotations

import logging

import pytest

from rag.domain import Filters
from rag.errors import IndexBusy
from rag.wiring import Application
from ui.conversation import Problem, follow

ASKED = "Who led the building of the quay?"


def test_passages_then_draft_then_answer(small_application: Application) -> None:
    steps = list(follow(small_application, ASKED, ()))
    assert [step.pending for step in steps] == [True] * (len(steps) - 1) + [False]
    assert steps[0].passages is None
    assert steps[1].passages
    assert steps[-2].draft == steps[-1].draft
    answer = steps[-1].answer
    assert answer is not None
    assert "Ada Moreau" in answer.answer_plain
    assert answer.reading is not None
    assert answer.reading.evidence == ()


def test_what_came_before_is_told(small_application: Application) -> None:
    (*_, first) = follow(small_application, "Who restored the lamp of the lighthouse?", ())
    (*_, second) = follow(small_application, "When did she restore it?", (first,))
    assert second.answer is not None
    assert second.answer.standalone_question != "When did she restore it?"


@pytest.mark.parametrize(("text", "told"), [("x" * 2_001, "2,001 characters"), (" ", "empty")])
def test_unusable_question_is_a_problem(small_application: Application, text: str, told: str) -> None:
    (*_, last) = follow(small_application, text, ())
    assert last.problem is not None
    assert told in last.problem.text
    assert not last.pending


def test_error_of_the_record_is_told_as_it_is(
    small_application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(_question: object) -> None:
        raise IndexBusy("Another process is writing. Wait for it to end.")

    monkeypatch.setattr(small_application.pipeline, "stream", busy)
    (*_, last) = follow(small_application, ASKED, ())
    assert last.problem == Problem("index_busy", "Another process is writing. Wait for it to end.")


def test_fault_of_the_program_is_logged_and_not_told(
    small_application: Application, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_question: object) -> None:
        raise ValueError("a secret detail")

    monkeypatch.setattr(small_application.pipeline, "stream", fail)
    with caplog.at_level(logging.ERROR):
        (*_, last) = follow(small_application, ASKED, ())
    assert last.problem == Problem("internal")
    assert "a secret detail" in caplog.text


def test_filters_limit_what_is_searched(small_application: Application) -> None:
    (*_, last) = follow(small_application, ASKED, (), Filters(document_ids=("lighthouse",)))
    assert last.answer is not None
    assert last.answer.status == "not_found"
    assert {hit.passage.document_id for hit in last.answer.retrieved} <= {"lighthouse"}

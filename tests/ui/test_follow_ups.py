"""What could be asked next is answered, with something new, and costs little."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from rag.domain import Answer, Filters, Question
from rag.errors import IndexEmpty
from rag.settings import Settings
from rag.wiring import Application, build
from ui import follow_ups as module
from ui.conversation import Conversation, Exchange, follow, history
from ui.follow_ups import MAX_TRIALS, SHOWN, follow_ups

BUILDER = "Who led the building of the quay?"


def conversation(application: Application, *questions: str) -> Conversation:
    exchanges: Conversation = ()
    for question in questions:
        (*_, last) = follow(application, question, exchanges)
        exchanges = (*exchanges, last)
    return exchanges


def quotes(answer: Answer) -> set[tuple[str, int]]:
    return {(citation.document_id, citation.start) for citation in answer.citations}


@pytest.mark.parametrize("first", ["Where is the Shinagawa facility of MediNet?", "What is BPIPO?"])
def test_each_is_answered_with_something_new(application: Application, first: str) -> None:
    exchanges = conversation(application, first)
    suggested = list(follow_ups(application, exchanges, Filters()))
    assert 1 <= len(suggested) <= SHOWN
    assert len(set(suggested)) == len(suggested)
    assert first not in suggested
    shown = quotes(exchanges[0].answer) if exchanges[0].answer else set()
    for question in suggested:
        answer = application.pipeline.ask(Question(question, history(exchanges)))
        assert answer.status == "answered"
        assert not quotes(answer) <= shown


def test_come_from_documents_without_front_matter_too(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "harbour.txt").write_text(
        "The lighthouse of Elsin stands 61 metres tall.\n\nMarta Kilian is the harbour master of Elsin.",
        "utf-8",
    )
    application = build(make_settings(tmp_path / "data", corpus_dir=tmp_path / "corpus"))
    application.synchronise()
    exchanges = conversation(application, "How tall is the lighthouse?")
    suggested = list(follow_ups(application, exchanges, Filters()))
    assert suggested
    assert all("Elsin" in question or "Kilian" in question for question in suggested)
    application.close()


def test_filters_hold_for_them(small_application: Application) -> None:
    exchanges = conversation(small_application, BUILDER)
    assert list(follow_ups(small_application, exchanges, Filters(kinds=("no such kind",)))) == []


def test_trials_are_few(small_application: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    exchanges = conversation(small_application, BUILDER)
    asked: list[Question] = []
    ask = small_application.pipeline.ask

    def counted(question: Question) -> Answer:
        asked.append(question)
        return ask(question)

    monkeypatch.setattr(small_application.pipeline, "ask", counted)
    monkeypatch.setattr(module, "SHOWN", 99)
    list(follow_ups(small_application, exchanges, Filters()))
    assert 0 < len(asked) <= MAX_TRIALS
    assert {question.mode for question in asked} == {"extractive"}


def test_time_is_limited(small_application: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    exchanges = conversation(small_application, BUILDER)
    clock = itertools.count(step=module.SECONDS + 1)
    monkeypatch.setattr(module, "now", lambda: next(clock))
    assert list(follow_ups(small_application, exchanges, Filters())) == []


@pytest.mark.parametrize("exchanges", [(), (Exchange("Why?"),), (Exchange("Why?", stopped=True),)])
def test_none_without_an_answer(small_application: Application, exchanges: Conversation) -> None:
    assert list(follow_ups(small_application, exchanges, Filters())) == []


def test_none_when_the_record_cannot_be_asked(
    small_application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchanges = conversation(small_application, BUILDER)

    def fail(_question: Question) -> Answer:
        raise IndexEmpty("Nothing is ingested.")

    monkeypatch.setattr(small_application.pipeline, "ask", fail)
    assert list(follow_ups(small_application, exchanges, Filters())) == []

"""Questions to start with, of whatever record there is."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from rag.domain import Document, Question
from rag.settings import Settings
from rag.wiring import Application, build
from ui.examples import MAX_TRIALS, SHOWN, ExampleQuestions, candidates


def document(identity: str, **fields: Any) -> Document:
    text = f"This is {identity}."
    return Document(
        id=identity,
        title=f"About {identity}",
        kind="note",
        text=text,
        blocks=(),
        sections=(),
        path="",
        sha256="",
        **fields,
    )


def test_every_example_is_answered(application: Application) -> None:
    examples = ExampleQuestions(application).questions()
    assert len(examples) == SHOWN == len(set(examples))
    for example in examples:
        assert application.pipeline.ask(Question(example)).status == "answered"


def test_examples_of_another_record_come_from_it(small_application: Application) -> None:
    examples = ExampleQuestions(small_application).questions()
    assert examples
    assert all("Elsin" in example or "Ada Moreau" in example or "Harbour" in example for example in examples)


def test_examples_are_found_once_and_again_when_the_record_changes(
    small_application: Application, small_corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    ask = small_application.pipeline.ask

    def counted(question: Question) -> object:
        asked.append(question.text)
        return ask(question)

    monkeypatch.setattr(small_application.pipeline, "ask", counted)
    examples = ExampleQuestions(small_application)
    first = examples.questions()
    trials = len(asked)
    assert 0 < trials <= MAX_TRIALS
    assert examples.questions() == first
    assert len(asked) == trials
    (small_corpus / "harbour.md").unlink()
    small_application.synchronise()
    assert not [example for example in examples.questions() if "Moreau" in example]


def test_no_index_no_examples(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    application = build(make_settings(tmp_path))
    assert ExampleQuestions(application).questions() == ()
    application.close()


def test_candidates_are_of_each_sort_in_turn_what_is_named_most_first() -> None:
    documents = [
        document("a", people=("Zoë",), organisations=("Port",), date="2023-05-04"),
        document("b", people=("Ann", "Zoë"), date="2023-05"),
    ]
    assert [candidate.question for candidate in candidates(documents)] == [
        "What is Port?",
        "Who is Zoë?",
        "What happened on 4 May 2023?",
        "What does the record say about “About a”?",
        "Who is Ann?",
        "What does the record say about “About b”?",
    ]
    assert next(islice(candidates(documents), 1, None)).document_ids == {"a", "b"}


def test_long_names_make_no_candidates() -> None:
    assert not [c for c in candidates([document("a", people=("A" * 80,))]) if "AAA" in c.question]


def test_no_documents_no_candidates() -> None:
    assert list(candidates([])) == []

"""Questions about records themselves, asked of real records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.domain import Answer, Filters, Question
from rag.errors import InvalidQuestion
from rag.settings import Settings
from rag.wiring import Application, build
from tests.contracts.answers import check_answer
from tests.record_questions import CASES, RECORDS, Case


@pytest.fixture(scope="module")
def records(
    application: Application, make_settings: Callable[..., Settings], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Application]]:
    """The bundled record and the small ones, each ready to be asked."""
    applications = {"mission": application}
    for name, files in RECORDS.items():
        folder = tmp_path_factory.mktemp(name)
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8")
        applications[name] = build(make_settings(tmp_path_factory.mktemp("data"), corpus_dir=folder))
        applications[name].synchronise()
    yield applications
    for name in RECORDS:
        applications[name].close()


def ask(records: dict[str, Application], case: Case) -> Answer:
    answer = records[case.record].pipeline.ask(Question(case.question, case.history, case.filters))
    check_answer(answer, records[case.record].catalog)
    return answer


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.about_record], ids=lambda case: f"{case.record}: {case.question}"
)
def test_what_is_asked_of_the_record_is_answered_from_the_catalog(
    records: dict[str, Application], case: Case
) -> None:
    answer = ask(records, case)
    assert (answer.basis, answer.status) == ("catalog", "answered"), answer.answer_plain
    assert case.short is None or answer.short_answer == case.short, answer.answer_plain
    for words in case.says:
        assert words in answer.answer_plain
    if case.documents is not None:
        assert {citation.document_id for citation in answer.citations} == case.documents, answer.answer_plain


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if not case.about_record],
    ids=lambda case: f"{case.record}: {case.question}",
)
def test_what_is_asked_of_the_documents_is_left_to_them(records: dict[str, Application], case: Case) -> None:
    assert ask(records, case).basis == "documents"


@pytest.mark.parametrize("filters", [Filters(kinds=("nothing",)), Filters(published_to="1066")])
def test_filters_that_let_nothing_through(records: dict[str, Application], filters: Filters) -> None:
    for case in CASES:
        if case.about_record and case.record == "gazette":
            answer = ask(records, replace(case, filters=filters))
            assert answer.citations == ()


def test_a_record_that_names_no_dates_or_people_says_so(records: dict[str, Application]) -> None:
    told = {
        "What is the oldest document in the record?": "None of the documents says when it was published.",
        "Who are the authors of the documents?": "None of the documents names its author.",
        "What dates do the documents cover?": "None of the documents says when it was published.",
    }
    for question, answer in told.items():
        assert ask(records, Case("notes", question)).answer_plain == answer
    assert ask(records, Case("notes", "Who is named most often in the record?")).basis == "documents"


def test_a_follow_up_is_shown_in_full(records: dict[str, Application]) -> None:
    before = ("Which documents mention Marta Quill?", "Two do.")
    answer = ask(records, Case("gazette", "How many of them are interviews?", before=before))
    assert (
        answer.standalone_question == "How many documents are of the kind interview and mention Marta Quill?"
    )
    assert answer.short_answer == "1"


def test_a_turn_that_spoke_of_documents_makes_it_doubtful(records: dict[str, Application]) -> None:
    before = ("What did the court ask for?", "The court asked for several documents.")
    assert ask(records, Case("gazette", "How many documents are there?", before=before)).basis == "documents"
    assert (
        ask(records, Case("gazette", "How many documents are in the record?", before=before)).basis
        == "catalog"
    )


@given(text=st.text(min_size=1))
@settings(max_examples=30)
def test_any_name_can_be_asked_for(records: dict[str, Application], text: str) -> None:
    try:
        question = Question(f"Which documents mention {text}?")
    except InvalidQuestion:
        return
    answer = records["notes"].pipeline.ask(question)
    check_answer(answer, records["notes"].catalog)

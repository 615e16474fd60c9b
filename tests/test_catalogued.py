"""Questions about records themselves, asked of real records."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from rag.domain import Answer, Question
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

"""Sources that give different figures for the same, and sources that only seem to."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from rag.answer.extractive import DISAGREEMENT
from rag.domain import Answer, Filters, Question
from rag.settings import Settings
from rag.wiring import Application, build
from tests.contracts.answers import check_answer
from tests.disagreeing_sources import PAIRS, Pair, Text

DISAGREEING = [pair for pair in PAIRS if pair.figures]


@pytest.fixture(scope="module")
def sources(
    make_settings: Callable[..., Settings], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Application]:
    """All pairs in one record."""
    folder = tmp_path_factory.mktemp("pairs")
    for pair in PAIRS:
        for number, text in enumerate((pair.one, pair.other)):
            (folder / f"{pair.name}-{number}.md").write_text(_markdown(text), encoding="utf-8")
    application = build(make_settings(tmp_path_factory.mktemp("data"), corpus_dir=folder))
    application.synchronise()
    yield application
    application.close()


def _markdown(text: Text) -> str:
    source = f'\nsource: {{title: "{text.title}", published: "{text.published}"}}' if text.published else ""
    return f'---\ntitle: "{text.title}"{source}\n---\n\n{text.text}\n'


def ask(sources: Application, question: str) -> Answer:
    answer = sources.pipeline.ask(Question(question))
    check_answer(answer, sources.catalog)
    return answer


@pytest.mark.parametrize("pair", DISAGREEING, ids=lambda pair: pair.name)
def test_sources_that_disagree_are_shown_side_by_side_the_newest_first(
    sources: Application, pair: Pair
) -> None:
    assert pair.figures
    answer = ask(sources, pair.question)
    assert answer.disagreement == ((1, 2),), answer.answer_plain
    assert [figure in cited.quote for figure, cited in zip(pair.figures, answer.citations, strict=True)] == [
        True,
        True,
    ]
    dates = [cited.published or "" for cited in answer.citations]
    assert dates == sorted(dates, reverse=True)
    assert answer.answer_plain.startswith(DISAGREEMENT)
    assert answer.short_answer is None
    assert answer.reading
    assert answer.confidence < answer.reading.answerability


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if not pair.figures], ids=lambda pair: pair.name)
def test_sources_that_speak_of_two_things_do_not_disagree(sources: Application, pair: Pair) -> None:
    answer = ask(sources, pair.question)
    assert answer.disagreement == ()
    assert DISAGREEMENT not in answer.answer_plain


def test_each_part_of_a_question_has_its_own_sources(sources: Application) -> None:
    first, second = DISAGREEING[0], DISAGREEING[2]
    answer = ask(sources, f"{first.question} {second.question}")
    assert [len(markers) for markers in answer.disagreement] == [2, 2]
    assert len({marker for markers in answer.disagreement for marker in markers}) == 4


def test_a_source_that_the_filters_keep_out_disagrees_with_none(sources: Application) -> None:
    pair = DISAGREEING[0]
    answer = ask(sources, pair.question)
    from_one = answer.citations[1].document_id
    filtered = sources.pipeline.ask(Question(pair.question, filters=Filters(document_ids=(from_one,))))
    assert filtered.disagreement == ()
    assert {cited.document_id for cited in filtered.citations} == {from_one}


def test_without_seeded_pairs_nothing_disagrees(application: Application) -> None:
    for question in ("When did the delegation come to Tokyo?", "How many members did the delegation have?"):
        assert application.pipeline.ask(Question(question)).disagreement == ()

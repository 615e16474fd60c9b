"""Hits to evidence, with the real catalog and embedder: what is sure, what is refused, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from rag.calibration import Calibration
from rag.domain import Evidence, Hit, Reading
from rag.read import NO_EVIDENCE, UNKNOWN_NAME, Read, stored_calibration
from rag.wiring import Application
from tests.fakes import WordReader

ReadParts = Callable[..., Reading]


@pytest.fixture
def read(small_application: Application) -> ReadParts:
    """Reads the best passages for a question, with the shipped decision."""

    def apply(*parts: str, calibration: Calibration | None = None, pointing: bool = True) -> Reading:
        application = small_application
        reader = application.reader if pointing else None
        hits = application.pipeline.search(" ".join(parts), 6).hits
        return Read(application.catalog, application.embedder, reader, calibration)(parts, hits)

    return apply


def best(reading: Reading) -> Evidence:
    return reading.evidence[0]


@pytest.mark.parametrize(
    ("question", "holds", "span"),
    [
        ("How much did the quay cost?", "42 million euros", "42 million euros"),
        ("Who led the building of the quay?", "Ada Moreau", "Ada Moreau"),
        ("How tall is the lighthouse of Elsin?", "61 metres", "61 metres"),
    ],
)
def test_the_sentence_that_answers_comes_first_with_the_words_that_answer(
    read: ReadParts, question: str, holds: str, span: str
) -> None:
    found = best(read(question))
    assert holds in found.sentence.text
    assert found.answer is not None
    assert span in found.answer.text
    assert found.sentence.start <= found.answer.start < found.answer.end <= found.sentence.end


def test_an_answer_is_surer_than_a_near_miss(read: ReadParts) -> None:
    assert (
        read("How much did the quay cost?").answerability
        > read("How much did the lighthouse cost?").answerability
    )


def test_a_name_that_the_record_never_mentions_is_said(read: ReadParts) -> None:
    reading = read("Did Takeda build the quay?")
    assert (reading.reason, reading.unknown_names) == (UNKNOWN_NAME, ("Takeda",))


def test_a_short_form_of_words_that_the_record_has_is_no_unknown_name(read: ReadParts) -> None:
    assert read("Which firms took part in the CQ works?").unknown_names == ()  # the container quay
    assert read("Which firms took part in the ZQ works?").unknown_names == ("ZQ",)


def test_what_nothing_speaks_of_has_no_evidence(read: ReadParts) -> None:
    reading = read("What is the chemical formula of caffeine?")
    assert reading.reason == NO_EVIDENCE
    assert reading.answerability < stored_calibration().threshold


def test_evidence_is_sorted_and_each_part_has_its_own(read: ReadParts) -> None:
    reading = read("How much did the quay cost?", "How tall is the lighthouse?")
    scores = [found.score for found in reading.evidence]
    assert scores == sorted(scores, reverse=True)
    first = {part: next(found for found in reading.evidence if found.part == part) for part in (0, 1)}
    assert "42 million" in first[0].sentence.text
    assert "61 metres" in first[1].sentence.text


def test_what_lies_behind_a_certain_answer_is_not_read_unless_it_is_a_list(
    small_application: Application,
) -> None:
    application = small_application
    hits = application.pipeline.search("How much did the quay cost?", 6).hits
    assert len(hits) > 1
    sure = Calibration({"span": 10.0}, 6.0, 0.5)
    read_up_to = {
        certain: {
            found.hit.rank
            for found in Read(
                application.catalog, application.embedder, application.reader, sure, certain=certain
            )([question], hits).evidence
        }
        for certain, question in ((0.9, "How much did the quay cost?"), (1.1, "How much did the quay cost?"))
    }
    assert read_up_to[0.9] == {1}
    assert len(read_up_to[1.1]) == len(hits)
    listing = Read(application.catalog, application.embedder, application.reader, sure, certain=0.9)
    assert len({found.hit.rank for found in listing(["Which firms took part?"], hits).evidence}) == len(hits)


@pytest.mark.parametrize(
    "question", ["How much did the quay cost?", "Which firms took part?", "Who was Ada?"]
)
def test_how_many_passages_are_read_at_once_changes_nothing(
    small_application: Application, question: str
) -> None:
    application = small_application
    hits = application.pipeline.search(question, 6).hits
    one, *others = (
        Read(application.catalog, application.embedder, application.reader, at_once=at_once)([question], hits)
        for at_once in (1, 2, 4, 10)
    )
    assert all(other == one for other in others)


def test_without_a_reader_words_names_and_numbers_still_judge(read: ReadParts) -> None:
    reading = read("How much did the quay cost?", pointing=False)
    assert "42 million" in best(reading).sentence.text
    assert best(reading).answer is None
    assert "span" not in best(reading).signals


def test_the_same_question_is_read_the_same_twice(read: ReadParts) -> None:
    assert read("Who restored the lamp?") == read("Who restored the lamp?")


def test_a_question_without_words_is_answered_by_nothing(read: ReadParts) -> None:
    assert read("?!").evidence == ()


def test_nothing_retrieved_is_no_evidence(small_application: Application) -> None:
    application = small_application
    none: Sequence[Hit] = ()
    reading = Read(application.catalog, application.embedder, WordReader())(["Who restored the lamp?"], none)
    assert (reading.evidence, reading.answerability, reading.reason) == ((), 0.0, NO_EVIDENCE)


def test_signals_become_a_probability_by_their_weights(read: ReadParts) -> None:
    calibration = Calibration({"coverage": 2.0}, -1.0, 0.5)
    found = best(read("How much did the quay cost?", calibration=calibration))
    assert found.score == pytest.approx(1 / (1 + 2.718281828 ** -(2.0 * found.signals["coverage"] - 1.0)))
    assert calibration.probability({}) == pytest.approx(0.26894, abs=1e-4)

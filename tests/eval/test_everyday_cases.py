"""The everyday cases hold together: with their documents, with each other, and with their split."""

from collections import Counter

import pytest

from eval.cases import SPLITS, Case, load_cases
from eval.controls import CONTROLS
from eval.evaluate import bundled_cases
from eval.outcomes import failed
from eval.scoring import cause, scored
from rag.corpus import read_corpus
from rag.domain import Document

EVERYDAY = bundled_cases().parent / "everyday"


@pytest.fixture(scope="module")
def documents() -> dict[str, Document]:
    entries = tuple(read_corpus([EVERYDAY / "documents"]))
    assert [entry for entry in entries if not isinstance(entry, Document)] == []
    return {entry.id: entry for entry in entries if isinstance(entry, Document)}


@pytest.fixture(scope="module")
def cases(documents: dict[str, Document]) -> tuple[Case, ...]:
    return load_cases([EVERYDAY], documents)


def test_ids_are_unique(cases: tuple[Case, ...]) -> None:
    assert len({case.id for case in cases}) == len(cases)


def test_each_file_holds_one_split(cases: tuple[Case, ...]) -> None:
    for split in SPLITS:
        lines = (EVERYDAY / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
        assert len(lines) == sum(case.split == split for case in cases)


def test_both_halves_hold_both_kinds(cases: tuple[Case, ...]) -> None:
    sizes = Counter((case.split, case.answerable) for case in cases)
    assert all(sizes[split, answerable] >= 30 for split in SPLITS for answerable in (True, False))


def test_every_document_is_asked_about(cases: tuple[Case, ...], documents: dict[str, Document]) -> None:
    assert {gold.document_id for case in cases for gold in case.gold} == set(documents)


def test_no_document_is_asked_about_in_both_halves(cases: tuple[Case, ...]) -> None:
    halves = [
        {gold.document_id for case in cases if case.split == split for gold in case.gold} for split in SPLITS
    ]
    assert halves[0].isdisjoint(halves[1])


def test_no_question_is_asked_twice(cases: tuple[Case, ...]) -> None:
    counted = Counter(tuple(turn.casefold() for turn in case.turns) for case in cases)
    assert [turns for turns, count in counted.items() if count > 1] == []


def test_the_gold_sentences_answer_every_case_of_the_test_half(cases: tuple[Case, ...]) -> None:
    asked = tuple(case for case in cases if case.split == "test")
    said = [CONTROLS["gold sentences"](case, failed(case.id, "not asked")) for case in asked]
    outcomes = scored(asked, said, lambda _: [])
    wrong = {case.id: cause(case, found) for case, found in zip(asked, outcomes, strict=True)}
    assert {case_id: why for case_id, why in wrong.items() if why != "right"} == {}

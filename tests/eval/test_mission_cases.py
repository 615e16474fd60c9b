"""The bundled cases hold together: with the record, with each other, and with what the suite promises of them."""

from collections import Counter

import pytest

from eval.cases import Case, CaseType, load_cases
from eval.controls import CONTROLS
from eval.evaluate import bundled_cases
from eval.outcomes import failed
from eval.scoring import cause, scored
from rag.corpus import read_corpus
from rag.domain import Document
from rag.settings import bundled_corpus


@pytest.fixture(scope="module")
def cases() -> tuple[Case, ...]:
    documents = (entry for entry in read_corpus([bundled_corpus()]) if isinstance(entry, Document))
    return load_cases([bundled_cases()], {document.id: document for document in documents})


def test_there_are_enough_of_every_kind(cases: tuple[Case, ...]) -> None:
    assert len(cases) >= 240
    assert sum(not case.answerable for case in cases) >= 90
    types = Counter(case.type for case in cases)
    assert all(types[kind] >= 5 for kind in CaseType)


def test_both_splits_hold_every_type(cases: tuple[Case, ...]) -> None:
    sizes = Counter(case.split for case in cases)
    assert min(sizes.values()) >= 0.35 * len(cases)
    assert len({(case.type, case.split) for case in cases}) == 2 * len(CaseType)


def test_each_file_holds_one_split(cases: tuple[Case, ...]) -> None:
    for split in ("development", "test"):
        lines = (bundled_cases() / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
        assert len(lines) == sum(case.split == split for case in cases)


def test_no_question_is_asked_twice(cases: tuple[Case, ...]) -> None:
    counted = Counter(tuple(turn.casefold() for turn in case.turns) for case in cases)
    assert [turns for turns, count in counted.items() if count > 1] == []


def test_the_gold_sentences_answer_every_case(cases: tuple[Case, ...]) -> None:
    said = [CONTROLS["gold sentences"](case, failed(case.id, "not asked")) for case in cases]
    outcomes = scored(cases, said, lambda _: [])
    wrong = {case.id: cause(case, found) for case, found in zip(cases, outcomes, strict=True)}
    assert {case_id: why for case_id, why in wrong.items() if why != "right"} == {}

"""The cases of errors planted in written answers: what they hold, how they are written, judged and fitted on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.cases import InvalidCases
from eval.fit_verification import FLAGGED, Example, decide
from eval.statistics import estimate_share
from eval.verification import (
    INVENTED,
    LABELS,
    Remembering,
    Shelf,
    VerificationCase,
    bundled_verification,
    check,
    load_verification,
    report,
    trials,
    written,
)
from rag.answer.markers import marked_sentences
from rag.settings import Settings
from rag.wiring import build

Write = Callable[..., Path]

LINE = {
    "id": "quay-1",
    "split": "development",
    "cluster": "quay",
    "record": "Harbour works",
    "question": "What did the quay cost?",
    "text": "The quay cost 42 million euros {1}.",
    "markers": "label",
    "planted": [
        {"kind": "figure", "old": "42", "new": "43"},
        {"kind": "invented_marker", "old": "euros {1}", "new": "euros {90}"},
        {"kind": "citation", "old": "euros {1}", "new": "euros {2}"},
    ],
}
RECORDS = {"Harbour works": ["The quay of Elsin cost 42 million euros.", "The ferry leaves at 7:30."]}


@pytest.fixture(scope="module")
def cases() -> tuple[VerificationCase, ...]:
    return load_verification(bundled_verification())


def test_there_are_enough_of_all_kinds_in_both_halves(cases: tuple[VerificationCase, ...]) -> None:
    planted = Counter((case.split, its.kind) for case in cases for its in case.planted)
    assert len(cases) >= 150
    assert sum(planted.values()) >= 150
    assert len(planted) == 24
    assert min(Counter(case.split for case in cases).values()) >= 75
    assert len({case.id for case in cases}) == len(cases)
    splits: dict[str, set[str]] = {}
    for case in cases:
        splits.setdefault(case.cluster, set()).add(case.split)
    assert all(len(found) == 1 for found in splits.values())


@pytest.mark.parametrize(
    "markers",
    [
        "label",
        "number",
        "after",
        "before",
        "lenticular",
        "round",
        "footnote",
        "prose",
        "daggered",
        "superscript",
    ],
)
def test_however_markers_are_written_they_are_read(markers: str) -> None:
    text = written("The quay cost 42 {1}{2}. It is long {2}.", markers, LABELS[:3])  # type: ignore[arg-type]
    found = [(its.text, its.labels) for its in marked_sentences(text, LABELS[:3])]
    assert found == [("The quay cost 42.", tuple(LABELS[:2])), ("It is long.", (LABELS[1],))]


def test_a_number_beyond_the_labels_is_invented() -> None:
    assert written("It is long {90}.", "label", LABELS) == f"It is long [{INVENTED}]."
    assert written("It is long {90}.", "number", LABELS) == "It is long [90]."
    assert written("It is long {1}.", "none", LABELS) == "It is long."
    assert written("It cost 1.9 {1}. So {2}.", "before", LABELS[:2]) == "[k7f2] It cost 1.9. [p3d9] So."


@pytest.mark.parametrize(
    "change",
    [{"record": None}, {"documents": ["x"]}, {"planted": [{"kind": "figure", "old": "7", "new": "8"}]}],
)
def test_a_case_that_cannot_be_used_is_named(write_lines: Write, change: dict[str, object]) -> None:
    path = write_lines(LINE | change)
    with pytest.raises(InvalidCases, match=r"cases\.jsonl:1"):
        load_verification(path.parent)


def test_errors_are_caught_and_right_sentences_are_not_flagged(
    write_lines: Write, make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    path = write_lines(LINE)
    (path.parent / "records.json").write_text(json.dumps(RECORDS), encoding="utf-8")
    (case,) = load_verification(path.parent)
    application = build(make_settings(tmp_path / "data"))
    verify = Remembering(application.embedder, None)
    sources = Shelf(path.parent, application.embedder.count_tokens).sources(case)
    found = [check(trial, sources, verify) for trial in trials(case, [source.label for source in sources])]
    assert [its.trial.kind for its in found] == [None, "figure", "invented_marker", "citation"]
    assert [its.caught for its in found] == [False, True, True, True]
    assert not found[0].flagged
    shares = {
        figure.name.strip(): figure.columns["development"].value for figure in report(found) if figure.columns
    }
    assert shares == {
        "errors caught": 1,
        "figure": 1,
        "citation": 1,
        "invented_marker": 1,
        "right sentences flagged": 0,
    }


def test_the_decision_flags_as_many_right_sentences_as_it_may() -> None:
    right = [Example(f"a{n}", {"coverage": 0.5 + n / 200, "facts_missing": 0.0}, True) for n in range(100)]
    wrong = [Example(f"b{n}", {"coverage": 0.9, "facts_missing": 1.0}, False) for n in range(100)]
    decision = decide([*right, *wrong])
    flagged = [decision.probability(its.signals) < decision.threshold for its in right]
    assert sum(flagged) <= 2 * 100 * FLAGGED
    assert all(decision.probability(its.signals) < decision.threshold for its in wrong)
    with pytest.raises(InvalidCases):
        decide(right)


def test_the_interval_of_a_share_is_wilsons() -> None:
    found = estimate_share(9, 10)
    assert (found.value, round(found.low, 4), round(found.high, 4)) == (0.9, 0.5958, 0.9821)
    assert estimate_share(0, 10).low == 0.0
    with pytest.raises(ValueError, match="no trials"):
        estimate_share(0, 0)

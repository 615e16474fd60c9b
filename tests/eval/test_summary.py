import pytest

from eval.cases import CaseType
from eval.outcomes import Outcome, ReadSentence, failed
from eval.scoring import scored
from eval.summary import (
    Pair,
    by_dimension,
    causes,
    control_figures,
    figures,
    knowing,
    latency,
    split_columns,
)
from tests.eval.examples import COST, make_answer, make_case, make_gold, make_quote, make_refusal


def timed(outcome: Outcome, milliseconds: float) -> Outcome:
    return outcome.model_copy(update={"timings_ms": {"total": milliseconds, "read": milliseconds / 2}})


@pytest.fixture
def pairs() -> list[Pair]:
    cost = make_case("cost", {"number": 42_000_000}, gold=(make_gold(COST),), type=CaseType.HOW_MANY)
    leader = make_case("leader", "Ada Moreau", type=CaseType.WHO, difficulty="hard")
    weather, price = (
        make_case("weather", type=CaseType.OTHER_SUBJECT),
        make_case("price", type=CaseType.NEAR_MISS),
    )
    read = ReadSentence(
        document_id="harbour", start=0, end=1, text="Ada Moreau led it.", score=0.4, signals={}
    )
    outcomes = [
        timed(make_answer(f"{COST} [1]", make_quote(COST), confidence=0.9), 10),
        timed(make_refusal(confidence=0.4).model_copy(update={"evidence": (read,)}), 20),
        timed(make_refusal(confidence=0.1), 30),
        timed(make_answer(f"{COST} [1]", make_quote(COST), confidence=0.6), 40),
    ]
    cases = [cost, leader, weather, price]
    return list(zip(cases, scored(cases, outcomes, lambda _: []), strict=True))


def test_each_slice_has_the_figures_of_its_cases(pairs: list[Pair]) -> None:
    found = figures(pairs)
    assert found["all"]["right"].value == 0.5
    assert (found["all"]["refused_answerable"].value, found["all"]["refused_answerable"].n) == (0.5, 2)
    assert found["all"]["answered_unanswerable"].value == 0.5
    assert found["type:who"]["right"].value == 0.0
    assert found["difficulty:hard"]["right"].n == 1
    assert set(by_dimension(found, "type")) == {"how-many", "who", "other-subject", "near-miss"}


def test_confidence_is_judged_where_a_slice_has_both_kinds(pairs: list[Pair]) -> None:
    found = figures(pairs)
    # answerable 0.9, 0.4 against 0.1, 0.6: three of four pairs are in order
    assert found["all"]["auroc"].value == 0.75
    # given: 0.9 right, 0.6 wrong
    assert found["all"]["auroc_right"].value == 1.0
    assert found["all"]["ece"].value == pytest.approx((0.1 + 0.6) / 2)
    # by confidence: right; wrong; would be right; wrong
    assert found["all"]["aurc"].value == pytest.approx((0 + 1 / 2 + 1 / 3 + 2 / 4) / 4)
    assert "auroc" not in found["type:who"]


def test_controls_are_judged_like_the_run(pairs: list[Pair]) -> None:
    found = control_figures(pairs)
    assert found["always refuse"]["right"].value == 0.5
    assert found["always refuse"]["refused_answerable"].value == 1.0
    assert "answer_characters" not in found["always refuse"]


def test_the_curves_and_where_the_run_stands(pairs: list[Pair]) -> None:
    found = knowing(pairs)
    assert (found.coverage, found.risk) == (0.5, 0.5)
    assert [point.coverage for point in found.risk_coverage] == [0.25, 0.5, 0.75, 1.0]
    assert sum(entry.n for entry in found.calibration) == 2


def test_latency_by_stage_with_the_total_last(pairs: list[Pair]) -> None:
    found = latency([outcome for _, outcome in pairs])
    assert list(found) == ["read", "total"]
    assert (found["total"].median, found["total"].mean, found["total"].n) == (25, 25, 4)


def test_causes_are_counted(pairs: list[Pair]) -> None:
    assert causes(pairs) == {"refused, though retrieved": 1, "answered the unanswerable": 1}


def test_a_run_in_which_everything_crashed_still_has_figures() -> None:
    cases = [make_case("a", "x"), make_case("b")]
    outcomes = scored(cases, [failed("a", "x"), failed("b", "x")], lambda _: [])
    found = figures(list(zip(cases, outcomes, strict=True)))
    assert found["all"]["right"].value == 0.0
    assert knowing(list(zip(cases, outcomes, strict=True))).coverage == 0.0


def test_one_split_is_one_column(pairs: list[Pair]) -> None:
    found = figures(pairs)
    splits = {name for name in found if name.startswith("split:")}
    if len(splits) == 2:
        assert next(iter(split_columns(found))) == "all"
    one = {name: value for name, value in found.items() if name in ("all", sorted(splits)[0])}
    assert len(split_columns(one)) == 1

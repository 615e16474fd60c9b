import pytest

from eval.compare import compare
from eval.outcomes import Outcome
from eval.report import InvalidRun, Record, Report, Run

QUESTIONS = 200


def make_run(right: list[float], scores: list[float] | None = None, prefix: str = "q") -> Run:
    """A run with one question a value, each a cluster of its own."""
    records = []
    for index, value in enumerate(right):
        measures = {"right": value}
        if scores is not None:
            measures["token_f1"] = scores[index]
        outcome = Outcome(case_id=f"{prefix}{index}", status="answered", measures=measures)
        name = f"{prefix}{index}"
        records.append(Record(id=name, type="fact", cluster=name, turns=(f"{name}?",), outcome=outcome))
    report = Report(
        name="run",
        created="2025-01-01",
        seconds=1,
        configuration={},
        versions={},
        index_id="i",
        documents=1,
        passages=1,
        cases_sha256="",
        cases=len(records),
        figures={},
    )
    return Run(report, tuple(records))


def test_the_same_run_is_no_worse() -> None:
    run = make_run([1.0, 0.0] * (QUESTIONS // 2))
    comparison = compare(run, run)
    (right,) = comparison.differences
    assert comparison.verdict == "no worse"
    assert (right.change.value, right.p, right.wins, right.losses) == (0.0, 1.0, (), ())


def test_wins_and_losses_are_told_case_by_case() -> None:
    before, after = make_run([1, 0, 0, 1] + [1.0] * 100), make_run([1, 1, 0, 0] + [1.0] * 100)
    (right,) = compare(before, after).differences
    assert (right.wins, right.losses) == (("q1",), ("q3",))
    assert right.change.value == 0.0
    assert (right.test, right.p) == ("McNemar", 1.0)


def test_a_clear_loss_is_worse_and_a_clear_win_is_not() -> None:
    good, bad = make_run([1.0] * QUESTIONS), make_run([1.0] * (QUESTIONS - 20) + [0.0] * 20)
    lost = compare(good, bad)
    assert lost.verdict == "worse"
    assert lost.differences[0].p == pytest.approx(2 / 2**20)
    assert compare(bad, good).verdict == "no worse"


def test_a_gain_that_may_be_a_loss_does_not_pass() -> None:
    before, after = [1.0] * QUESTIONS, [1.0] * QUESTIONS
    before[:11] = [0.0] * 11
    after[11:21] = [0.0] * 10
    comparison = compare(make_run(before), make_run(after))
    assert comparison.differences[0].change.value > 0
    assert comparison.verdict == "not shown to be no worse"


def test_what_is_not_yes_or_no_is_tested_by_sign_flips() -> None:
    before = make_run([1.0] * 30, [0.5] * 30)
    after = make_run([1.0] * 30, [0.6] * 30)
    f1 = next(found for found in compare(before, after).differences if found.measure.name == "token_f1")
    assert f1.test == "sign flip"
    assert f1.p < 0.01
    assert f1.change.value == pytest.approx(0.1)


def test_only_questions_asked_by_both_in_the_same_way_are_paired() -> None:
    before, after = make_run([1.0, 1.0, 1.0]), make_run([0.0, 1.0])
    changed = after.records[0].model_copy(update={"nuggets": ("another",)})
    comparison = compare(before, Run(after.report, (changed, after.records[1])))
    assert (comparison.paired, comparison.unpaired) == (1, ("q0", "q2"))


def test_a_query_is_paired_with_another_form_of_itself() -> None:
    def query(text: str, gold: str) -> Run:
        run = make_run([1.0])
        changes = {"type": "query", "turns": (text,), "gold": (gold,)}
        return Run(run.report, (run.records[0].model_copy(update=changes),))

    assert compare(query("When?", "ferry"), query("When does the ferry leave?", "ferry")).paired == 1
    with pytest.raises(InvalidRun):
        compare(query("When?", "ferry"), query("When?", "quay"))


def test_runs_without_a_common_question_cannot_be_compared() -> None:
    with pytest.raises(InvalidRun, match="no question in common"):
        compare(make_run([1.0]), make_run([1.0], prefix="r"))

"""Where time goes: what the samples show, and a quick run on the real models."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from eval.benchmarks import stages
from eval.benchmarks.section import Plan
from eval.benchmarks.stages import REST, Asked, Measured, Work


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    return stages.measure(
        Plan(tmp_path_factory.mktemp("stages"), quick=True), lambda _stage, _done, _total: None
    )


def made_up() -> Asked:
    asked = Asked(passages=10, questions=2)
    for whole, timings in ((20.0, {"retrieve": 4.0}), (40.0, {"retrieve": 6.0, "read": 30.0})):
        asked.whole.append(whole)
        asked.add_stages(timings)
    asked.floor, asked.exact_floor, asked.search = [2.0, 2.0], [3.0, 3.0], [4.0, 6.0]
    asked.work = [Work(read=1), Work(read=3)]
    asked.complete()
    return asked


def test_a_stage_that_an_answer_does_not_have_took_no_time() -> None:
    assert made_up().stages == {"retrieve": [4.0, 6.0], "read": [0.0, 30.0], REST: [16.0, 4.0]}


def test_shares_are_of_all_answers_and_make_up_the_whole() -> None:
    times, work = stages.section(Measured(records={"a record": made_up()})).tables
    rows = {row[0]: row for row in times.rows}
    assert [rows[f"of it: {stage}"][4] for stage in ("retrieve", "read", REST)] == ["16.7%", "50.0%", "33.3%"]
    assert rows["the same in float32"][5].startswith("1.50 ×")
    assert rows["search"][5].startswith("2.50 ×")
    assert rows["whole answer"][1] == "30.00"
    assert {row[0]: row[1] for row in work.rows}["passages read"] == "2.0"


def test_a_quick_run_times_every_stage_of_both_records(measured: Measured) -> None:
    bundled, generated = (measured.records[name] for name in ("bundled record", "generated text"))
    assert bundled.questions == stages.QUICK.questions
    assert generated.questions == stages.QUICK.generated_questions
    for asked in (bundled, generated):
        assert {"converse", "catalog", "retrieve", "read", "answer", "cite", REST} <= asked.stages.keys()
        lists = [asked.floor, asked.exact_floor, asked.search, asked.whole, *asked.stages.values()]
        assert {len(samples) for samples in lists} == {asked.questions * stages.QUICK.rounds}
        for *parts, whole in zip(*asked.stages.values(), asked.whole, strict=True):
            assert sum(parts) == pytest.approx(whole, abs=0.05)
    assert 0 < generated.answered <= generated.questions


def test_what_the_models_are_given_is_counted_for_every_question(measured: Measured) -> None:
    for asked in measured.records.values():
        assert len(asked.work) == asked.questions
        assert all(work.embedded >= work.embedding_calls >= 1 for work in asked.work)
        assert all(work.read_tokens > work.read >= work.reading_calls for work in asked.work if work.read)
        assert any(work.read for work in asked.work)


def test_the_stages_are_drawn(measured: Measured) -> None:
    axes = Figure().subplots()
    stages.section(measured).plots["stages"](axes)
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        f"{record}: {what}"
        for record in ("bundled record", "generated text")
        for what in ("floor", "search", "answer")
    ]

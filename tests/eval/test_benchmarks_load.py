"""A real server under load in a quick run of each part, and what made-up samples show."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import pytest

from eval.benchmarks import endurance, load, throughput
from eval.benchmarks.clients import Replies, Reply, digest
from eval.benchmarks.load import Beside, Busy, Overload
from eval.benchmarks.ratios import slope
from eval.benchmarks.section import Plan, Section
from eval.benchmarks.served import Sample, ServerFailed, serving
from eval.benchmarks.throughput import Run


def tell(_stage: str, _done: int, _total: int) -> None:
    pass


def unmet(section: Section) -> list[str]:
    return [target.what for target in section.targets if not target.met]


def samples(mib: Sequence[float]) -> list[Sample]:
    return [Sample(second=2.0 * number, mib=value, files=30, threads=12) for number, value in enumerate(mib)]


def under_load(
    mib: Sequence[float] = (300.0,) * 30, unlike: int = 0, slower: float = 1.0, without_retry: int = 0
) -> load.Measured:
    """A server that holds so much every two seconds, and whose accepted questions take so much longer when crowded."""
    alone = [100.0, 110.0, 120.0]
    return load.Measured(
        workers=2,
        queue=16,
        busy=Busy(
            seconds=60,
            answered=100,
            unlike=unlike,
            refused=7,
            failed=[],
            ambiguous=1,
            questions=10,
            ms=[900.0, 1_000.0],
            changes=[],
            samples=samples(mib),
        ),
        overload=Overload(
            capacity=10,
            full_ms=[1_800.0] * 40,
            arrivals=100,
            seconds=20,
            accepted_ms=[1_800.0 * slower] * 40,
            refused_ms=[5.0] * 100,
            without_retry=without_retry,
            failed=0,
            before_ms=alone,
            after_ms=alone,
        ),
        beside={"somebody": Beside(alone_ms=alone, beside_ms=alone, failed=0)},
    )


def asked(per_second: float, clients: int = 2) -> Run:
    return Run(clients=clients, seconds=10, ms=[50.0] * round(10 * per_second), clients_cpu=1, server_cpu=19)


def test_the_line_through_samples_is_found_with_its_interval() -> None:
    places = list(range(50))
    rising = slope(places, [100 + 2 * place + (-1) ** place for place in places])
    assert rising.low <= rising.value <= rising.high
    assert rising.value == pytest.approx(2, abs=0.01)
    assert slope(places, [5.0] * 50).value == pytest.approx(0, abs=1e-9)
    with pytest.raises(ValueError, match="three samples"):
        slope([1, 2], [1, 2])


def test_two_answers_are_the_same_if_only_time_and_index_differ() -> None:
    answer = {"status": "answered", "answer": "Yes [1].", "citations": [{"quote": "Yes."}], "index_id": "a"}
    assert digest(answer) == digest({**answer, "index_id": "b", "id": "x", "timings_ms": {"total": 3}})
    for name, value in {"status": "not_found", "answer": "No [1].", "citations": []}.items():
        assert digest(answer) != digest({**answer, name: value})


def test_a_steady_server_meets_all_and_each_fault_misses_its_target() -> None:
    assert unmet(load.section(under_load())) == []
    assert unmet(load.section(under_load(unlike=1))) == ["wrong answers, 64 clients and a changing record"]
    growing = [300.0 + number for number in range(30)]
    assert unmet(load.section(under_load(growing))) == ["growth of memory a minute under load"]
    (late,) = unmet(load.section(under_load(slower=2)))
    assert late.startswith("95 % latency of those let in")
    assert unmet(load.section(under_load(without_retry=1))) == ["95 % latency of a 429 then"]


def test_the_server_is_held_against_the_same_questions_in_process() -> None:
    def measured(rate: float) -> throughput.Measured:
        return throughput.Measured(
            workers=2,
            queue=16,
            in_process={"ask": [asked(20)] * 2, "search": [asked(20)] * 2},
            one_thread=[asked(12, 1)] * 2,
            http={"ask": [asked(rate), asked(rate, 64)] * 2, "search": [asked(rate)] * 2},
            defaults=[asked(rate)],
            health=asked(900),
        )

    within = throughput.section(measured(15))
    assert unmet(within) == []
    assert "5.0%" in within.tables[0].note, "the share of the clients in the processor time"
    assert unmet(throughput.section(measured(13))) == [
        "throughput of the server with 64 clients, of that in-process"
    ]


def test_memory_that_grows_after_the_caches_are_full_misses_its_target() -> None:
    def measured(each: float, large: float = 400) -> endurance.Measured:
        run = endurance.Run(
            asked=[1_000 * number for number in range(11)],
            samples=samples([200 + 50 * min(number, 2) + each * number for number in range(11)]),
            failed=0,
            seconds=600,
            command_mib=300,
        )
        other = run.model_copy(update={"samples": samples([large] * 11)})
        return endurance.Measured(runs={endurance.BUNDLED: run, endurance.LARGE: other})

    assert unmet(endurance.section(measured(0))) == []
    assert unmet(endurance.section(measured(5))) == ["growth of memory from 2,000 to 10,000 questions"]
    assert unmet(endurance.section(measured(0, 700))) == ["memory of the server at ten thousand passages"]


def test_varied_questions_can_all_be_asked_and_are_seldom_the_same() -> None:
    known = throughput.questions()
    made = list(islice(endurance.varied(known, seed=1), 2_000))
    assert made == list(islice(endurance.varied(known, seed=1), 2_000))
    assert len(set(made)) > 1_500
    assert all(text.strip() for text in made)
    assert max(map(len, made)) < 2_000


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(ServerFailed, match="RAG_WORKERS"), serving(tmp_path, workers=0):
        pass


def test_a_quick_run_of_throughput_answers_everything(tmp_path: Path) -> None:
    measured = throughput.measure(Plan(tmp_path, quick=True), tell)
    runs = [run for runs in measured.http.values() for run in runs] + measured.defaults
    assert all(run.ms and not run.failed for run in runs)
    assert {run.clients for run in measured.http["ask"]} == set(throughput.QUICK_CLIENTS)
    throughput.section(measured)


def test_many_clients_get_right_answers_while_the_record_changes_and_errors_but_429_never(
    tmp_path: Path,
) -> None:
    measured = load.measure(Plan(tmp_path, quick=True), tell)
    busy, overload = measured.busy, measured.overload
    assert busy.answered >= load.CLIENTS
    assert (busy.unlike, busy.failed) == (0, []), "an answer that an idle server never gives, or an error"
    assert busy.ambiguous < busy.questions
    assert {change.what for change in busy.changes} >= {"with the first version", "with the second"}
    assert {change.status for change in busy.changes} == {200, 204}
    assert busy.refused, "so many clients were never too many"
    assert overload.refused_ms
    assert overload.accepted_ms
    assert (overload.without_retry, overload.failed) == (0, 0)
    assert all(each.failed == 0 and each.beside_ms for each in measured.beside.values())
    load.section(measured)


def test_a_quick_run_of_endurance_fails_no_question(tmp_path: Path) -> None:
    measured = endurance.measure(Plan(tmp_path, quick=True), tell)
    for run in measured.runs.values():
        assert run.failed == 0
        assert len(run.samples) == len(run.asked)
        assert all(sample.mib > 0 and sample.threads and sample.files for sample in run.samples)
        assert run.command_mib > 0
    endurance.section(measured)


def test_a_reply_is_not_mistaken_for_an_answer() -> None:
    replies = [Reply(body=0, second=0, ms=1, status=status) for status in (0, 200, 429, 500)]
    sorted_out = Replies(seconds=1, cpu_seconds=0, replies=replies)
    assert [len(each) for each in (sorted_out.answered, sorted_out.refused, sorted_out.failed)] == [1, 1, 2]

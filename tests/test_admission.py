"""The gate in front of the workers: how many come in, who is refused, and when a place is free again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor

import pytest

from rag.admission import LONGEST_RETRY_SECONDS, Admission, Job
from rag.domain import WorkLimits
from rag.errors import DeadlineExceeded, TooBusy

LIMITS = WorkLimits(workers=2, waiting=2, wait_seconds=30, work_seconds=30)
PATIENCE = 30


class Held:
    """Work that yields "begun", and "done" once it is let go."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.release = threading.Event()
        self.closed = threading.Event()

    def __call__(self) -> Iterator[str]:
        try:
            self.begun.set()
            yield "begun"
            assert self.release.wait(PATIENCE)
            yield "done"
        finally:
            self.closed.set()


@pytest.fixture
def admission() -> Iterator[Admission]:
    admission = Admission(LIMITS)
    yield admission
    admission.close()


@pytest.fixture
def held(admission: Admission) -> Iterator[list[tuple[Held, Job[str]]]]:
    """As much work as is admitted: the first two at work, the others waiting."""
    works = [Held() for _ in range(LIMITS.workers + LIMITS.waiting)]
    found = [(work, admission.submit(work)) for work in works]
    for work in works[: LIMITS.workers]:
        assert work.begun.wait(PATIENCE)
    yield found
    for work in works:
        work.release.set()


HeldJobs = list[tuple[Held, Job[str]]]


def nothing() -> Iterator[str]:
    yield "nothing"


def test_what_work_yields_comes_in_its_order(admission: Admission) -> None:
    assert list(admission.submit(lambda: iter("abc"))) == ["a", "b", "c"]
    assert admission.submit(lambda: iter("abc")).result() == "c"


def test_no_more_are_at_work_than_there_are_workers(admission: Admission, held: HeldJobs) -> None:
    assert (admission.working, admission.waiting) == (2, 2)
    assert not any(work.begun.is_set() for work, _ in held[2:])


def test_the_next_is_refused_at_once_and_told_when_to_come_again(
    admission: Admission, held: HeldJobs
) -> None:
    with pytest.raises(TooBusy, match="try again in 1 second") as refused:
        admission.submit(nothing)
    assert refused.value.retry_after == 1


def test_the_estimate_grows_with_the_time_that_work_takes(admission: Admission, held: HeldJobs) -> None:
    admission.took(7)
    assert admission.too_busy().retry_after == 11  # three to go, two at a time, seven seconds each
    for _ in range(20):
        admission.took(10_000)
    assert admission.too_busy().retry_after == LONGEST_RETRY_SECONDS


def test_a_place_is_free_as_soon_as_work_is_over(admission: Admission, held: HeldJobs) -> None:
    work, job = held[0]
    work.release.set()
    assert job.result() == "done"
    assert held[2][0].begun.wait(PATIENCE)
    admission.submit(nothing)
    with pytest.raises(TooBusy):
        admission.submit(nothing)


def test_who_waits_and_goes_away_frees_the_place_at_once(admission: Admission, held: HeldJobs) -> None:
    work, job = held[2]
    job.cancel()
    assert admission.waiting == 1
    with pytest.raises(CancelledError):
        job.result()
    admission.submit(nothing)
    assert not work.begun.is_set()


def test_work_under_way_that_is_cancelled_ends_with_its_step(admission: Admission, held: HeldJobs) -> None:
    work, job = held[0]
    steps = iter(job)
    assert next(steps) == "begun"
    job.cancel()
    with pytest.raises(CancelledError):
        next(steps)
    assert admission.working == 2  # it cannot be stopped in the middle of a step, and is counted until then
    work.release.set()
    assert work.closed.wait(PATIENCE)
    assert held[2][0].begun.wait(PATIENCE)


def test_who_stops_listening_gives_the_place_back(admission: Admission, held: HeldJobs) -> None:
    work, job = held[0]
    for _ in job:
        break
    work.release.set()
    assert work.closed.wait(PATIENCE)
    assert held[2][0].begun.wait(PATIENCE)


def test_work_that_nobody_listens_to_holds_its_place_no_longer(admission: Admission) -> None:
    jobs = [admission.submit(lambda: iter("abc")) for _ in range(4)]
    assert list(jobs[3]) == list("abc")
    while admission.working + admission.waiting:
        pass
    assert list(jobs[0]) == list("abc")


def test_an_error_of_the_work_reaches_who_asked_and_frees_the_place(admission: Admission) -> None:
    def broken() -> Iterator[str]:
        yield "begun"
        raise ZeroDivisionError

    for _ in range(10):
        steps = iter(admission.submit(broken))
        assert next(steps) == "begun"
        with pytest.raises(ZeroDivisionError):
            next(steps)
        assert (admission.working, admission.waiting) == (0, 0)


def test_nobody_waits_for_longer_than_the_limit() -> None:
    admission = Admission(WorkLimits(workers=1, waiting=1, wait_seconds=0.05, work_seconds=30))
    work = Held()
    admission.submit(work)
    assert work.begun.wait(PATIENCE)
    with pytest.raises(TooBusy):
        admission.submit(nothing).result()
    assert admission.waiting == 0
    work.release.set()
    admission.close()


def test_an_answer_that_takes_too_long_is_given_up_and_its_worker_counted_until_it_is_free() -> None:
    admission = Admission(WorkLimits(workers=1, waiting=1, wait_seconds=30, work_seconds=0.05))
    work = Held()
    steps = iter(admission.submit(work))
    assert next(steps) == "begun"
    with pytest.raises(DeadlineExceeded, match="RAG_ANSWER_SECONDS"):
        next(steps)
    assert admission.working == 1
    work.release.set()
    assert admission.submit(nothing).result() == "nothing"
    admission.close()


def test_who_reads_slowly_gets_all_that_was_made_in_time() -> None:
    admission = Admission(WorkLimits(workers=1, waiting=1, wait_seconds=30, work_seconds=0.05))
    steps = iter(admission.submit(lambda: iter("abc")))
    assert next(steps) == "a"
    admission.close()
    threading.Event().wait(0.1)
    assert list(steps) == ["b", "c"]


def test_closing_finishes_what_was_admitted(admission: Admission, held: HeldJobs) -> None:
    with ThreadPoolExecutor(1) as other:
        closing = other.submit(admission.close)
        for work, _ in held:
            work.release.set()
        closing.result(PATIENCE)
    assert [job.result() for _, job in held] == ["done"] * 4
    assert admission.submit(nothing).result() == "nothing"


def test_a_crowd_is_served_or_refused_and_leaves_nothing_behind(admission: Admission) -> None:
    served, refused, most = [], [], 0

    def ask(number: int) -> None:
        try:
            served.append(admission.submit(lambda: iter([number])).result())
        except TooBusy:
            refused.append(number)

    with ThreadPoolExecutor(32) as crowd:
        for _ in crowd.map(ask, range(2_000)):
            most = max(most, admission.working)
    assert sorted(served + refused) == list(range(2_000))
    assert served
    assert most <= LIMITS.workers
    assert (admission.working, admission.waiting) == (0, 0)

"""Bounded work: so many questions at work, so many waiting, and the next is told at once to come again.

Work has threads of its own and runs from first to last in one of them, and what it yields is kept for whoever asked.
So a slow reader holds no place; one who has gone away gives it back at the next step; and nobody waits longer than the
limits.
"""

from __future__ import annotations

import contextvars
import math
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum, auto
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from rag.domain import Answer, Completed, Event, Filters, Question, WorkLimits
from rag.errors import DeadlineExceeded, TooBusy
from rag.retrieve import Retrieval, Retrieve
from rag.stopwatch import Stage, Stopwatch

if TYPE_CHECKING:
    from rag.pipeline import Pipeline

T = TypeVar("T")

LONGEST_RETRY_SECONDS = 60
# How much the latest piece of work counts in the mean from which the next retry is estimated.
_NEWEST_WEIGHT = 0.2


class _State(Enum):
    WAITING = auto()
    WORKING = auto()
    OVER = auto()


@dataclass(frozen=True, slots=True)
class _End:
    """After what the work yielded: how it ended."""

    error: BaseException | None = None


class Job(Generic[T]):
    """Work that was admitted. Iterate it once, in any thread, for what the work yields."""

    def __init__(self, work: Callable[[], Iterator[T]], admission: Admission) -> None:
        self._work = work
        self._admission = admission
        self._made: SimpleQueue[T | _End] = SimpleQueue()
        self._state = _State.WAITING
        self._since = time.monotonic()
        self._cancelled = False

    def __iter__(self) -> Iterator[T]:
        """What the work yields, as it is made; leaving off early cancels the rest.

        Raises:
            TooBusy: no worker was free within the limit.
            DeadlineExceeded: the work took longer than its limit.
            CancelledError: `cancel` was called.
            Exception: whatever the work raised.
        """
        try:
            while not isinstance(made := self._next(), _End):
                yield made
            if made.error is not None:
                raise made.error
        finally:
            self.cancel()

    def result(self) -> T:
        """The last thing that the work yields. Raises as `__iter__`."""
        *_, last = self
        return last

    def cancel(self) -> None:
        """Give the place back: at once where the work has not begun, else after the step that it is at.

        Whoever iterates is told at once. Any thread may call this, also when the work is over: then nothing happens.
        """
        with self._admission.guard:
            if self._state is _State.OVER or self._cancelled:
                return
            self._cancelled = True
            if self._state is _State.WAITING:
                self._state = _State.OVER
                self._admission.waiting -= 1
        self._made.put(_End(CancelledError()))

    def run(self) -> None:
        """Do the work. For the threads of `Admission`."""
        with self._admission.guard:
            if self._cancelled:
                return
            self._state, self._since = _State.WORKING, time.monotonic()
            self._admission.waiting -= 1
            self._admission.working += 1
        end = _End()
        try:
            self._take_steps()
        except BaseException as error:  # it belongs to whoever asked, not to this thread
            end = _End(error)
        with self._admission.guard:
            self._state = _State.OVER
            self._admission.working -= 1
            self._admission.took(time.monotonic() - self._since)
        # Only now: whoever hears of the end finds the place free.
        self._made.put(end)

    def _take_steps(self) -> None:
        steps = self._work()
        try:
            for step in steps:
                self._made.put(step)
                if self._cancelled:
                    return
        finally:
            if isinstance(steps, Generator):
                steps.close()

    def _next(self) -> T | _End:
        while True:
            state, since = self._state, self._since
            left = since + self._admission.longest(state is _State.WORKING) - time.monotonic()
            with suppress(Empty):
                return self._made.get(timeout=max(left, 0.0))
            if self._state is state:
                self._expire(state)

    def _expire(self, state: _State) -> None:
        self.cancel()
        limits = self._admission.limits
        if state is _State.WAITING:
            raise self._admission.too_busy()
        if state is _State.WORKING:
            raise DeadlineExceeded(
                f"The answer was not there within {limits.work_seconds:g} seconds, the longest that one may take "
                "(RAG_ANSWER_SECONDS). Ask something shorter, or again later."
            )


class Admission:
    """The gate in front of the workers. `working` and `waiting` say how many jobs there are at the moment."""

    def __init__(self, limits: WorkLimits) -> None:
        self.limits = limits
        self.guard = threading.Lock()
        self.working = 0
        self.waiting = 0
        self._mean_seconds = 0.0
        self._threads: ThreadPoolExecutor | None = None

    def submit(self, work: Callable[[], Iterator[T]]) -> Job[T]:
        """Have `work` done as soon as a worker is free. Never blocks.

        Raises:
            TooBusy: as many as may are at work and waiting already.
        """
        job = Job(work, self)
        with self.guard:
            if self.working + self.waiting >= self.limits.workers + self.limits.waiting:
                raise self.too_busy()
            self.waiting += 1
            if self._threads is None:
                self._threads = ThreadPoolExecutor(self.limits.workers, thread_name_prefix="worker")
            self._threads.submit(contextvars.copy_context().run, job.run)
        return job

    def close(self) -> None:
        """Finish what has been admitted, and end the threads. Work that is submitted later starts them again."""
        with self.guard:
            threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=True)

    def longest(self, at_work: bool) -> float:
        """Seconds that a job may be at work, or wait for it."""
        return self.limits.work_seconds if at_work else self.limits.wait_seconds

    def took(self, seconds: float) -> None:
        """Remember how long work takes."""
        previous = self._mean_seconds or seconds
        self._mean_seconds = previous + _NEWEST_WEIGHT * (seconds - previous)

    def too_busy(self) -> TooBusy:
        """The error that says when those who wait now will have been served."""
        seconds = math.ceil(self._mean_seconds * (self.waiting + 1) / self.limits.workers)
        seconds = min(max(seconds, 1), LONGEST_RETRY_SECONDS)
        return TooBusy(
            f"Too many questions are being asked at the moment. Please try again in {seconds} "
            f"second{'' if seconds == 1 else 's'}.",
            seconds,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a question or a search.

    `status`: `answered`, `not_found`, `found` (a search), `cancelled`, or the code of an error. `stages`: those that it
    went through, first of all `wait`, the time before a worker was free.
    """

    kind: Literal["question", "search"]
    text: str
    status: str
    stages: tuple[Stage, ...] = ()
    fallback: bool = False

    @property
    def stages_ms(self) -> Mapping[str, float]:
        """The milliseconds of each stage."""
        return {stage.name: stage.milliseconds for stage in self.stages}


Observer = Callable[[Outcome], None]


class AdmittedPipeline:
    """The pipeline behind the gate: what `Pipeline` does, for as many at a time as the limits say, and searches.

    A search takes `retrieve` alone: what reads and answers need not be there. Each observer hears of every outcome, in
    the thread of the work.
    """

    def __init__(
        self, pipeline: Callable[[], Pipeline], retrieve: Callable[[], Retrieve], admission: Admission
    ) -> None:
        self._pipeline = pipeline
        self._retrieve = retrieve
        self._admission = admission
        self.observers: list[Observer] = []

    def start(self, question: Question) -> Job[Event]:
        """The job of answering, which can be cancelled. Never blocks.

        Raises:
            TooBusy: there are too many already.
        """
        return self._submit("question", question.text, lambda clock: self._pipeline().stream(question, clock))

    def stream(self, question: Question) -> Iterator[Event]:
        """As `Pipeline.stream`. Raises TooBusy and DeadlineExceeded too."""
        yield from self.start(question)

    def ask(self, question: Question) -> Answer:
        """As `Pipeline.ask`. Raises TooBusy and DeadlineExceeded too."""
        return answer_of(self.start(question))

    def start_search(self, query: str, top_k: int, filters: Filters = Filters()) -> Job[Retrieval]:
        """The job of finding the passages nearest to a query, which can be cancelled. Never blocks.

        Raises:
            TooBusy: there are too many already.
        """

        def work(clock: Stopwatch) -> Iterator[Retrieval]:
            with clock.stage("search"):
                found = self._retrieve()([query], top_k, filters)
            yield found

        return self._submit("search", query, work)

    def search(self, query: str, top_k: int, filters: Filters = Filters()) -> Retrieval:
        """As `rag.retrieve.Retrieve`. Raises TooBusy and DeadlineExceeded too."""
        return self.start_search(query, top_k, filters).result()

    def _submit(
        self, kind: Literal["question", "search"], text: str, work: Callable[[Stopwatch], Iterator[T]]
    ) -> Job[T]:
        began = time.perf_counter()

        def watched() -> Iterator[T]:
            clock = Stopwatch()
            wait = Stage("wait", began, clock.began, clock.began - began)
            outcome = Outcome(kind, text, "cancelled")
            try:
                for step in work(clock):
                    outcome = _after(outcome, step)
                    yield step
            except Exception as error:
                outcome = replace(outcome, status=getattr(error, "code", "internal"))
                raise
            finally:
                self._tell(replace(outcome, stages=(wait, *clock.stages)))

        try:
            return self._admission.submit(watched)
        except TooBusy as error:
            self._tell(Outcome(kind, text, error.code))
            raise

    def _tell(self, outcome: Outcome) -> None:
        for observer in self.observers:
            observer(outcome)


def _after(outcome: Outcome, step: object) -> Outcome:
    """The outcome as it is after a step, if it was the last."""
    match step:
        case Completed(answer=answer):
            return replace(outcome, status=answer.status, fallback=answer.fallback_reason is not None)
        case Retrieval():
            return replace(outcome, status="found")
    return outcome


def answer_of(job: Job[Event]) -> Answer:
    """The answer that a job ends with. Raises as `Job.result`."""
    completed = job.result()
    assert isinstance(completed, Completed)
    return completed.answer

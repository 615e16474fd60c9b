"""How long each stage of an answer takes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage that was gone through: when it first began and last ended, in seconds of `time.perf_counter`.

    `seconds` is how long it was at work: less than from `began` to `ended` where it was left and entered again.
    `failed`: it ended with an error.
    """

    name: str
    began: float
    ended: float
    seconds: float
    failed: bool = False

    @property
    def milliseconds(self) -> float:
        """How long it was at work, to microseconds."""
        return round(self.seconds * 1_000, 3)


class Stopwatch:
    """What each stage took, and all since it was made. For one thread at a time."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self._stages: dict[str, Stage] = {}

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages that are over, in the order in which they first were."""
        return tuple(self._stages.values())

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time inside to `name`."""
        began, failed = time.perf_counter(), True
        try:
            yield
            failed = False
        finally:
            ended = time.perf_counter()
            before = self._stages.get(name) or Stage(name, began, ended, 0.0)
            seconds = before.seconds + ended - began
            self._stages[name] = replace(before, ended=ended, seconds=seconds, failed=failed)

    def read(self) -> dict[str, float]:
        """Milliseconds of each stage and `total`, rounded to microseconds."""
        stages = {name: stage.milliseconds for name, stage in self._stages.items()}
        return stages | {"total": round((time.perf_counter() - self.began) * 1_000, 3)}

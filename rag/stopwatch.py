"""How long each stage of an answer takes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Milliseconds per stage, and in all since it was made."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._stages: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time inside to `name`."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._stages[name] = self._stages.get(name, 0.0) + (time.perf_counter() - began) * 1_000

    def read(self) -> dict[str, float]:
        """Each stage and `total`, rounded to microseconds."""
        stages = self._stages | {"total": (time.perf_counter() - self._began) * 1_000}
        return {name: round(value, 3) for name, value in stages.items()}

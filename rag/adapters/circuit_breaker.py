"""A circuit breaker: what has failed several times in a row is left alone for a while, then tried once.

Source: Michael Nygard, Release It!, 2nd edition 2018, chapter 5.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class CircuitBreaker:
    """Counts failures in a row. Threads may share it.

    After a call that `allows` lets through, `succeeded` or `failed` says how it went; neither, if it was given up.
    """

    def __init__(
        self, failures: int = 3, seconds: float = 30.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Open after `failures`; from then on, one call is let through every `seconds`, until one succeeds."""
        self._limit = failures
        self._seconds = seconds
        self._clock = clock
        self._guard = threading.Lock()
        self._failures = 0
        self._resting_until = clock()

    def allows(self) -> bool:
        """Whether a call may be made now."""
        with self._guard:
            if self._failures < self._limit:
                return True
            if self._clock() < self._resting_until:
                return False
            self._resting_until = self._clock() + self._seconds
            return True

    def succeeded(self) -> None:
        """A call did what it should."""
        with self._guard:
            self._failures = 0

    def failed(self) -> None:
        """A call failed."""
        with self._guard:
            self._failures += 1
            self._resting_until = self._clock() + self._seconds

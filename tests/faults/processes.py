"""Work in a process of its own, forked from one that has imported everything and opened nothing: a start in no time."""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rag.errors import RagError

LONGEST_SECONDS = 120.0


@dataclass(frozen=True)
class Outcome:
    """How a process ended: `value` if its work was done (acknowledged), `error` if it refused with a `RagError`.

    `killed_by` is the signal that ended it, `late` whether it would not end; `status` 1 and nothing else is a bug.
    """

    value: Any = None
    error: str | None = None
    message: str = ""
    status: int = 0
    killed_by: int = 0
    late: bool = False
    seconds: float = 0.0
    acknowledged: bool = False

    @property
    def crashed(self) -> bool:
        """Whether it ended in another way than by doing its work or saying why it cannot."""
        return not self.acknowledged and self.error is None


class Process:
    """One forked child."""

    def __init__(self, work: Callable[[], Any]) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        self._began = time.monotonic()
        self._answer, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._answer)
            _child(work, writing)
        os.close(writing)

    def kill(self) -> None:
        """End it as the power does: with no chance to tidy up."""
        os.kill(self.pid, signal.SIGKILL)

    def outcome(self, seconds: float = LONGEST_SECONDS) -> Outcome:
        """Wait for its end; it is killed if it takes longer."""
        answer, late = b"", False
        deadline = time.monotonic() + seconds
        while True:
            ready, _, _ = select.select([self._answer], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                late = True
                self.kill()
                break
            part = os.read(self._answer, 65_536)
            if not part:
                break
            answer += part
        os.close(self._answer)
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        said = json.loads(answer) if answer.endswith(b"}") else {}
        return Outcome(
            **said,
            status=max(status, 0),
            killed_by=max(-status, 0),
            late=late,
            seconds=time.monotonic() - self._began,
        )


def run(work: Callable[[], Any], seconds: float = LONGEST_SECONDS) -> Outcome:
    """Do the work in a process of its own."""
    return Process(work).outcome(seconds)


def _child(work: Callable[[], Any], writing: int) -> None:
    try:
        said = {"value": work(), "acknowledged": True}
        status = 0
    except RagError as error:
        said = {"error": type(error).__name__, "message": str(error)}
        status = 2
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    # What is written here was done: a kill from now on is one after the acknowledgement.
    os.write(writing, json.dumps(said).encode())
    os.close(writing)
    os._exit(status)

"""Looks into the index in a child process, so that a damaged file can end the child only.

Chroma's native code follows what stands in its files: one that is damaged can crash the process that opens it, or keep
it busy for ever. The child says what it has found, a line of JSON for each check; after which of them it ended is known
from the last line.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

from rag.settings import Settings
from rag.verify import Check

# A child that says nothing for so long hangs; a check of a hundred thousand passages takes less.
QUIET_SECONDS = 120.0
_PASSED_ON = {
    "data_dir",
    "embedding_model",
    "embedding_precision",
    "model_cache_dir",
    "passage_tokens",
    "threads",
    "chroma",
}


def verify_in_child(
    settings: Settings, with_model: bool = True, quiet_seconds: float = QUIET_SECONDS
) -> list[Check]:
    """What `rag.verify` finds in a child; without the model all but how it embeds, which takes less time."""
    return list(_of_child(settings, with_model, quiet_seconds))


def _of_child(settings: Settings, with_model: bool, quiet_seconds: float) -> Iterator[Check]:
    child = subprocess.Popen(
        [sys.executable, "-m", "rag.verification_child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
    )
    assert child.stdin is not None
    assert child.stdout is not None
    last = "start"
    with child:
        child.stdin.write(json.dumps({"settings": _passed_on(settings), "with_model": with_model}))
        child.stdin.close()
        while True:
            alarm = threading.Timer(quiet_seconds, child.kill)
            alarm.start()
            line = child.stdout.readline()
            late = not alarm.is_alive()
            alarm.cancel()
            if not line:
                break
            check = Check(**json.loads(line))
            last = check.subject
            yield check
    if child.returncode:
        yield Check(f"after {last}", False, _death(child.returncode, late, quiet_seconds))


def _passed_on(settings: Settings) -> dict[str, Any]:
    passed = settings.model_dump(mode="json", include=_PASSED_ON)
    if settings.chroma.token:
        passed["chroma"]["token"] = settings.chroma.token.get_secret_value()
    return passed


def _death(status: int, late: bool, quiet_seconds: float) -> str:
    if late:
        what = f"says nothing for {quiet_seconds:g} seconds"
    else:
        what = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
    return f"The process that reads the index {what}: a file is damaged. Run `mission-record rebuild`."

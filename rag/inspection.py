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

from rag.errors import RagError
from rag.settings import Settings
from rag.verify import Check, Index, verify
from rag.wiring import Application, build

# A child that says nothing for so long hangs; a check of a hundred thousand passages takes less.
QUIET_SECONDS = 300.0
_PASSED_ON = {"data_dir", "embedding_model", "model_cache_dir", "passage_tokens", "threads"}


def inspect(settings: Settings, quiet_seconds: float = QUIET_SECONDS) -> list[Check]:
    """`rag.verify` in a child; a Chroma server, which is another process already, is asked from this one."""
    if settings.chroma.url:
        application = build(settings)
        try:
            return list(_checks(application))
        finally:
            application.close()
    return list(_of_child(settings, quiet_seconds))


def _of_child(settings: Settings, quiet_seconds: float) -> Iterator[Check]:
    child = subprocess.Popen(
        [sys.executable, "-m", "rag.inspection"],
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
        child.stdin.write(settings.model_dump_json(include=_PASSED_ON))
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


def _death(status: int, late: bool, quiet_seconds: float) -> str:
    if late:
        what = f"says nothing for {quiet_seconds:g} seconds"
    else:
        what = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
    return f"The process that reads the index {what}: a file is damaged. Run `mission-record rebuild`."


def _checks(application: Application) -> Iterator[Check]:
    try:
        embedder = application.embedder
        fingerprint = application.fingerprint
    except RagError as error:  # all the rest can be checked without
        yield Check("embedding model", False, str(error))
        embedder, fingerprint = None, None
    yield from verify(Index(application.catalog, application.vectors, fingerprint, embedder))


def main() -> None:
    """The child: settings on standard input, checks on standard output."""
    settings = Settings(**json.loads(sys.stdin.read()), download_models=False)
    for check in _checks(build(settings)):
        print(json.dumps({"subject": check.subject, "well": check.well, "detail": check.detail}), flush=True)


if __name__ == "__main__":
    main()

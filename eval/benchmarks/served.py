"""A real server in a process of its own: started on a free port, watched from outside, and stopped in good order."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
from pydantic import BaseModel

from eval.benchmarks.processes import meanwhile, without_settings

# Of building an index of ten thousand passages and loading the models, on a slow machine.
START_SECONDS = 1_800
STOP_SECONDS = 60
SAMPLE_SECONDS = 0.5
MIB = 2**20

_SERVING = re.compile(r"Serving on (http://\S+)")
_PROGRAM = (sys.executable, "-m", "rag.cli")


class ServerFailed(Exception):
    """The server did not start, or did not stop in good order."""


class Sample(BaseModel):
    """What the process of a server held at a moment; `second` from the first sample on, `mib` of memory resident."""

    second: float
    mib: float
    files: int
    threads: int


class Server:
    """A running server. `address` is what requests go to."""

    def __init__(self, address: str, process: int) -> None:
        self.address = address
        self._process = psutil.Process(process)

    def sample(self, since: float = 0.0) -> Sample:
        """What it holds now; `since` is a reading of the monotonic clock."""
        with self._process.oneshot():
            return Sample(
                second=round(time.monotonic() - since, 2),
                mib=round(self._process.memory_info().rss / MIB, 2),
                files=self._process.num_fds(),
                threads=self._process.num_threads(),
            )

    def cpu_seconds(self) -> float:
        """Of all its threads, since it was started."""
        used = self._process.cpu_times()
        return float(used.user + used.system)

    @contextmanager
    def watched(self) -> Iterator[list[Sample]]:
        """Samples taken all the time until the block is left."""
        samples: list[Sample] = []
        since = time.monotonic()

        def watch(over: threading.Event) -> None:
            while not over.wait(SAMPLE_SECONDS):
                samples.append(self.sample(since))

        with meanwhile(watch):
            yield samples


def build(data_dir: Path, corpus: Sequence[Path] = ()) -> None:
    """An index of the folders, or of the bundled record, made by a process that ends before the server starts.

    Raises:
        CalledProcessError: that failed; what it said is on standard error.
    """
    command = [*_PROGRAM, "ingest", *map(str, corpus), "--data-dir", str(data_dir)]
    subprocess.run(command, check=True, env=environment({}), stdout=subprocess.DEVNULL)


@contextmanager
def serving(data_dir: Path, **settings: object) -> Iterator[Server]:
    """`mission-record serve` on an index that is there, with settings by their names.

    Raises:
        ServerFailed: it ended before it served, or did not stop when told to.
    """
    log = data_dir / "serve.log"
    command = [*_PROGRAM, "serve", "--data-dir", str(data_dir), "--host", "127.0.0.1", "--port", "0"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=environment(settings), stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield Server(_address(process, log), process.pid)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise ServerFailed(f"The server did not stop within {STOP_SECONDS} s. Its log: {log}") from None


def peak_mib(arguments: Sequence[str]) -> float:
    """The most memory that one command of the program had at a time.

    Raises:
        CalledProcessError: it failed.
    """
    process = subprocess.Popen([*_PROGRAM, *arguments], env=environment({}), stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(arguments))
    return used.ru_maxrss / (MIB if sys.platform == "darwin" else 1024)


def environment(settings: Mapping[str, object]) -> dict[str, str]:
    """Ours with these settings of the program, by their names, and no others."""
    return without_settings() | {f"RAG_{name.upper()}": str(value) for name, value in settings.items()}


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        if found := _SERVING.search(log.read_text(encoding="utf-8", errors="replace")):
            return found[1]
        time.sleep(0.05)
    said = log.read_text(encoding="utf-8", errors="replace")[-2_000:]
    raise ServerFailed(f"The server did not start. It said: {said}")

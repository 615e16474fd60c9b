"""Full disks, folders that may not be written, clocks that jump, a second writer, and questions while all changes."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rag.retrieve import Retrieve
from tests.faults.processes import Process, run
from tests.faults.record import Record, State, tide_of

DOCUMENTS = 24
NOBODY = 65_534
_LIMIT_BYTES = 3 * 2**20


class Surroundings:
    """A record that is brought from one state to the next while the world around it is against it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._random = random.Random(seed)
        self._tide = 0
        self.counts: Counter[str] = Counter()

    def round(self) -> None:
        """Each fault once, each on a record of its own.

        Raises:
            AssertionError: something that must hold does not.
        """
        for fault in (self.disk_full, self.read_only, self.clock_jumps, self.two_writers, self.asking):
            fault()
            self.counts[fault.__name__.replace("_", " ")] += 1

    def disk_full(self) -> None:
        """The disk, or where none can be mounted the quota, is full at some moment of an ingest."""
        with _small_disk(self._folder / "disk") as folder:
            if folder is None:
                record, old, new = self._changed(self._folder / "full")
                limit = self._random.randrange(4_096, 300_000)
                ended = run(lambda: _limited(record, limit))
                self.counts["disk full by a limit on the size of files"] += 1
            else:
                record, old, new = self._changed(folder)
                ballast = folder / "ballast"
                free = shutil.disk_usage(folder).free
                with ballast.open("wb") as file:
                    file.write(bytes(max(0, free - self._random.randrange(0, 300_000))))
                ended = run(record.ingest)
                ballast.unlink()
                self.counts["disk full on a disk of its own"] += 1
            self.counts["disk full, refused" if ended.error else "disk full, fitted"] += 1
            assert not ended.crashed, ended
            self._check(record, [new] if ended.acknowledged else [old, new], new)

    def read_only(self) -> None:
        """Nothing may be written, by somebody who is not allowed everything."""
        record, old, new = self._changed(self._folder / "closed")
        with _read_only(record.data):
            ended = run(lambda: _as_nobody(record.ingest))
            assert ended.error, ended
            assert "cannot be" in ended.message, ended
        self._check(record, [old], new)

    def clock_jumps(self) -> None:
        """The clock jumps by years at every look, and files are of the future and of the past."""
        record, _, new = self._changed(self._folder / "clock")
        moments = [time.time() + 3e8, 0.0, 86_400.0, time.time() - 1e8]
        for path in [*record.corpus.rglob("*"), *record.data.rglob("*")]:
            moment = self._random.choice(moments)
            os.utime(path, (moment, moment))
        ended = run(lambda: _with_wild_clock(record.ingest, self._random.random()))
        assert ended.acknowledged, ended
        self._check(record, [new], new)

    def two_writers(self) -> None:
        """One writes, the other is told so at once or comes after; neither spoils what the other does."""
        record, _, new = self._changed(self._folder / "writers")
        processes = [Process(record.ingest) for _ in range(2)]
        ended = [process.outcome() for process in processes]
        assert any(outcome.acknowledged for outcome in ended), ended
        assert all(outcome.acknowledged or outcome.error == "IndexBusy" for outcome in ended), ended
        self.counts["two writers, one refused"] += sum(outcome.error == "IndexBusy" for outcome in ended)
        self._check(record, [new], new)

    def asking(self) -> None:
        """What is found while an ingest runs is of the old version or of the new one."""
        record, _, new = self._changed(self._folder / "asking")
        stop = self._folder / "stop"
        stop.unlink(missing_ok=True)
        reader = Process(lambda: _ask_until(record, stop))
        time.sleep(self._random.uniform(0.2, 0.6))
        ended = run(record.ingest)
        stop.touch()
        seen = reader.outcome()
        assert ended.acknowledged, ended
        assert seen.acknowledged, seen
        # Each search must see one version; all documents of a version are of one tide.
        assert all(tides in ([self._tide - 1], [self._tide]) for tides in seen.value), seen.value
        self.counts["answers while an ingest ran"] += len(seen.value)
        self._check(record, [new], new)

    def _changed(self, folder: Path) -> tuple[Record, State, State]:
        """A record with an index of the first state and documents of the second."""
        shutil.rmtree(folder / "data", ignore_errors=True)
        self._tide += 2
        record = Record(folder)
        old = {f"ship{number}": self._tide - 1 for number in range(DOCUMENTS)}
        record.write(old)
        made = run(record.ingest)
        assert made.acknowledged, made
        new = dict.fromkeys(old, self._tide)
        record.write(new)
        return record, old, new

    def _check(self, record: Record, possible: list[State], after: State) -> None:
        looked = run(record.examine)
        assert looked.acknowledged, looked
        assert not looked.value["wrong"], looked.value["wrong"]
        assert looked.value["state"] in possible, looked.value["state"]
        ended = run(record.ingest)
        assert ended.acknowledged, ended
        looked = run(record.examine)
        assert looked.acknowledged, looked
        assert not looked.value["wrong"], looked.value["wrong"]
        assert not looked.value["left over"], looked.value["left over"]
        assert looked.value["state"] == looked.value["found"] == after, looked.value


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path | None]:
    """A file system of a few megabytes in memory; None where this user may not mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_LIMIT_BYTES * 2}", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _limited(record: Record, limit: int) -> dict[str, Any]:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    return record.ingest()


@contextmanager
def _read_only(folder: Path) -> Iterator[None]:
    paths = [folder, *folder.rglob("*")]
    modes = {path: path.stat().st_mode for path in paths}
    for parent in folder.parents:
        if not parent.stat().st_mode & 0o001 and os.geteuid() == 0:
            parent.chmod(parent.stat().st_mode | 0o055)
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


def _as_nobody(work: Callable[[], Any]) -> Any:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    return work()


def _with_wild_clock(work: Callable[[], Any], seed: float) -> Any:
    """The wall clock only: the monotonic one is there because it does not jump."""
    moments, real = random.Random(seed), time.time
    time.time = lambda: max(0.0, real() + moments.choice((-3e8, -3_600.0, 0.0, 3_600.0, 3e8)))
    return work()


def _ask_until(record: Record, stop: Path) -> list[list[int]]:
    """The tides that each search has found."""
    application = record.application()
    retrieve = Retrieve(
        application.catalog,
        application.vectors,
        application.embedder,
        fingerprint=application.fingerprint,
        candidates=50,
    )
    found = []
    while not stop.exists():
        hits = retrieve(["The ship sails with"], 10).hits
        found.append(sorted({tide_of(hit.passage.text) for hit in hits}))
    return found

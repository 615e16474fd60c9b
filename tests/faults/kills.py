"""Kills a process in the midst of changing a record, and looks at what it has left."""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.domain import Upload
from tests.faults.processes import Process, run
from tests.faults.record import UPLOADED, Record, State

DOCUMENTS = 24
# So many passages that a small change leaves them in a segment of their own.
SECTIONS = 14
OPERATIONS = ("ingest", "rebuild", "upload", "delete")


@dataclass(frozen=True)
class _Step:
    """One change: what does it, and what the record is after it."""

    operation: str
    work: Callable[[], Any]
    after: State


class Kills:
    """A record that is changed again and again, by processes that are killed at random moments."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._record = Record(folder, SECTIONS)
        self._random = random.Random(seed)
        self._tide = 0
        self._files: State = {f"ship{number}": 0 for number in range(DOCUMENTS)}
        self._uploaded: State = {}
        self._deleted: set[str] = set()
        self._usual = dict.fromkeys(OPERATIONS, 1.0)
        self.counts: Counter[str] = Counter()

    def begin(self) -> None:
        """The record that is to be harmed, and how long each operation takes."""
        self._record.write(self._files)
        _done(self._record.ingest)
        for operation in OPERATIONS:
            step = self._step(operation)
            self._usual[operation] = _done(step.work)
            self._settle(step.after)

    def round(self) -> None:
        """One kill, and all that must hold after it.

        Raises:
            AssertionError: something that must hold does not.
        """
        operation = self._random.choice(OPERATIONS)
        before = self._record.state
        step = self._step(operation)
        process = Process(step.work)
        time.sleep(self._usual[operation] * self._random.uniform(0.0, 1.1))
        process.kill()
        ended = process.outcome()
        assert not ended.late
        assert ended.killed_by or ended.acknowledged, ended
        self.counts[f"{operation} {'killed' if ended.killed_by else 'done'}"] += 1
        if ended.acknowledged:  # the machine is faster than it was: the next kill comes sooner
            self._usual[operation] = ended.seconds
        left = run(self._record.examine)
        assert left.acknowledged, left
        assert not left.value["wrong"], left.value["wrong"]
        stored = left.value["state"]
        assert stored in (before, step.after), (
            operation,
            _difference(stored, before),
            _difference(stored, step.after),
        )
        if ended.acknowledged:
            assert stored == step.after, _difference(stored, step.after)
        self._recover(operation, before, step.after, ended.acknowledged or stored == step.after)

    def _recover(self, operation: str, before: State, after: State, changed: bool) -> None:
        """The next ingest must succeed, and leave nothing of what was cut off."""
        _done(self._record.ingest)
        looked = run(self._record.examine)
        assert looked.acknowledged, looked
        assert not looked.value["wrong"], looked.value["wrong"]
        assert not looked.value["left over"], looked.value["left over"]
        stored = looked.value["state"]
        if changed or operation in ("ingest", "rebuild"):
            assert stored == after, (operation, _difference(stored, after))
        else:
            # What was not acknowledged may have been done or not, each of several files by itself.
            assert stored.keys() <= before.keys() | after.keys(), (operation, stored, before, after)
            mixed = {key: (before.get(key), after.get(key)) for key in before.keys() | after.keys()}
            assert all(stored.get(key) in either for key, either in mixed.items()), (operation, stored, mixed)
        assert looked.value["found"] == stored, _difference(looked.value["found"], stored)
        self._settle(stored)

    def _settle(self, stored: State) -> None:
        self._record.state = dict(stored)
        self._uploaded = {name: tide for name, tide in stored.items() if name.startswith(UPLOADED)}
        self._deleted |= self._files.keys() - stored.keys()

    def _step(self, operation: str) -> _Step:
        self._tide += 1
        record, before = self._record, self._record.state
        if operation == "upload":
            names = self._random.sample([f"boat{number}" for number in range(6)], 2)
            uploads = [Upload(f"{name}.md", record.text(name, self._tide).encode()) for name in names]
            return _Step(
                operation,
                lambda: _with(record, lambda application: application.upload(uploads)),
                before | {UPLOADED + name: self._tide for name in names},
            )
        if operation == "delete":
            name = self._random.choice(sorted(before))
            after = {other: tide for other, tide in before.items() if other != name}
            return _Step(
                operation, lambda: _with(record, lambda application: application.delete(name)), after
            )
        self._change_files()
        after = {name: tide for name, tide in self._files.items() if name not in self._deleted}
        return _Step(operation, lambda: record.ingest(operation == "rebuild"), after | self._uploaded)

    def _change_files(self) -> None:
        """A few files change, one goes, one comes: a deleted document comes back when its file changes."""
        names = self._random.sample(sorted(self._files), 4)
        for name in names[:3]:
            self._files[name] = self._tide
            self._deleted.discard(name)
        del self._files[names[3]]
        self._deleted.discard(names[3])
        self._files[f"ship{DOCUMENTS + self._tide}"] = self._tide
        state = self._record.state
        self._record.write(self._files)
        self._record.state = state


def _with(record: Record, change: Callable[[Any], Any]) -> None:
    application = record.application()
    try:
        change(application)
    finally:
        application.close()


def _done(work: Callable[[], Any]) -> float:
    outcome = run(work)
    assert outcome.acknowledged, outcome
    return outcome.seconds


def _difference(found: State, expected: State) -> dict[str, tuple[int | None, int | None]]:
    keys = found.keys() | expected.keys()
    return {key: (found.get(key), expected.get(key)) for key in keys if found.get(key) != expected.get(key)}


def kill(folder: Path, rounds: int, seed: int) -> Counter[str]:
    """So many rounds; what was killed, and what was quicker than its killer."""
    kills = Kills(folder, seed)
    kills.begin()
    for number in range(rounds):
        try:
            kills.round()
        except AssertionError:
            print(f"round {number} of kills, seed {seed}: {folder}", file=sys.stderr)
            raise
        if number % 20 == 19:
            print(f"{number + 1} rounds of kills", file=sys.stderr)
    return kills.counts

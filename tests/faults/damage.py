"""Damages a file of the data folder, and looks at whether that is noticed and mended."""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.faults.processes import run
from tests.faults.record import Record

DOCUMENTS = 60
# So many passages that Chroma writes its graph out, with all the files that belong to it.
SECTIONS = 20
KINDS = (
    "catalog.sqlite",
    "chroma.sqlite3",
    "data_level0.bin",
    "header.bin",
    "length.bin",
    "link_lists.bin",
    "index_metadata.pickle",
)


def _flip(content: bytearray, moments: random.Random) -> bytes:
    for _ in range(moments.choice((1, 8, 64, 1_024))):
        if content:
            content[moments.randrange(len(content))] ^= 1 << moments.randrange(8)
    return bytes(content)


def _truncate(content: bytearray, moments: random.Random) -> bytes:
    return bytes(content[: moments.randrange(max(1, len(content)))])


def _blank(content: bytearray, moments: random.Random) -> bytes:
    """A page of zeros, as a disk gives back that has lost it."""
    at = moments.randrange(max(1, len(content))) // 4_096 * 4_096
    content[at : at + 4_096] = bytes(len(content[at : at + 4_096]))
    return bytes(content)


def _scramble(content: bytearray, moments: random.Random) -> bytes:
    at = moments.randrange(max(1, len(content)))
    length = min(len(content) - at, moments.choice((16, 512, 65_536)))
    content[at : at + length] = moments.randbytes(length)
    return bytes(content)


def _empty(content: bytearray, moments: random.Random) -> bytes:
    return b""


WAYS: tuple[Callable[[bytearray, random.Random], bytes], ...] = (
    _flip,
    _flip,
    _truncate,
    _blank,
    _scramble,
    _empty,
)


class Damage:
    """A whole record of which copies are damaged."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._whole = Record(folder / "whole", SECTIONS)
        self._random = random.Random(seed)
        self.counts: Counter[str] = Counter()

    def begin(self) -> None:
        """The record that is whole."""
        self._whole.write({f"ship{number}": 0 for number in range(DOCUMENTS)})
        made = run(self._whole.ingest)
        assert made.acknowledged, made
        looked = run(self._whole.examine)
        assert looked.value["found"] == self._whole.state, looked
        assert not looked.value["wrong"], looked

    def round(self, kind: str) -> None:
        """Damage one file and go through what a user would: start and ask; now and then `rebuild` of another copy.

        Raises:
            AssertionError: damage was misread, or could not be mended.
        """
        way = self._random.choice(WAYS)
        record = self._whole.copy(self._folder / "harmed")
        files = sorted(path for path in record.data.rglob(kind) if path.is_file())
        assert files, f"Chroma has written no {kind}"
        file = self._random.choice(files)
        file.write_bytes(way(bytearray(file.read_bytes()), self._random))
        if self._random.random() < 0.3:
            self._rebuilt(record.copy(self._folder / "rebuilt"))
        looked = run(record.examine)
        noticed = not looked.acknowledged or bool(looked.value["wrong"])
        started = run(record.ingest)
        asked = run(record.search)
        self.counts[f"{kind}: {way.__name__[1:]}"] += 1
        self.counts["noticed by verify" if noticed else "not noticed by verify, nothing found wrong"] += 1
        if started.acknowledged:
            self.counts["made anew by the next start" if started.value["anew"] else "went on as it was"] += 1
        self.counts["ended the process that looked"] += looked.crashed
        assert started.acknowledged, started
        assert asked.acknowledged, asked
        assert asked.value == record.state, "what is found after a start is wrong"

    def _rebuilt(self, record: Record) -> None:
        """A rebuild mends everything, with nothing known of the damage."""
        rebuilt = run(lambda: record.ingest(rebuild=True))
        assert rebuilt.acknowledged, ("rebuild", rebuilt)
        looked = run(record.examine)
        assert looked.acknowledged, ("after rebuild", looked)
        assert not looked.value["wrong"], looked.value["wrong"]
        assert not looked.value["left over"], looked.value["left over"]
        assert looked.value["found"] == record.state, "after rebuild"


def damage(folder: Path, rounds: int, seed: int) -> Counter[str]:
    """So many rounds, each kind of file in turn; what was damaged how, and what came of it."""
    harm = Damage(folder, seed)
    harm.begin()
    for number in range(rounds):
        try:
            harm.round(KINDS[number % len(KINDS)])
        except AssertionError:
            print(
                f"round {number} of damage ({KINDS[number % len(KINDS)]}), seed {seed}: {folder}",
                file=sys.stderr,
            )
            raise
        if number % 20 == 19:
            print(f"{number + 1} rounds of damage", file=sys.stderr)
    return harm.counts

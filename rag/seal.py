"""The seal of a data folder: digests of what the last writer left, so that damage is known before a file is used.

Of SQLite files the rows count, not the bytes: those change with every checkpoint, and Chroma notes down each opening.
"""

from __future__ import annotations

import hashlib
import json
import marshal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from rag.catalog import CATALOG_FILE
from rag.uploads import write_durably

SEAL_FILE = "seal.json"
CHROMA_FOLDER = "chroma"
Stamp = tuple[int, ...]

# Where Chroma notes down that somebody opened it.
_OF_READERS = {"acquire_write"}
_WRITTEN_OUT = "index_metadata.pickle"
# Numbers and text as bytes that are the same for the same values; later formats depend on who else holds them.
_MARSHAL_VERSION = 2


class Seal:
    """Whether catalog and vectors are as they were when they were sealed; only who holds the writer's place seals.

    What one of these has read once, it does not read again for as long as nobody writes to the file.
    """

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir
        self._file = data_dir / SEAL_FILE
        self._read: dict[str, tuple[Stamp, str | None]] = {}

    def put(self) -> None:
        """Seal what is there now; on disk when this returns. Where something cannot be read there is no seal."""
        found = self._digests()
        if None in found.values():
            self._file.unlink(missing_ok=True)
        else:
            write_durably(self._file, json.dumps(found, indent=1, sort_keys=True))

    def broken(self) -> list[str]:
        """The files that are not as they were sealed, by path in the data folder; none where nothing is stored.

        That is damage, or what a writer has left that was killed.
        """
        found, sealed = self._digests(), self._sealed()
        return sorted(
            path
            for path in sealed.keys() | found.keys()
            if found.get(path) is None or found[path] != sealed.get(path)
        )

    def altered(self) -> list[str]:
        """Those of them that no writer leaves so, however it ended.

        A database fails SQLite's own check, or a file of Chroma's graphs, which are written once, is another.
        """
        found, sealed = self._digests(), self._sealed()
        return sorted(
            path
            for path, digest in found.items()
            if digest is None or (not self._is_database(path) and digest != sealed.get(path, digest))
        )

    @staticmethod
    def _is_database(path: str) -> bool:
        return ".sqlite" in path

    def _sealed(self) -> dict[str, str]:
        try:
            sealed = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return sealed if isinstance(sealed, dict) else {}

    def _digests(self) -> dict[str, str | None]:
        chroma = self._folder / CHROMA_FOLDER
        paths = [self._folder / CATALOG_FILE, *chroma.glob("*.sqlite3")]
        # A graph without this file is not written out yet: Chroma reads none of its files, and makes them anew.
        paths += [path for kept in chroma.glob(f"*/{_WRITTEN_OUT}") for path in kept.parent.iterdir()]
        found: dict[str, str | None] = {}
        for path in paths:
            if path.is_file():
                name = path.relative_to(self._folder).as_posix()
                # Before the file is read: what is written to it later gives it another stamp.
                stamp = _stamp(path)
                if self._read.get(name, ((), None))[0] != stamp:
                    self._read[name] = stamp, _of_rows(path) if self._is_database(name) else _of_bytes(path)
                found[name] = self._read[name][1]
        self._read = {name: read for name, read in self._read.items() if name in found}
        return found


def _stamp(path: Path) -> Stamp:
    """What changes whenever a file, or the log that SQLite keeps beside it, is written to."""
    stamp: list[int] = []
    for file in (path, path.with_name(f"{path.name}-wal")):
        with suppress(OSError):
            status = file.stat()
            stamp += [status.st_ino, status.st_size, status.st_mtime_ns]
    return tuple(stamp)


def _of_bytes(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "blake2b").hexdigest()[:32]
    except OSError:
        return None


def _of_rows(path: Path) -> str | None:
    """Over the rows of all tables and, since rows do not show all damage, SQLite's own check; None if it fails."""
    digest = hashlib.blake2b()
    try:
        with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
            connection.execute("BEGIN")
            # Tables are read as SQLite stores them: also what ought to be text may be no text any more.
            connection.text_factory = bytes
            if connection.execute("PRAGMA integrity_check(1)").fetchall() != [(b"ok",)]:
                return None
            for row in _rows(connection):
                digest.update(marshal.dumps(row, _MARSHAL_VERSION))
    except sqlite3.Error:
        return None
    return digest.hexdigest()[:32]


def _rows(connection: sqlite3.Connection) -> Iterator[Any]:
    schema = connection.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name").fetchall()
    for kind, name, sql in schema:
        # What is virtual is stored in tables of its own.
        if kind != b"table" or name.decode() in _OF_READERS or (sql or b"").startswith(b"CREATE VIRTUAL"):
            continue
        yield name
        yield from connection.execute(f'SELECT * FROM "{name.decode()}"')

"""What was handed to the program itself: the uploaded files, and which documents are not to come back.

Neither can be rebuilt from anything else, so both are on disk before anybody is told that they are kept.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from rag.domain import UPLOADS_PREFIX, Document, Upload
from rag.errors import IndexCorrupt

DOCUMENTS_FOLDER = "documents"
INCOMING_FOLDER = "incoming"
WITHDRAWN_FILE = "deleted.json"


class Uploads:
    """The uploaded files of a data folder. The writer's place must be held for whatever changes here."""

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / DOCUMENTS_FOLDER
        self._incoming = data_dir / INCOMING_FOLDER

    def stage(self, upload: Upload) -> Path:
        """The content, on disk, where nothing reads it yet."""
        self._incoming.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self._incoming)
        with os.fdopen(descriptor, "wb") as file:
            file.write(upload.content)
            file.flush()
            os.fsync(file.fileno())
        return Path(name)

    def accept(self, staged: Path, name: str) -> None:
        """Make what was staged the file of that name, in place of one that was there."""
        if not self.folder.is_dir():
            self.folder.mkdir(parents=True, exist_ok=True)
            sync_folder(self.folder.parent)
        staged.replace(self.folder / name)
        sync_folder(self.folder)

    def remove(self, paths: Iterable[str]) -> None:
        """Remove uploaded files by their paths in the record; those that are not there are no error."""
        for path in paths:
            (self.folder / path.removeprefix(UPLOADS_PREFIX)).unlink(missing_ok=True)
        if self.folder.is_dir():
            sync_folder(self.folder)

    def holds(self, path: str) -> bool:
        """Whether a path in the record is that of an uploaded file, and not of something within one."""
        name = path.removeprefix(UPLOADS_PREFIX)
        return path.startswith(UPLOADS_PREFIX) and "/" not in name and (self.folder / name).is_file()

    def sweep(self) -> None:
        """Remove what was staged by a process that did not live to accept it."""
        with suppress(FileNotFoundError):
            for left in self._incoming.iterdir():
                left.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A document that was deleted while its file stays where it is."""

    path: str
    title: str


class Withdrawn:
    """The documents that were deleted through this program though their files are not its own to delete.

    They are known by the hash of their bytes: the same file under another name stays away, a changed file comes back.
    """

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / WITHDRAWN_FILE

    def hashes(self) -> frozenset[str]:
        """The SHA-256 of each.

        Raises:
            IndexCorrupt: the list cannot be read.
        """
        return frozenset(self._stored())

    def add(self, documents: Iterable[Document]) -> None:
        """Withdraw documents; on disk when this returns."""
        stored = dict(self._stored())
        before = len(stored)
        stored |= {
            document.sha256: asdict(Withdrawal(document.path, document.title)) for document in documents
        }
        if len(stored) != before:
            self._write(stored)

    def discard(self, hashes: Iterable[str]) -> None:
        """Let documents come back."""
        stored = dict(self._stored())
        kept = {sha256: entry for sha256, entry in stored.items() if sha256 not in set(hashes)}
        if len(kept) != len(stored):
            self._write(kept)

    def _stored(self) -> Mapping[str, Mapping[str, str]]:
        try:
            stored = json.loads(self._file.read_text(encoding="utf-8"))
            if not isinstance(stored, dict):
                raise TypeError(type(stored))
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError) as error:
            # To go on without it would bring back what somebody wanted gone.
            raise IndexCorrupt(
                f"{self._file}, which says which documents were deleted, cannot be read. Mend it; or remove it, and"
                " all documents of the folders come back."
            ) from error
        return stored

    def _write(self, stored: Mapping[str, Mapping[str, str]]) -> None:
        write_durably(self._file, json.dumps(stored, ensure_ascii=False, indent=1, sort_keys=True))


def write_durably(file: Path, text: str) -> None:
    """Put a text in the place of a file: the old content is there, or the new one, also after a loss of power."""
    partial = file.with_suffix(".part")
    with partial.open("w", encoding="utf-8") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    partial.replace(file)
    sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on disk. Windows cannot, and needs not: there a rename is."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

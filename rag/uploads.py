"""What was handed to the program itself: the uploaded files, and which documents are not to come back.

Neither can be rebuilt from anything else, so both are on disk before anybody is told that they are kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rag.domain import UPLOADS_PREFIX, Document, Upload
from rag.errors import IndexCorrupt, StorageError

DOCUMENTS_FOLDER = "documents"
INCOMING_FOLDER = "incoming"
WITHDRAWN_FILE = "deleted.json"


class Uploads:
    """The uploaded files of a data folder. Whoever changes something here must hold the writer's place."""

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / DOCUMENTS_FOLDER
        self._incoming = data_dir / INCOMING_FOLDER

    def stage(self, upload: Upload) -> Path:
        """The content, on disk, where nothing reads it yet.

        Raises:
            StorageError: it cannot be written.
        """
        try:
            self._incoming.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=self._incoming)
            with os.fdopen(descriptor, "wb") as file:
                file.write(upload.content)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _unwritable(self._incoming, error) from error
        return Path(name)

    def accept(self, staged: Path, name: str) -> Path | None:
        """Make what was staged the file of that name; what was there before is staged in its stead, and returned.

        Raises:
            StorageError: it cannot be written.
        """
        target, before = self.folder / name, None
        try:
            if not self.folder.is_dir():
                self.folder.mkdir(parents=True)
                sync_folder(self.folder.parent)
            if target.exists():
                before = staged.with_suffix(".before")
                shutil.copyfile(target, before)
            staged.replace(target)
            sync_folder(self.folder)
        except OSError as error:
            raise _unwritable(target, error) from error
        return before

    def undo(self, name: str, before: Path | None) -> None:
        """Put back what was there before, or nothing."""
        target = self.folder / name
        if before is None:
            target.unlink(missing_ok=True)
        else:
            before.replace(target)
        sync_folder(self.folder)

    def sweep(self) -> None:
        """Remove all that is staged: what a process left that did not live to accept it."""
        with suppress(FileNotFoundError):
            for left in self._incoming.iterdir():
                left.unlink(missing_ok=True)

    def remove(self, path: str, sha256: str) -> bool:
        """Remove the uploaded file that has this path in the record, and whether there was one of that content."""
        name = path.removeprefix(UPLOADS_PREFIX)
        file = self.folder / name
        if name == path or "/" in name or not file.is_file():
            return False
        with file.open("rb") as opened:
            if hashlib.file_digest(opened, "sha256").hexdigest() != sha256:
                return False
        file.unlink()
        sync_folder(self.folder)
        return True


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A document that was deleted: the paths that it had in the record, and its title."""

    paths: tuple[str, ...]
    title: str


class Withdrawn:
    """The documents that were deleted through this program, whose files may be still there.

    They are known by the hash of their bytes: the same file under another name stays away, a changed file comes back.
    """

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / WITHDRAWN_FILE

    def all(self) -> Mapping[str, Withdrawal]:
        """Each by the SHA-256 of its bytes.

        Raises:
            IndexCorrupt: the list cannot be read.
        """
        try:
            stored = json.loads(self._file.read_text(encoding="utf-8"))
            return {
                sha256: Withdrawal(tuple(entry["paths"]), entry["title"]) for sha256, entry in stored.items()
            }
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError, KeyError, AttributeError, OSError) as error:
            # To go on without it would bring back what somebody wanted gone.
            raise IndexCorrupt(
                f"{self._file}, which says which documents were deleted, cannot be read. Mend it; or remove it, and"
                " the deleted documents that the folders hold come back."
            ) from error

    def add(self, documents: Iterable[Document]) -> None:
        """Withdraw documents; on disk when this returns."""
        stored = dict(self.all())
        for document in documents:
            before = stored.get(document.sha256, Withdrawal((), document.title))
            paths = tuple(sorted({*before.paths, document.path}))
            stored[document.sha256] = Withdrawal(paths, before.title)
        self._write(stored)

    def discard(self, hashes: Iterable[str]) -> None:
        """Let documents come back; on disk when this returns."""
        stored, returning = dict(self.all()), set(hashes)
        if returning & stored.keys():
            self._write({sha256: entry for sha256, entry in stored.items() if sha256 not in returning})

    def restore(self, stored: Mapping[str, Withdrawal]) -> None:
        """Have exactly these; on disk when this returns."""
        if stored != self.all():
            self._write(stored)

    def _write(self, stored: Mapping[str, Withdrawal]) -> None:
        content = {sha256: {"paths": entry.paths, "title": entry.title} for sha256, entry in stored.items()}
        try:
            write_durably(self._file, json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True))
        except OSError as error:
            raise _unwritable(self._file, error) from error


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
    """Have the names in a folder on disk. Windows cannot do that to a folder; there a rename does it."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritable(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"{path} cannot be written ({error.strerror}). See that you may write there and that the disk is not full."
    )

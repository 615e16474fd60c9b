"""Documents handed in and taken away while the program runs.

What is acknowledged is on disk. An uploaded file is staged, read, and only if something can be read from it put in its
place: a process killed before that leaves nothing, one killed after it a file that the next synchronisation picks up. A
deletion is written down first, so that one that was cut short is completed, and never undone, by what comes next.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from rag.catalog import Catalog
from rag.domain import UPLOADS_PREFIX, Document, Failure, IngestReport, Upload
from rag.duplicates import copied_id
from rag.errors import DocumentNotFound
from rag.formats.parser import Parser
from rag.uploads import Uploads, Withdrawn

# Several may hand something in at the same time: each waits for those before it.
WAIT_SECONDS = 60.0

# Puts documents in and takes others, by id, out.
Change = Callable[[Sequence[Document], Collection[str]], IngestReport]


@dataclass(frozen=True, slots=True)
class _Staged:
    """An uploaded file, what was read from it, and the paths of what could not be."""

    upload: Upload
    file: Path
    documents: tuple[Document, ...]
    failed: frozenset[str]


class Intake:
    """Changes single documents of the record; `change` does so in the index, inside the writer's place."""

    def __init__(
        self, catalog: Catalog, uploads: Uploads, withdrawn: Withdrawn, parser: Parser, change: Change
    ) -> None:
        self._catalog = catalog
        self._uploads = uploads
        self._withdrawn = withdrawn
        self._parser = parser
        self._change = change

    def upload(self, files: Sequence[Upload]) -> IngestReport:
        """Take files in, and tell what became of them alone; of two with the same name the later counts.

        One that cannot be read is named in `failed`, and a version of it that was there before stays.

        Raises:
            IndexBusy: others were writing for longer than a minute.
            StorageError: the data folder cannot be written.
        """
        with self._catalog.writing(WAIT_SECONDS):
            self._tidy()
            staged: list[_Staged] = []
            failed: list[Failure] = []
            for upload in {upload.name: upload for upload in files}.values():
                found, failures = self._stage(upload, staged)
                staged += [found] if found.documents else []
                failed += failures
            report = self._take(staged) if staged else IngestReport()
            self._uploads.sweep()
        return replace(report, failed=tuple(failed))

    def delete(self, document_id: str) -> None:
        """Remove a document and its copies from the record, and their files where those were uploaded.

        A file of the folders is the user's own: it stays, and is passed over until it changes or is uploaded.

        Raises:
            DocumentNotFound: there is none of that id.
            IndexBusy: others were writing for longer than a minute.
            StorageError: the data folder cannot be written.
        """
        with self._catalog.writing(WAIT_SECONDS):
            self._tidy()
            documents, before = self._catalog.group(document_id), self._withdrawn.all()
            self._withdrawn.add(documents)
            try:
                self._change([], {document.id for document in documents})
            except BaseException:
                self._withdrawn.restore(before)
                raise
            self._tidy()

    def _stage(self, upload: Upload, before: Sequence[_Staged]) -> tuple[_Staged, list[Failure]]:
        """Read a file where it cannot be found yet, and see that no id in it is another's."""
        file = self._uploads.stage(upload)
        owners = {document.id: document for staged in before for document in staged.documents}
        entries = [self._owned(entry, owners) for entry in self._parser.read(file, upload.path)]
        failures = [entry for entry in entries if isinstance(entry, Failure)]
        staged = _Staged(
            upload,
            file,
            tuple(entry for entry in entries if isinstance(entry, Document)),
            frozenset(failure.name for failure in failures),
        )
        return staged, [
            replace(failure, name=failure.name.removeprefix(UPLOADS_PREFIX)) for failure in failures
        ]

    def _owned(self, entry: Document | Failure, owners: Mapping[str, Document]) -> Document | Failure:
        if isinstance(entry, Failure):
            return entry
        owner = owners.get(entry.id)
        if owner is None and self._catalog.current() is not None:
            with suppress(DocumentNotFound):
                owner = self._catalog.document(entry.id)
        if owner is None or owner.path == entry.path:
            return entry
        if owner.sha256 == entry.sha256:
            return replace(entry, id=copied_id(entry.id, entry.path))
        return Failure(entry.path, f"Its id {entry.id!r} is also that of {owner.path}. Change one of them.")

    def _take(self, staged: Sequence[_Staged]) -> IngestReport:
        documents = [document for found in staged for document in found.documents]
        gone = self._replaced(staged) - {document.id for document in documents}
        undo: list[tuple[str, Path | None]] = []
        withdrawn = self._withdrawn.all()
        try:
            for found in staged:
                undo.append((found.upload.name, self._uploads.accept(found.file, found.upload.name)))
            self._withdrawn.discard(document.sha256 for document in documents)
            report = self._change(documents, gone)
        except BaseException:
            for name, before in reversed(undo):
                self._uploads.undo(name, before)
            self._withdrawn.restore(withdrawn)
            raise
        return _only(report, documents)

    def _replaced(self, staged: Sequence[_Staged]) -> set[str]:
        """The documents that the files held before, but for those that cannot be read any more."""
        if self._catalog.current() is None:
            return set()
        return {
            document_id
            for found in staged
            for document_id, path in self._catalog.places(found.upload.path).items()
            if path not in found.failed
        }

    def _tidy(self) -> None:
        """Complete what was cut short: staged files go, and those of documents that were deleted."""
        self._uploads.sweep()
        removed: list[str] = []
        for sha256, withdrawal in self._withdrawn.all().items():
            left = [path for path in withdrawal.paths if not self._uploads.remove(path, sha256)]
            if not left:
                removed.append(sha256)
        self._withdrawn.discard(removed)


def _only(report: IngestReport, documents: Sequence[Document]) -> IngestReport:
    """What of a report is about these documents; and what is removed, for only they can be the cause."""
    ids = {document.id for document in documents}
    paths = {document.path for document in documents}
    return replace(
        report,
        added=tuple(key for key in report.added if key in ids),
        updated=tuple(key for key in report.updated if key in ids),
        unchanged=tuple(key for key in report.unchanged if key in ids),
        duplicates=tuple(
            duplicate
            for duplicate in report.duplicates
            if duplicate.path in paths or duplicate.document_id in ids
        ),
    )

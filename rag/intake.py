"""Documents handed in and taken away while the program runs.

What is acknowledged is on disk. A file is staged, read, and only if something can be read from it put in its place; a
process killed before that leaves nothing, one killed after it a file that the next synchronisation picks up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rag.catalog import Catalog
from rag.domain import UPLOADS_PREFIX, Document, Failure, IngestReport, Upload
from rag.formats.parser import Parser
from rag.uploads import Uploads, Withdrawn

# Several may hand something in at the same time: each waits for those before it.
WAIT_SECONDS = 60.0

Synchronise = Callable[[], IngestReport]


@dataclass(frozen=True, slots=True)
class _Staged:
    upload: Upload
    file: Path
    documents: tuple[Document, ...]
    failures: tuple[Failure, ...]


class Intake:
    """Changes single documents of the record. `synchronise` brings the index in step, inside the writer's place."""

    def __init__(
        self,
        catalog: Catalog,
        uploads: Uploads,
        withdrawn: Withdrawn,
        parser: Parser,
        synchronise: Synchronise,
    ) -> None:
        self._catalog = catalog
        self._uploads = uploads
        self._withdrawn = withdrawn
        self._parser = parser
        self._synchronise = synchronise

    def upload(self, files: Sequence[Upload]) -> IngestReport:
        """Take files in. One that cannot be read is named in `failed`, and a version that was there before stays.

        Raises:
            IndexBusy: another process was writing for longer than a minute.
        """
        with self._catalog.writing(WAIT_SECONDS):
            self._uploads.sweep()
            staged = [self._stage(upload) for upload in files]
            readable = [found for found in staged if found.documents]
            for found in readable:
                self._uploads.accept(found.file, found.upload.name)
            self._uploads.sweep()
            self._withdrawn.discard(document.sha256 for found in readable for document in found.documents)
            report = self._synchronise()
        failed = tuple(failure for found in staged for failure in found.failures)
        return replace(report, failed=tuple(_named_as_sent(failure) for failure in failed))

    def delete(self, document_id: str) -> None:
        """Remove a document from the record, and its file where that was uploaded.

        A file of the folders is the user's own: it stays, and is passed over until it changes.

        Raises:
            DocumentNotFound: there is none of that id.
            IndexBusy: another process was writing for longer than a minute.
        """
        with self._catalog.writing(WAIT_SECONDS):
            document = self._catalog.document(document_id)
            if self._uploads.holds(document.path):
                self._uploads.remove([document.path])
            else:
                self._withdrawn.add([document])
            self._synchronise()

    def _stage(self, upload: Upload) -> _Staged:
        file = self._uploads.stage(upload)
        entries = self._parser.read(file, upload.path)
        return _Staged(
            upload,
            file,
            tuple(entry for entry in entries if isinstance(entry, Document)),
            tuple(entry for entry in entries if isinstance(entry, Failure)),
        )


def _named_as_sent(failure: Failure) -> Failure:
    return replace(failure, name=failure.name.removeprefix(UPLOADS_PREFIX))

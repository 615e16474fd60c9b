"""The index that cases are asked of: the record's own, or a temporary one of a collection's documents."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from eval.formats import Collection
from rag.domain import Document
from rag.errors import InvalidInput
from rag.settings import Settings
from rag.wiring import Application, build

Progress = Callable[[str, int, int], None]


@contextmanager
def prepared(collection: Collection | None, settings: Settings) -> Iterator[Settings]:
    """Settings for the place to ask: as they are, or for a temporary folder with the collection's documents."""
    if collection is None:
        yield settings
        return
    with tempfile.TemporaryDirectory(prefix="mission-record-eval-") as name:
        documents = Path(name) / "documents"
        documents.mkdir()
        collection.write(documents)
        places = {
            "data_dir": Path(name) / "data",
            "corpus_dir": documents,
            "model_cache_dir": settings.models_dir,
        }
        yield settings.model_copy(update=places)


@contextmanager
def opened(
    settings: Settings, progress: Progress | None = None, overrides: Mapping[str, object] | None = None
) -> Iterator[Application]:
    """The application, its index brought in step with its documents; `overrides` go to `rag.wiring.build`.

    Raises:
        InvalidInput: a document could not be ingested: what is asked of it could not be answered.
    """
    application = build(settings, **(overrides or {}))  # type: ignore[arg-type]
    try:
        report = application.synchronise(progress)
        if report.failed:
            first = report.failed[0]
            raise InvalidInput(
                f"{len(report.failed)} documents cannot be read, {first.name} first: {first.reason}"
            )
        yield application
    finally:
        application.close()


def documents_of(application: Application) -> Mapping[str, Document]:
    """Every document of the index by id."""
    catalog = application.catalog
    return {document_id: catalog.document(document_id) for document_id in catalog.hashes()}

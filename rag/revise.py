"""From changed documents to the next version of the record: which of all are copies now, and what that moves."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from rag.catalog import Catalog, Revision, content_hash
from rag.domain import Document, Duplicate, IngestReport, Manifest, Passage
from rag.duplicates import folded, likeness, statements_of

Cut = Callable[[Document], list[Passage]]


@dataclass(frozen=True, slots=True)
class Revised:
    """The revision, and what it leads to: the content of every document by id, and what is to be told of it."""

    revision: Revision
    contents: Mapping[str, str]
    report: IngestReport


def as_it_is(catalog: Catalog, manifest: Manifest) -> IngestReport:
    """What is to be told where nothing has changed."""
    return IngestReport(
        unchanged=tuple(sorted(catalog.hashes())),
        duplicates=tuple(catalog.copies().values()),
        index_id=manifest.index_id,
    )


def revise(catalog: Catalog | None, changed: Sequence[Document], gone: Collection[str], cut: Cut) -> Revised:
    """Put `changed` in the place of what has their ids and take out what is `gone`; without a catalog, begin anew.

    A document that was a copy becomes one of its own when what it was a copy of goes, and the other way round.
    """
    before = catalog.hashes().keys() if catalog else set[str]()
    copied = catalog.copies() if catalog else {}
    by_id = {document.id: document for document in changed}
    stale = by_id.keys() | set(gone)
    passages = {document.id: cut(document) for document in changed}
    statements = {document.id: statements_of(document, passages[document.id]) for document in changed}
    copies = folded(
        [
            *(catalog.likenesses(stale) if catalog else ()),
            *(likeness(document, statements[document.id]) for document in changed),
        ]
    )
    # Those whose own content is as before, but not what they are to the others.
    moved = {
        document_id
        for document_id in (before | copied.keys()) - stale
        if copies.get(document_id) != (copied[document_id].document_id if document_id in copied else None)
    }
    for document_id in moved:
        assert catalog is not None
        by_id[document_id] = catalog.document(document_id)
        if document_id not in copies:
            passages[document_id] = cut(by_id[document_id])
    kept = [by_id[document_id] for document_id in sorted(by_id.keys() - copies.keys())]
    revision = Revision(
        removed=(stale | moved) & (before | copied.keys()),
        documents=kept,
        passages=[passage for document in kept for passage in passages[document.id]],
        copies=[
            (by_id[document_id], copies[document_id]) for document_id in sorted(by_id.keys() & copies.keys())
        ],
        statements=statements,
    )
    contents = {key: value for key, value in (catalog.known() if catalog else {}).items() if key not in stale}
    contents |= {document.id: content_hash(document) for document in changed}
    after = contents.keys() - copies.keys()
    duplicates = [
        Duplicate(by_id[copy].path if copy in by_id else copied[copy].path, kept)
        for copy, kept in copies.items()
    ]
    report = IngestReport(
        added=tuple(sorted(after - before)),
        updated=tuple(sorted(after & before & by_id.keys())),
        unchanged=tuple(sorted((after & before) - by_id.keys())),
        removed=tuple(sorted(before - after)),
        duplicates=tuple(sorted(duplicates, key=lambda duplicate: duplicate.path)),
    )
    return Revised(revision, contents, report)

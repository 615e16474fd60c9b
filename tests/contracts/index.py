"""What holds of an index that can be used: catalog and vectors say the same."""

from __future__ import annotations

from rag.catalog import Catalog
from rag.domain import Filters, Manifest
from rag.ports import VectorStore
from rag.segments import Segments
from tests.contracts.documents import check_document


def collections_of(catalog: Catalog) -> list[str]:
    """The collections that the index in use has its vectors in."""
    return [segment.collection for segment in catalog.manifest().segments]


def only_collection(catalog: Catalog) -> str:
    """Where an index is too small for several collections, the one that it has."""
    (collection,) = collections_of(catalog)
    return collection


def check_index(catalog: Catalog, vectors: VectorStore, swept: bool = True) -> Manifest:
    """Every passage of the catalog has its vector and is found by it; with `swept`, nothing else is stored."""
    manifest = catalog.manifest()
    listed = catalog.documents(limit=100_000).documents
    passages = [passage for summary in listed for passage in catalog.passages_of(summary.id)]
    assert len(listed) == manifest.documents
    assert len(passages) == manifest.passages == sum(segment.passages for segment in manifest.segments)
    for segment in manifest.segments:
        assert vectors.count(segment.collection) == segment.vectors
        held = catalog.passages_in([segment.collection])
        assert len(held) == segment.passages <= segment.vectors
        assert vectors.vectors(segment.collection, [p.id for p in held]).keys() == {p.id for p in held}
    segments = Segments(catalog, vectors)
    assert sum(summary.passages for summary in listed) == manifest.passages
    for summary in listed:
        check_document(catalog.document(summary.id))
    stored = segments.vectors([passage.id for passage in passages])
    assert stored.keys() == {passage.id for passage in passages}
    for passage in passages[:: max(1, len(passages) // 10)]:
        (nearest, similarity), *_ = segments.query(manifest, stored[passage.id], 5, Filters())
        assert nearest == passage.id or similarity > 0.999
        assert passage.id in dict(catalog.search(passage.text.split(), len(passages), Filters()))
    if swept:
        assert sorted(vectors.collections()) == sorted(collections_of(catalog))
    return manifest

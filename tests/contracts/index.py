"""What holds of an index that can be used: catalog and vectors say the same."""

from __future__ import annotations

from rag.catalog import Catalog
from rag.domain import Filters, Manifest
from rag.ports import VectorStore
from tests.contracts.documents import check_document


def check_index(catalog: Catalog, vectors: VectorStore, swept: bool = True) -> Manifest:
    """Every passage of the catalog has its vector and is found by it; with `swept`, nothing else is stored."""
    manifest = catalog.manifest()
    listed = catalog.documents(limit=100_000).documents
    passages = [passage for summary in listed for passage in catalog.passages_of(summary.id)]
    assert len(listed) == manifest.documents
    assert len(passages) == manifest.passages == vectors.count(manifest.collection)
    assert sum(summary.passages for summary in listed) == manifest.passages
    for summary in listed:
        check_document(catalog.document(summary.id))
    stored = vectors.vectors(manifest.collection, [passage.id for passage in passages])
    assert stored.keys() == {passage.id for passage in passages}
    for passage in passages[:: max(1, len(passages) // 10)]:
        (nearest, similarity), *_ = vectors.query(manifest.collection, stored[passage.id], 5, Filters())
        assert nearest == passage.id or similarity > 0.999
        assert passage.id in dict(catalog.search(passage.text.split(), len(passages), Filters()))
    if swept:
        assert list(vectors.collections()) == [manifest.collection]
    return manifest

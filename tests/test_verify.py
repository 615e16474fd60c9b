"""Verification: a whole index passes, and each thing that can be wrong with one is named."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from rag.adapters.chroma import ChromaVectorStore
from rag.catalog import CATALOG_FILE, Catalog
from rag.domain import Filters, Passage
from rag.ingest import Ingest
from rag.ports import Vector, VectorStore
from rag.verify import Check, Index, verify
from tests.contracts.index import only_collection
from tests.fakes import HashingEmbedder, InMemoryVectorStore

TEXT = "Ship {0} sails with tide {0}.\n\n## Cargo\n\nIt carries {0} tons of salt."


def ingested(folder: Path, store: VectorStore) -> Index:
    corpus = folder / "corpus"
    corpus.mkdir()
    for number in range(40):
        (corpus / f"ship{number}.md").write_text(TEXT.format(number), encoding="utf-8")
    catalog = Catalog(folder / "data")
    ingest = Ingest(catalog, store, HashingEmbedder(), 60)
    ingest.synchronise([corpus])
    return Index(catalog, store, ingest.fingerprint, HashingEmbedder())


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    index = ingested(tmp_path, InMemoryVectorStore())
    yield index
    index.catalog.close()


def wrong(index: Index) -> dict[str, str]:
    return {check.subject: check.detail for check in verify(index) if not check.well}


def change(index: Index, tmp_path: Path, statement: str) -> None:
    index.catalog.close()
    with sqlite3.connect(tmp_path / "data" / CATALOG_FILE) as connection:
        connection.executescript(statement)
    connection.close()


def all_passages(index: Index) -> list[Passage]:
    return [p for summary in index.catalog.summaries() for p in index.catalog.passages_of(summary.id)]


def rewrite(index: Index, vectors: Callable[[Vector], Vector], keep: slice = slice(None)) -> None:
    """Store other vectors in the place of those that are stored."""
    collection, passages = only_collection(index.catalog), all_passages(index)[keep]
    stored = index.vectors.vectors(collection, [passage.id for passage in passages])
    changed = vectors(np.stack([stored[passage.id] for passage in passages]))
    index.vectors.create(collection)
    index.vectors.add(collection, passages, changed)


def test_a_whole_index_passes(tmp_path: Path) -> None:
    vectors = ChromaVectorStore(tmp_path / "data" / "chroma")
    index = ingested(tmp_path, vectors)
    checks = list(verify(index))
    vectors.close()
    index.catalog.close()
    assert all(isinstance(check, Check) and check.well for check in checks), checks
    details = {check.subject: check.detail for check in checks}
    assert details["documents"].startswith("40 as the manifest says")
    assert details["passages"].startswith("80 as the manifest says")
    assert "recall@10 of Chroma's against exact search 1.000" in details["search"]
    assert "40 passages embedded again" in details["embedding"]


def test_without_a_model_everything_else_is_checked(index: Index) -> None:
    subjects = [check.subject for check in verify(Index(index.catalog, index.vectors))]
    assert subjects == ["catalog file", "manifest", "documents", "passages", "vectors", "search"]


def test_nothing_ingested(tmp_path: Path) -> None:
    (check,) = verify(Index(Catalog(tmp_path), InMemoryVectorStore()))
    assert not check.well
    assert "Run `mission-record ingest`" in check.detail
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("statement", "subject", "said"),
    [
        ("DELETE FROM passages WHERE number = 7", "passages", "79 passages are stored, the manifest says 80"),
        (
            "UPDATE passages SET text = replace(text, 'salt', 'malt') WHERE number = 8",
            "passages",
            "is not what ship",
        ),
        (
            "UPDATE passages SET section = 'Crew' WHERE number = 8",
            "passages",
            "does not have the id of its content",
        ),
        ("UPDATE passages SET start = start + 1 WHERE number = 8", "passages", "is not what ship"),
        ("UPDATE passages SET sentences = '[[' WHERE number = 8", "passages", "a row that cannot be read"),
        ("UPDATE documents SET title = 'Boat' WHERE id = 'ship3'", "documents", "content of ship3 differ"),
        ("UPDATE documents SET content = '{' WHERE id = 'ship3'", "documents", "a row that cannot be read"),
        ("UPDATE manifest SET documents = 41", "documents", "40 documents are stored, the manifest says 41"),
        ("UPDATE manifest SET fingerprint = 'other'", "manifest", "another embedding model"),
        ("UPDATE segments SET collection = 'passages-gone'", "vectors", "0 vectors are stored"),
        ("UPDATE segments SET vectors = 81", "vectors", "80 vectors are stored, the manifest says 81"),
        ("UPDATE segments SET passages = 79", "vectors", "are stored, the manifest says 79"),
        (
            "INSERT INTO segments VALUES (9, 'passages-other', 0, 0);"
            " UPDATE passages SET segment = 9 WHERE number = 8",
            "vectors",
            "79 passages of passages-",
        ),
        ("INSERT INTO lexical (lexical) VALUES ('delete-all')", "catalog file", "malformed"),
        ("DELETE FROM postings WHERE token = x'73616c74'", "catalog file", "is not that of the passages"),
        ("UPDATE postings SET packed = zeroblob(6) WHERE block = 0", "catalog file", "is not that of the"),
        ("UPDATE lexical_size SET tokens = tokens + 1", "catalog file", "is not that of the passages"),
    ],
)
def test_a_catalog_that_contradicts_itself(
    index: Index, tmp_path: Path, statement: str, subject: str, said: str
) -> None:
    change(index, tmp_path, statement)
    found = wrong(index)
    assert said in found[subject]
    assert "Run `mission-record " in found[subject]


def test_vectors_that_are_missing(index: Index) -> None:
    rewrite(index, lambda vectors: vectors, slice(0, 70))
    assert "70 vectors are stored, the manifest says 80" in wrong(index)["vectors"]


def test_a_vector_that_has_lost_its_length(index: Index) -> None:
    rewrite(
        index, lambda vectors: vectors * np.where(np.arange(80) == 9, 3.0, 1.0)[:, None].astype(np.float32)
    )
    assert "has the length" in wrong(index)["vectors"]


def test_vectors_of_other_passages(index: Index) -> None:
    rewrite(index, lambda vectors: np.roll(vectors, 1, axis=0))
    assert "another vector than the stored one" in wrong(index)["embedding"]


class NearSighted(InMemoryVectorStore):
    """Counts right and searches wrong."""

    def query(self, collection: str, vector: Vector, limit: int, filters: Filters) -> list[tuple[str, float]]:
        return super().query(collection, -vector, limit, filters)


def test_a_search_that_misses_what_is_near(index: Index) -> None:
    astray = NearSighted()
    astray.__dict__ = index.vectors.__dict__
    found = wrong(Index(index.catalog, astray, index.fingerprint, index.embedder))
    assert found.keys() == {"search"}
    assert "of what exact search finds" in found["search"]

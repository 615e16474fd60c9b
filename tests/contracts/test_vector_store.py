"""What every `VectorStore` does, the real one on disk and the fake."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from rag.adapters.chroma import ChromaVectorStore
from rag.adapters.chroma_server import ChromaServerVectorStore
from rag.domain import Filters, Passage
from rag.errors import IndexCorrupt
from rag.ports import Vector, VectorStore
from rag.settings import ChromaSettings
from tests.chroma_server import ChromaServer, chroma_server
from tests.fakes import HashingEmbedder, InMemoryVectorStore, allows

NAME = "passages-one"
DATES = (None, "2022", "2023-05", "2023-06-01")
KINDS = ("event", "visit", "people & places")
EMBEDDER = HashingEmbedder()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChromaServer]:
    """One server for all tests; each has a namespace of its own."""
    with chroma_server(tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture(params=["memory", "folder", "server"])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VectorStore]:
    if request.param == "memory":
        yield InMemoryVectorStore()
        return
    store = (
        ChromaVectorStore(tmp_path / "chroma")
        if request.param == "folder"
        else ChromaServerVectorStore(
            ChromaSettings(url=request.getfixturevalue("server").url, namespace=uuid.uuid4().hex)
        )
    )
    yield store
    store.close()


def passage(number: int) -> Passage:
    return Passage(
        id=f"{number:032x}",
        document_id=f"document-{number % 7}",
        title="A “title” with 'quotes'",
        section="",
        kind=KINDS[number % len(KINDS)],
        published=DATES[number % len(DATES)],
        source=None,
        text=f"Passage number {number} tells of quay {number % 5}.",
        start=number,
        end=number + 10,
        sentences=(),
    )


PASSAGES = [passage(number) for number in range(300)]
VECTORS = EMBEDDER.embed_passages([passage.text for passage in PASSAGES])


@pytest.fixture
def filled(subject: VectorStore) -> VectorStore:
    subject.create(NAME)
    subject.add(NAME, PASSAGES, VECTORS)
    return subject


def exact(vector: Vector, filters: Filters) -> list[tuple[str, float]]:
    found = [
        (passage.id, float(stored @ vector))
        for passage, stored in zip(PASSAGES, VECTORS, strict=True)
        if allows(filters, passage)
    ]
    return sorted(found, key=lambda pair: -pair[1])


def test_a_new_store_is_empty(subject: VectorStore) -> None:
    assert list(subject.collections()) == []
    assert subject.count(NAME) == 0


def test_a_new_collection_is_empty_and_finds_nothing(subject: VectorStore) -> None:
    subject.create(NAME)
    assert list(subject.collections()) == [NAME]
    assert subject.count(NAME) == 0
    assert subject.query(NAME, VECTORS[0], 5, Filters()) == []
    assert subject.vectors(NAME, [PASSAGES[0].id]) == {}


def test_everything_added_is_there(filled: VectorStore) -> None:
    assert filled.count(NAME) == len(PASSAGES)
    stored = filled.vectors(NAME, [passage.id for passage in PASSAGES])
    assert np.allclose(np.stack([stored[passage.id] for passage in PASSAGES]), VECTORS, atol=1e-6)


def test_only_the_vectors_that_are_there_are_given(filled: VectorStore) -> None:
    assert set(filled.vectors(NAME, [PASSAGES[3].id, "not there"])) == {PASSAGES[3].id}
    assert filled.vectors(NAME, []) == {}


def test_adding_twice_changes_nothing(filled: VectorStore) -> None:
    filled.add(NAME, PASSAGES[:10], VECTORS[:10])
    assert filled.count(NAME) == len(PASSAGES)
    assert np.allclose(filled.vectors(NAME, [PASSAGES[4].id])[PASSAGES[4].id], VECTORS[4], atol=1e-6)


def test_adding_nothing_is_allowed(filled: VectorStore) -> None:
    filled.add(NAME, [], np.empty((0, EMBEDDER.dimensions), dtype=np.float32))
    assert filled.count(NAME) == len(PASSAGES)


def test_the_nearest_come_first_with_their_cosine(filled: VectorStore) -> None:
    query = EMBEDDER.embed_query("Passage number 41 tells of quay 1.")
    found = filled.query(NAME, query, 10, Filters())
    expected = exact(query, Filters())
    similarities = dict(expected)
    assert found[0][0] == PASSAGES[41].id
    assert len(found) == 10
    assert [similarity for _, similarity in found] == pytest.approx(
        [score for _, score in expected[:10]], abs=1e-4
    )
    assert all(similarity == pytest.approx(similarities[key], abs=1e-4) for key, similarity in found)
    assert found == sorted(found, key=lambda pair: (-pair[1], pair[0]))


def test_a_limit_above_the_count_gives_all(subject: VectorStore) -> None:
    subject.create(NAME)
    subject.add(NAME, PASSAGES[:3], VECTORS[:3])
    assert len(subject.query(NAME, VECTORS[0], 50, Filters())) == 3


FILTERS = [
    Filters(document_ids=ids, kinds=kinds, published_from=earliest, published_to=latest)
    for ids, kinds, earliest, latest in itertools.product(
        ((), ("document-2", "document-5"), ("nowhere",)),
        ((), ("visit",), ("event", "people & places")),
        (None, "2023", "2023-05-20"),
        (None, "2022", "2023-05-31"),
    )
]


def test_filters_let_through_what_they_say(filled: VectorStore) -> None:
    query = EMBEDDER.embed_query("quay 3")
    for filters in FILTERS:
        found = {key for key, _ in filled.query(NAME, query, len(PASSAGES), filters)}
        assert found == {key for key, _ in exact(query, filters)}, filters


def test_a_collection_that_is_not_there(subject: VectorStore) -> None:
    with pytest.raises(IndexCorrupt, match="mission-record rebuild"):
        subject.query(NAME, VECTORS[0], 5, Filters())
    with pytest.raises(IndexCorrupt):
        subject.vectors(NAME, [PASSAGES[0].id])
    with pytest.raises(IndexCorrupt):
        subject.add(NAME, PASSAGES[:1], VECTORS[:1])
    subject.delete(NAME)
    assert subject.count(NAME) == 0


def test_creating_again_empties(filled: VectorStore) -> None:
    filled.create(NAME)
    assert filled.count(NAME) == 0
    assert list(filled.collections()) == [NAME]


def test_collections_are_apart(filled: VectorStore) -> None:
    filled.create("passages-two")
    filled.add("passages-two", PASSAGES[:1], VECTORS[:1])
    assert sorted(filled.collections()) == [NAME, "passages-two"]
    filled.delete(NAME)
    assert list(filled.collections()) == ["passages-two"]
    assert filled.query("passages-two", VECTORS[5], 5, Filters())[0][0] == PASSAGES[0].id


def test_threads_may_share_it(filled: VectorStore) -> None:
    queries = [EMBEDDER.embed_query(f"quay {number}") for number in range(16)]
    alone = [filled.query(NAME, query, 5, Filters()) for query in queries]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda query: filled.query(NAME, query, 5, Filters()), queries)) == alone

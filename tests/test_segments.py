"""Segments: which are written anew, what a search over them finds, and that a change costs no more than its size."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import segments
from rag.adapters.chroma import ChromaVectorStore
from rag.catalog import Catalog
from rag.corpus import read_corpus
from rag.domain import Document, Filters, Segment
from rag.errors import IndexCorrupt
from rag.formats.parser import Parser
from rag.formats.read import read_file
from rag.ingest import Ingest
from rag.ports import VectorStore
from rag.retrieve import Retrieve
from rag.segments import GROWTH, MOST_DEAD, SMALL, Segments, dead, nearest_alive, to_merge
from tests.contracts.index import check_index, collections_of
from tests.fakes import HashingEmbedder, InMemoryVectorStore, RecordingVectorStore

EMBEDDER = HashingEmbedder()

# --- which are written anew ------------------------------------------------------------------------------------


def after(before: list[Segment], new: int) -> tuple[list[Segment], int]:
    """The segments after a change, and how many vectors were written."""
    merged = to_merge(before, new)
    written = new + sum(segment.passages for segment in merged)
    kept = [segment for segment in before if segment.passages and segment not in merged]
    return kept + ([Segment(f"{random.random()}", written, written)] if written else []), written


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 300)), max_size=40), st.randoms())
def test_there_are_few_segments_and_little_in_them_is_dead(
    changes: list[tuple[int, int]], chance: random.Random
) -> None:
    stored: list[Segment] = []
    for new, gone in changes:
        lost = [min(segment.passages, chance.randint(0, gone)) for segment in stored]
        stored = [
            replace(segment, passages=segment.passages - number)
            for segment, number in zip(stored, lost, strict=True)
        ]
        stored, _ = after(stored, new)
        assert all(segment.passages for segment in stored)
        assert all(dead(segment) <= MOST_DEAD * segment.vectors for segment in stored)
        largest = max((segment.vectors for segment in stored), default=1)
        # What was four times as large as the next when that was written may have lost a quarter since.
        steps = math.log(max(largest / SMALL, 1)) / math.log(GROWTH * (1 - MOST_DEAD))
        assert len(stored) <= 2 + steps


def test_passages_that_come_one_by_one_are_written_few_times_each() -> None:
    stored, total = [Segment("first", 10_000, 10_000)], 0
    for _ in range(2_000):
        stored, written = after(stored, 10)
        total += written
    assert sum(segment.passages for segment in stored) == 30_000
    # To copy the record each time would be 40 million.
    assert total < 20 * 30_000


def test_a_small_change_leaves_a_large_segment_alone() -> None:
    large, small = Segment("large", 10_000, 10_000), Segment("small", 40, 30)
    assert to_merge([large, small], 10) == [small]
    assert to_merge([large], 10) == []
    assert to_merge([large], 2_501) == [large]


def test_a_deletion_writes_nothing_until_much_is_dead() -> None:
    large, small = Segment("large", 1_000, 750), Segment("small", 40, 40)
    assert to_merge([large, small], 0) == []
    worn = replace(large, passages=749)
    assert to_merge([worn, small], 0) == [worn, small]
    assert to_merge([replace(large, passages=0)], 0) == []


@given(
    st.lists(st.booleans(), min_size=1, max_size=200),
    st.integers(1, 20),
    st.integers(0, 200),
)
def test_the_nearest_alive_are_those_of_exact_search(alive: list[bool], limit: int, filtered: int) -> None:
    segment = Segment("one", len(alive), sum(alive))
    through = range(min(filtered, len(alive)), len(alive))

    found = nearest_alive(
        segment, limit, lambda asked: list(through)[:asked], lambda rows: [row for row in rows if alive[row]]
    )
    assert found == [row for row in through if alive[row]][:limit]


# --- a record that changes -------------------------------------------------------------------------------------


class Record:
    """Documents that come, change and go one by one, in an index that takes few passages for many."""

    def __init__(self, folder: Path, vectors: VectorStore, parser: Parser) -> None:
        self.corpus = folder / "corpus"
        self.corpus.mkdir(parents=True)
        self.catalog = Catalog(folder / "data")
        self.vectors = vectors
        self.store = RecordingVectorStore(vectors)
        read = partial(read_corpus, parser=parser)
        self.ingest = Ingest(self.catalog, self.store, EMBEDDER, 60, read)  # type: ignore[arg-type]

    def write(self, name: str, tide: int = 0, sections: int = 1, kind: str = "ship") -> Document:
        parts = [
            f"## Hold {number}\n\nIn hold {number} of {name} lies salt{number} since tide{tide}."
            for number in range(sections)
        ]
        path = self.corpus / f"{name}.md"
        path.write_text(f"---\ntitle: {name}\nkind: {kind}\n---\n" + "\n\n".join(parts), encoding="utf-8")
        (document,) = read_file(path, path.name)
        assert isinstance(document, Document)
        return document

    def change(self, *documents: Document, gone: tuple[str, ...] = ()) -> None:
        self.store.calls.clear()
        for name in gone:
            (self.corpus / f"{name}.md").unlink()
        assert self.ingest.change(documents, gone)

    def written(self) -> int:
        """How many vectors the last change wrote."""
        return sum(len(vectors) for _, _, vectors in self.store.of("add"))  # type: ignore[arg-type, misc]

    def near(self, text: str, limit: int = 10, filters: Filters = Filters()) -> list[tuple[str, float]]:
        with self.catalog.reading():
            return Segments(self.catalog, self.vectors).query(
                self.catalog.manifest(), EMBEDDER.embed_query(text), limit, filters
            )

    def retrieve(self, vectors: object = None) -> Retrieve:
        return Retrieve(
            self.catalog,
            vectors or self.vectors,  # type: ignore[arg-type]
            EMBEDDER,
            fingerprint=self.ingest.fingerprint,
            candidates=20,
        )


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "SMALL", 4)


@pytest.fixture(params=["memory", "folder"])
def record(request: pytest.FixtureRequest, tmp_path: Path, parser: Parser, few: None) -> Iterator[Record]:
    folder = ChromaVectorStore(tmp_path / "data" / "chroma") if request.param == "folder" else None
    record = Record(tmp_path, folder or InMemoryVectorStore(), parser)
    for number in range(40):
        record.write(f"ship{number}", sections=2)
    record.ingest.synchronise([record.corpus])
    yield record
    record.catalog.close()
    if folder:
        folder.close()


def test_a_change_writes_its_own_passages_and_those_of_small_segments(record: Record) -> None:
    base = collections_of(record.catalog)
    record.change(record.write("boat1", sections=3))
    assert record.written() == 3
    record.change(record.write("boat2", sections=3))
    assert record.written() == 6
    assert [segment.passages for segment in record.catalog.manifest().segments] == [80, 6]
    assert collections_of(record.catalog)[:1] == base
    check_index(record.catalog, record.vectors)


def test_a_deletion_writes_no_vector_and_nothing_of_it_is_found(record: Record) -> None:
    before = record.near("hold 1 of ship7", 80)
    gone = {passage.id for passage in record.catalog.passages_of("ship7")}
    record.change(gone=("ship7",))
    assert record.written() == 0
    assert record.store.of("create") == []
    found = record.near("hold 1 of ship7", 80)
    assert dict(found) == pytest.approx({key: near for key, near in before if key not in gone})
    check_index(record.catalog, record.vectors)


def test_what_is_near_is_found_behind_much_that_is_dead(record: Record) -> None:
    record.change(record.write("ship7", tide=1, sections=2), gone=tuple(f"ship{n}" for n in range(10, 18)))
    assert [segment.vectors - segment.passages for segment in record.catalog.manifest().segments] == [18, 0]
    for limit in (1, 2, 5, 20):
        found = record.near("in hold 1 of ship12 lies salt1 since tide0", limit)
        assert len(found) == limit
        assert found == record.near("in hold 1 of ship12 lies salt1 since tide0", 80)[:limit]


def test_a_change_of_kind_is_filtered_by_what_it_is_now(record: Record) -> None:
    record.change(record.write("ship7", sections=2, kind="wreck"))
    (only,) = {
        record.catalog.passages([key])[key].document_id
        for key, _ in record.near("ship7", 9, Filters(kinds=("wreck",)))
    }
    assert only == "ship7"
    afloat = {key for key, _ in record.near("hold 1 of ship7", 80, Filters(kinds=("ship",)))}
    assert len(afloat) == 78
    assert not afloat & {passage.id for passage in record.catalog.passages_of("ship7")}
    check_index(record.catalog, record.vectors)


def test_a_segment_of_which_much_is_dead_is_written_anew(record: Record) -> None:
    record.change(record.write("boat", sections=20))
    record.change(gone=tuple(f"ship{n}" for n in range(9)))
    assert len(collections_of(record.catalog)) == 2
    record.change(gone=tuple(f"ship{n}" for n in range(9, 13)))
    (only,) = record.catalog.manifest().segments
    assert (only.vectors, only.passages) == (74, 74)
    check_index(record.catalog, record.vectors)


def test_a_segment_with_nothing_alive_is_deleted(record: Record) -> None:
    record.change(record.write("boat", sections=3))
    record.change(gone=("boat",))
    assert len(collections_of(record.catalog)) == 1
    assert record.written() == 0
    check_index(record.catalog, record.vectors)


def test_a_rebuild_writes_one_segment(record: Record) -> None:
    record.change(record.write("boat", sections=3))
    before = record.near("hold 1 of ship7", 80)
    record.ingest.synchronise([record.corpus], rebuild=True)
    assert len(collections_of(record.catalog)) == 1
    assert [similarity for _, similarity in record.near("hold 1 of ship7", 80)] == pytest.approx(
        [similarity for _, similarity in before], abs=1e-5
    )
    check_index(record.catalog, record.vectors)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_changes_is_found_as_after_a_rebuild(
    record: Record, tmp_path: Path, parser: Parser, seed: int
) -> None:
    chance = random.Random(seed)
    names = {f"ship{number}" for number in range(40)}
    most = 0
    for step in range(1, 13):
        gone = tuple(chance.sample(sorted(names), chance.choice((0, 0, 1, 4))))
        fresh = {f"boat{step}", *chance.sample(sorted(names - set(gone)), chance.choice((0, 1, 3)))}
        documents = [
            record.write(name, step, chance.randint(1, 5), chance.choice(("ship", "wreck")))
            for name in sorted(fresh)
        ]
        record.change(*documents, gone=gone)
        names = names - set(gone) | fresh
        most = max(most, len(collections_of(record.catalog)))
        check_index(record.catalog, record.vectors)
    assert most > 1
    rebuilt = Record(tmp_path / "rebuilt", InMemoryVectorStore(), parser)
    rebuilt.ingest.synchronise([record.corpus])
    for name in sorted(names):
        for filters in (Filters(), Filters(kinds=("wreck",))):
            text = f"What lies in hold 1 of {name}?"
            expected, found = rebuilt.near(text, 7, filters), record.near(text, 7, filters)
            assert [similarity for _, similarity in found] == pytest.approx(
                [similarity for _, similarity in expected], abs=1e-5
            )
            assert (
                dict(record.near(text, 500, filters)).keys() == dict(rebuilt.near(text, 500, filters)).keys()
            )
    rebuilt.catalog.close()


# --- what comes in between -------------------------------------------------------------------------------------


def test_a_search_goes_on_however_often_versions_are_switched_in_between(record: Record) -> None:
    record.change(record.write("boat0", sections=3))
    tides = iter(range(1, 6))

    def switch(method: str, _number: int) -> None:
        tide = next(tides, None) if method == "query" else None
        if tide is not None:
            other = Catalog(record.corpus.parent / "data")
            document = record.write("boat0", tide, sections=3)
            Ingest(other, record.vectors, EMBEDDER, 60).change([document], [])
            other.close()

    retrieve = record.retrieve(RecordingVectorStore(record.vectors, switch))
    found = retrieve(["hold 1 of boat0"], 3)
    assert next(tides, None) is None
    assert found.manifest == record.catalog.manifest()
    assert "tide5" in found.hits[0].passage.text


@pytest.mark.parametrize("method", ["create", "add", "count", "query"])
def test_a_change_that_fails_leaves_the_version_in_use(record: Record, method: str) -> None:
    record.change(record.write("boat0", sections=3))
    before, near = record.catalog.manifest(), record.near("hold 1 of boat0")
    armed: list[bool] = []

    def names(called: str, _number: int) -> None:
        armed.extend([True] if called == "create" else [])
        if called == method and armed:
            raise IndexCorrupt("disk gone")

    broken = RecordingVectorStore(record.vectors, names)
    with pytest.raises(IndexCorrupt, match="disk gone"):
        Ingest(record.catalog, broken, EMBEDDER, 60).change([record.write("boat0", 1, 3)], [])  # type: ignore[arg-type]
    assert record.catalog.manifest() == before
    assert record.near("hold 1 of boat0") == near
    record.change(record.write("boat0", 1, 3))
    check_index(record.catalog, record.vectors)


@pytest.mark.parametrize("lost", [0, 1])
def test_a_segment_that_is_lost_is_noticed_and_made_again(record: Record, lost: int) -> None:
    record.change(record.write("boat0", sections=3))
    record.vectors.delete(collections_of(record.catalog)[lost])
    with pytest.raises(IndexCorrupt, match="mission-record rebuild"):
        record.retrieve()(["hold 1 of boat0"], 3)
    report = record.ingest.synchronise([record.corpus])
    assert report.embedded == 83
    check_index(record.catalog, record.vectors)


def test_vectors_are_those_of_the_passages_in_the_index(record: Record) -> None:
    gone = [passage.id for passage in record.catalog.passages_of("ship7")]
    record.change(record.write("boat0", sections=3), gone=("ship7",))
    kept = [p.id for name in ("boat0", "ship8") for p in record.catalog.passages_of(name)]
    found = Segments(record.catalog, record.vectors).vectors([*gone, *kept, "no passage"])
    assert found.keys() == set(kept)
    assert all(np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5) for vector in found.values())

"""The hybrid search: fusion by hand, ties, filters, and versions that switch in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.catalog import Catalog
from rag.domain import Filters, Hit
from rag.errors import IndexCorrupt, IndexEmpty, IndexMismatch
from rag.ingest import Ingest
from rag.ports import VectorStore
from rag.retrieve import DENSE, LEXICAL, RETRIEVERS, Retrieve, by_rank, by_score, ordered
from tests.contracts.index import only_collection
from tests.fakes import (
    HashingEmbedder,
    InMemoryVectorStore,
    RecordingEmbedder,
    RecordingVectorStore,
    passage_of,
)

FILES = {
    "quay": "---\nkind: works\nsource: {title: G, published: 2023-06-01}\n---\nThe quay of Elsin is long.\n\n"
    "# More\n\nElsin.",
    "lamp": "---\nkind: light\nsource: {title: G, published: 2022}\n---\nThe lamp of Elsin is bright.",
    "ferry": "---\nkind: works\nsource: {title: G, published: 2023-05}\n---\nThe ferry leaves Elsin.",
    "varn": "---\nkind: works\n---\nVarn lies across the water.",
}
EMBEDDER = HashingEmbedder()


class Record:
    """A folder of documents, indexed with the fakes behind the ports."""

    def __init__(self, folder: Path) -> None:
        self.corpus = folder / "corpus"
        self.corpus.mkdir()
        for name, text in FILES.items():
            (self.corpus / f"{name}.md").write_text(text)
        self.catalog = Catalog(folder / "data")
        self.vectors = InMemoryVectorStore()
        self.ingest = Ingest(self.catalog, self.vectors, EMBEDDER, 60)
        self.ingest.synchronise([self.corpus])

    def retrieve(
        self,
        question: str | Sequence[str],
        top_k: int = 10,
        filters: Filters = Filters(),
        *,
        retrievers: Sequence[str] = RETRIEVERS,
        vectors: VectorStore | None = None,
    ) -> tuple[Hit, ...]:
        retrieve = Retrieve(
            self.catalog,
            vectors or self.vectors,
            EMBEDDER,
            fingerprint=self.ingest.fingerprint,
            candidates=50,
            retrievers=retrievers,
        )
        return retrieve([question] if isinstance(question, str) else question, top_k, filters).hits


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    record = Record(tmp_path)
    yield record
    record.catalog.close()


def documents(hits: Sequence[Hit]) -> set[str]:
    return {hit.passage.document_id for hit in hits}


# --- turns before ----------------------------------------------------------------------------------------------


def similarities(
    record: Record, question: str, leans_on: tuple[str, ...], perhaps: bool = False
) -> dict[str, float]:
    retrieve = Retrieve(
        record.catalog, record.vectors, EMBEDDER, fingerprint=record.ingest.fingerprint, candidates=50
    )
    hits = retrieve([question], 10, leans_on=leans_on, perhaps=perhaps).hits
    return {hit.passage.document_id: hit.similarity or 0.0 for hit in hits}


def test_a_search_goes_a_little_towards_the_turns_that_it_leans_on(record: Record) -> None:
    alone = similarities(record, "Is the lamp bright?", ())
    leaning = similarities(record, "Is the lamp bright?", ("The ferry leaves Elsin.",))
    assert leaning["ferry"] > alone["ferry"]
    assert max(leaning, key=leaning.__getitem__) == max(alone, key=alone.__getitem__) == "lamp"


def test_where_that_is_not_sure_only_turns_near_to_the_question_count(record: Record) -> None:
    question = "When does the ferry leave?"
    alone = similarities(record, question, ())
    unrelated, related = ("Varn",), ("The ferry leaves when?",)
    assert similarities(record, question, unrelated, perhaps=True) == alone
    assert similarities(record, question, unrelated) != alone
    assert similarities(record, question, related, perhaps=True) == similarities(record, question, related)
    assert similarities(record, question, related) != alone


# --- fusion ----------------------------------------------------------------------------------------------------


def test_reciprocal_ranks_by_hand() -> None:
    fused = by_rank({"a": 0.9, "b": 0.5, "c": 0.1}, {"c": 7.0, "a": 3.0, "d": 1.0})
    assert fused == pytest.approx(
        {"a": 1 / 61 + 1 / 62, "b": 1 / 62, "c": 1 / 63 + 1 / 61, "d": 1 / 63},
    )
    assert ordered(fused) == ["a", "c", "b", "d"]


def test_ties_go_by_id() -> None:
    assert ordered({"b": 1.0, "c": 2.0, "a": 1.0}) == ["c", "a", "b"]
    assert by_rank({"b": 1.0, "a": 1.0}, {}) == pytest.approx({"a": 1 / 61, "b": 1 / 62})


SCORES = st.dictionaries(
    st.sampled_from("abcdefgh"), st.floats(-1, 1).map(lambda value: round(value, 2)), max_size=8
)


@pytest.mark.parametrize("fusion", [by_rank, by_score])
@given(SCORES.filter(bool), SCORES.filter(bool))
def test_a_fusion_is_complete_deterministic_and_fair(
    fusion: Callable[[dict[str, float], dict[str, float]], dict[str, float]],
    dense: dict[str, float],
    lexical: dict[str, float],
) -> None:
    fused = fusion(dense, lexical)
    assert fused.keys() == dense.keys() | lexical.keys()
    backwards = fusion(dict(reversed(dense.items())), dict(reversed(lexical.items())))
    assert fused == pytest.approx(backwards, abs=1e-5)
    for one in dense.keys() & lexical.keys():
        for other in dense.keys() & lexical.keys():
            if dense[one] > dense[other] and lexical[one] > lexical[other]:
                assert fused[one] > fused[other]


# --- searching -------------------------------------------------------------------------------------------------


def test_hits_are_ranked_from_one_without_repetition(record: Record) -> None:
    hits = record.retrieve("the quay of Elsin")
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert len({hit.passage.id for hit in hits}) == len(hits)
    assert hits[0].passage.document_id == "quay"
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert record.retrieve("the quay of Elsin") == hits


def test_a_hit_says_who_found_it_and_how_near_it_is(record: Record) -> None:
    best = record.retrieve("quay")[0]
    assert best.retrievers == (LEXICAL, DENSE)
    assert best.ranks == {DENSE: 1, LEXICAL: 1}
    near = dict(
        record.vectors.query(only_collection(record.catalog), EMBEDDER.embed_query("quay"), 9, Filters())
    )
    assert best.similarity == pytest.approx(near[best.passage.id])


def test_no_more_than_asked_for(record: Record) -> None:
    assert len(record.retrieve("Elsin", top_k=2)) == 2
    assert record.retrieve("Elsin", top_k=2) == record.retrieve("Elsin", top_k=20)[:2]


@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_one_retriever_alone(record: Record, retriever: str) -> None:
    hits = record.retrieve("the lamp", retrievers=[retriever])
    assert hits[0].passage.document_id == "lamp"
    assert all(hit.retrievers == (retriever,) for hit in hits)


def test_words_that_nothing_has_are_still_compared_by_meaning(record: Record) -> None:
    assert len(record.retrieve("xyzzy")) == 5
    assert record.retrieve("xyzzy", retrievers=[LEXICAL]) == ()


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(kinds=("light",)), {"lamp"}),
        (Filters(document_ids=("ferry", "varn")), {"ferry", "varn"}),
        (Filters(published_from="2023"), {"quay", "ferry"}),
        (Filters(published_to="2023-05"), {"lamp", "ferry"}),
        (Filters(kinds=("works",), published_from="2023-06"), {"quay"}),
        (Filters(kinds=("nothing",)), set()),
    ],
)
@pytest.mark.parametrize("retrievers", [RETRIEVERS, [DENSE], [LEXICAL]])
def test_filters_apply_to_every_retriever(
    record: Record, filters: Filters, expected: set[str], retrievers: Sequence[str]
) -> None:
    assert (
        documents(record.retrieve("Elsin quay lamp ferry Varn", filters=filters, retrievers=retrievers))
        == expected
    )


def test_several_questions_get_the_best_of_each(record: Record) -> None:
    hits = record.retrieve(["the lamp", "Varn across the water"], top_k=2)
    assert documents(hits) == {"lamp", "varn"}
    assert [hit.rank for hit in hits] == [1, 2]


def test_nothing_to_search(tmp_path: Path) -> None:
    retrieve = Retrieve(Catalog(tmp_path), InMemoryVectorStore(), EMBEDDER, fingerprint="any", candidates=5)
    with pytest.raises(IndexEmpty):
        retrieve(["quay"], 5)


def test_an_index_of_another_model(record: Record) -> None:
    retrieve = Retrieve(record.catalog, record.vectors, EMBEDDER, fingerprint="another", candidates=5)
    with pytest.raises(IndexMismatch, match="Run `mission-record ingest`"):
        retrieve(["quay"], 5)


# --- versions that switch in between ---------------------------------------------------------------------------


def test_a_collection_that_disappears_before_it_is_asked_is_looked_up_again(record: Record) -> None:
    """The pointer is read, another process switches versions, then the old collection is asked."""
    switched: list[str] = []

    def switch(method: str, _number: int) -> None:
        if method == "query" and not switched:
            switched.append(only_collection(record.catalog))
            (record.corpus / "quay.md").write_text("The quay of Elsin is short.")
            other = Catalog(record.corpus.parent / "data")
            Ingest(other, record.vectors, EMBEDDER, 60).synchronise([record.corpus])
            other.close()

    hits = record.retrieve("the quay of Elsin", vectors=RecordingVectorStore(record.vectors, switch))  # type: ignore[arg-type]
    assert switched
    assert switched[0] not in record.vectors.collections()
    assert hits[0].passage.text == "The quay of Elsin is short."
    assert "long" not in "".join(hit.passage.text for hit in hits)


def test_a_collection_that_stays_away_is_an_error(record: Record) -> None:
    record.vectors.delete(only_collection(record.catalog))
    with pytest.raises(IndexCorrupt, match="mission-record rebuild"):
        record.retrieve("quay")
    # The search that failed must not hold its version of the catalog for ever.
    record.ingest.synchronise([record.corpus], rebuild=True)
    assert record.retrieve("quay")


def test_vectors_of_passages_that_the_catalog_lacks_are_an_error(record: Record) -> None:
    stranger = passage_of("The quay of somewhere else.", document_id="elsewhere")
    collection = only_collection(record.catalog)
    record.vectors.add(collection, [stranger], EMBEDDER.embed_passages([stranger.text]))
    with pytest.raises(IndexCorrupt, match="mission-record rebuild"):
        record.retrieve("The quay of somewhere else.")


def test_a_question_that_is_its_only_part_is_embedded_once(record: Record) -> None:
    embedder = RecordingEmbedder(EMBEDDER)
    retrieve = Retrieve(
        record.catalog,
        record.vectors,
        embedder,  # type: ignore[arg-type]
        fingerprint=record.ingest.fingerprint,
        candidates=50,
    )
    retrieve(["How long is the quay?", "How long is the quay?"], 3)
    assert embedder.of("embed_query") == [("How long is the quay?",)]


def test_a_search_that_fails_leaves_nothing_going_on(record: Record) -> None:
    going_on: list[str] = []

    def slow(name: str, _: int) -> None:
        if name == "query":
            raise IndexCorrupt("It broke.")
        going_on.append(name)
        time.sleep(0.2)
        going_on.pop()

    store = RecordingVectorStore(record.vectors, slow)
    with pytest.raises(IndexCorrupt, match="It broke"):
        record.retrieve("quay of Elsin", vectors=store)
    assert store.of("vectors")
    assert not going_on

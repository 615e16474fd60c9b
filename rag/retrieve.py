"""Question -> hits: passages near in meaning (dense) and in words (BM25), fused by rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rag.catalog import Catalog, require_fingerprint
from rag.domain import Filters, Hit, Manifest
from rag.errors import IndexCorrupt
from rag.language import content_words, spellings
from rag.ports import Embedder, VectorStore

# Cormack, Clarke and Büttcher 2009, "Reciprocal Rank Fusion outperforms Condorcet and individual rank learning".
RANK_CONSTANT = 60

DENSE, LEXICAL = "dense", "bm25"
RETRIEVERS = (DENSE, LEXICAL)


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What one search found, in one version of the index."""

    hits: tuple[Hit, ...]
    manifest: Manifest


def fuse(rankings: Mapping[str, Sequence[str]]) -> list[tuple[str, float]]:
    """Reciprocal rank fusion of rankings of passage ids: (id, score), best first, ties by id."""
    scores: dict[str, float] = {}
    for ranking in rankings.values():
        for rank, passage_id in enumerate(ranking, start=1):
            scores[passage_id] = scores.get(passage_id, 0.0) + 1.0 / (RANK_CONSTANT + rank)
    return sorted(scores.items(), key=lambda entry: (-entry[1], entry[0]))


class Retrieve:
    """The hybrid search. `retrievers` chooses which take part, for measuring what each is worth."""

    def __init__(
        self,
        catalog: Catalog,
        vectors: VectorStore,
        embedder: Embedder,
        *,
        fingerprint: str,
        candidates: int,
        retrievers: Sequence[str] = RETRIEVERS,
    ) -> None:
        self._catalog = catalog
        self._vectors = vectors
        self._embedder = embedder
        self._fingerprint = fingerprint
        self._candidates = candidates
        self._retrievers = tuple(retrievers)

    def __call__(self, question: str, top_k: int, filters: Filters = Filters()) -> Retrieval:
        """The `top_k` best passages.

        Raises:
            IndexEmpty, IndexMismatch, IndexCorrupt: there is nothing to search, or it cannot be.
        """
        try:
            return self._search(question, top_k, filters)
        except IndexCorrupt:
            # Between reading the pointer and asking for the vectors another process may have switched versions
            # and deleted the old one; then the pointer names another collection now.
            return self._search(question, top_k, filters)

    def _search(self, question: str, top_k: int, filters: Filters) -> Retrieval:
        limit = max(self._candidates, top_k)
        with self._catalog.reading():
            manifest = self._catalog.manifest()
            require_fingerprint(manifest, self._fingerprint)
            rankings: dict[str, list[str]] = {}
            similarities: dict[str, float] = {}
            if DENSE in self._retrievers:
                vector = self._embedder.embed_query(question)
                similarities = dict(self._vectors.query(manifest.collection, vector, limit, filters))
                rankings[DENSE] = list(similarities)
            if LEXICAL in self._retrievers:
                terms = [spelling for word in content_words(question) for spelling in spellings(word)]
                found = self._catalog.search(terms, limit, filters)
                rankings[LEXICAL] = [passage_id for passage_id, _ in found]
            fused = fuse(rankings)[:top_k]
            passages = self._catalog.passages([passage_id for passage_id, _ in fused])
        places = {
            name: {key: rank for rank, key in enumerate(ranking, 1)} for name, ranking in rankings.items()
        }
        hits = tuple(
            Hit(
                passage=passages[passage_id],
                score=score,
                rank=rank,
                ranks={name: ranks[passage_id] for name, ranks in places.items() if passage_id in ranks},
                similarity=similarities.get(passage_id),
            )
            for rank, (passage_id, score) in enumerate(fused, start=1)
        )
        return Retrieval(hits, manifest)

"""Question -> hits: passages near in meaning (dense) and in words (BM25), fused by their scores."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from itertools import zip_longest

import numpy as np

from rag.catalog import Catalog, require_fingerprint
from rag.domain import Candidate, Filters, Hit, Manifest, Search
from rag.errors import IndexCorrupt
from rag.language import content_words, spellings
from rag.ports import Embedder, Vector, VectorStore
from rag.segments import Segments

DENSE, LEXICAL = "dense", "bm25"
RETRIEVERS = (DENSE, LEXICAL)

# The weight of meaning against words; `decisions/fusion-by-score.md` says what it was chosen on.
DENSE_WEIGHT = 0.6
# How much the vector of each turn that a question leans on counts beside its own; chosen with the development half of
# `mission-record eval conversation` (0.1 to 0.4 do about as well).
TURN_WEIGHT = 0.2
# From this cosine on a question is taken to be about what a turn was about: of questions after a turn of another
# conversation about 5 in 100 come so near.
RELATED = 0.3
# Cormack, Clarke and Büttcher 2009, "Reciprocal Rank Fusion outperforms Condorcet and individual rank learning".
RANK_CONSTANT = 60

Scores = Mapping[str, float]
Fusion = Callable[[Scores, Scores], dict[str, float]]


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What one search found, in one version of the index; `searches` where a trace was asked for."""

    hits: tuple[Hit, ...]
    manifest: Manifest
    searches: tuple[Search, ...] = ()


@dataclass(frozen=True, slots=True)
class _Found:
    """The scores that passages got in one search, by their ids."""

    near: Scores
    lexical: Scores
    fused: Scores


def by_score(dense: Scores, lexical: Scores) -> dict[str, float]:
    """A weighted sum of standard scores: how far, in standard deviations, each candidate stands out in either search.

    Unlike ranks, scores say when one search is sure and the other is guessing (Bruch, Gai and Ingber 2023, "An Analysis
    of Fusion Functions for Hybrid Retrieval"). What the words did not find has a lexical score of 0.
    """
    candidates = list(dict.fromkeys([*dense, *lexical]))
    meaning = _standardised([dense.get(key, 0.0) for key in candidates])
    words = _standardised([lexical.get(key, 0.0) for key in candidates])
    fused = DENSE_WEIGHT * meaning + (1.0 - DENSE_WEIGHT) * words
    return dict(zip(candidates, fused.tolist(), strict=True))


def by_rank(dense: Scores, lexical: Scores) -> dict[str, float]:
    """Reciprocal rank fusion, to measure against."""
    fused: dict[str, float] = {}
    for scores in (dense, lexical):
        for rank, key in enumerate(ordered(scores), start=1):
            fused[key] = fused.get(key, 0.0) + 1.0 / (RANK_CONSTANT + rank)
    return fused


def ordered(scores: Scores) -> list[str]:
    """Best first; ties by id."""
    return sorted(scores, key=lambda key: (-scores[key], key))


def _standardised(values: Sequence[float]) -> Vector:
    array = np.asarray(values, dtype=np.float32)
    return np.asarray((array - array.mean()) / (array.std() + 1e-6), dtype=np.float32)


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
        fusion: Fusion = by_score,
    ) -> None:
        self._catalog = catalog
        self._segments = Segments(catalog, vectors)
        self._embedder = embedder
        self._fingerprint = fingerprint
        self._candidates = candidates
        self._retrievers = tuple(retrievers)
        self._fusion = fusion
        # A question is embedded while its words are looked for, and what is found so is fetched while the nearest are.
        self._threads = ThreadPoolExecutor(2 * (os.cpu_count() or 1), thread_name_prefix="search")

    def __call__(
        self,
        questions: Sequence[str],
        top_k: int,
        filters: Filters = Filters(),
        leans_on: Sequence[str] = (),
        perhaps: bool = False,
        trace: bool = False,
    ) -> Retrieval:
        """The `top_k` best passages; where several questions are given, the best of each in turn.

        `leans_on` holds turns of the conversation that the questions leave something to: the search for meaning goes
        a little their way, the search for words does not. With `perhaps` only for questions that are near to one.
        `trace`: say what else was weighed.

        Raises:
            IndexEmpty, IndexMismatch, IndexCorrupt: there is nothing to search, or it cannot be.
        """
        texts = list(dict.fromkeys(questions))
        embedded = None
        if DENSE in self._retrievers:
            embedded = self._threads.submit(self._query_vectors, texts, leans_on, perhaps)
        failed: Manifest | None = None
        with self._catalog.reading():
            while True:
                manifest = self._catalog.manifest()
                require_fingerprint(manifest, self._fingerprint)
                try:
                    return self._search(texts, embedded, manifest, top_k, filters, trace)
                except IndexCorrupt:
                    # Since the manifest was read another process may have switched versions and deleted the vectors
                    # that the old one alone used; then the manifest is another now.
                    if manifest == failed:
                        raise
                    failed = manifest
                    self._catalog.renew()

    def _query_vectors(
        self, questions: Sequence[str], leans_on: Sequence[str], perhaps: bool
    ) -> dict[str, Vector]:
        """The unit vector of each question, moved towards those of the turns that it leans on."""
        vectors = {question: self._embedder.embed_query(question) for question in questions}
        if not leans_on:
            return vectors
        turns = np.stack([self._embedder.embed_query(turn) for turn in leans_on])
        return {
            question: _unit(vector + TURN_WEIGHT * turns.sum(axis=0))
            if not perhaps or float(np.max(turns @ vector)) >= RELATED
            else vector
            for question, vector in vectors.items()
        }

    def _search(
        self,
        texts: Sequence[str],
        embedded: Future[dict[str, Vector]] | None,
        manifest: Manifest,
        top_k: int,
        filters: Filters,
        trace: bool,
    ) -> Retrieval:
        limit = max(self._candidates, top_k)
        lexical = [self._lexical(text, limit, filters) for text in texts]
        if embedded is None:
            near: list[Scores] = [{} for _ in texts]
        else:
            also = [self._fetched(scores) for scores in lexical]
            try:
                vectors = embedded.result()
                near = [
                    self._near(vectors[text], manifest, limit, filters, others)
                    for text, others in zip(texts, also, strict=True)
                ]
            finally:
                wait(also)  # whatever happens, nothing of this question is still at the store afterwards
        found = [self._fused(*each) for each in zip(near, lexical, strict=True)]
        hits = [self._hits(each, top_k) for each in found]
        traced = [self._trace(*each) for each in zip(texts, found, strict=True)] if trace else []
        return Retrieval(_in_turn(hits)[:top_k], manifest, tuple(traced))

    def _fused(self, near: Scores, lexical: Scores) -> _Found:
        return _Found(
            near, lexical, self._fusion(near, lexical) if near and lexical else dict(near or lexical)
        )

    def _hits(self, found: _Found, top_k: int) -> list[Hit]:
        near, lexical, fused = found.near, found.lexical, found.fused
        best = ordered(fused)[:top_k]
        passages = self._catalog.passages(best)
        if len(passages) < len(best):
            raise IndexCorrupt(
                "The vectors hold passages that the catalog lacks. Run `mission-record rebuild`."
            )
        places = {name: _places(scores) for name, scores in ((DENSE, near), (LEXICAL, lexical)) if scores}
        return [
            Hit(
                passage=passages[key],
                score=fused[key],
                rank=rank,
                ranks={name: ranks[key] for name, ranks in places.items() if key in ranks},
                similarity=near.get(key),
            )
            for rank, key in enumerate(best, start=1)
        ]

    def _trace(self, query: str, found: _Found) -> Search:
        passages = self._catalog.passages(list(found.fused))
        dense, lexical = _places(found.near), _places(found.lexical)
        candidates = (
            Candidate(
                passage_id=key,
                document_id=passages[key].document_id,
                section=passages[key].section,
                rank=rank,
                score=found.fused[key],
                dense_rank=dense.get(key),
                dense_score=found.near.get(key),
                bm25_rank=lexical.get(key),
                bm25_score=found.lexical.get(key),
            )
            for rank, key in enumerate(ordered(found.fused), start=1)
            if key in passages
        )
        return Search(query, tuple(candidates))

    def _fetched(self, scores: Scores) -> Future[Mapping[str, Vector]]:
        """The vectors of passages, as they are being fetched."""
        return self._threads.submit(self._segments.stored, self._segments.places(list(scores)))

    def _near(
        self,
        vector: Vector,
        manifest: Manifest,
        limit: int,
        filters: Filters,
        also: Future[Mapping[str, Vector]],
    ) -> dict[str, float]:
        """Cosine similarities of the nearest passages, and of others of which the vectors are given."""
        near = dict(self._segments.query(manifest, vector, limit, filters))
        others = also.result().items()
        return near | {key: float(vector @ other) for key, other in others if key not in near}

    def _lexical(self, question: str, limit: int, filters: Filters) -> dict[str, float]:
        """BM25 scores of the passages that hold any content word of the question, in any usual spelling."""
        if LEXICAL not in self._retrievers:
            return {}
        terms = [spelling for word in content_words(question) for spelling in spellings(word)]
        return dict(self._catalog.search(terms, limit, filters))


def _unit(vector: Vector) -> Vector:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), dtype=np.float32)


def _in_turn(found: Sequence[Sequence[Hit]]) -> tuple[Hit, ...]:
    """The first of each search, then the second of each, each passage once; ranked in that order."""
    chosen: dict[str, Hit] = {}
    for hits in zip_longest(*found):
        for hit in hits:
            if hit is not None:
                chosen.setdefault(hit.passage.id, hit)
    return tuple(replace(hit, rank=rank) for rank, hit in enumerate(chosen.values(), start=1))


def _places(scores: Scores) -> dict[str, int]:
    return {key: rank for rank, key in enumerate(ordered(scores), start=1)}

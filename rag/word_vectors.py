"""Vectors of single words and short phrases, kept while they are in use."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from rag.ports import Embedder, Vector

# Of each generation, of which there are two; about 1.6 kB each.
MOST_KEPT = 4_000


class WordVectors:
    """Embeds what was not asked for lately. Threads may share it.

    What is asked for stays in the young generation; when that is full it becomes the old one, and what nobody asked
    for since the time before is forgotten. So a word of the record stays, one that came up once in a question does
    not, and nothing is sorted or copied.
    """

    def __init__(self, embedder: Embedder, most_kept: int = MOST_KEPT) -> None:
        self._embedder = embedder
        self._most_kept = most_kept
        self._guard = threading.Lock()
        self._young: dict[str, Vector] = {}
        self._old: dict[str, Vector] = {}

    def __call__(self, words: Sequence[str]) -> Vector:
        """Unit vectors of shape (words, dimensions), float32, in the order of `words`."""
        asked = dict.fromkeys(words)
        with self._guard:
            known = {word: vector for word in asked if (vector := self._kept(word)) is not None}
        missing = [word for word in asked if word not in known]
        if missing:
            # Each by itself: a row of the whole would hold all of it.
            known |= {
                word: vector.copy()
                for word, vector in zip(missing, self._embedder.embed_passages(missing), strict=True)
            }
        with self._guard:
            self._keep(known)
        return np.stack([known[word] for word in words])

    def _kept(self, word: str) -> Vector | None:
        young = self._young.get(word)
        return self._old.get(word) if young is None else young

    def _keep(self, known: dict[str, Vector]) -> None:
        for word, vector in known.items():
            if word not in self._young and len(self._young) >= self._most_kept:
                self._young, self._old = {}, self._young
            self._young[word] = vector

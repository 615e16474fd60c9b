"""Vectors of words: those of the embedder, each made once while it is in use, and no more kept than may be."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from rag.ports import Progress, Vector
from rag.word_vectors import WordVectors
from tests.fakes import HashingEmbedder


class Counted(HashingEmbedder):
    def __init__(self) -> None:
        super().__init__()
        self.made: list[str] = []

    def embed_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Vector:
        self.made += texts
        return super().embed_passages(texts, progress)


def numbered(first: int, last: int) -> list[str]:
    return [f"word{number}" for number in range(first, last)]


def test_rows_are_those_of_the_embedder_in_the_order_asked() -> None:
    embedder = Counted()
    asked = ["tower", "lamp", "tower", "sea"]
    for _ in range(2):
        np.testing.assert_array_equal(WordVectors(embedder)(asked), HashingEmbedder().embed_passages(asked))
    vectors = WordVectors(embedder)
    vectors(asked)
    embedder.made.clear()
    np.testing.assert_array_equal(
        vectors(["sea", "shore"]), HashingEmbedder().embed_passages(["sea", "shore"])
    )
    assert embedder.made == ["shore"]


def test_what_is_in_use_stays_and_the_rest_is_forgotten() -> None:
    embedder = Counted()
    vectors = WordVectors(embedder, most_kept=10)
    for number in range(100):
        vectors(["tower", f"word{number}"])
    assert embedder.made.count("tower") == 1
    assert len(vectors._young) + len(vectors._old) <= 20
    vectors(["word0"])
    assert embedder.made.count("word0") == 2


def test_more_words_at_once_than_are_kept_are_all_there() -> None:
    words = numbered(0, 50)
    vectors = WordVectors(HashingEmbedder(), most_kept=10)
    np.testing.assert_array_equal(vectors(words), HashingEmbedder().embed_passages(words))
    assert len(vectors._young) + len(vectors._old) <= 20


def test_threads_that_share_it_get_what_they_asked_for() -> None:
    vectors = WordVectors(HashingEmbedder(), most_kept=10)

    def ask(first: int) -> None:
        words = numbered(first, first + 7)
        np.testing.assert_array_equal(vectors(words), HashingEmbedder().embed_passages(words))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, [*range(40)] * 5))

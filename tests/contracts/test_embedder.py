"""What every `Embedder` does, the real one and the fake."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from rag.ports import Embedder
from tests.fakes import HashingEmbedder

TEXTS = [
    "The quay was opened in May.",
    "A lighthouse stands on the cliff.",
    "",
    "港は五月に開いた。",
    "word " * 2_000,
    "\ud800 lone surrogate, \x00 NUL and \u202e right to left",
]


@pytest.fixture(params=["hashing", "onnx"])
def subject(request: pytest.FixtureRequest) -> Embedder:
    if request.param == "hashing":
        return HashingEmbedder()
    found: Embedder = request.getfixturevalue("embedder")
    return found


def test_vectors_have_length_one_and_the_declared_shape(subject: Embedder) -> None:
    vectors = subject.embed_passages(TEXTS)
    assert vectors.shape == (len(TEXTS), subject.dimensions)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    query = subject.embed_query("When was the quay opened?")
    assert query.shape == (subject.dimensions,)
    assert query.dtype == np.float32
    assert np.linalg.norm(query) == pytest.approx(1.0, abs=1e-5)


def test_no_texts_give_no_vectors(subject: Embedder) -> None:
    assert subject.embed_passages([]).shape == (0, subject.dimensions)
    assert subject.count_tokens([]) == []


def test_the_order_of_texts_is_kept(subject: Embedder) -> None:
    together = subject.embed_passages(TEXTS)
    reversed_order = subject.embed_passages(TEXTS[::-1])[::-1]
    alone = np.stack([subject.embed_passages([text])[0] for text in TEXTS])
    assert np.allclose(together, reversed_order, atol=1e-4)
    assert np.allclose(together, alone, atol=1e-4)


def test_the_same_text_gets_the_same_bytes(subject: Embedder) -> None:
    assert subject.embed_query(TEXTS[0]).tobytes() == subject.embed_query(TEXTS[0]).tobytes()
    assert subject.embed_passages(TEXTS).tobytes() == subject.embed_passages(TEXTS).tobytes()


def test_what_is_alike_is_near(subject: Embedder) -> None:
    near, far = subject.embed_passages(["The quay was opened in May.", "A lighthouse stands on the cliff."])
    query = subject.embed_query("the quay opened in May")
    assert query @ near > query @ far


def test_progress_counts_every_text_once(subject: Embedder) -> None:
    done: list[int] = []
    subject.embed_passages(TEXTS, done.append)
    assert sum(done) == len(TEXTS)


def test_tokens_are_counted_uncut_and_without_special_ones(subject: Embedder) -> None:
    empty, one, two, many = subject.count_tokens(["", "quay", "quay quay", "quay " * 3_000])
    assert empty == 0
    assert two == 2 * one > 0
    assert many == 3_000 * one > subject.max_tokens


def test_what_follows_the_last_token_that_is_read_changes_nothing(subject: Embedder) -> None:
    start = "quay " * subject.max_tokens
    assert np.array_equal(subject.embed_query(start), subject.embed_query(start + "lighthouse cliff"))
    assert not np.array_equal(subject.embed_query("quay"), subject.embed_query("quay lighthouse"))


def test_the_fingerprint_is_stable(subject: Embedder) -> None:
    assert subject.fingerprint
    assert subject.fingerprint == subject.fingerprint


def test_threads_may_share_it(subject: Embedder) -> None:
    texts = TEXTS[:4]
    alone = [subject.embed_query(text).tobytes() for text in texts]
    with ThreadPoolExecutor(8) as threads:
        together = [vector.tobytes() for vector in threads.map(subject.embed_query, texts * 8)]
    assert together == alone * 8

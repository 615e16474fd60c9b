"""What every `Reader` does, the real one and the fake."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from rag.domain import Passage
from rag.ports import Reader, SpanLogits
from rag.settings import Settings
from rag.wiring import build
from tests.fakes import WordReader, passage_of

QUESTION = "How tall is the lighthouse?"
PASSAGES = [
    passage_of("The lighthouse of Elsin stands 61 metres tall.", "Visitors may climb it."),
    passage_of("The quay of Elsin is long.", title="Quay", section="Works > Firms"),
    passage_of("港は五月に開いた。", title="港"),
    passage_of("word " * 600 + "end."),
    passage_of("Short.", title="a very long title " * 200),
    passage_of("?"),
]


@pytest.fixture(scope="module")
def real(make_settings: Callable[..., Settings], tmp_path_factory: pytest.TempPathFactory) -> Reader:
    reader = build(make_settings(tmp_path_factory.mktemp("reader"), reader_model="bundled")).reader
    assert reader is not None
    return reader


@pytest.fixture(params=["words", "onnx"])
def subject(request: pytest.FixtureRequest) -> Reader:
    if request.param == "words":
        return WordReader()
    found: Reader = request.getfixturevalue("real")
    return found


def check(passage: Passage, logits: SpanLogits) -> None:
    """Numbers for tokens that stand in the passage's text, in order."""
    assert len(logits.starts) == len(logits.ends) == len(logits.offsets)
    assert logits.offsets.shape == (len(logits.starts), 2)
    for values in (logits.starts, logits.ends, [logits.none, logits.answerable]):
        assert np.isfinite(values).all()
    end = 0
    for start, stop in logits.offsets:
        assert end <= start < stop <= len(passage.text)
        end = stop


def same(one: SpanLogits, other: SpanLogits) -> bool:
    return (
        np.array_equal(one.starts, other.starts)
        and np.array_equal(one.ends, other.ends)
        and np.array_equal(one.offsets, other.offsets)
        and (one.none, one.answerable) == (other.none, other.answerable)
    )


@pytest.mark.parametrize("question", [QUESTION, "", "?", "who " * 500, "\ud800\x00\u202e", "灯台の高さは？"])
def test_each_passage_is_read(subject: Reader, question: str) -> None:
    read = subject.read(question, PASSAGES)
    assert len(read) == len(PASSAGES)
    for passage, logits in zip(PASSAGES, read, strict=True):
        check(passage, logits)


def test_no_passages_need_no_reading(subject: Reader) -> None:
    assert subject.read(QUESTION, []) == []


def test_a_passage_that_answers_is_told_from_one_that_does_not(subject: Reader) -> None:
    answers, other, *_ = subject.read(QUESTION, PASSAGES)
    assert answers.answerable > other.answerable


def test_a_passage_is_read_the_same_whatever_stands_beside_it(subject: Reader) -> None:
    together = subject.read(QUESTION, PASSAGES)
    backwards = subject.read(QUESTION, PASSAGES[::-1])[::-1]
    for passage, one, other in zip(PASSAGES, together, backwards, strict=True):
        (alone,) = subject.read(QUESTION, [passage])
        assert same(one, alone)
        assert same(one, other)


def test_threads_may_share_it(subject: Reader) -> None:
    alone = subject.read(QUESTION, PASSAGES[:2])
    with ThreadPoolExecutor(8) as threads:
        for read in threads.map(lambda _: subject.read(QUESTION, PASSAGES[:2]), range(16)):
            assert all(same(one, other) for one, other in zip(read, alone, strict=True))

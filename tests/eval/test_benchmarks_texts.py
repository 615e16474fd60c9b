"""The documents of the benchmarks: the same for a seed, with words as in real text, and answers that stand in them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from eval.benchmarks.texts import Known, Text, organisation, texts, write_texts
from rag.corpus import read_corpus
from rag.domain import Document, Passage, Question
from rag.duplicates import folded, likeness, statements_of
from rag.ingest import passages_of
from rag.language import content_words
from rag.ports import Embedder
from rag.settings import Settings
from rag.wiring import Application, build

PASSAGES = 2_000


@pytest.fixture(scope="module")
def made() -> list[Text]:
    return list(texts(PASSAGES, seed=1))


@pytest.fixture(scope="module")
def cut(
    tmp_path_factory: pytest.TempPathFactory, embedder: Embedder
) -> dict[str, tuple[Document, list[Passage]]]:
    """The documents as they are read from files, with their passages."""
    folder = tmp_path_factory.mktemp("texts")
    write_texts(folder, PASSAGES, seed=1)
    documents = [entry for entry in read_corpus([folder]) if isinstance(entry, Document)]
    return {
        document.id: (document, passages_of(document, embedder.count_tokens, Settings().passage_tokens))
        for document in documents
    }


def test_the_same_seed_gives_the_same_texts_and_another_others(made: list[Text]) -> None:
    assert list(texts(300, seed=1)) == list(texts(300, seed=1))
    assert next(texts(10, seed=1)).markdown != next(texts(10, seed=2)).markdown


def test_a_smaller_set_is_the_first_of_a_larger_one(made: list[Text]) -> None:
    smaller = list(texts(300, seed=1))
    assert len(smaller) < len(made)
    assert smaller == made[: len(smaller)]


def test_documents_come_one_by_one() -> None:
    first = list(islice(texts(1_000_000, seed=1), 3))
    assert first == list(texts(30, seed=1))


def test_no_two_documents_are_about_the_same() -> None:
    assert len({organisation(number, seed=1) for number in range(110_000)}) == 110_000


def test_there_are_about_as_many_passages_as_asked_for(
    cut: dict[str, tuple[Document, list[Passage]]],
) -> None:
    assert sum(len(passages) for _, passages in cut.values()) == pytest.approx(PASSAGES, rel=0.1)


def test_no_document_is_a_copy_of_another_and_no_passage_is_there_twice(
    cut: dict[str, tuple[Document, list[Passage]]],
) -> None:
    assert not folded(
        likeness(document, statements_of(document, passages)) for document, passages in cut.values()
    )
    found = [passage.text for _, passages in cut.values() for passage in passages]
    assert len(set(found)) > 0.999 * len(found)


def test_what_is_known_stands_in_the_document_once_and_the_answer_in_it(
    made: list[Text], cut: dict[str, tuple[Document, list[Passage]]]
) -> None:
    everything = "\n".join(document.text for document, _ in cut.values())
    for known in (known for text in made for known in text.known):
        document, passages = cut[known.document_id]
        assert known.answer in known.quote
        assert known.answer not in known.question
        assert everything.count(known.quote) == 1
        assert any(known.quote in sentence.text for passage in passages for sentence in passage.sentences), (
            f"{known.quote!r} is not in a sentence of {document.id}"
        )


def test_words_are_as_frequent_as_in_real_text(cut: dict[str, tuple[Document, list[Passage]]]) -> None:
    """Zipf's exponent is about 1 in every language, that of Heaps in English about 0.6 (Gelbukh and Sidorov 2001)."""
    words = [word.casefold() for document, _ in cut.values() for word in re.findall(r"\w+", document.text)]
    frequencies = np.array(sorted(Counter(words).values(), reverse=True))
    ranks = np.unique(np.logspace(1, 3.5, 40).astype(int))
    zipf = -np.polyfit(np.log(ranks), np.log(frequencies[ranks - 1]), 1)[0]
    assert 0.9 < zipf < 1.3
    lengths = [5_000, 10_000, 20_000, 50_000, 100_000]
    heaps = np.polyfit(np.log(lengths), np.log([len(set(words[:length])) for length in lengths]), 1)[0]
    assert 0.5 < heaps < 0.75


def test_common_content_words_stand_in_many_passages_but_not_in_most(
    cut: dict[str, tuple[Document, list[Passage]]],
) -> None:
    passages = [passage for _, found in cut.values() for passage in found]
    standing = Counter(word for passage in passages for word in set(content_words(passage.text.casefold())))
    shares = [number / len(passages) for _, number in standing.most_common(10)]
    assert min(shares) > 0.1
    assert max(shares) < 0.45


def test_words_come_in_bursts(cut: dict[str, tuple[Document, list[Passage]]]) -> None:
    """A word stands in fewer documents than if it were thrown in anywhere (Church and Gale 1995)."""
    counted = [Counter(re.findall(r"[a-z]+", document.text)) for document, _ in cut.values()]
    total = sum(counted, Counter[str]())
    middling = [word for word, number in total.items() if 20 <= number <= 60 and len(word) > 3]
    standing = np.array([sum(word in counts for counts in counted) for word in middling])
    thrown = len(counted) * (1 - np.exp(-np.array([total[word] for word in middling]) / len(counted)))
    assert np.median(standing / thrown) < 0.92


def test_most_of_what_is_known_is_found_and_answered(
    made: list[Text], tmp_path: Path, make_settings: Callable[..., Settings]
) -> None:
    write_texts(tmp_path / "texts", 300, seed=1)
    application = build(make_settings(tmp_path / "data"))
    try:
        application.synchronise(corpus=[tmp_path / "texts"])
        known = [known for text in made[:30] for known in text.known][:30]
        found = [answered(application, each) for each in known]
    finally:
        application.close()
    assert sum(found) >= 0.8 * len(found), f"{sum(found)} of {len(found)} were answered"


def answered(application: Application, known: Known) -> bool:
    answer = application.pipeline.ask(Question(known.question))
    return known.answer in answer.answer_plain and any(
        citation.document_id == known.document_id for citation in answer.citations
    )

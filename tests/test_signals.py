"""What speaks for a sentence: each signal on plain examples, and the span that a reader points at."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.domain import Hit, Passage
from rag.language import asked
from rag.ports import SpanLogits
from rag.signals import akin, best_span, long_form_in, signals_of, type_fits
from tests.fakes import passage_of

QUAY = passage_of("The quay of Elsin cost 42 million euros.", "Ada Moreau led the building of it.", start=10)


def signals(question: str, sentence: str, matches: float = 1.0, **fields: str) -> dict[str, float]:
    """The signals of a sentence whose words come as near to each word of the question as `matches` says."""
    taken = asked(question)
    passage = passage_of(sentence, **fields)
    near = np.full(len(taken.words), matches, dtype=np.float32)
    return signals_of(
        taken, Hit(passage, 1.0, 1), passage.sentences[0], near, dict.fromkeys(taken.words, 1.0)
    )


def logits(passage: Passage, first: str, last: str, none: float = 0.0) -> SpanLogits:
    """A reader's that point at the words from `first` to `last`."""
    words = [(at, at + len(word)) for word in passage.text.split() if (at := passage.text.index(word)) >= 0]
    starts = np.array([4.0 * (passage.text[a:b] == first) for a, b in words], dtype=np.float32)
    ends = np.array([4.0 * (passage.text[a:b] == last) for a, b in words], dtype=np.float32)
    return SpanLogits(starts, ends, np.array(words, dtype=np.int64), none=none, answerable=3.0)


def test_the_span_is_where_start_and_end_are_likeliest_within_the_sentence() -> None:
    sentence = QUAY.sentences[0]
    span = best_span(QUAY, sentence, logits(QUAY, "42", "euros."))
    assert span.answer is not None
    assert span.answer.text == "42 million euros"
    assert (span.answer.start, span.answer.end) == (33, 49)
    assert 0 < span.margin < 1
    assert span.answerable == pytest.approx(np.tanh(1.0))
    elsewhere = best_span(QUAY, QUAY.sentences[1], logits(QUAY, "42", "euros."))
    assert elsewhere.margin < span.margin


def test_a_span_that_is_less_likely_than_none_has_a_negative_margin() -> None:
    assert best_span(QUAY, QUAY.sentences[0], logits(QUAY, "42", "euros.", none=20.0)).margin < 0


def test_a_sentence_that_the_reader_could_not_see_has_no_span() -> None:
    seen = logits(QUAY, "42", "euros.")
    cut = SpanLogits(seen.starts[:8], seen.ends[:8], seen.offsets[:8], seen.none, seen.answerable)
    assert best_span(QUAY, QUAY.sentences[1], cut).answer is None


def test_a_name_of_the_question_that_the_sentence_lacks_is_missing() -> None:
    assert signals("What did the quay of Elsin cost?", "The quay of Elsin cost much.")["names_missing"] == 0.0
    assert signals("What did the quay of Varn cost?", "The quay of Elsin cost much.")["names_missing"] == 1.0
    headed = signals("What did the quay of Varn cost?", "The quay cost much.", title="Varn")
    assert headed["names_missing"] == 0.0


def test_a_number_of_the_question_that_the_sentence_lacks_is_missing() -> None:
    question = "Was the quay opened in 1931?"
    assert signals(question, "The quay was opened in 1931.")["numbers_missing"] == 0.0
    assert signals(question, "The quay was opened in 1958.")["numbers_missing"] == 1.0


def test_a_sentence_that_repeats_the_question_says_no_more() -> None:
    question = "Who led the building of the quay?"
    assert signals(question, "The building of the quay.")["says_more"] == 0.0
    assert signals(question, "Ada Moreau of Elsin led the building of the quay in 1931.")["says_more"] == 1.0


@pytest.mark.parametrize(
    ("question", "sentence", "fits"),
    [
        ("How many firms took part?", "Twelve firms took part.", 1.0),
        ("How many of the 30 firms took part?", "The 30 firms are from Elsin.", 0.0),
        ("When did it open?", "It opened on 4 May 2023.", 1.0),
        ("When did it open?", "It opened late.", 0.0),
        ("Who led it?", "It was led by Ada Moreau.", 1.0),
        ("Who led it?", "It was led badly.", 0.0),
        ("Why was it built?", "It was built for the ferry.", 0.5),
    ],
)
def test_whether_a_sentence_holds_the_kind_of_thing_asked_for(
    question: str, sentence: str, fits: float
) -> None:
    assert type_fits(asked(question), sentence) == fits


def test_words_that_only_ask_for_a_definition_need_not_be_in_it() -> None:
    sentence = "Ines Okafor is with the Association of Sluice Users (ASU)."
    taken = asked("What do the letters ASU stand for?")
    passage = passage_of(sentence)
    near = np.array([float(word == "asu") for word in taken.words], dtype=np.float32)
    found = signals_of(
        taken, Hit(passage, 1.0, 1), passage.sentences[0], near, dict.fromkeys(taken.words, 2.0)
    )
    assert (found["coverage"], found["defines"], found["definition"]) == (1.0, 1.0, 1.0)


def test_the_long_form_is_pointed_at_where_it_stands() -> None:
    passage = passage_of("Ines Okafor is with the Association of Sluice Users (ASU).", start=7)
    found = long_form_in(passage.sentences[0], asked("What does ASU stand for?"))
    assert found is not None
    assert (found.text, found.start) == ("Association of Sluice Users", 7 + 24)
    assert long_form_in(passage.sentences[0], asked("Who is with the ASU?")) is None


def test_names_of_one_family_are_akin() -> None:
    assert akin("denland", ["denlandish"])
    assert not akin("den", ["denland"])


@given(st.text(min_size=1, max_size=80), st.text(min_size=1, max_size=120), st.floats(-1, 1))
def test_signals_are_numbers_from_nought_to_one(question: str, sentence: str, matches: float) -> None:
    if asked(question).words:
        found = signals(question, sentence, matches)
        assert all(0.0 <= value <= 1.0 + 1e-6 for value in found.values()), found

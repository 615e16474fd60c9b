"""What speaks for a sentence as the answer to a question: each signal a number, most between 0 and 1."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rag.definitions import defines, has_initials, long_form
from rag.domain import BlockKind, Hit, Passage, Sentence
from rag.language import (
    DATE,
    Asked,
    Asks,
    content_words,
    is_abbreviation,
    names,
    numbers,
    quantities,
    stems,
    text_stems,
)
from rag.ports import SpanLogits, Vector

# The longest answer within a sentence, in tokens; the logits of a span and of there being an answer that are sure.
LONGEST_SPAN = 30
SPAN_LOGIT, ANSWERABLE_LOGIT = 16.0, 3.0
# As many letters tell a name's family; fewer are shared by chance.
FAMILY_STEM = 5
# A sentence that repeats the question answers nothing; so many words that the question lacks are enough to.
ENOUGH_WORDS = 4
# Content words of a question beyond these say little more.
MOST_WORDS = 12
# Cosines between single words: up to the first two words have nothing to do with each other, from the second they mean
# the same ("price" and "cost", "leads" and "runs").
UNRELATED, SYNONYMOUS = 0.3, 0.8
# Sentences whose words and names are kept, as the same ones are read for many questions: about 2 kB each.
CACHED_SENTENCES = 5_000


@dataclass(frozen=True, slots=True)
class Span:
    """The stretch of a sentence that answers best, if any does.

    `margin` is how much likelier it is than no answer, `answerable` that the passage answers at all: logits, -1 to 1.
    """

    margin: float
    answerable: float
    answer: Sentence | None


def best_span(passage: Passage, sentence: Sentence, logits: SpanLogits) -> Span:
    """The span of at most `LONGEST_SPAN` tokens within the sentence with the largest sum of start and end logit.

    Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers", as for SQuAD 2.0. A sentence beyond
    what the reader could see has none.
    """
    starts_at, ends_at = logits.offsets[:, 0] + passage.start, logits.offsets[:, 1] + passage.start
    inside = np.flatnonzero((starts_at >= sentence.start) & (ends_at <= sentence.end))
    answerable = math.tanh(logits.answerable / ANSWERABLE_LOGIT)
    if not len(inside):
        return Span(-1.0, answerable, None)
    first, last = int(inside[0]), int(inside[-1]) + 1
    sums = logits.starts[first:last, np.newaxis] + logits.ends[np.newaxis, first:last]
    token = np.arange(last - first)
    tokens = token[np.newaxis, :] - token[:, np.newaxis]
    sums = np.where((tokens >= 0) & (tokens < LONGEST_SPAN), sums, -np.inf)
    begin, end = np.unravel_index(int(sums.argmax()), sums.shape)
    answer = _whole_words(sentence, int(starts_at[first + begin]), int(ends_at[first + end]))
    return Span(math.tanh((float(sums[begin, end]) - logits.none) / SPAN_LOGIT), answerable, answer)


def _whole_words(sentence: Sentence, start: int, end: int) -> Sentence:
    """A stretch of a sentence widened to what is written together: tokens cut "GNT.Tec6" in four."""
    text = sentence.text
    first, last = start - sentence.start, end - sentence.start
    while first > 0 and not text[first - 1].isspace():
        first -= 1
    while last < len(text) and not text[last].isspace():
        last += 1
    written = text[first:last]
    core = written.strip('"“”‘’(),;:!?[]') or written
    if "(" in core and ")" not in core and f"{core})" in written:
        core += ")"
    first += written.index(core)
    if core.endswith(".") and first + len(core) == len(text):
        core = core[:-1] or core  # the sentence's full stop, not an abbreviation's
    return Sentence(sentence.start + first, sentence.start + first + len(core), core, sentence.kind)


def words_around(hit: Hit, sentence: Sentence) -> tuple[str, ...]:
    """The content words of a sentence and of the headings that it stands under."""
    return _content_words(f"{sentence.text} {hit.passage.headings}")


@lru_cache(maxsize=CACHED_SENTENCES)
def _content_words(text: str) -> tuple[str, ...]:
    return tuple(content_words(text))


def signals_of(
    question: Asked, hit: Hit, sentence: Sentence, matches: Vector, rarity: Mapping[str, float]
) -> dict[str, float]:
    """Signals of one sentence; `matches` (words of the question,) is how near in meaning its words come to each."""
    headings = hit.passage.headings
    found = text_stems(sentence.text) | text_stems(headings)
    wanted = _stems_of(question.names)
    # "What do the letters ... stand for?": no sentence that tells has "letters" in it.
    asked_about = question.term if question.asks is Asks.DEFINITION else question.words
    weights = np.array([rarity[word] * (word in asked_about) for word in question.words], dtype=np.float32)
    unnamed = np.array([not stems(word) <= wanted for word in question.words], dtype=bool)
    near = np.clip((matches - UNRELATED) / (SYNONYMOUS - UNRELATED), 0.0, 1.0)
    text = f"{sentence.text} {headings}"
    absent = _names_missing(question, text, found)
    unmet = _missing(question.numbers, numbers(text))
    return {
        "coverage": _share(near, weights),
        "attributes": _share(near[unnamed], weights[unnamed]),
        "names_missing": absent,
        "numbers_missing": unmet,
        "type_fits": type_fits(question, sentence.text),
        "defines": float(
            question.asks is Asks.DEFINITION and defines(sentence.text, question.term, question.spelling_out)
        ),
        "says_more": min(1.0, len(text_stems(sentence.text) - text_stems(question.text)) / ENOUGH_WORDS),
        "rank": 1.0 / hit.rank,
        # A row of a table says what and which year it is about; prose may have said it before.
        "row_missing": max(absent, unmet) * (sentence.kind is BlockKind.TABLE_ROW),
        "is_question": float(sentence.text.rstrip().endswith("?")),
        # The more a question says, the harder it is to meet by chance.
        "question_words": min(1.0, len(question.words) / MOST_WORDS),
        # Where no few words are the answer, the reader's span says less.
        "yes_no": float(question.asks is Asks.YES_NO),
        "definition": float(question.asks is Asks.DEFINITION),
    }


def span_signals(question: Asked, span: Span) -> dict[str, float]:
    """Signals of what the reader points at in a sentence."""
    return {
        "span": span.margin,
        "answerable": span.answerable,
        "span_fits": type_fits(question, span.answer.text) if span.answer else 0.0,
    }


def _names_missing(question: Asked, text: str, found: Collection[str]) -> float:
    """The share of the words of the question's names that a text has in no form."""
    named = [word for name in question.names for word in name.split()]
    missing = [
        not all(akin(stem, found) for stem in stems(word))
        and not (is_abbreviation(word) and has_initials(word, text))
        for word in named
    ]
    return sum(missing) / len(missing) if missing else 0.0


def long_form_in(sentence: Sentence, question: Asked) -> Sentence | None:
    """Where a sentence spells out the abbreviation that a definition is asked of."""
    found = long_form(question.term, sentence.text) if question.asks is Asks.DEFINITION else None
    if found is None:
        return None
    first, last = found
    return Sentence(sentence.start + first, sentence.start + last, sentence.text[first:last], sentence.kind)


def type_fits(question: Asked, sentence: str) -> float:
    """Whether a sentence holds the kind of thing asked for: 1 if so, 0 if not, 0.5 where that cannot be told."""
    match question.asks:
        case Asks.HOW_MANY | Asks.HOW_MUCH:
            return float(any(number not in question.numbers for number in quantities(sentence)))
        case Asks.WHEN:
            return float(bool(DATE.search(sentence)))
        case Asks.WHO | Asks.LIST | Asks.WHERE:
            asked_for = _stems_of(question.names)
            return float(any(not stemmed <= asked_for for stemmed in _name_stems(sentence)))
        case _:
            return 0.5


@lru_cache(maxsize=CACHED_SENTENCES)
def _name_stems(sentence: str) -> frozenset[frozenset[str]]:
    """The stems of each word of a sentence's names."""
    # The first word may be a name too: set behind another, its capital counts.
    return frozenset(stems(word) for name in names(f"so {sentence}") for word in name.split())


def _stems_of(phrases: Sequence[str]) -> frozenset[str]:
    return frozenset().union(*(text_stems(phrase) for phrase in phrases))


def akin(stem: str, stems_found: Collection[str]) -> bool:
    """Whether a name's stem is among others, or is of one family with any: "Japanese" and "Japan"."""
    if stem in stems_found:
        return True
    return any(
        min(len(stem), len(other)) >= FAMILY_STEM and (stem.startswith(other) or other.startswith(stem))
        for other in stems_found
    )


def _share(found: Vector, weights: Vector) -> float:
    total = float(weights.sum())
    return float((found * weights).sum()) / total if total > 0 else 1.0


def _missing(wanted: Sequence[str], found: Sequence[str]) -> float:
    return sum(number not in found for number in wanted) / len(wanted) if wanted else 0.0

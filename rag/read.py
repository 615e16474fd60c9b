"""Hits -> evidence: which sentences answer, how well, and how likely it is that any does."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

from rag.catalog import Catalog
from rag.domain import Evidence, Hit, Passage, Reading, Sentence
from rag.language import DATE, Asked, Asks, asked, names, numbers, quantities, spellings, stems, text_stems
from rag.ports import Embedder, Vector

# About 10 kB each.
CACHED_PASSAGES = 4_096

# A sentence that repeats the question answers nothing; so many words that it does not hold are enough to.
ENOUGH_WORDS = 4

NO_EVIDENCE = "no_evidence"
UNKNOWN_NAME = "unknown_name"


@dataclass(frozen=True, slots=True)
class Calibration:
    """How signals become the probability of a right answer; fitted by `mission-record eval calibrate`.

    P(right) = 1 / (1 + exp(-(bias + sum of weight x signal))); below `threshold` the record does not say.
    """

    weights: Mapping[str, float]
    bias: float
    threshold: float

    def probability(self, signals: Mapping[str, float]) -> float:
        """Between 0 and 1; a signal without a weight does not count."""
        logit = self.bias + sum(weight * signals.get(name, 0.0) for name, weight in self.weights.items())
        return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, logit))))


@lru_cache(maxsize=1)
def stored_calibration() -> Calibration:
    """What was fitted last, as it came with the program."""
    stored = json.loads(files("rag").joinpath("calibration.json").read_text(encoding="utf-8"))
    weights = dict(zip(stored["feature_names"], stored["weights"], strict=True))
    return Calibration(weights, stored["bias"], stored["threshold"])


class Read:
    """Judges every sentence of the hits against each part of the question."""

    def __init__(self, catalog: Catalog, embedder: Embedder, calibration: Calibration | None = None) -> None:
        self._catalog = catalog
        self._embedder = embedder
        self._calibration = calibration or stored_calibration()
        # A passage is embedded alone: in a batch with others its vectors would differ in the last bits, and the same
        # question could get other bytes for an answer the second time.
        self._sentence_vectors = lru_cache(maxsize=CACHED_PASSAGES)(self._embed_sentences)

    @property
    def threshold(self) -> float:
        """The probability from which on something counts as an answer."""
        return self._calibration.threshold

    def __call__(self, parts: Sequence[str], hits: Sequence[Hit]) -> Reading:
        """Evidence for all parts of a question, best first; ties in the order of hits and of the text."""
        questions = [asked(part) for part in parts]
        rarity = self._rarity(questions)
        unknown = self._unknown_names(questions)
        sentences = [(hit, sentence) for hit in hits for sentence in hit.passage.sentences]
        if not sentences:
            return Reading((), 0.0, UNKNOWN_NAME if unknown else NO_EVIDENCE, unknown)
        vectors = np.concatenate([self._sentence_vectors(hit.passage) for hit in hits])
        evidence: list[Evidence] = []
        for part, question in enumerate(questions):
            similarities = vectors @ self._embedder.embed_query(question.text)
            missing = sum(name in unknown for name in question.names)
            for (hit, sentence), similarity in zip(sentences, similarities, strict=True):
                signals = _signals(question, hit, sentence, float(similarity), rarity) | {
                    "unknown_names": float(missing)
                }
                score = self._calibration.probability(signals)
                evidence.append(Evidence(hit, sentence, score, signals, part=part))
        evidence.sort(key=lambda found: (-found.score, found.hit.rank, found.sentence.start, found.part))
        answerability = evidence[0].score
        reason = None if answerability >= self.threshold else UNKNOWN_NAME if unknown else NO_EVIDENCE
        return Reading(tuple(evidence), answerability, reason, unknown)

    def _embed_sentences(self, passage: Passage) -> Vector:
        return self._embedder.embed_passages([sentence.text for sentence in passage.sentences])

    def _rarity(self, questions: Sequence[Asked]) -> dict[str, float]:
        """How much each content word says: its inverse document frequency over passages (Spärck Jones 1972)."""
        words = sorted({word for question in questions for word in question.words})
        passages = self._catalog.manifest().passages
        counts = self._counts(words)
        return {word: math.log((passages + 1.0) / (count + 0.5)) for word, count in counts.items()}

    def _counts(self, words: Sequence[str]) -> dict[str, int]:
        """In how many passages each word occurs, in the spelling that is most at home in the record."""
        counts = self._catalog.passage_counts([spelling for word in words for spelling in spellings(word)])
        return {word: max(counts[spelling] for spelling in spellings(word)) for word in words}

    def _unknown_names(self, questions: Sequence[Asked]) -> tuple[str, ...]:
        """Names in the question with a word that the record has in none of its inflections."""
        found = [name for question in questions for name in question.names]
        counts = self._counts([word for name in found for word in name.split()])
        return tuple(dict.fromkeys(name for name in found if any(counts[word] == 0 for word in name.split())))


def _signals(
    question: Asked, hit: Hit, sentence: Sentence, similarity: float, rarity: Mapping[str, float]
) -> dict[str, float]:
    """What speaks for a sentence; all between 0 and 1 but similarity, which may be a little below 0."""
    passage = hit.passage
    own = text_stems(sentence.text)
    context = own | text_stems(passage.title) | text_stems(passage.section)
    wanted = frozenset().union(*(stems(name) for name in question.names)) if question.names else frozenset()
    return {
        "similarity": similarity,
        "passage_similarity": hit.similarity or 0.0,
        "coverage": _coverage(question.words, context, rarity),
        "sentence_coverage": _coverage(question.words, own, rarity),
        "names_missing": 1.0 - len(wanted & context) / len(wanted) if wanted else 0.0,
        "numbers_missing": _missing(
            question.numbers, numbers(f"{sentence.text} {passage.title} {passage.section}")
        ),
        "type_fits": type_fits(question, sentence.text),
        "rank": 1.0 / hit.rank,
        "says_more": min(1.0, len(own - text_stems(question.text)) / ENOUGH_WORDS),
    }


def _coverage(words: Sequence[str], found: frozenset[str], rarity: Mapping[str, float]) -> float:
    """The share of a question's content words that are found, each weighted by how much it says."""
    total = sum(rarity[word] for word in words)
    return sum(rarity[word] for word in words if stems(word) <= found) / total if total > 0 else 0.0


def _missing(wanted: Sequence[str], found: Sequence[str]) -> float:
    return sum(number not in found for number in wanted) / len(wanted) if wanted else 0.0


def type_fits(question: Asked, sentence: str) -> float:
    """Whether a sentence holds the kind of thing that is asked for: 1 if so, 0 if not, 0.5 where that says nothing."""
    match question.asks:
        case Asks.HOW_MANY | Asks.HOW_MUCH:
            return float(any(number not in question.numbers for number in quantities(sentence)))
        case Asks.WHEN:
            return float(bool(DATE.search(sentence)))
        case Asks.WHO | Asks.LIST | Asks.WHERE:
            asked_for = (
                frozenset().union(*(stems(name) for name in question.names))
                if question.names
                else frozenset()
            )
            # A capital at the start of a sentence may be a name: asking for it anyway errs on the side of fitting.
            return float(
                any(not stems(word) <= asked_for for name in names("x " + sentence) for word in name.split())
            )
        case _:
            return 0.5

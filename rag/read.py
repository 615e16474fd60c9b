"""Hits -> evidence: which sentences answer, how well, and how likely it is that any does."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files

from rag.calibration import Calibration
from rag.catalog import Catalog
from rag.definitions import has_initials
from rag.domain import Evidence, Hit, Passage, Reading, Sentence
from rag.figures import contrary
from rag.language import Asked, Asks, asked, is_abbreviation, spellings, stems
from rag.ports import Embedder, Reader, Vector
from rag.signals import Span, akin, best_span, long_form_in, signals_of, span_signals, words_around
from rag.word_vectors import WordVectors

NO_EVIDENCE = "no_evidence"
UNKNOWN_NAME = "unknown_name"

# On the development questions what lies behind a passage this sure changed no answer; not reading it saves a fifth.
CERTAIN = 0.9
# Passages that are read side by side, where there are as many threads. Those behind one that is enough are read in
# vain; which are judged, and how, stays the same.
AT_ONCE = 2


@lru_cache(maxsize=1)
def stored_calibration() -> Calibration:
    """When the record answers, as `mission-record eval calibrate` fitted it last."""
    stored = json.loads(files("rag").joinpath("calibration.json").read_text(encoding="utf-8"))
    weights = dict(zip(stored["feature_names"], stored["weights"], strict=True))
    return Calibration(weights, stored["bias"], stored["threshold"])


class Read:
    """Judges every sentence of the hits against each part of the question. Threads may share it."""

    def __init__(
        self,
        catalog: Catalog,
        embedder: Embedder,
        reader: Reader | None,
        calibration: Calibration | None = None,
        certain: float = CERTAIN,
        at_once: int = AT_ONCE,
    ) -> None:
        """Without a `reader` only words, names, numbers and kinds of answer count: to measure what it is worth.

        Passages behind one with a sentence that answers with probability `certain` are not judged, unless a list is
        asked for, or they say the same with another figure. So many are read `at_once`.
        """
        self._catalog = catalog
        self._embedder = embedder
        self._reader = reader
        self._calibration = calibration or stored_calibration()
        self._certain = certain
        self._at_once = at_once
        self._word_vectors = WordVectors(embedder)

    @property
    def threshold(self) -> float:
        """The probability from which on something counts as an answer."""
        return self._calibration.threshold

    def __call__(self, parts: Sequence[str], hits: Sequence[Hit]) -> Reading:
        """Evidence for all parts of a question, best first; ties in the order of hits and of the text."""
        questions = [self._take_apart(part) for part in parts]
        unknown = self._unknown_names(questions, hits)
        places = [(hit, sentence) for hit in hits for sentence in hit.passage.sentences]
        evidence = [
            found
            for part, question in enumerate(questions)
            for found in self._judge(part, question, hits, places, unknown)
        ]
        evidence.sort(key=in_order)
        answerability = evidence[0].score if evidence else 0.0
        reason = None if answerability >= self.threshold else UNKNOWN_NAME if unknown else NO_EVIDENCE
        return Reading(tuple(evidence), answerability, reason, unknown)

    def _judge(
        self,
        part: int,
        question: Asked,
        hits: Sequence[Hit],
        places: Sequence[tuple[Hit, Sentence]],
        unknown: Sequence[str],
    ) -> list[Evidence]:
        if not question.words:
            return []
        rarity = self._rarity(question.words)
        missing = {"unknown_names": float(sum(name in unknown for name in question.names))}
        matches = iter(self._matches(question, places))
        read: dict[str, list[Span | None]] = {}
        judged: list[Evidence] = []
        for position, hit in enumerate(hits):
            certain = [found for found in judged if found.score >= self._certain]
            if (
                certain
                and question.asks is not Asks.LIST
                and not _may_disagree(hit.passage, max(certain, key=lambda found: found.score))
            ):
                for _ in hit.passage.sentences:
                    next(matches)
                continue
            if hit.passage.id not in read:
                next_hits = hits[position : position + self._at_once]
                read = self._spans(question, [each.passage for each in next_hits])
            spans = read[hit.passage.id]
            for sentence, span in zip(hit.passage.sentences, spans, strict=True):
                signals = signals_of(question, hit, sentence, next(matches), rarity) | missing
                if span:
                    signals |= span_signals(question, span)
                score = self._calibration.probability(signals)
                told = long_form_in(sentence, question) or (span.answer if span else None)
                judged.append(Evidence(hit, sentence, score, signals, told, part))
        return judged

    def _spans(self, question: Asked, passages: Sequence[Passage]) -> dict[str, list[Span | None]]:
        """The reader's best span in each sentence of each passage, by its id; none without a reader."""
        if self._reader is None:
            return {passage.id: [None] * len(passage.sentences) for passage in passages}
        logits = self._reader.read(question.text, passages)
        return {
            passage.id: [best_span(passage, sentence, each) for sentence in passage.sentences]
            for passage, each in zip(passages, logits, strict=True)
        }

    def _matches(self, question: Asked, places: Sequence[tuple[Hit, Sentence]]) -> list[Vector]:
        """For each sentence, how near its words come to each word of the question: the largest cosine with any.

        Word by word, as the late interaction of Khattab and Zaharia 2020, "ColBERT", has it token by token.
        """
        around = [words_around(hit, sentence) for hit, sentence in places]
        column = {
            word: at for at, word in enumerate(dict.fromkeys(word for words in around for word in words))
        }
        vectors = self._word_vectors([*question.words, *column])
        wanted, present = vectors[: len(question.words)], vectors[len(question.words) :]
        similarities = wanted @ present.T
        return [
            similarities[:, [column[word] for word in words]].max(axis=1, initial=0.0) for words in around
        ]

    def _rarity(self, words: Sequence[str]) -> dict[str, float]:
        """How much each content word says: its inverse document frequency over passages (Spärck Jones 1972)."""
        passages = self._catalog.manifest().passages
        return {
            word: math.log((passages + 1.0) / (count + 0.5)) for word, count in self._counts(words).items()
        }

    def _counts(self, words: Sequence[str]) -> dict[str, int]:
        """In how many passages each word occurs, in the spelling that is most at home in the record."""
        counts = self._catalog.passage_counts([spelling for word in words for spelling in spellings(word)])
        return {word: max(counts[spelling] for spelling in spellings(word)) for word in words}

    def _take_apart(self, part: str) -> Asked:
        """A part of a question; words of the language that are written in capitals, as "CEO", are no names."""
        question = asked(part)
        return replace(question, names=tuple(name for name in question.names if not self._is_word(name)))

    def _is_word(self, name: str) -> bool:
        return name.isupper() and self._embedder.count_tokens([name.lower()]) == [1]

    def _unknown_names(self, questions: Sequence[Asked], hits: Sequence[Hit]) -> tuple[str, ...]:
        """Names in the question with a word that the record has in no inflection, nor any word of its family.

        A short form whose words stand in a passage that was found is known by them.
        """
        found = [name for question in questions for name in question.names]
        counts = self._counts([word for name in found for word in name.split()])
        return tuple(
            dict.fromkeys(
                name
                for name in found
                if any(
                    counts[word] == 0
                    and not self._has_family(word)
                    and not (
                        is_abbreviation(word) and any(has_initials(word, hit.passage.text) for hit in hits)
                    )
                    for word in name.split()
                )
            )
        )

    def _has_family(self, word: str) -> bool:
        return all(akin(stem, self._catalog.stems_around(stem)) for stem in stems(word))


def in_order(found: Evidence) -> tuple[float, int, int, int]:
    """Sorts evidence: best first, ties in the order of hits and of the text."""
    return -found.score, found.hit.rank, found.sentence.start, found.part


def _may_disagree(passage: Passage, found: Evidence) -> bool:
    """Whether a passage of another document says what a sentence says, but for a figure."""
    if passage.document_id == found.hit.passage.document_id:
        return False
    sentence, headings = found.sentence.text, found.hit.passage.headings
    return any(contrary(sentence, each.text, headings, passage.headings) for each in passage.sentences)

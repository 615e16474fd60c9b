"""How near the words of a claim come to those of a text in meaning: word by word, and phrase by phrase."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from rag.language import FUNCTION_WORDS, stems, text_stems, words
from rag.ports import Embedder, Vector
from rag.word_vectors import WordVectors

# Cosines between single words: up to the first two words have nothing to do with each other, from the second on they
# mean the same. No other word is as good as the word itself.
UNRELATED, SYNONYMOUS, NEXT_TO_SAME = 0.3, 0.75, 0.95
# From here on a word stands in for one that is missing, where places are compared.
STANDS_IN = 0.45
# A word is read with so many on either side.
PHRASE_REACH = 4
MOST_STRANGE, MOST_COUNTERPARTS = 5, 3
_WORD = re.compile(r"[^\W_]+(?:[.'’&/-][^\W_]+)*")


class Wording:
    """Compares words by stem and by embedding. Threads may share it."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._vectors_of = WordVectors(embedder)

    def nearness(self, wanted: Sequence[str], texts: Sequence[Sequence[str]]) -> Vector:
        """Shape (wanted, texts), 0 to 1: how near the nearest word of each text comes; 1 where the stem is the same."""
        there = dict.fromkeys(word for text in texts for word in text if word not in FUNCTION_WORDS)
        column = {word: at for at, word in enumerate(there)}
        if not wanted or not column:
            return np.zeros((len(wanted), len(texts)), dtype=np.float32)
        cosines = self._cosines(wanted, list(column))
        near = np.clip((cosines - UNRELATED) / (SYNONYMOUS - UNRELATED), 0.0, NEXT_TO_SAME)
        for row, word in enumerate(wanted):
            same = [at for other, at in column.items() if stems(word) & stems(other)]
            near[row, same] = 1.0
        places = [[column[word] for word in text if word in column] for text in texts]
        return np.stack([near[:, at].max(axis=1, initial=0.0) for at in places], axis=1).astype(np.float32)

    def stand_ins(self, wanted: Sequence[str], text: str) -> dict[str, str]:
        """For words that a text has in no form, the word of it that is nearest in meaning, where one is near."""
        told = text_stems(text)
        missing = [word for word in wanted if not stems(word) & told]
        there = [word for word in dict.fromkeys(words(text)) if word not in FUNCTION_WORDS]
        if not missing or not there:
            return {}
        cosines = self._cosines(missing, there)
        best = cosines.argmax(axis=1).tolist()
        return {
            word: there[at]
            for word, at, row in zip(missing, best, cosines, strict=True)
            if row[at] > STANDS_IN
        }

    def whole(self, claim: str, evidence: str, strange: Sequence[str]) -> tuple[float, float]:
        """The cosine of both, and how much nearer the claim comes without the strange word that it is best without."""
        without = [re.sub(rf"(?i)(?<!\w){re.escape(word)}(?!\w)\s*", "", claim, count=1) for word in strange]
        vectors = self._embedder.embed_passages([claim, evidence, *without])
        cosines = vectors @ vectors[1]
        return float(cosines[0]), max(0.0, float((cosines[2:] - cosines[0]).max(initial=0.0)))

    def phrases(self, claim: str, evidence: str) -> tuple[float, float]:
        """For the claim's strangest word, read with the words around it, two cosines; 1 where no word is strange.

        The first is with the same phrase when the evidence's nearest word that the claim lacks takes its place: a
        synonym changes little. The second is with the nearest phrase of the evidence.
        """
        own, theirs = _WORD.findall(claim), _WORD.findall(evidence)
        said, told = text_stems(claim), text_stems(evidence)
        strange = [at for at, word in enumerate(own) if _is_strange(word, told)][:MOST_STRANGE]
        others = [word for word in dict.fromkeys(theirs) if _is_strange(word, said)]
        if not strange:
            return 1.0, 1.0
        width = 2 * PHRASE_REACH
        windows = [" ".join(theirs[at : at + width + 1]) for at in range(0, max(1, len(theirs) - width), 2)]
        spans = [(max(0, at - PHRASE_REACH), at + PHRASE_REACH + 1) for at in strange]
        read = [" ".join(own[first:last]) for first, last in spans]
        changed = [
            [
                " ".join([*own[first:at], other, *own[at + 1 : last]])
                for other in self._nearest(own[at], others)
            ]
            for at, (first, last) in zip(strange, spans, strict=True)
        ]
        texts = list(
            dict.fromkeys([*windows, *read, *(text for alternatives in changed for text in alternatives)])
        )
        vector = dict(zip(texts, self._embedder.embed_passages(texts), strict=True))
        replaced, found = 1.0, 1.0
        for phrase, alternatives in zip(read, changed, strict=True):
            replaced = min(
                replaced, max((float(vector[phrase] @ vector[text]) for text in alternatives), default=0.3)
            )
            found = min(found, max(float(vector[phrase] @ vector[text]) for text in windows))
        return replaced, found

    def _nearest(self, word: str, others: Sequence[str]) -> list[str]:
        if not others:
            return []
        order = np.argsort(-self._cosines([word], others)[0])[:MOST_COUNTERPARTS]
        return [others[at] for at in order.tolist()]

    def _cosines(self, wanted: Sequence[str], others: Sequence[str]) -> Vector:
        vectors = self._vectors_of([*wanted, *others])
        cosines: Vector = vectors[: len(wanted)] @ vectors[len(wanted) :].T
        return cosines


def _is_strange(word: str, told: frozenset[str]) -> bool:
    return word.lower() not in FUNCTION_WORDS and not word[0].isdigit() and not stems(word) & told

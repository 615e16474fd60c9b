"""Misspelt words of a question -> the words of the record that were meant."""

from __future__ import annotations

import re

from rapidfuzz import process
from rapidfuzz.distance import OSA

from rag.catalog import Catalog
from rag.language import FUNCTION_WORDS, spellings
from rag.ports import Embedder
from rag.record_forms import WORDS

# How many slips a word may hold (Damerau 1964: a letter wrong, missing, added, or two exchanged), by its length. In
# shorter words a slip makes another word too easily.
SHORTEST, LONG = 4, 8

_WORD = re.compile(rf"[^\W\d_]{{{SHORTEST},}}")


# What any question may hold, whatever the record does.
_ASKING = dict.fromkeys((word for word in FUNCTION_WORDS | WORDS if len(word) >= SHORTEST), 0)


class Spell:
    """Corrects words that the record does not know and that are no words of the language either.

    A word of the language stays, even if the record lacks it: "salary" must not become the nearest word that it has.
    What the language's words are is told by the embedding model's vocabulary, in which they are whole tokens.
    """

    def __init__(self, catalog: Catalog, embedder: Embedder) -> None:
        self._catalog = catalog
        self._embedder = embedder

    def __call__(self, text: str) -> str:
        """The text with its misspelt words corrected; everything else in it stays as it is."""
        return _WORD.sub(lambda match: self._correct(match.group()), text)

    def corrections(self, text: str) -> tuple[tuple[str, str], ...]:
        """The misspelt words of a text, each with what it is corrected to, in their order."""
        words = ((word, self._correct(word)) for word in _WORD.findall(text))
        return tuple((written, corrected) for written, corrected in words if corrected != written)

    def _correct(self, written: str) -> str:
        word = written.lower()
        if word in FUNCTION_WORDS or self._known(word):
            return written
        slips = 2 if len(word) >= LONG else 1
        # The first letter is seldom wrong, and where it is, another word is as likely.
        occurrences = _ASKING | self._catalog.words_like(
            word[0], max(SHORTEST, len(word) - slips), len(word) + slips
        )
        near = process.extract(word, occurrences.keys(), scorer=OSA.distance, score_cutoff=slips, limit=None)
        likely = [
            (distance, -occurrences[found], found) for found, distance, _ in near if found[0] == word[0]
        ]
        if not likely:
            return written
        best = min(likely)[2]
        return best.capitalize() if written[0].isupper() else best

    def _known(self, word: str) -> bool:
        counts = self._catalog.passage_counts(spellings(word))
        return any(counts.values()) or self._embedder.count_tokens([word]) == [1]

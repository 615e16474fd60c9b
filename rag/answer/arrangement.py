"""Whether the words of a claim stand to each other as in a text: who did what to whom, and which value is whose.

No grammar is read. What is said of a name stands near it, in a claim as in the text that it was made from; so a claim
whose words fit better after an exchange of two names has probably exchanged them.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise

from rag.language import FUNCTION_WORDS, stems, words

NUMBER = re.compile(r"\d[\d.,:]*\d|\d")
_TOKEN = re.compile(r"[^\W_]+(?:[.,:'’&-][^\W_]+)*|[.;:!?]")
_BY = re.compile(r"\bby\b")
_STOPS = frozenset(".;:!?")
_DENIALS = frozenset("not no never without none nobody nor".split())
# How far, in words, what is said of a name stands from it: in a claim, and in a text. A full stop counts as more.
REACH, WIDE_REACH, STOP = 4.0, 5.0, 6
# Function words ("by", "to") tell roles, but stand anywhere.
FUNCTION_WEIGHT = 0.4
# Two words that follow each other in a claim but stand the other way round in the text are so much farther apart.
TURNED = 3


class Scene:
    """A text as places of words. `nearest` has, for words that it lacks, those of its own that mean about the same."""

    def __init__(self, text: str, nearest: Mapping[str, str]) -> None:
        self._text = text
        self._nearest = nearest
        self._at: dict[str, list[int]] = {}
        self._starts: list[int] = []
        self._positions: list[int] = []
        position = 0
        for match in _TOKEN.finditer(text):
            position += STOP if match.group() in _STOPS else 1
            self._starts.append(match.start())
            self._positions.append(position)
            for stem in stems(match.group()):
                self._at.setdefault(stem, []).append(position)

    def holding(self, wanted: Sequence[str]) -> list[str]:
        """Those of some names or numbers that the text has, each once."""
        return [mark for mark in dict.fromkeys(wanted) if self._places_of_mark(mark)]

    def adjacency(self, claim: str) -> tuple[float, float]:
        """How near words that follow each other in the claim stand in the text, 0 to 1: worst and mean of all pairs."""
        followed: list[list[int] | None] = []
        for match in _TOKEN.finditer(claim):
            token = match.group().lower()
            if token in _STOPS:
                followed.append(None)
            elif (token not in FUNCTION_WORDS or token in _DENIALS) and (places := self._places(token)):
                followed.append(places)
        apart = [
            min(other - one if other > one else one - other + TURNED for one in first for other in second)
            for first, second in pairwise(followed)
            if first and second
        ]
        near = [math.exp(-max(0, distance - 1) / REACH) for distance in apart]
        return (min(near), sum(near) / len(near)) if near else (0.5, 0.5)

    def gain(self, claim: str, exchange: Mapping[str, str]) -> float:
        """How much better the claim fits after an exchange of names or numbers, as a share of how well it could."""
        own = theirs = total = 0.0
        tokens = [(match.start(), match.group()) for match in _TOKEN.finditer(claim)]
        for mark, other in exchange.items():
            at = claim.find(mark)
            if at < 0:
                continue
            here, there = self._places_of_mark(mark), self._places_of_mark(other)
            centre = next((number for number, (start, _) in enumerate(tokens) if start >= at), 0)
            for number, (start, token) in enumerate(tokens):
                if at <= start < at + len(mark) or any(token in name for name in exchange):
                    continue
                places = self._places(token)
                if token in _STOPS or not places:
                    continue
                weight = math.exp(-abs(number - centre) / REACH)
                weight *= FUNCTION_WEIGHT if token.lower() in FUNCTION_WORDS else 1.0
                total += weight
                own += weight * _nearness(here, places)
                theirs += weight * _nearness(there, places)
        return (theirs - own) / total if total else 0.0

    def swapped(self, claim: str, names: Sequence[str]) -> float:
        """The largest gain of exchanging two names, or two numbers, of the claim; at least 0."""
        gains = [0.0]
        for group in (self.holding(names), self.holding(NUMBER.findall(claim))):
            for number, one in enumerate(group):
                gains += [self.gain(claim, {one: other, other: one}) for other in group[number + 1 :]]
        return max(gains)

    def rivalled(self, claim: str, names: Sequence[str], others: Sequence[str]) -> float:
        """The largest gain of another name of the text in the place of one of the claim's; at least 0."""
        rivals = [other for other in others if not any(other in name or name in other for name in names)]
        return max(
            (self.gain(claim, {one: other}) for one in self.holding(names) for other in rivals), default=0.0
        )

    def _places(self, token: str) -> list[int]:
        wanted = self._nearest.get(token.lower(), token)
        return [place for stem in stems(wanted) for place in self._at.get(stem, ())]

    def _places_of_mark(self, mark: str) -> list[int]:
        found = re.finditer(rf"(?<!\w){re.escape(mark)}(?!\w)", self._text, re.IGNORECASE)
        return (
            [self._positions[max(0, bisect_right(self._starts, match.start()) - 1)] for match in found]
            if self._starts
            else []
        )


def turned_round(claim: str, names: Sequence[str], evidence: Sequence[str]) -> bool:
    """Whether two names stand the other way round in a sentence, with the same words between them.

    A passive ("by") in one of both turns a clause round and so is no error.
    """
    for one, other in pairwise(names):
        between = _between(claim, one, other)
        for sentence in evidence:
            reverse = _between(sentence, other, one)
            if between is None or reverse is None or _between(sentence, one, other) is not None:
                continue
            if between.startswith(("'s", "’s")):  # whose it is says nothing of who does what
                continue
            passive = bool(_BY.search(between)) != bool(_BY.search(reverse))
            if not passive and _content_stems(between) & _content_stems(reverse):
                return True
    return False


def _between(text: str, one: str, other: str) -> str | None:
    """What stands between two names in this order; None where they do not."""
    match = re.search(rf"(?<!\w){re.escape(one)}(?!\w)(.*?)(?<!\w){re.escape(other)}(?!\w)", text)
    return match[1] if match else None


def _content_stems(text: str) -> frozenset[str]:
    return frozenset().union(*(stems(word) for word in words(text) if word not in FUNCTION_WORDS))


def _nearness(here: Sequence[int], places: Sequence[int]) -> float:
    return max((math.exp(-abs(one - other) / WIDE_REACH) for one in here for other in places), default=0.0)

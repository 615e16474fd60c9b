"""BM25 over the lexical index: the best passages for some terms, without looking at all that hold one of them.

The scores are FTS5's own, to the last bit where the processor rounds alike: Robertson and Zaragoza 2009, "The
Probabilistic Relevance Framework: BM25 and Beyond", with fields weighted as in BM25F.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections import Counter, OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from rag.lexical import BLOCK, BM25_WEIGHTS, POSTING, Postings, Tokenizer, quoted

# As in FTS5: how soon a word stops to count that comes again, how much less it counts in a long passage, and what a
# word is worth that half of the passages hold or more.
K1, B, LEAST_IDF = 1.2, 0.75, 1e-6
# Scores that are added up roughly differ by less, as a part of what they can be at most.
_ROUNDING = 1e-5
# As many passages of a term are read in the time that it takes to look for it in one.
_WORTH_A_LOOK_UP = 10
# Passages that kept phrases occur in, of all phrases together: 12 bytes each.
MOST_KEPT = 4_000_000
MOST_COUNTS = 20_000

_Kind = TypeVar("_Kind", bound=np.generic)

Numbers = NDArray[np.int64]
Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Size:
    """How much is indexed: passages, tokens a passage, the largest number of a passage; and in which version."""

    passages: int
    average: float
    last: int
    version: bytes


@dataclass(frozen=True, slots=True)
class _Term:
    """A token, or several that stand one after the other; in how many passages, and what that is worth.

    `quoted` is the term as FTS5 takes it.
    """

    tokens: tuple[bytes, ...]
    passages: int
    idf: float
    quoted: str = field(compare=False)

    @property
    def most(self) -> float:
        """What it can add to a score at most."""
        return self.idf * (K1 + 1.0)


class _Found(Protocol):
    """Where a term is: `numbers` (n,) of passages, ascending."""

    @property
    def numbers(self) -> Numbers: ...

    def rough(self) -> NDArray[np.floating]:
        """What it adds to the scores of these passages (n,), but for `_ROUNDING`."""
        ...

    def at(self, numbers: Numbers) -> Scores:
        """What it adds to the scores of some passages; 0 where it is not."""
        ...


@dataclass(frozen=True, slots=True)
class _FoundToken:
    numbers: Numbers
    packed: Postings
    idf: float
    average: float

    def rough(self) -> NDArray[np.floating]:
        frequency = self.packed["frequency"] * np.float32(0.5)
        length = self.packed["length"] * np.float32(K1 * B / self.average)
        length += frequency
        length += np.float32(K1 * (1.0 - B))
        frequency *= np.float32(self.idf * (K1 + 1.0))
        frequency /= length
        return frequency

    def at(self, numbers: Numbers) -> Scores:
        packed, there = _at(self.numbers, self.packed, numbers)
        frequency, length = packed["frequency"] / 2.0, packed["length"].astype(np.float64)
        # Number by number as FTS5 calculates.
        weight = (frequency * (K1 + 1.0)) / (frequency + K1 * (1.0 - B + B * length / self.average))
        return np.where(there, self.idf * weight, 0.0)


@dataclass(frozen=True, slots=True)
class _FoundPhrase:
    numbers: Numbers
    scores: Scores

    def rough(self) -> NDArray[np.floating]:
        return self.scores

    def at(self, numbers: Numbers) -> Scores:
        scores, there = _at(self.numbers, self.scores, numbers)
        return np.where(there, scores, 0.0)


def _at(known: Numbers, values: NDArray[_Kind], numbers: Numbers) -> tuple[NDArray[_Kind], NDArray[np.bool_]]:
    """The values of some of the numbers that are `known`, and which of them are; any value for another."""
    if not len(known):
        return np.zeros(len(numbers), values.dtype), np.zeros(len(numbers), bool)
    places = np.minimum(np.searchsorted(known, numbers), len(known) - 1)
    return values[places], known[places] == numbers


class Bm25:
    """The search by words. It reads through the connection that it is given, in the transaction that this one is in."""

    def __init__(self) -> None:
        self._tokenizer = Tokenizer()
        self._phrases = _Phrases()

    def close(self) -> None:
        """Give back what it holds; it is taken again at the next use."""
        self._tokenizer.close()

    def counts(self, connection: sqlite3.Connection, terms: Sequence[str]) -> dict[str, int]:
        """In how many passages each term occurs, in any of its inflections."""
        size = _size(connection)
        return {term: self._term(connection, size, term).passages for term in terms}

    def best(self, connection: sqlite3.Connection, terms: Sequence[str], limit: int) -> dict[int, float]:
        """The scores, by number, of the `limit` best passages for any of the terms, and of all as good as the last.

        Terms are looked up from the rarest to the commonest, until what the others can add does not lift a passage
        among the best that has none of those looked up: MaxScore, Turtle and Flood 1995, "Query Evaluation: Strategies
        and Optimizations". The others then count for those passages alone that they can still lift.
        """
        size = _size(connection)
        asked = self._terms(connection, size, terms)
        if not asked:
            return {}
        bounds = Counter[_Term]()
        for term in asked:
            bounds[term] += term.most  # type: ignore[assignment]
        read: dict[_Term, _Found] = {}
        candidates = self._candidates(connection, size, bounds, limit, read)
        scores = self._scored(connection, size, asked, candidates, read)
        return _best(candidates, scores, limit)

    def best_of(
        self, connection: sqlite3.Connection, terms: Sequence[str], limit: int, numbers: Collection[int]
    ) -> dict[int, float]:
        """The same of some passages alone, given by their numbers."""
        size = _size(connection)
        candidates = np.array(sorted(numbers), dtype=np.int64)
        scores = self._scored(connection, size, self._terms(connection, size, terms), candidates, {})
        return _best(candidates[scores > 0.0], scores[scores > 0.0], limit)

    def _candidates(
        self,
        connection: sqlite3.Connection,
        size: _Size,
        bounds: Mapping[_Term, float],
        limit: int,
        read: dict[_Term, _Found],
    ) -> Numbers:
        """Passages among which the best are. `bounds` say what each term can add; which were `read` is noted."""
        rounding = _ROUNDING * sum(bounds.values())
        partial = np.zeros((size.last // BLOCK + 1) * BLOCK, np.float32)
        order = sorted(bounds, key=lambda term: (-bounds[term], term.passages, term.tokens))
        top, least = np.zeros(0, np.int64), 0.0
        for position, term in enumerate(order, start=1):
            found = read[term] = self._found(connection, size, term)
            partial[found.numbers] += found.rough() * np.float32(bounds[term] / term.most)
            top = _top(partial, found.numbers, top, limit)
            # So good are as many as are wanted at least, whatever comes.
            least = float(partial[top].min()) if len(top) == limit else 0.0
            others = sum(bounds[other] for other in order[position:])
            if least > others + rounding:
                candidates = np.flatnonzero(partial >= least - others - rounding)
                if others and len(candidates) * _WORTH_A_LOOK_UP < order[position].passages:
                    return candidates
        return np.flatnonzero((partial > 0.0) & (partial >= least - rounding))

    def _scored(
        self,
        connection: sqlite3.Connection,
        size: _Size,
        asked: Sequence[_Term],
        candidates: Numbers,
        read: Mapping[_Term, _Found],
    ) -> Scores:
        """The score of each candidate, term by term in the order asked, as FTS5 adds them up."""
        blocks = np.unique(candidates // BLOCK).tolist()
        found = {term: read.get(term) or self._found(connection, size, term, blocks) for term in set(asked)}
        scores = np.zeros(len(candidates))
        for term in asked:
            scores += found[term].at(candidates)
        return scores

    def _terms(self, connection: sqlite3.Connection, size: _Size, terms: Sequence[str]) -> list[_Term]:
        """Those of the terms that occur, in their order."""
        known = {term: self._term(connection, size, term) for term in dict.fromkeys(terms)}
        return [known[term] for term in terms if known[term].passages]

    def _term(self, connection: sqlite3.Connection, size: _Size, text: str) -> _Term:
        tokens = self._tokenizer(text)
        if len(tokens) > 1:
            passages = self._phrases.count(connection, size.version, tokens, quoted(text))
        else:
            # The length of a packed row is known without reading it.
            ((length,),) = connection.execute(
                "SELECT coalesce(sum(length(packed)), 0) FROM postings WHERE token = ?", tokens or (b"",)
            ).fetchall()
            passages = length // POSTING.itemsize
        idf = math.log((size.passages - passages + 0.5) / (passages + 0.5))
        return _Term(tokens, passages, idf if idf > 0.0 else LEAST_IDF, quoted(text))

    def _found(
        self, connection: sqlite3.Connection, size: _Size, term: _Term, blocks: Sequence[int] | None = None
    ) -> _Found:
        """Where a term is, and what it adds there; in all blocks, or at least in these."""
        if len(term.tokens) > 1:
            return self._phrases.found(connection, size.version, term)
        among = "" if blocks is None else " AND block IN (SELECT value FROM json_each(?))"
        rows = connection.execute(
            f"SELECT block, packed FROM postings WHERE token = ?{among} ORDER BY block",
            (term.tokens[0], *([] if blocks is None else [json.dumps(blocks)])),
        ).fetchall()
        packed = np.frombuffer(b"".join(row[1] for row in rows), POSTING)
        first = np.array([row[0] * BLOCK for row in rows], np.int64)
        numbers = np.repeat(first, [len(row[1]) // POSTING.itemsize for row in rows])
        numbers += packed["passage"]
        return _FoundToken(numbers, packed, term.idf, size.average)


class _Phrases:
    """Where several tokens stand one after the other, which FTS5 has to find out; kept for the next question.

    Only finding them takes the longer the more passages there are: about a second for a phrase in 200,000.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[tuple[bytes, tuple[bytes, ...]], _FoundPhrase] = OrderedDict()
        self._counts: dict[tuple[bytes, tuple[bytes, ...]], int] = {}

    def count(
        self, connection: sqlite3.Connection, version: bytes, tokens: tuple[bytes, ...], quoted: str
    ) -> int:
        """In how many passages."""
        with self._lock:
            kept = self._counts.get((version, tokens))
        if kept is None:
            ((kept,),) = connection.execute(
                "SELECT count(*) FROM lexical WHERE lexical MATCH ?", (quoted,)
            ).fetchall()
            with self._lock:
                if len(self._counts) >= MOST_COUNTS:
                    self._counts.clear()
                self._counts[version, tokens] = kept
        return int(kept)

    def found(self, connection: sqlite3.Connection, version: bytes, term: _Term) -> _FoundPhrase:
        """In which, and what that adds to their scores."""
        key = (version, term.tokens)
        with self._lock:
            if kept := self._kept.get(key):
                self._kept.move_to_end(key)
                return kept
        rows = connection.execute(
            f"SELECT rowid, -bm25(lexical, {', '.join(map(str, BM25_WEIGHTS))}) FROM lexical WHERE lexical MATCH ?"
            " ORDER BY rowid",
            (term.quoted,),
        ).fetchall()
        table = np.array(rows, dtype=[("number", np.int64), ("score", np.float64)])
        found = _FoundPhrase(table["number"].copy(), table["score"].copy())
        with self._lock:
            self._kept[key] = found
            while sum(len(each.numbers) for each in self._kept.values()) > MOST_KEPT:
                self._kept.popitem(last=False)
        return found


def _top(partial: NDArray[np.float32], numbers: Numbers, before: Numbers, limit: int) -> Numbers:
    """The `limit` best passages, of those that were before and those whose scores have grown since."""
    reached = partial[numbers]
    if len(before) == limit:
        numbers = numbers[reached >= partial[before].min(initial=np.inf)]
    _, grown = _at(numbers, numbers, before)
    numbers = np.concatenate([numbers, before[~grown]])
    if len(numbers) <= limit:
        return numbers
    return numbers[np.argpartition(partial[numbers], -limit)[-limit:]]


def _best(numbers: Numbers, scores: Scores, limit: int) -> dict[int, float]:
    if len(scores) > limit:
        chosen = scores >= np.partition(scores, -limit)[-limit]
        numbers, scores = numbers[chosen], scores[chosen]
    return dict(zip(numbers.tolist(), scores.tolist(), strict=True))


def _size(connection: sqlite3.Connection) -> _Size:
    ((passages, tokens, version, last),) = connection.execute(
        "SELECT passages, tokens, version, (SELECT coalesce(max(number), 0) FROM passages) FROM lexical_size"
    ).fetchall()
    return _Size(passages, tokens / max(passages, 1), last, version)

"""Which documents say the same, so that they count as one: the same bytes, or one text that several outlets carried.

Two texts are compared sentence by sentence, as words without case, punctuation or line ends. One is a copy of the other
if half of each stands in both, and what it has alone is no more than what an outlet puts around a text: lines that
state nothing, and after a text that it has whole some that do. It is not a copy if each says something of its own, or
one something otherwise: a line of the one that is like a line of the other, but not the same, may hold another figure.
To leave two copies apart shows a source twice; to take two documents for one would lose what the second says, so in
doubt they are left apart.

Comparing starts from sentences that few documents hold (an inverted index, as in Bayardo, Ma and Srikant 2007, "Scaling
Up All Pairs Similarity Search"), so that its cost grows with the number of documents, not with that of pairs.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.distance import Indel

from rag.dates import days
from rag.domain import BlockKind, Document, Passage

# Fitted on the pairs of tests/test_duplicates.py, with room on both sides.
LEAST_SHARED = 0.5
MOST_WORDS_AROUND = 100
LEAST_WORDS = 30
# Of two lines: above, one is the other said otherwise.
_ALIKE = 0.5
# A sentence that so many documents hold, which are no copies of each other, is boilerplate and says nothing of a pair.
_MOST_HOLDERS = 20
_FEWEST_TELLING_WORDS = 5

_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
# Signs count before a number, and what a number is of.
_WORD = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]+|(?<!\S)[+−-](?=\d)|[%‰$€£¥₩°<>=±×]")
# How agencies begin: "ELSIN, May 4 (Agency) – ". The day and the agency are the outlet's, not the text's.
_DATELINE = re.compile(r"\A[A-ZÀ-ÖØ-Þ]{2,}\b[^.!?–—]{0,40}?[,(/][^!?–—]{0,60}?\s(?:[–—]|--?)\s")
_ENDS_STATEMENT = re.compile(r"[.!?…。！？][\W]*$")
# Where a sentence ends may depend on what stands around it; this does not, and cuts the same text into the same parts.
_AFTER_STOP = re.compile(r"(?<=[.!?…])[\"”’»)\]]*\s+")
_NO_DATE = 99_999_999


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence as words: four bytes for each. `said`: it states something, as a line of a page's frame does not."""

    words: bytes
    said: bool

    def __len__(self) -> int:
        return len(self.words) // 4


@dataclass(frozen=True, slots=True)
class Likeness:
    """What of a document decides whether it is a copy. `standing` orders copies: the first is kept."""

    id: str
    sha256: str
    standing: tuple[int, bool, int, str]
    figures: frozenset[str]
    date: str | None
    statements: tuple[Statement, ...]

    @property
    def length(self) -> int:
        """In words."""
        return sum(map(len, self.statements))


def copied_id(document_id: str, path: str) -> str:
    """The id of a document whose own id another document has, of the same content and with another path."""
    return f"{document_id}-{hashlib.sha256(path.encode()).hexdigest()[:8]}"


def likeness(document: Document, statements: Sequence[Statement]) -> Likeness:
    """What of a document decides whether it is a copy of another."""
    covered = days(document.published)
    return likeness_of(
        document.id,
        document.path,
        document.sha256,
        document.title,
        document.date,
        covered[0] if covered else None,
        statements,
    )


def likeness_of(
    document_id: str,
    path: str,
    sha256: str,
    title: str,
    date: str | None,
    first_day: int | None,
    statements: Sequence[Statement],
) -> Likeness:
    """As `likeness`, of what a catalog holds; `first_day` is the earliest on which it may have been published.

    Of copies the first published is kept, then the one with an id of its own, then the one in fewer folders,
    archives or messages, then the first by path.
    """
    own_id = not document_id.endswith(copied_id("", path))
    return Likeness(
        id=document_id,
        sha256=sha256,
        standing=(first_day or _NO_DATE, not own_id, path.count("/"), path),
        figures=frozenset(re.findall(r"\d+", title)),
        date=date,
        statements=tuple(statements),
    )


def statements_of(document: Document, passages: Iterable[Passage]) -> list[Statement]:
    """The headings below the title and the sentences of a document."""
    found: list[Statement] = []
    headings: set[str] = {document.title}
    for passage in passages:
        *_, heading = passage.section.split(" > ")
        if heading not in headings:
            headings.add(heading)
            # Outlets put headings of their own; but "Results of 2022" over the text of 2023 says something.
            found.append(_statement(heading, said=any(map(str.isdecimal, heading))))
        for sentence in passage.sentences:
            listed = sentence.kind is not BlockKind.PARAGRAPH
            text = sentence.text if listed else _DATELINE.sub("", sentence.text)
            found += [
                _statement(part, listed or bool(_ENDS_STATEMENT.search(part)))
                for part in _AFTER_STOP.split(text)
            ]
    return [statement for statement in found if statement.words]


def _statement(text: str, said: bool) -> Statement:
    return Statement(b"".join(map(_hashed, _WORD.findall(text.casefold()))), said)


@lru_cache(maxsize=100_000)
def _hashed(word: str) -> bytes:
    return hashlib.blake2b(word.encode(), digest_size=4).digest()


def packed(statements: Sequence[Statement]) -> bytes:
    """Statements as bytes: for each its length in words, doubled, with the lowest bit set if it is said."""
    return b"".join(
        struct.pack("<I", 2 * len(statement) + statement.said) + statement.words for statement in statements
    )


def unpacked(stored: bytes) -> tuple[Statement, ...]:
    """What was `packed`."""
    return tuple(_unpacked(stored))


def _unpacked(stored: bytes) -> Iterator[Statement]:
    at = 0
    while at < len(stored):
        (header,) = struct.unpack_from("<I", stored, at)
        end = at + 4 + 4 * (header >> 1)
        yield Statement(stored[at + 4 : end], bool(header & 1))
        at = end


def folded(likenesses: Iterable[Likeness]) -> dict[str, str]:
    """The copies among documents: the id of each, and the id of the document that is kept for it.

    The same documents give the same result, in whatever order they come.
    """
    kept_by_content: dict[str, str] = {}
    holders: dict[bytes, list[Likeness]] = defaultdict(list)
    copies: dict[str, str] = {}
    for found in sorted(likenesses, key=lambda likeness: (likeness.standing, likeness.id)):
        original = kept_by_content.get(found.sha256) or _original(found, holders)
        kept_by_content.setdefault(found.sha256, original or found.id)
        if original:
            copies[found.id] = original
            continue
        for words in _telling(found):
            if len(holders[words]) <= _MOST_HOLDERS:
                holders[words].append(found)
    return copies


def _telling(found: Likeness) -> set[bytes]:
    return {statement.words for statement in found.statements if len(statement) >= _FEWEST_TELLING_WORDS} or {
        statement.words for statement in found.statements
    }


def _original(found: Likeness, holders: Mapping[bytes, Sequence[Likeness]]) -> str | None:
    """The first kept document that this one is a copy of."""
    candidates: dict[str, Likeness] = {}
    for words in _telling(found):
        holding = holders.get(words, ())
        if len(holding) <= _MOST_HOLDERS:
            candidates |= {candidate.id: candidate for candidate in holding}
    for candidate in sorted(candidates.values(), key=lambda candidate: candidate.standing):
        if is_copy(found, candidate):
            return candidate.id
    return None


def is_copy(one: Likeness, other: Likeness) -> bool:
    """Whether `one` says nothing that `other` does not."""
    if one.sha256 == other.sha256:
        return True
    if _told_apart(one, other):
        return False
    mine = [statement.words for statement in one.statements]
    theirs = [statement.words for statement in other.statements]
    if mine == theirs:
        return True
    shared = Counter(mine) & Counter(theirs)
    common = sum(len(words) // 4 * count for words, count in shared.items())
    if min(one.length, other.length) < LEAST_WORDS or common < LEAST_SHARED * max(one.length, other.length):
        return False
    return _only_framed(one, other)


def _told_apart(one: Likeness, other: Likeness) -> bool:
    """Minutes of two meetings may be alike in all but the date that they are of."""
    if one.date and other.date and one.date != other.date:
        return True
    return bool(one.figures and other.figures and one.figures != other.figures)


def _only_framed(one: Likeness, other: Likeness) -> bool:
    """Whether what only one of them holds is but what an outlet puts around a text."""
    common = {statement.words for statement in one.statements} & {
        statement.words for statement in other.statements
    }
    mine, theirs = _outside(one, common), _outside(other, common)
    if max(sum(len(statement) for _, statement in own) for own in (mine, theirs)) > MOST_WORDS_AROUND:
        return False
    said = [at for at, statement in mine if statement.said]
    if said and any(statement.said for _, statement in theirs):
        return False  # each says something of its own: two letters, say, with the same small print
    last = max(at for at, statement in enumerate(one.statements) if statement.words in common)
    if said and said[0] < last:
        return False  # what is put before a text, or in its midst, belongs to it
    return not any(_alike(statement, against) for _, statement in mine for _, against in theirs)


def _outside(found: Likeness, common: set[bytes]) -> list[tuple[int, Statement]]:
    return [(at, statement) for at, statement in enumerate(found.statements) if statement.words not in common]


def _alike(one: Statement, other: Statement) -> bool:
    mine = [one.words[at : at + 4] for at in range(0, len(one.words), 4)]
    theirs = [other.words[at : at + 4] for at in range(0, len(other.words), 4)]
    return Indel.normalized_similarity(mine, theirs) >= _ALIKE

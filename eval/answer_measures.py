"""Is the answer right, and does what it cites bear it out? All deterministic: no model judges here."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from eval.cases import Case, Gold
from eval.matching import Searchable, found, missing
from eval.outcomes import CitedQuote, Outcome
from rag.language import content_words, stems
from rag.quantities import normalise
from rag.sentences import split_sentences

# A statement in other words than its quotes is supported when they hold this share of its content words.
SUPPORTING_SHARE = 0.8

_MARKER = re.compile(r"\s*\[(\d+)\]")
_LIST_MARK = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+")
_NAME = re.compile(r"\b[A-Z][\w&.-]*\w")
_NEGATIONS = re.compile(r"(?<!\w)(?:not|no|never|none|neither|nor|without|cannot|\w+n't)(?!\w)")
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of an answer and the markers of its citations."""

    text: str
    markers: tuple[int, ...]


def nugget_recall(case: Case, outcome: Outcome) -> float:
    """The share of the nuggets that the answer states (Voorhees 2003, vital nuggets)."""
    return 1 - len(missing(case.nuggets, _said(outcome))) / len(case.nuggets)


def right(case: Case, outcome: Outcome) -> bool:
    """The verdict on a case.

    Answerable: an answer is given, with every nugget and nothing forbidden, no longer than its type's bound.
    Unanswerable: it is refused.
    """
    if not case.answerable:
        return outcome.status == "not_found"
    return (
        outcome.answered and holds_answer(case, _said(outcome)) and not too_long(case, outcome.answer_plain)
    )


def holds_answer(case: Case, text: str) -> bool:
    """Whether a text states every nugget of an answerable case and nothing forbidden."""
    return case.answerable and not missing(case.nuggets, text) and not found(case.forbidden, text)


def too_long(case: Case, answer_plain: str) -> bool:
    """Whether an answer is longer than any that its type of question needs (`eval.cases.LENGTH_BOUNDS`)."""
    return len(answer_plain) > case.length_bound


def exact_match(said: str, accepted: Iterable[str]) -> float:
    """1 if it is one of those accepted, but for case, punctuation and articles (Rajpurkar et al. 2016)."""
    return float(any(_bare(said) == _bare(answer) for answer in accepted))


def token_f1(said: str, accepted: Iterable[str]) -> float:
    """The best harmonic mean of the precision and recall of words (Rajpurkar et al. 2016)."""
    return max(_word_f1(_bare(said).split(), _bare(answer).split()) for answer in accepted)


def citation_integrity(citations: Sequence[CitedQuote]) -> float:
    """The share of the quotes that stand in their document at their offsets; anything below 1 is a defect."""
    return sum(citation.intact for citation in citations) / len(citations)


def citation_recall(statements: Sequence[Statement], quotes: dict[int, str]) -> float:
    """The share of the answer's sentences that what they cite, together, supports (Gao et al. 2023, ALCE)."""
    return sum(_is_supported(statement, quotes) for statement in statements) / len(statements)


def citation_precision(statements: Sequence[Statement], quotes: dict[int, str]) -> float:
    """The share of citations that are needed or support on their own (Gao et al. 2023, ALCE).

    A citation of a sentence that is not supported counts as wrong, and so does one that does not support its
    sentence while the others do without it. 0 where nothing is cited.
    """
    verdicts = [
        _is_supported(statement, quotes) and _carries(statement, marker, quotes)
        for statement in statements
        for marker in statement.markers
    ]
    return sum(verdicts) / len(verdicts) if verdicts else 0.0


def gold_quote_hit(citations: Sequence[CitedQuote], gold: Sequence[Gold]) -> float:
    """1 if a citation and a gold quote share at least half the characters of the shorter."""
    return float(any(_overlaps(citation, quote) for citation in citations for quote in gold))


def supported(statement: str, quotes: Sequence[str]) -> bool:
    """The support test: does a statement stand in the quotes?

    Yes if it occurs in one of them, but for case and punctuation. Otherwise all of its numbers, dates, names
    (words with a capital, the first word aside) and negations must occur in them, and `SUPPORTING_SHARE` of
    its content words, stemmed (Porter 1980). It cannot see a wrong relation between the right words.
    """
    bare = _bare(statement)
    if any(bare in _bare(quote) for quote in quotes):
        return True
    together = Searchable(" ".join(quotes))
    claim = Searchable(statement)
    names = {normalise(name) for name in _NAME.findall(statement[1:])}
    return (
        set(claim.numbers) <= set(together.numbers)
        and set(claim.dates) <= set(together.dates)
        and all(_holds_word(together.text, name) for name in names)
        and set(_NEGATIONS.findall(claim.text)) <= set(_NEGATIONS.findall(together.text))
        and _shared_words(statement, " ".join(quotes)) >= SUPPORTING_SHARE
    )


def statements_of(answer: str) -> list[Statement]:
    """The sentences of an answer with markers; a marker belongs to the sentence before or around it."""
    statements = []
    for line in answer.splitlines():
        text, markers = _without_markers(_LIST_MARK.sub("", line))
        spans = split_sentences(text)
        for place, (start, end) in enumerate(spans):
            until = spans[place + 1][0] if place + 1 < len(spans) else len(text)
            own = tuple(marker for at, marker in markers if start < at <= until)
            statements.append(Statement(text[start:end], own))
    return statements


def _holds_word(text: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


def _said(outcome: Outcome) -> str:
    return f"{outcome.answer_plain}\n{outcome.short_answer or ''}"


def _bare(text: str) -> str:
    return " ".join(_ARTICLES.sub(" ", normalise(text).translate(_PUNCTUATION)).split())


def _word_f1(said: list[str], accepted: list[str]) -> float:
    if not said or not accepted:
        return float(said == accepted)
    shared = sum((Counter(said) & Counter(accepted)).values())
    return 2 * shared / (len(said) + len(accepted))


def _without_markers(line: str) -> tuple[str, list[tuple[int, int]]]:
    """The line without its markers, and each marker with the place in that text where it stood."""
    parts, markers, at = [], [], 0
    for match in _MARKER.finditer(line):
        parts.append(line[at : match.start()])
        markers.append((sum(map(len, parts)), int(match[1])))
        at = match.end()
    return "".join([*parts, line[at:]]), markers


def _is_supported(statement: Statement, quotes: dict[int, str]) -> bool:
    cited = [quotes[marker] for marker in statement.markers if marker in quotes]
    return bool(cited) and supported(statement.text, cited)


def _carries(statement: Statement, marker: int, quotes: dict[int, str]) -> bool:
    others = [quotes[other] for other in statement.markers if other != marker and other in quotes]
    alone = marker in quotes and supported(statement.text, [quotes[marker]])
    return alone or not (others and supported(statement.text, others))


def _overlaps(citation: CitedQuote, gold: Gold) -> bool:
    shared = min(citation.end, gold.end) - max(citation.start, gold.start)
    shorter = min(citation.end - citation.start, gold.end - gold.start)
    return citation.document_id == gold.document_id and 2 * shared >= shorter


def _shared_words(statement: str, quotes: str) -> float:
    words = _stems(statement)
    return len(words & _stems(quotes)) / len(words) if words else 0.0


@lru_cache(maxsize=4096)
def _stems(text: str) -> frozenset[str]:
    return frozenset[str]().union(*(stems(word) for word in content_words(text)))

""" "And X?": the question before, asked of X. What X is like gives its place to it."""

from __future__ import annotations

import re

from rag.language import names
from rag.mentions import LONGEST_TOLD, Phrase, noun_phrases
from rag.reference import PREPOSITION

TIMELY = re.compile(rf"^(?P<preposition>{PREPOSITION})\s+.+$", re.IGNORECASE)
_ONE = re.compile(r"\bones?\b", re.IGNORECASE)
_SUPERLATIVE = re.compile(r"\b(?:[a-z]{3,}est|best|worst|most|least|first|last)\b", re.IGNORECASE)


def of_another(before: str, another: str) -> str | None:
    """The question before, asked of another subject, time or place; None where it has nothing like that."""
    timely = TIMELY.match(another)
    if timely:
        like = rf"\b{timely['preposition']}\s+(?:[^\s,?]+\s+)*?[^\s,?]+(?=\s+{PREPOSITION}\b|[?,.]|$)"
        same = re.search(like, before, re.IGNORECASE)
        return replaced(before, *same.span(), another) if same else f"{before.rstrip(' ?.')} {another}?"
    place = _counterpart(before, another)
    return replaced(before, *place) if place else None


def _counterpart(before: str, another: str) -> tuple[int, int, str] | None:
    """What in a question stands where another is meant to: its place, and what to put there."""
    phrases = noun_phrases(before)
    superlative = _SUPERLATIVE.search(another)
    if superlative and len(another.split()) <= 2 and (same := _SUPERLATIVE.search(before)):
        return same.start(), same.end(), superlative.group()
    if _ONE.search(another) and phrases:  # "the Russian one"
        phrase = next((each for each in phrases if each.named), phrases[-1])
        head = phrase.text.rpartition(" ")[2]
        return _with_article(before, phrase, _ONE.sub(head, another))
    words = set(another.lower().split()) - {"of", "the"}
    shared = [each for each in phrases if words & set(each.text.lower().split())]
    named = [each for each in phrases if each.named]
    if shared:
        alike = [_tail(shared[0], another)]
    elif names(f"so {another}"):
        alike = named
    elif another.lower().startswith(("the ", "a ", "an ")):
        alike = named or [each for each in phrases if each.article]
    else:
        alike = [each for each in phrases if each.asked] or [each for each in phrases if not each.article]
    return _with_article(before, alike[0], another) if alike and len(before.split()) <= LONGEST_TOLD else None


def _tail(phrase: Phrase, another: str) -> Phrase:
    """The part of a phrase "symptoms of type 2 diabetes" that another, "type 1", is like."""
    head, joint, complement = phrase.text.partition(" of ")
    first = re.search(rf"\b{re.escape(another.partition(' ')[0])}\s+\S+", complement, re.IGNORECASE)
    if joint and first and len(another.split()) == 2 and first.start() == 0:
        start = phrase.start + len(head) + len(joint)
        return Phrase(first.group(), start, start + first.end())
    return phrase


def _with_article(before: str, phrase: Phrase, another: str) -> tuple[int, int, str]:
    article = re.search(r"\b(?:the|an?|its|their)\s+$", before[: phrase.start], re.IGNORECASE)
    return article.start() if article else phrase.start, phrase.end, another


def replaced(text: str, start: int, end: int, replacement: str) -> str:
    """A text with its characters from `start` to `end` replaced."""
    return f"{text[:start]}{replacement}{text[end:]}".strip()

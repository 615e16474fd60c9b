"""Sentences that say what a term is, and where they spell an abbreviation out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.language import SHORTEST_ABBREVIATION, content_words, is_abbreviation, stems, text_stems, words

# A long form has at most twice as many words as its short form has letters, and no more than so many beyond them.
FURTHER_WORDS = 5

_COPULA = re.compile(
    r"\b(?:(?:is|are|was|were) (?=(?:an?|the|any|one(?! of))\b)|means?\b|stands? for\b|refers? to\b)"
)
_SAYS = re.compile(
    r"\s*(?:\([^)]*\)\s*)?(?:is short for|stands? for|is|are|was|means|denotes)\s+(?:an?\s+|the\s+)?"
)
_PHRASE = re.compile(r"[^.,:;()\[\]]+?(?=\s+(?:that|which|who|whose|and is|in which)\b|[.,:;()\[\]]|$)")
_LEFT_OUT = frozenset("a an and at by for in of on the to & de la der des und y".split())
_BRACKETED = re.compile(r"\s*[(\[]\s*(?:the\s+)?(?P<long>[^()\[\]]{4,120}?)\s*[)\]]")

Span = tuple[int, int]


def spelled_out(word: str, sentence: str) -> Span | None:
    """Where in a sentence the long form of an abbreviation stands; None where the sentence does not give it.

    The word may be in any case; the sentence must write it as an abbreviation.

    "Long Form (LF)" is read as by Schwartz and Hearst 2003, "A simple algorithm for identifying abbreviation
    definitions in biomedical text"; "LF (Long Form)", "LF is the Long Form" and "LF stands for ..." by the same match
    from the other side.
    """
    for match in re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", sentence, re.IGNORECASE):
        short = match.group()
        if is_abbreviation(short):
            found = _before(short, sentence, match.start()) or _after(short, sentence, match.end())
            if found:
                return found
    return None


def has_initials(short: str, text: str) -> bool:
    """Whether words of a text that follow each other begin with the letters of a short form: "VCs", "venture capital".

    One letter is no short form; small words between ("Bank of Elsin") may be left out.
    """
    letters = re.sub(r"[^\w]|s$", "", short).lower()
    if len(letters) < SHORTEST_ABBREVIATION:
        return False
    initials = "".join(word[0] for word in words(text) if word not in _LEFT_OUT)
    return letters in initials or letters in "".join(word[0] for word in words(text))


def long_form(term: Sequence[str], sentence: str) -> Span | None:
    """Where a sentence spells out the first word of a term that it writes as an abbreviation."""
    return next((found for word in term if (found := spelled_out(word, sentence))), None)


def defines(sentence: str, term: Sequence[str], spelling_out: bool = False) -> bool:
    """Whether a sentence says what a term (content words) is: "A term is a ...", "TERM stands for ...", "... (TERM)".

    With `spelling_out` only a long form will do: what the thing is does not say what its letters stand for.
    """
    if long_form(term, sentence):
        return True
    if spelling_out:
        return False
    wanted = frozenset().union(*(stems(word) for word in term))
    copula = _COPULA.search(sentence)
    if not copula or not wanted:
        return False
    before = re.sub(r"\([^)]*\)", "", sentence[: copula.start()])
    return text_stems(" ".join(content_words(before))) == wanted


def _before(short: str, sentence: str, at: int) -> Span | None:
    """The long form that ends before the bracket in which the short one begins at `at`."""
    opening = re.search(r"[(\[]\s*(?:the\s+)?[\"“']?$", sentence[:at])
    if opening is None:
        return None
    text = sentence[: opening.start()].rstrip()
    begins = [match.start() for match in re.finditer(r"[^\s-]+", text)]
    first = begins[-_most_words(short) :][0] if begins else 0
    start = _matched_backwards(short, text, first)
    return None if start is None else (start, len(text))


def _after(short: str, sentence: str, at: int) -> Span | None:
    """The long form that stands in brackets behind the short one, or that it is said to be."""
    bracketed = _BRACKETED.match(sentence, at)
    if bracketed and _spells(short, bracketed["long"]):
        return bracketed.span("long")
    says = _SAYS.match(sentence, at)
    phrase = _PHRASE.match(sentence, says.end()) if says else None
    if says is None or phrase is None:
        return None
    told = "stand" in says.group() or "short" in says.group()
    return phrase.span() if told or _spells(short, phrase.group()) else None


def _spells(short: str, phrase: str) -> bool:
    return len(phrase.split()) <= _most_words(short) and _matched_backwards(short, phrase, 0) == 0


def _most_words(short: str) -> int:
    letters = sum(character.isalnum() for character in short)
    return min(letters + FURTHER_WORDS, 2 * letters)


def _matched_backwards(short: str, text: str, first: int) -> int | None:
    """Where in `text`, from `first` on, the short form's letters begin if each is found from the right.

    Its first letter must begin a word. None where they are not all there.
    """
    place = len(text)
    letters = [character.lower() for character in short if character.isalnum()]
    for number, letter in enumerate(reversed(letters)):
        leading = number == len(letters) - 1
        place -= 1
        while place >= first and (
            text[place].lower() != letter or (leading and place > 0 and text[place - 1].isalnum())
        ):
            place -= 1
        if place < first:
            return None
    return place

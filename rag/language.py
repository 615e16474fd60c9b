"""What a question asks, read off its words: kind of answer, names, numbers, parts. English."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import snowballstemmer

_WORD = re.compile(r"[^\W_]+(?:[.'’&/-][^\W_]+)*")
_NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?![\w])|(?<![\w.])\d+(?=(?:st|nd|rd|th)\b)")
_QUOTED = re.compile(r"[\"“”«»]([^\"“”«»]{2,80})[\"“”«»]")

# Function words: they say how something is asked, not what is asked about.
FUNCTION_WORDS = frozenset(
    "a about all also am an and any are as at be been being but by can could did do does doing each else ever for from"
    " get give gave given had has have having he her hers him his how i if in into is it its itself let like list many"
    " may me might mine more most much must my name named no nor not of off on one ones or other others our"
    " ours over own please per s say shall she should show so some such t tell than that the their theirs them"
    " then there these they this those to too up us very was we were what whats when where which while who whom"
    " whose why will with within"
    " would you your yours".split()
)
# Forms of address and calendar words are capitalised without being anybody's name.
_NOT_NAMES = frozenset(
    "mr mrs ms dr prof sir monday tuesday wednesday thursday friday saturday sunday january february march april may"
    " june july august september october november december english i ok please thanks hello hi".split()
)
# Closed classes of words, as patterns: what a yes-or-no question begins with, and any other.
AUXILIARY = r"(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may|might|must)"
WH = r"(?:who|whom|whose|what|when|where|which|why|how)"
_NUMBER_WORDS = (
    "zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen"
    "|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|billion|dozen"
    "|once|twice|none|both|half"
)
_QUANTITY = re.compile(rf"\b(?:{_NUMBER_WORDS})(?:[ -](?:{_NUMBER_WORDS}))*\b", re.IGNORECASE)
_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
DATE = re.compile(
    rf"\b(?:1[0-9]|20)\d\d\b|\b(?:{_MONTHS}) \d{{1,2}}\b|\b\d{{1,2}}(?:st|nd|rd|th)? (?:{_MONTHS})\b"
    rf"|\b(?:in|on|of|since|until|by) (?:early |late |mid-)?(?:{_MONTHS})\b|\b\d{{1,2}}:\d\d\b"
    r"|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|\b(?:today|yesterday|tomorrow)\b"
    r"|\bth(?:is|at) (?:week|month|year)\b",
    re.IGNORECASE,
)


# Regular differences between British and American spelling.
_AMERICAN = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"is(e[ds]?|ing|ation|ations|er|ers)$", r"iz\1"),
        (r"(?<=[a-z]{3})our(s|ed|ing|able|ful|ite|ites|al)?$", r"or\1"),
        (r"(?<=[a-z]{2}[nt])re(s)?$", r"er\1"),
        (r"(?<=en)ce(s|d)?$", r"se\1"),
        (r"(?<=[a-z]{2})ogue(s)?$", r"og\1"),
        (r"^programme", "program"),
        (r"(?<=[a-z][aeiou]l)l(ed|ing|er|ers)$", r"\1"),
    )
)
_BRITISH = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"iz(e[ds]?|ing|ation|ations|er|ers)$", r"is\1"),
        (r"(?<=[a-z]{3})or(s|ed|ing|able|ful|ite|ites|al)?$", r"our\1"),
        (r"(?<=[a-z]{2}[nt])er(s)?$", r"re\1"),
        (r"(?<=en)se(s|d)?$", r"ce\1"),
        (r"(?<=[a-z]{2})og(s)?$", r"ogue\1"),
        (r"^program(?=s?$)", "programme"),
        (r"(?<=[a-z][aeiou]l)(ed|ing|er|ers)$", r"l\1"),
    )
)


# What stands in quotes may be a name, or something said.
LONGEST_QUOTED_NAME = 4

# Reading costs as much again for each part of a question.
MOST_PARTS = 4


PERSON = re.compile(r"\b(?:(?P<possessive>his|her(?=\s+[a-z])|hers)|(?:he|she|him|her))\b", re.IGNORECASE)
PRONOUN = re.compile(
    r"\b(?:(?P<possessive>its|theirs?|his|her(?=\s+[a-z])|hers)|(?:it|they|them|he|she|him|her))\b",
    re.IGNORECASE,
)


class Asks(StrEnum):
    """The kind of answer that a question asks for."""

    WHO = "who"
    WHEN = "when"
    WHERE = "where"
    HOW_MANY = "how_many"
    HOW_MUCH = "how_much"
    WHY = "why"
    HOW = "how"
    YES_NO = "yes_no"
    LIST = "list"
    DEFINITION = "definition"
    OTHER = "other"


_PATTERNS: tuple[tuple[Asks, re.Pattern[str]], ...] = tuple(
    (asks, re.compile(pattern, re.IGNORECASE))
    for asks, pattern in (
        (
            Asks.DEFINITION,
            r"\bdefine\b|\bdefinition\b|\bmeaning\b|\bstands? for\b|\bmeant by\b|\brefers? to\b|\bspelled out\b"
            r"|\b(?:short|acronym|abbreviation) (?:for|of)\b|^what does (?:an? )?[\w./&-]+ mean\b",
        ),
        (
            Asks.DEFINITION,
            r"^(?:so |and )?what(?:['’]s| is| are) (?!the\b|an? list\b)(?:an? )?"
            r"[\w./&-]+(?: [\w./&-]+){0,2}(?: exactly| actually)?\W*$",
        ),
        (
            Asks.HOW_MANY,
            r"\bhow many\b|\b(?:the|what) number of\b|\bhow (?:long|old|often|far|large|big)\b|\bcount of\b",
        ),
        (Asks.HOW_MUCH, r"\bhow much\b|\bwhat (?:percentage|percent|share|price|amount|rate|fraction)\b"),
        (
            Asks.LIST,
            r"^(?:please )?(?:list|name|enumerate)\b|\b(?:list of|list all|name all)\b|\bwho (?:all|else)\b",
        ),
        (Asks.LIST, r"\bwho (?:are|were) the\b|\b(?:what|which) (?:are|were) (?:the|all)\b"),
        (
            Asks.LIST,
            # A plural ("which firms"), not a verb: "which firm makes the ...", "which firm makes X".
            r"\b(?:what|which) (?:\w+ ){0,3}(?!(?:is|was|has|does|this|process|series|basis)\b)[a-z]{3,}(?<!s)s\b"
            r"(?! (?:an?|the|its|their|to|as|it|them)\b| (?-i:[A-Z0-9]))",
        ),
        (
            Asks.WHEN,
            r"\bwhen\b|\b(?:what|which) (?:date|day|year|month|week|time)\b|\bin what year\b|\bsince when\b",
        ),
        (
            Asks.WHERE,
            r"\bwhere\b|\b(?:what|which) (?:city|country|place|location|town|venue|address|region)\b",
        ),
        (
            Asks.WHO,
            r"\bwho(?:m|se)?\b|\b(?:what|which) (?:person|man|woman|scientist|speaker|official|doctor)\b",
        ),
        (
            Asks.WHY,
            r"\bwhy\b|\bwhat (?:is|was|were|are) the (?:reason|purpose|goal|aim)s?\b|\bhow come\b|\bwhat for\b",
        ),
        (Asks.YES_NO, rf"^(?:and |so |but )?{AUXILIARY}(?:n't|n’t)?\b"),
        (Asks.HOW, r"\bhow\b"),
    )
)


# What has capitals and no more than these letters may be an abbreviation (Schwartz and Hearst 2003).
SHORTEST_ABBREVIATION, LONGEST_ABBREVIATION = 2, 10

# Words that ask for a definition without being what is to be defined.
_DEFINING = frozenset(
    "define definition mean meaning means meant stand stands short letters acronym abbreviation term word exactly"
    " actually called refer refers spelled".split()
)


_SPELLING_OUT = re.compile(
    r"\bstands? for\b|\bshort (?:for|of)\b|\b(?:acronym|abbreviation|letters)\b|\bspelled out\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question taken apart. `words` are its content words and `names` those of them written as names."""

    text: str
    asks: Asks
    words: tuple[str, ...]
    names: tuple[str, ...]
    numbers: tuple[str, ...]

    @property
    def term(self) -> tuple[str, ...]:
        """What is to be defined, where a definition is asked for."""
        return tuple(word for word in self.words if word not in _DEFINING) or self.words

    @property
    def spelling_out(self) -> bool:
        """Whether it asks for the words that the letters of an abbreviation stand for."""
        return self.asks is Asks.DEFINITION and bool(_SPELLING_OUT.search(self.text))


def asked(text: str) -> Asked:
    """Take a question apart. What follows a colon is what is asked; what stands before it is its subject."""
    focus = text.rsplit(": ", 1)[-1]
    kind = next((asks for asks, pattern in _PATTERNS if pattern.search(focus)), Asks.OTHER)
    return Asked(text, kind, tuple(content_words(text)), tuple(names(text)), tuple(numbers(text)))


def words(text: str) -> list[str]:
    """The words of a text in lower case. What is written together with . & / - or an apostrophe is one word."""
    return [word.lower() for word in _WORD.findall(text)]


def content_words(text: str) -> list[str]:
    """The words that say what a question is about, in order, each once; all its words if none does."""
    found = list(dict.fromkeys(words(text)))
    return [
        word for word in found if word.removesuffix("'s").removesuffix("’s") not in FUNCTION_WORDS
    ] or found


@lru_cache(maxsize=20_000)
def stems(word: str) -> frozenset[str]:
    """The stems of a word's parts in American spelling, so that "AI-driven" meets "AI" and "licence" "license".

    Porter 1980, "An algorithm for suffix stripping", as the lexical index has it.
    """
    stemmer = snowballstemmer.stemmer("porter")
    return frozenset(stemmer.stemWords(american(part) for part in re.findall(r"[^\W_]+", word.lower())))


def american(word: str) -> str:
    """A lower-case word in American spelling; what it makes of words that have only one is the same for all texts."""
    for british, replacement in _AMERICAN:
        word = british.sub(replacement, word)
    return word


def spellings(word: str) -> list[str]:
    """A lower-case word as it stands, in American and in British spelling, each once."""
    british = word
    for pattern, replacement in _BRITISH:
        british = pattern.sub(replacement, british)
    return list(dict.fromkeys([word, american(word), british]))


# Of a sentence about two kilobytes.
@lru_cache(maxsize=5_000)
def text_stems(text: str) -> frozenset[str]:
    """The stems of all words of a text."""
    return frozenset().union(*(stems(word) for word in words(text)))


def numbers(text: str) -> list[str]:
    """Numbers written in digits, without thousands separators, in order."""
    return [match.group().replace(",", "").rstrip(".") for match in _NUMBER.finditer(text)]


def quantities(text: str) -> list[str]:
    """Numbers in digits or in words, in order of kind."""
    return numbers(text) + [match.group().lower() for match in _QUANTITY.finditer(text)]


def names(text: str) -> list[str]:
    """Runs of words written as names: capitalised, or with capitals or digits inside; and what stands in quotes.

    A capital at the start of a sentence says nothing, nor do capitals where everything has them.
    """
    quoted = (match.group(1).strip() for match in _QUOTED.finditer(text))
    found = [phrase for phrase in quoted if len(phrase.split()) <= LONGEST_QUOTED_NAME]
    letters = [character for character in text if character.isalpha()]
    if letters and sum(character.isupper() for character in letters) > 0.7 * len(letters) and len(text) > 12:
        return found
    run: list[str] = []
    end = 0
    first = True
    before = ""
    for match in _WORD.finditer(text):
        gap = text[end : match.start()]
        first = first or (bool(re.match(r"[.?!:]\s", gap)) and before.lower() not in _NOT_NAMES)
        before = word = match.group()
        if _is_name(word, first):
            if run and gap.strip():
                found.append(" ".join(run))
                run = []
            run.append(word.removesuffix("'s").removesuffix("’s"))
        elif run:
            found.append(" ".join(run))
            run = []
        first, end = False, match.end()
    if run:
        found.append(" ".join(run))
    return list(dict.fromkeys(found))


def is_abbreviation(word: str) -> bool:
    """Whether a word is written as a short form: two capitals or more, ten letters at most."""
    letters = [character for character in word if character.isalpha()]
    return (
        SHORTEST_ABBREVIATION <= len(letters) <= LONGEST_ABBREVIATION
        and sum(letter.isupper() for letter in letters) >= SHORTEST_ABBREVIATION
    )


def _is_name(word: str, first: bool) -> bool:
    plain = word.removesuffix("'s").removesuffix("’s")
    if plain.lower() in FUNCTION_WORDS or plain.lower() in _NOT_NAMES:
        return False
    inner = any(character.isupper() for character in plain[1:])
    mixed = any(character.isdigit() for character in plain) and any(
        character.isalpha() for character in plain
    )
    if inner or (mixed and not re.fullmatch(r"\d+(?:st|nd|rd|th)", plain)):
        return True
    return plain[0].isupper() and not first and len(plain) > 1


def parts(text: str) -> list[str]:
    """The questions that a text asks: several sentences, or one with ", and when ..." in it.

    At least one and at most `MOST_PARTS`, each once; what is asked beyond them is left to the whole.
    """
    opener = rf"(?:{WH}|{AUXILIARY})"
    joint = re.compile(rf"[,;]?\s+(?:and|or)\s+(?:also\s+)?(?={opener}\b)", re.IGNORECASE)
    pieces = [
        piece
        for sentence in re.split(r"(?<=\?)\s+", text)
        for piece in joint.split(sentence)
        if piece.strip()
    ]
    found: list[str] = []
    for position, piece in enumerate(pieces):
        # "When and where was it held?": the first asks the same of what the second names.
        if len(piece.split()) == 1 and position + 1 < len(pieces):
            piece = " ".join([piece, *pieces[position + 1].split()[1:]])
        found.append(_with_subject(piece.strip(), found))
    return list(dict.fromkeys(found))[:MOST_PARTS] or [text]


def _with_subject(piece: str, before: Sequence[str]) -> str:
    """A part that names nothing, with the name that the part before it spoke of last."""
    known = names(before[-1]) if before else []
    if not known or names(piece):
        return piece
    return replace_pronoun(piece, known[-1]) or f"{known[-1]}: {piece}"


def replace_pronoun(text: str, name: str, pronouns: re.Pattern[str] | None = None) -> str | None:
    """A text with its first pronoun replaced by a name; None where it has none."""
    match = (pronouns or PRONOUN).search(text)
    if match is None:
        return None
    own = match["possessive"] and not name.endswith("s")
    return text[: match.start()] + name + ("'s" if own else "") + text[match.end() :]

"""How a question refers to what was said before it, and whether it does at all. English, by closed word classes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.language import AUXILIARY, FUNCTION_WORDS, PERSON, WH, content_words, names
from rag.mentions import noun_phrases

# A question of fewer words than this has no room for what it is about: "Since when?".
FRAGMENT = 4
# So many words at most tell little enough for "the others" to lean on the turns before, or to be a fragment themselves.
FEW = 2
# A question of so many words tells enough for a pronoun late in it to mean something in it.
LONG = 10

PREPOSITION = r"(?:for|with|to|from|by|of|in|on|at|since|until|before|after|during|under|without)"
SENTENCE = re.compile(rf"^(?:{PREPOSITION}\s+)?(?:{WH}|{AUXILIARY}|if)\b", re.IGNORECASE)

# "his", "her" and the like are in `rag.language`.
THING = re.compile(r"\b(?:(?P<possessive>its)|it)\b(?!['’])", re.IGNORECASE)
THINGS = re.compile(
    r"\b(?:(?P<possessive>theirs?)|they|them)\b|\b(?:these|those)\b(?=\s*[?.!]|\s*$)", re.IGNORECASE
)
# "It" that stands for nothing: "is it true that", "how cold is it at the pole".
_EMPTY_IT = re.compile(
    r"\b(?:make|makes|made) it (?:to|through|in|into)\b|\bit(?:['’]s| has) been\b|\bit called (?:when|if)\b"
    r"|\bis it from\b(?=.*\bto\b)|\bit (?:believed|said|thought|known|claimed) that\b"
    r"|\bit(?:\s+is)?\s+(?:true|possible|necessary|legal|safe|worth|hard|easy|normal|better|raining|snowing|to be"
    r"|summer|winter|spring|autumn)\b"
    r"|\b(?:hot|cold|warm|dark|late|far|long) (?:is|does|was) it\s+(?:(?:in|at|on|to|take)\b|from\b(?=.*\bto\b))",
    re.IGNORECASE,
)
# "Which edition of APAC was it?"
_IDENTITY = re.compile(r"\b(?:is|was|were|are) (?:it|they)\W*$", re.IGNORECASE)
_CLAUSE = re.compile(
    r"[,:.?!]|\b(?:when|while|if|because|since|although|and|but|before|after|unless|that|whether|so)\b",
    re.IGNORECASE,
)

_ORDINALS = {
    "first": 0,
    "second": 1,
    "third": 2,
    "fourth": 3,
    "fifth": 4,
    "last": -1,
    "former": 0,
    "latter": -1,
}
_ANY_ORDINAL = "|".join(_ORDINALS)
# "the second one", "the last of them"; "the second" only where no noun can follow: "When was the first built?".
_ORDINAL = re.compile(
    rf"\b(?:the\s+)?(?P<one>{_ANY_ORDINAL})\s+(?:ones?\b|of\s+(?:them|these|those|the\s+(?:two|three|four))\b)"
    rf"|(?<=\bdoes )the\s+(?P<doing>{_ANY_ORDINAL})\b(?=\s+[a-z]+)"
    rf"|\bthe\s+(?P<bare>{_ANY_ORDINAL})\b(?=\s*[?.!]|\s*$|\s+(?:{AUXILIARY}|in|on|at|for|about|[a-z]+ed|made|built|held"
    r"|open|free|closed|called)\b)",
    re.IGNORECASE,
)

_BESIDE = (
    rf"(?:{AUXILIARY}|{PREPOSITION}|{WH}|and|or|than|as|have|get|make|work|live|open|start|begin|come|cost)"
)
_TIMES = (
    r"(?:year|month|week|day|morning|afternoon|evening|night|time|moment|century|age|summer|winter|spring)s?"
)
# Behind a noun "that" is a relative pronoun: "the dust that travels".
_THAT_NOUN = re.compile(
    rf"(?:^|\b{_BESIDE}\s+)(?P<phrase>(?:(?:that|this)\s+(?P<one>(?!{_TIMES}\b)(?-i:[a-z]{{2,}}[a-rt-z]|[a-z]+ss))"
    rf"|(?:these|those)\s+(?P<many>(?!{_TIMES}\b)(?-i:[a-z]{{2,}}(?:s|people)))))"
    rf"(?=\s+{_BESIDE}\b|\s*\W?$|\s+(?-i:[a-z]+)\s*\W?$|[,;.?!])",
    re.IGNORECASE,
)
_THE_NOUN = re.compile(
    r"\b(?P<phrase>the\s+(?P<noun>[a-z]{3,}))\b(?!\s+of\b)(?=\s*[?.!]|\s*$|\s+[a-z]+(?:\s*[?.!]|\s*$))",
    re.IGNORECASE,
)
_THAT = re.compile(
    rf"\b(?:{AUXILIARY}|about|of|for|with|to|by|like|than|after|before)\s+(?:that|this)"
    rf"(?=\s*[?.!]|\s*$|\s+(?:{AUXILIARY}|from|for|in|to|on|at|by)\b)",
    re.IGNORECASE,
)
PLACES = frozenset("city town village country place region state".split())
# Kinds of things that have names: "the company" is one spoken of.
KINDS = PLACES | frozenset(
    "agency association band bank brewery clinic club college committee company conference council court event"
    " expedition festival film firm group hospital institute institution laboratory law line meeting mission museum"
    " observatory orchestra organisation organization party program programme project reef school ship site station"
    " team trial university visit".split()
)
# Of these "the" alone means one spoken of, by whatever name; "the mission" may be what the whole record is about.
COMPANIES = frozenset("company firm organisation organization institution".split())
# Words that say nothing of what a question is about: it is about what was spoken of before.
_VAGUE = frozenset(
    "address advantage answer apply available become begin benefit better bigger buy call case cause change cheaper"
    " clarify come consequence cost date deadline detail difference disadvantage document drawback effect else end"
    " example exception explain fact faster fee find form get go happen help important include information item join"
    " keep kind know larger last leader learn limit location long longer look make manager mean meaning member method"
    " name need new number offer older online open option other outcome owner part past pay penalty people place play"
    " price problem procedure process purpose qualify reason recommend register requirement result risk role rule same"
    " score see side similar size smaller solution sort start step summary take talk tell thing think time try type"
    " understand use useful way win work worse year".split()
)
_LEANS = re.compile(
    r"\b(?:else|altogether|others|instead|in that case|the same)\b"
    r"|\b(?:too|as well|the other|the rest|the difference)\W*$"
    r"|\b(?:better|worse|cheaper|faster|bigger|larger|smaller|older|longer|safer|easier)\W*$"
    rf"|^(?:{PREPOSITION}\s+)(?:{WH})\b(?:\s+\w+)?\W*$|\b(?:any|some|which|other) ones?\b",
    re.IGNORECASE,
)
_COUNTED = re.compile(rf"\bhow (?:many|much) (?P<counted>\w+)|\b{AUXILIARY}\s+there\W*$", re.IGNORECASE)
_VERB = re.compile(rf"(?:{AUXILIARY}|{WH})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Ordinal:
    """ "The second one", at `[start, end)`; `place` counts from 0, or from -1 backwards."""

    start: int
    end: int
    place: int


@dataclass(frozen=True, slots=True)
class Demonstrative:
    """ "That company", "the clinic", at `[start, end)`, and its noun in lower case. `definite`: with "the" alone."""

    start: int
    end: int
    noun: str
    definite: bool


def ordinal(question: str) -> Ordinal | None:
    """An ordinal that stands for a thing, not one that counts a noun: "the first woman in space"."""
    match = _ORDINAL.search(question)
    if match is None:
        return None
    word = match["one"] or match["doing"] or match["bare"]
    return Ordinal(match.start(), match.end(), _ORDINALS[word.lower()])


def pronoun(question: str, pattern: re.Pattern[str]) -> bool:
    """Whether a question has such a pronoun, and does not say itself what it stands for."""
    match = pattern.search(question)
    return match is not None and not _has_antecedent(question, match)


def demonstrative(question: str) -> Demonstrative | None:
    """A noun that points back: any behind "that", one of `KINDS` behind "the" where the question has no name."""
    match = _THAT_NOUN.search(question)
    if match and not re.search(r"[.?!]\s", question[: match.start()]):
        return Demonstrative(
            match.start("phrase"), match.end("phrase"), (match["one"] or match["many"]).lower(), False
        )
    if names(question):
        return None
    for match in _THE_NOUN.finditer(question):
        noun = match["noun"].lower()
        if noun in KINDS:
            return Demonstrative(match.start("phrase"), match.end("phrase"), noun, True)
    return None


def says_that(question: str) -> bool:
    """Whether it asks of "that", all that was said: "When was that?"."""
    return not names(question) and pronoun(question, _THAT)


def leans(question: str) -> bool:
    """Whether a question says too little to be asked alone, though nothing in it points back."""
    if names(question):
        return False
    told = [word for word in content_words(question) if word not in FUNCTION_WORDS and not _is_vague(word)]
    counted = _COUNTED.search(question) if len(told) == 1 else None
    return bool(
        not told
        or (len(told) <= FEW and _LEANS.search(question))
        or (counted and (counted["counted"] or told[0]).lower() in (told[0], *FUNCTION_WORDS))
        or (len(question.split()) <= FEW and not _VERB.match(question))
    )


def _has_antecedent(question: str, found: re.Match[str]) -> bool:
    """Whether the question says what its pronoun stands for: before it, mostly in another clause; or it is empty."""
    if any(match.start() <= found.start() < match.end() for match in _EMPTY_IT.finditer(question)):
        return True
    phrases = noun_phrases(question)
    before = [phrase for phrase in phrases if phrase.end <= found.start()]
    named = any(phrase.named for phrase in before)
    if named and (found.re is PERSON or _IDENTITY.search(question)):
        return True
    if found.groupdict().get("possessive"):  # "how do bats find their way?"
        return any(not phrase.plural for phrase in before) or bool(before and found.group().lower() != "its")
    ahead = ", " in question[found.end() :]  # "after it opened, which films did the theatre show?"
    if (len(before) > 1 and len(question.split()) >= LONG) or (ahead and len(phrases) > len(before) + 1):
        return True
    clause = max((match.start() for match in _CLAUSE.finditer(question, 1, found.start())), default=0)
    return any(phrase.end <= clause for phrase in before)


def _is_vague(word: str) -> bool:
    stem = re.sub(r"(?:ies|es|s|ed|ing)$", "", word)
    forms = {word, stem, f"{stem}e", f"{stem}y", *(word.removesuffix(end) for end in ("s", "d", "ed"))}
    return bool(forms & _VAGUE) or (len(word) < 2 and word.isascii() and word.isalpha())

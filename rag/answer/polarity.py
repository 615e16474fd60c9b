"""Whether a sentence turns its evidence round: denials, opposites, and more claimed than is told. English."""

from __future__ import annotations

import re
from itertools import pairwise

from rag.language import stems, text_stems, words

# What denies, and what may say as much without denying: between the two and neither of them nothing contradicts.
_NEGATION = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|neither|nor|without|cannot|nowhere|non)\b|n['’]t\b|-free\b",
    re.IGNORECASE,
)
_DENIES = re.compile(
    r"\b(?:fail\w*|refus\w*|reject\w*|declin\w*|exclud\w*|lack\w*|absen\w*|forbid\w*|forbad\w*|prohibit\w*|prevent\w*"
    r"|cancel\w*|unable|instead|rather than|free of|only|unless|hardly|barely"
    r"|(?:left|ruled|broken|called|turned|switched|stayed|out) (?:out|off|down|away|of)"
    r"|yet to|no longer|substitute|el(?:se|iminat\w*)|too|scarce|otherwise|apart from|except)\b",
    re.IGNORECASE,
)
_OVERCLAIM = re.compile(
    r"\b(?:most|all|every|everyone|everything|always|only|sole|exclusive|exclusively|entire|entirely|whole|unique"
    r"|best|worst|record|leading|largest|biggest|highest|first|never|none|guarantee\w*|prove[sdn]?|definitely"
    r"|(?!for)\w{3,}[^aeiou]est)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"[,;:.()]+\s|\s[(–—-]+|\s(?:and|but|or|while|whereas|although|because|since|as|which|who|when|so|that)\s",
    re.IGNORECASE,
)
_OPPOSITES = tuple(
    tuple(frozenset().union(*(stems(word) for word in side.split())) for side in pair.split("/"))
    for pair in (
        "open opened opening/close closed closing shut",
        "increase rise rose risen grow grew growth gain raise raised up expand"
        " more higher/decrease fall fell fallen drop"
        " dropped decline declined shrink shrinking lose lost down reduce reduced less fewer lower",
        "accept accepted approve approved grant granted agree agreed welcome welcomed support supported allow"
        " allowed permit permitted/reject rejected refuse refused deny denied disagree disagreed oppose opposed"
        " contradict contradicted forbid forbidden cancel cancelled decline",
        "win won/lose lost",
        "buy bought purchase/sell sold",
        "start started begin began launch/end ended finish finished stop stopped",
        "before earlier previous/after later following",
        "early/late",
        "minimum least/maximum most",
        "include included including/exclude excluded excluding",
        "gain profit/loss debt",
        "arrive arrived/leave left depart",
        "with/without",
        "above over more/below under less fewer",
        "hire hired appoint appointed/dismiss dismissed fire relieved",
        "save saved/cost spend spent delete deleted erase erased",
        "public/private",
        "inside/outside",
        "short shorten shortened shorter/long lengthen lengthened longer",
        "strong/weak",
        "right correct true/wrong incorrect false",
        "happy happiest/unhappy worst sad",
        "male men man/female women woman",
        "paid pay/owe owed unpaid",
        "import/export",
        "north/south",
        "east/west",
        "first/last",
        "half halve halved/double doubled",
        "new/old",
        "present presence attend attended/absent absence miss missed",
        "success succeed succeeded/failure fail failed",
        "known/unknown",
    )
)


def clauses_of(text: str) -> list[tuple[int, int]]:
    """The stretches of a text between commas and conjunctions."""
    cuts = [0, *(match.end() for match in _CLAUSE.finditer(text)), len(text)]
    return [(start, end) for start, end in pairwise(cuts) if text[start:end].strip(" ,;:.()–—-")]


def opposed(claim: str, evidence: str) -> bool:
    """Whether the claim has a word whose opposite the evidence has in its stead."""
    said, told = text_stems(claim), text_stems(evidence)
    return any(
        bool((one & said) - told) and bool((other & told) - said) and not one & told
        for pair in _OPPOSITES
        for one, other in (pair, pair[::-1])
    )


def overclaimed(claim: str, known: str) -> int:
    """How many words claim all, only, or the most of something where what is known has no such word."""
    told = text_stems(known)
    return sum(not stems(match.group().lower()) <= told for match in _OVERCLAIM.finditer(claim))


def denial_differs(one: str, other: str) -> bool:
    """Whether one clause denies and the other plainly does not."""
    return {_denies(one, other), _denies(other, one)} == {"yes", "no"}


def _denies(text: str, beside: str) -> str:
    """Whether a clause denies: "yes", "no", or "maybe"; a prefix counts that the other is without."""
    if _NEGATION.search(text):
        return "yes"
    if _DENIES.search(text):
        return "maybe"
    other = text_stems(beside)
    return "yes" if any(stems(match[1]) & other for match in _prefixed(text)) else "no"


def _prefixed(text: str) -> list[re.Match[str]]:
    """The words of a text that a prefix turns round, with what they are without it."""
    found = (re.fullmatch(r"(?:un|in|dis|non-?)([a-z]{4,})", word) for word in words(text))
    return [match for match in found if match]

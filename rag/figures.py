"""Figures in a text: dates, times, numbers with their unit; and whether two sentences differ in them alone. English.

Condoravdi et al. 2003, "Entailment, intensionality and text understanding", and de Marneffe et al. 2008, "Finding
contradictions in text", tell contradictions in numbers from others by this: that both speak of the same event. Here
both must be told in the same words, or in others for the same measure; what is told otherwise may be something else.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from rag.language import FUNCTION_WORDS, stems, text_stems, words

_MONTHS = "january february march april may june july august september october november december".split()
_MONTH = "|".join(rf"{month}|{month[:3]}\b\.?" for month in _MONTHS) + r"|sept\.?"
_DATE = re.compile(
    rf"\b(?:(?P<d1>\d{{1,2}})(?:st|nd|rd|th)? (?:of )?(?P<m1>{_MONTH})\b(?:,? (?P<y1>\d{{4}})\b)?"
    rf"|(?P<m2>{_MONTH}) (?P<d2>\d{{1,2}})(?:st|nd|rd|th)?\b(?!,?\d)(?:,? (?P<y2>\d{{4}})\b)?"
    rf"|(?P<m3>{_MONTH}) (?P<y3>\d{{4}})\b"
    r"|(?P<y4>\d{4})-(?P<m4>\d\d)(?:-(?P<d4>\d\d))?\b"
    r"|(?<![\d.,$€£¥-])(?P<y5>1[4-9]\d\d|20\d\d)\b(?![.,]\d|\s?%|-\w))",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\b(?P<hour>[01]?\d|2[0-3])[:.](?P<minute>[0-5]\d)\b(?:\s?(?P<half>[ap])\.?m\b)?", re.IGNORECASE
)

_VALUES = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
        " seventeen eighteen nineteen".split()
    )
} | {
    word: 10 * value
    for value, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2)
}
_SCALES = {
    "hundred": 1e2,
    "thousand": 1e3,
    "million": 1e6,
    "billion": 1e9,
    "trillion": 1e12,
    "bn": 1e9,
    "m": 1e6,
}
_WRITTEN = "|".join(sorted(_VALUES, key=len, reverse=True))
_CURRENCIES = {"€": "euros", "$": "dollars", "£": "pounds", "¥": "yen"}
_CURRENCY_STEMS = frozenset(
    stem for word in (*_CURRENCIES.values(), "usd", "eur", "gbp") for stem in stems(word)
)
_NUMBER = re.compile(
    r"(?P<hedge>\b(?:about|around|nearly|almost|approximately|roughly|some|an estimated|over|more than|at least|up to"
    r"|less than|fewer than|under)\s+)?"
    r"(?P<currency>(?:US|NT|HK|A|C)?[$€£¥]\s?)?"
    rf"(?:(?<![\w.,-])(?P<digits>\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?)(?!(?!(?:bn|m)\b)\w|[.,]\d|-\d)"
    rf"|\b(?P<written>(?:{_WRITTEN})(?:-(?:{_WRITTEN}))?)\b(?!-\w))"
    r"(?:[ -]?(?P<scale>hundred|thousand|million|billion|trillion|bn|m)\b)?(?P<percent>\s?%|\s?per ?cent\b)?",
    re.IGNORECASE,
)
_AT_LEAST, _AT_MOST = ("over", "more than", "at least"), ("up to", "less than", "fewer than", "under")
# Who says so is no part of what is said.
_ATTRIBUTION = re.compile(
    r"^(?:according to|as reported by) [^,]{1,60}, |, (?:according to|says?|said) [^,]{1,60}(?=\.?$)", re.I
)
# Words that follow a number and say what is counted.
MOST_UNIT_WORDS = 3
# What is said to be about so much may be a tenth more or less.
ABOUT = 0.1
# A number with so many digits before its zeros may be another, rounded; one digit may not.
ROUNDED_DIGITS = 2

# Words for the same measure: which of them a text has tells nothing.
_MEASURES = (
    "cost costs price priced pay paid pays spend spent worth",
    "employ employs employed employee employees work works worker workers staff",
    "open opens opened opening inaugurate inaugurated start started starts begin began begins launch launched",
    "build builds built building construct constructed construction complete completed completion finish finished",
    "attend attended attendance visit visited visitor visitors come came draw drew attract attracted",
    "stand stands stood measure measures measured tall high height",
    "hold holds held seat seats house houses room",
    "found founded establish established set",
    "die died dead kill killed death deaths",
    "grow grew grown rise rose risen increase increased",
)
_MEASURE = {
    stem: number for number, each in enumerate(_MEASURES) for word in each.split() for stem in stems(word)
}
# Words that bring nothing that another account would have to say too.
_NEUTRAL = frozenset(
    stem
    for word in (
        "according say says said report reports reported announce announced state stated confirm confirmed company"
        " new big large great approximately about around nearly almost roughly estimated over least finally officially"
        " altogether people person member members there place took take"
    ).split()
    for stem in stems(word)
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure at `[start, end)` of a text.

    `value` is a number, minutes of a day, or year, month and day, each None where the text leaves it open. `unit` holds
    the stems of what is measured or counted; `hedge` is "about", "least" or "most" where the text is not exact.
    """

    kind: Literal["date", "time", "number"]
    value: tuple[float | None, ...]
    unit: frozenset[str]
    start: int
    end: int
    hedge: str = ""


@lru_cache(maxsize=2_000)
def figures(text: str) -> tuple[Figure, ...]:
    """The figures of a text in their order. Ordinals are words: they say which, not how many."""
    found = list(_dates(text))
    rest = _without(text, found)
    times = list(_times(rest))
    found += times
    found += _numbers(_without(rest, times))
    return tuple(sorted(found, key=lambda figure: figure.start))


def differ(one: Figure, other: Figure) -> bool:
    """Whether two figures measure the same and cannot both be right, however exact each is."""
    if (
        one.kind != other.kind
        or bool(one.unit) != bool(other.unit)
        or (one.unit and not one.unit & other.unit)
    ):
        return False
    if one.kind != "number":
        pairs = zip(one.value, other.value, strict=True)
        return any(first is not None and second is not None and first != second for first, second in pairs)
    first, second = one.value[0] or 0.0, other.value[0] or 0.0
    return first != second and not (
        _allows(one, second) or _allows(other, first) or _rounds(first, second) or _rounds(second, first)
    )


def contrary(
    one: str, other: str, headings: str = "", other_headings: str = ""
) -> list[tuple[Figure, Figure]]:
    """The figures in which two sentences differ that tell the same otherwise; none where they may tell two things.

    What one says, the other may leave to the headings that it stands under. What it says beyond that makes it another
    thing: "the hospital" and "the new wing of the hospital".
    """
    here, there = figures(one), figures(other)
    if not here or not there:
        return []
    (told, measures), (also_told, other_measures) = _told(one, here), _told(other, there)
    beyond = (told - also_told - text_stems(other_headings)) | (also_told - told - text_stems(headings))
    if not (told or measures) or not (also_told or other_measures):  # "1." and "2."
        return []
    if beyond or not (measures <= other_measures or other_measures <= measures):
        return []
    return [
        (figure, rival)
        for figure in here
        for rival in there
        if differ(figure, rival) and _agree(_others(here, figure), _others(there, rival), figure.kind)
    ]


def _told(text: str, found: Collection[Figure]) -> tuple[frozenset[str], frozenset[int]]:
    """The stems of the content words beside the figures, and the measures that some of them are words for."""
    rest = _ATTRIBUTION.sub(lambda match: " " * len(match.group()), _without(text, found))
    beside = (word for word in words(rest) if word not in FUNCTION_WORDS)
    stemmed: frozenset[str] = frozenset().union(*(stems(word) for word in beside))
    measures = frozenset(_MEASURE[stem] for stem in stemmed if stem in _MEASURE)
    return stemmed - _NEUTRAL - _CURRENCY_STEMS - _MEASURE.keys(), measures


def _others(found: Collection[Figure], figure: Figure) -> list[Figure]:
    return [each for each in found if each is not figure]


def _agree(here: Collection[Figure], there: Collection[Figure], kind: str) -> bool:
    """Whether the other figures of two sentences may belong to the same event.

    A date that only one gives may tell when a number was right, so that it does not belong to the other.
    """
    dated = [bool([each for each in found if each.kind == "date"]) for found in (here, there)]
    if kind == "number" and dated[0] != dated[1]:
        return False
    return not any(differ(one, other) for one in here for other in there)


def _allows(figure: Figure, value: float) -> bool:
    """Whether an inexact figure leaves room for a value."""
    said = figure.value[0] or 0.0
    return (
        (figure.hedge == "about" and abs(said - value) <= ABOUT * max(abs(said), abs(value)))
        or (figure.hedge == "least" and value >= said)
        or (figure.hedge == "most" and value <= said)
    )


def _rounds(exact: float, rounded: float) -> bool:
    """Whether one number is the other with fewer digits: 1,482 and 1,500."""
    digits = f"{rounded:.6g}".replace(".", "").lstrip("0")
    significant = len(digits.rstrip("0")) if float(rounded).is_integer() else len(digits)
    return significant >= ROUNDED_DIGITS and abs(exact) > 0 and float(f"{exact:.{significant}g}") == rounded


def _without(text: str, found: Collection[Figure]) -> str:
    """The text with spaces for its figures."""
    for figure in found:
        text = text[: figure.start] + " " * (figure.end - figure.start) + text[figure.end :]
    return text


def _dates(text: str) -> Iterator[Figure]:
    for match in _DATE.finditer(text):
        if re.search(r"\bmay\b", match.group()):
            continue  # "of whom 12 may come"
        parts = {name[0]: value for name, value in match.groupdict().items() if value}
        month = parts.get("m")
        if month is not None:
            month = month if month.isdigit() else str(_month(month))
        value = tuple(float(part) if part else None for part in (parts.get("y"), month, parts.get("d")))
        yield Figure("date", value, frozenset(), *match.span())


def _month(name: str) -> int:
    return next(
        number for number, month in enumerate(_MONTHS, 1) if month.startswith(name.lower().rstrip("."))
    )


def _times(text: str) -> Iterator[Figure]:
    for match in _TIME.finditer(text):
        if "." in match.group() and not match["half"]:
            continue  # 7.30 is a number unless it is said to be a time
        hour = (
            int(match["hour"]) % 12 + 12 * (match["half"].lower() == "p")
            if match["half"]
            else int(match["hour"])
        )
        yield Figure("time", (60.0 * hour + int(match["minute"]),), frozenset(), *match.span())


def _numbers(text: str) -> Iterator[Figure]:
    for match in _NUMBER.finditer(text):
        value = float(match["digits"].replace(",", "")) if match["digits"] else _written(match["written"])
        scale = (match["scale"] or "").lower()
        if scale == "m" and not match["currency"]:
            scale = ""
        hedge = (match["hedge"] or "").strip().lower()
        kind = "least" if hedge in _AT_LEAST else "most" if hedge in _AT_MOST else "about" if hedge else ""
        value *= _SCALES.get(scale, 1.0)
        yield Figure("number", (value,), _unit(match, text), *match.span(), kind)


def _written(number: str) -> float:
    return float(sum(_VALUES[word] for word in number.lower().split("-")))


def _unit(match: re.Match[str], text: str) -> frozenset[str]:
    """What a number counts or measures: a sign, or the words behind it up to one that says something else."""
    if match["percent"]:
        return frozenset({"%"})
    if match["currency"]:
        return stems(_CURRENCIES[match["currency"].strip()[-1]])
    counted: list[str] = []
    for word in re.match(r"(?:[ -][^\W\d_][\w'’-]*)*", text[match.end() :]).group().split():  # type: ignore[union-attr]
        if word.lower() in FUNCTION_WORDS or len(counted) == MOST_UNIT_WORDS:
            break
        counted.append(word.strip("-"))
    return frozenset().union(*(stems(word) for word in counted))

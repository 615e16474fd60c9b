"""The facts of a sentence that can be compared to the letter: values, units, dates, names.

What is compared is whether a sentence says more than its evidence; saying less is no error.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rag.definitions import has_initials
from rag.language import FUNCTION_WORDS, is_abbreviation, names, stems, words
from rag.quantities import PartialDate, date_spans, numbers, simplify
from rag.signals import akin

_DIGITS = re.compile(r"\d+(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?")
_YEAR_MONTH_DAY = re.compile(r"(?<!\d)(\d{4})年(?:(\d{1,2})月(?:(\d{1,2})[日号號])?)?")
_MONTH_DAY = re.compile(r"(?<!\d)(\d{1,2})月(\d{1,2})[日号號]")
_MONTHS = "january february march april may june july august september october november december".split()
_CALENDAR = frozenset(
    [*_MONTHS, *"monday tuesday wednesday thursday friday saturday sunday spring autumn winter".split()]
)
# Of ideographs, kana and hangul: what English models cannot read.
_UNREAD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_LATIN = re.compile(r"[A-Za-z][\w.&'’-]*(?:\s+(?:&\s+)?[A-Z][\w.&'’,-]*)*")

# Words that are numbers: each group is one value.
_WORD_VALUES: dict[str, float] = {
    stem: value
    for value, group in (
        (0.5, "half halve"),
        (1 / 3, "third thirds"),
        (0.25, "quarter quarters"),
        (0.2, "fifth fifths"),
        (2.0, "double twice twofold second twin"),
        (3.0, "triple thrice"),
        (12.0, "dozen twelfth"),
        (1.0, "first once"),
        (4.0, "fourth"),
        (6.0, "sixth"),
        (7.0, "seventh"),
        (8.0, "eighth"),
        (9.0, "ninth"),
        (10.0, "tenth"),
    )
    for word in group.split()
    for stem in stems(word)
}
# "A third" of something and "the third" look alike; both are looked for as either.
_SAME_VALUE = {1 / 3: 3.0, 0.2: 5.0, 0.25: 4.0}

_UNITS = {
    form: unit
    for unit, forms in {
        "percent": "% percent per-cent 個百分點",
        "euro": "€ euro euros eur",
        "dollar": "$ dollar dollars usd",
        "pound": "£ pound pounds gbp",
        "franc": "franc francs chf",
        "crown": "crown crowns krone kroner krona kronor",
        "yen": "¥ yen jpy",
        "second": "s sec secs second seconds",
        "minute": "min mins minute minutes 分鐘 分",
        "hour": "h hr hrs hour hours hourly",
        "day": "day days daily 天",
        "night": "night nights",
        "week": "week weeks weekly",
        "month": "month months monthly 個月",
        "year": "year years annual annually yearly yr yrs 年",
        "decade": "decade decades",
        "millimetre": "mm millimetre millimetres millimeter millimeters",
        "centimetre": "cm centimetre centimetres centimeter centimeters",
        "metre": "m metre metres meter meters",
        "kilometre": "km kilometre kilometres kilometer kilometers",
        "mile": "mile miles",
        "foot": "ft foot feet",
        "inch": "inch inches",
        "hectare": "ha hectare hectares",
        "acre": "acre acres",
        "milligram": "mg milligram milligrams",
        "gram": "g gram grams",
        "kilogram": "kg kilogram kilograms kilo kilos 公斤",
        "tonne": "t tonne tonnes ton tons",
        "millilitre": "ml millilitre millilitres milliliter milliliters",
        "litre": "l litre litres liter liters",
        "watt": "w watt watts",
        "kilowatt": "kw kilowatt kilowatts",
        "megawatt": "mw megawatt megawatts",
        "gigawatt": "gw gigawatt gigawatts",
        "kilowatt-hour": "kwh",
        "megawatt-hour": "mwh",
        "gigawatt-hour": "gwh",
        "celsius": "°c celsius",
        "fahrenheit": "°f fahrenheit",
        "volt": "v volt volts",
        "ampere": "a ampere amperes amp amps",
        "bar": "bar",
        "decibel": "db decibel decibels",
    }.items()
    for form in forms.split()
}
_UNIT = "|".join(sorted((re.escape(form) for form in _UNITS), key=len, reverse=True))
_BEHIND = re.compile(
    rf"(?:\s?(?:-|to|and|or)\s?\d[\d,.]*)?[\s-]?(?:(?:hundred|thousand|million|billion|trillion)\s)?"
    rf"(?:square[\s-]|cubic[\s-]|full\s|whole\s|shooting\s)?(?P<unit>{_UNIT})(?![a-z])"
)
_PER = re.compile(
    rf"(?:\b(?:per|an?|each|every)[\s-]|/\s?)(?P<unit>{_UNIT})(?![a-z])"
    r"|\b(?P<adverb>annually|yearly|monthly|weekly|daily|hourly)\b"
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a text states that can be compared to the letter. `measured` are values with their unit."""

    dates: tuple[PartialDate, ...]
    calendar: frozenset[str]
    values: frozenset[float]
    measured: frozenset[tuple[float, str]]
    rates: frozenset[str]

    def each_value(self) -> Iterator[Facts]:
        """Each value by itself, in their order."""
        for value in sorted(self.values):
            yield Facts((), frozenset(), frozenset({value}), frozenset(), frozenset())

    def each_date(self) -> Iterator[Facts]:
        """Each date by itself."""
        for date in self.dates:
            yield Facts((date,), frozenset(), frozenset(), frozenset(), frozenset())


def unread(text: str) -> bool:
    """Whether a text is written in a script that the English models do not read."""
    return len(_UNREAD.findall(text)) >= 2


@lru_cache(maxsize=4_000)
def facts_of(text: str) -> Facts:
    """The values, units and dates of a text."""
    plain = _spaced(text)
    dated = date_spans(plain)
    rest = plain
    for date, (start, end) in dated:
        if date.month is not None:
            rest = rest[:start] + " " * (end - start) + rest[end:]
    dates = tuple(date for date, _ in dated)
    written = [(_value(match.group()), match.end(), match.start()) for match in _DIGITS.finditer(rest)]
    values = {value for value, _, _ in written} | {number.value for number in numbers(rest)}
    values |= {_WORD_VALUES[stem] for word in words(rest) for stem in stems(word) if stem in _WORD_VALUES}
    return Facts(
        dates,
        frozenset(word for word in words(rest) if word in _CALENDAR),
        frozenset(values),
        frozenset(_measured(rest, written)),
        frozenset(_UNITS.get(match["unit"] or match["adverb"], "") for match in _PER.finditer(rest)),
    )


def _spaced(text: str) -> str:
    """Normalised, with dates of Chinese and Japanese as ISO has them, and digits apart from such characters."""
    text = simplify(text)
    text = _YEAR_MONTH_DAY.sub(
        lambda found: " " + "-".join(part.zfill(2) for part in found.groups() if part) + " ", text
    )
    text = _MONTH_DAY.sub(lambda found: f" {int(found[2])} {_MONTHS[(int(found[1]) - 1) % 12]} ", text)
    text = (
        re.sub(
            r"(?<=[\u3040-\u30ff\u3400-\u9fff])(?=[\w(])|(?<=\w)(?=[\u3040-\u30ff\u3400-\u9fff])", " ", text
        )
        if unread(text)
        else text
    )
    return text.casefold()


def _value(digits: str) -> float:
    return float(digits.replace(",", ""))


def _measured(text: str, written: Sequence[tuple[float, int, int]]) -> Iterator[tuple[float, str]]:
    for value, end, start in written:
        behind = _BEHIND.match(text, end)
        if behind:
            yield value, _UNITS[behind["unit"]]
        elif text[:start].rstrip()[-1:] in {*"€$£¥"}:
            yield value, _UNITS[text[:start].rstrip()[-1]]
    for number, word_end in _spelled(text):
        behind = _BEHIND.match(text, word_end)
        if behind:
            yield number, _UNITS[behind["unit"]]


_SPELLED = re.compile(
    r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty)\b"
)


def _spelled(text: str) -> Iterator[tuple[float, int]]:
    for match in _SPELLED.finditer(text):
        for number in numbers(match.group()):
            yield number.value, match.end()


def values_missing(claim: Facts, known: Facts) -> int:
    """How many values of a claim nothing known has. The numbers of a date are looked for as such too."""
    found = known.values | {
        float(part) for date in known.dates for part in (date.year, date.month, date.day) if part
    }
    found |= {_SAME_VALUE[value] for value in found if value in _SAME_VALUE}
    return sum(
        value not in found and _SAME_VALUE.get(value) not in found and not _is_half(value, found)
        for value in claim.values
        if value != 1.0
    )


def _is_half(value: float, found: Collection[float]) -> bool:
    """ "One and a half": the half is known where the whole number is."""
    return value != 0.5 and value % 1 == 0.5 and value - 0.5 in found and 0.5 in found


def units_differ(claim: Facts, known: Facts) -> int:
    """How many values have another unit than any that is known to go with them."""
    differing = 0
    for value in {value for value, _ in claim.measured} | {value for value, _ in known.measured}:
        own = {unit for number, unit in claim.measured if number == value}
        theirs = {unit for number, unit in known.measured if number == value}
        if (own and theirs and not own & theirs) or (
            not own and "percent" in theirs and value in claim.values
        ):
            differing += 1
    return differing + bool(claim.rates and known.rates and not claim.rates <= known.rates)


def dates_missing(claim: Facts, known: Facts) -> int:
    """How many dates of a claim agree with none that is known; a part that one of both leaves out agrees."""
    years = {date.year for date in known.dates if date.year} | {
        int(value) for value in known.values if 1000 <= value <= 2999
    }
    missing = sum(not any(_agree(date, other, years) for other in known.dates) for date in claim.dates)
    months = {_MONTHS[date.month - 1] for date in known.dates if date.month}
    return missing + len(claim.calendar - known.calendar - months - {"may"})


def _agree(date: PartialDate, other: PartialDate, years: Collection[int]) -> bool:
    if date.month is None:
        return date.year in (other.year, *years)
    return (
        date.month == other.month
        and date.day in (None, other.day)
        and (date.year in (None, other.year) or (other.year is None and date.year in years))
    )


def names_of(text: str, first_is_word: bool) -> list[str]:
    """The names of a sentence; its first word is one too unless it is known to be a word."""
    if unread(text):
        return [
            match.group().rstrip(".,")
            for match in _LATIN.finditer(text)
            if match.group().lower() not in _UNITS
        ]
    found = names(text if first_is_word else f"so {text}")
    return [name for name in found if any(character.isalpha() for character in name)]


def name_words(name: str) -> list[str]:
    """The words of a name that tell it from others."""
    return [
        word
        for word in re.findall(r"[^\W_]+(?:[.'’&/-][^\W_]+)*", name)
        if word.lower() not in FUNCTION_WORDS
    ]


def is_known(word: str, known_stems: Collection[str], known: str) -> bool:
    """Whether a word of a name stands in a text: in an inflection, as its short form or as its long one."""
    return all(akin(stem, known_stems) for stem in stems(word)) or (
        is_abbreviation(word) and has_initials(word, known)
    )


def spells_out(name: str, known: str) -> bool:
    """Whether a text has the short form of a name of several words."""
    return len(name.split()) > 1 and any(
        is_abbreviation(word) and has_initials(word, name) for word in re.findall(r"\w[\w-]+", known)
    )

"""Numbers and dates in a text, read as values: "1,200", "1200" and "twelve hundred" are one number.

Both readers expect text that went through `normalise`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

_PLAIN = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′´`", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("\u00ad\u200b\u2060\ufeff"),
    }
)
_MONTHS = (
    ("january", "jan"),
    ("february", "feb"),
    ("march", "mar"),
    ("april", "apr"),
    ("may",),
    ("june", "jun"),
    ("july", "jul"),
    ("august", "aug"),
    ("september", "sept", "sep"),
    ("october", "oct"),
    ("november", "nov"),
    ("december", "dec"),
)
_MONTH_NUMBER = {name: month for month, names in enumerate(_MONTHS, 1) for name in names}
_MONTH = "(?P<month>" + "|".join(sorted(_MONTH_NUMBER, key=len, reverse=True)) + r")\.?"
_NO_AMOUNT = r"(?![\w%]|[.,]\d| per ?cent)"
_YEAR = rf"(?P<year>[12]\d{{3}}){_NO_AMOUNT}"
_DAYS = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?(?:\s?(?:-|to|and|until)\s?(?P<last>\d{1,2})(?:st|nd|rd|th)?)?"
_DATES = tuple(
    re.compile(r"(?<![\w.,$])" + pattern)
    for pattern in (
        r"(?P<year>[12]\d{3})-(?P<month>\d\d)(?:-(?P<day>\d\d))?(?![\w-])",
        rf"(?:the )?{_DAYS}(?: of)? {_MONTH}(?:,? {_YEAR})?(?!\w)",
        rf"{_MONTH} {_DAYS}{_NO_AMOUNT}(?:,? {_YEAR})?",
        rf"{_MONTH},? {_YEAR}",
        _YEAR,
    )
)

_UNITS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_WORD_VALUE = {word: value for value, word in enumerate(_UNITS.split())} | {
    word: 10 * value for value, word in enumerate(_TENS.split(), 2)
}
_SCALES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_NUMBER_WORDS = "|".join(sorted([*_WORD_VALUE, *_SCALES], key=len, reverse=True))
_SPELLED = re.compile(rf"(?<!\w)(?:{_NUMBER_WORDS})(?:(?:-| and | )(?:{_NUMBER_WORDS}))*(?!\w)")
_DIGITS = re.compile(
    r"(?P<digits>(?:(?<![\w.,])-)?(?<![\w.])(?<!\d,)(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)(?!\w|[.,]\d)"
    r"(?: (?P<scale>hundred|thousand|million|billion|trillion)(?!\w))?"
)
_PERCENT = re.compile(r"(?:\s?(?:-|to|or|and)\s?\d+(?:\.\d+)?)?(?:\s?%|[ -]per ?cent(?!\w))")


@dataclass(frozen=True, slots=True)
class Number:
    """A number and whether it is a percentage; in "3-5%" both numbers are."""

    value: float
    percent: bool = False


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A calendar date as precise as the text is: `None` for each part that it leaves out."""

    year: int | None
    month: int | None = None
    day: int | None = None


def simplify(text: str) -> str:
    """Compatibility-composed (NFKC), with plain quotes and dashes and single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text.translate(_PLAIN)).split())


def normalise(text: str) -> str:
    """The same, and casefolded."""
    return simplify(text).casefold()


def dates(text: str) -> list[PartialDate]:
    """The dates that a normalised text mentions, in no order; "9-11 April 2025" gives both its days."""
    return [date for date, _ in date_spans(text)]


def numbers(text: str) -> list[Number]:
    """The numbers of a normalised text, in digits or words; those of a day or a month belong to dates."""
    rest = text
    for date, (start, end) in date_spans(text):
        if date.month is not None:
            rest = rest[:start] + "_" * (end - start) + rest[end:]
    values = [(_digits_value(match), match.end()) for match in _DIGITS.finditer(rest)]
    for match in _SPELLED.finditer(rest):
        if match[0] not in _SCALES:  # "the million" is no count of anything
            values += [(value, match.end()) for value in _spelled_values(match[0])]
    return [Number(value, _PERCENT.match(rest, end) is not None) for value, end in values]


def _digits_value(match: re.Match[str]) -> float:
    return float(match["digits"].replace(",", "")) * _SCALES.get(match["scale"], 1)


def _spelled_values(phrase: str) -> Iterator[float]:
    """The values of a run of number words: one for "two hundred and six", two for "six and seven"."""
    total = group = previous = 0
    started = False
    for word in re.split(r"-| and | ", phrase):
        if word in _SCALES:
            scale = _SCALES[word]
            if scale == 100:
                group = max(group, 1) * 100
            else:
                total, group = total + max(group, 1) * scale, 0
            previous = scale
        else:
            value = _WORD_VALUE[word]
            fits = previous in (100, *(_SCALES.values())) or (previous in range(20, 100) and 0 < value < 10)
            if started and not fits:
                yield float(total + group)
                total = group = 0
            group += value
            previous = value
        started = True
    yield float(total + group)


def date_spans(text: str) -> list[tuple[PartialDate, tuple[int, int]]]:
    """Each date of a normalised text with its span; what one form has read is not read again by a vaguer one."""
    found: list[tuple[PartialDate, tuple[int, int]]] = []
    taken: list[tuple[int, int]] = []
    for pattern in _DATES:
        for match in pattern.finditer(text):
            if any(match.start() < end and start < match.end() for start, end in taken):
                continue
            read = [date for date in _dates_of(match) if _exists(date)]
            if read:
                taken.append(match.span())
                found += [(date, match.span()) for date in read]
    return found


def _dates_of(match: re.Match[str]) -> list[PartialDate]:
    parts = match.groupdict()
    month = parts.get("month")
    month_number = None if month is None else _MONTH_NUMBER.get(month) or int(month)
    year = int(parts["year"]) if parts.get("year") else None
    days = [int(parts[name]) for name in ("day", "last") if parts.get(name)]
    return [PartialDate(year, month_number, day) for day in days] or [PartialDate(year, month_number)]


def _exists(date: PartialDate) -> bool:
    return 1 <= (date.month or 1) <= 12 and 1 <= (date.day or 1) <= 31

"""Does a text hold an accepted form? Words as words, numbers as numbers, dates as dates.

A `Form` is one way to write a fact; a nugget is a fact: a tuple of forms, any of which will do. The word is
that of the TREC question answering track (Voorhees, "Overview of the TREC 2003 Question Answering Track").
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from rag.quantities import Number, PartialDate, dates, normalise, numbers, simplify

_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


class Searchable:
    """A text, prepared once for any number of forms."""

    def __init__(self, text: str) -> None:
        self.cased = simplify(text)
        self.text = self.cased.casefold()

    @cached_property
    def numbers(self) -> list[Number]:
        """The numbers of the text."""
        return numbers(self.text)

    @cached_property
    def dates(self) -> list[PartialDate]:
        """The dates of the text."""
        return dates(self.text)


@dataclass(frozen=True, slots=True)
class TextForm:
    """Words in this order, whole words only, whatever the case, the quotes, the dashes and the spaces."""

    text: str

    def found_in(self, searchable: Searchable) -> bool:
        return _words(self.text).search(searchable.text) is not None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class NumberForm:
    """A number, however it is written: 25 is not in "5" or "250". With `percent`, only a percentage."""

    value: float
    percent: bool = False

    def found_in(self, searchable: Searchable) -> bool:
        return any(
            math.isclose(number.value, self.value, rel_tol=1e-9) and (number.percent or not self.percent)
            for number in searchable.numbers
        )

    def __str__(self) -> str:
        return f"{self.value:,.10g}" + ("%" if self.percent else "")


@dataclass(frozen=True, slots=True)
class DateForm:
    """A date, as precise as it is given; a text may be more precise.

    A text may leave out the year of a full date ("on 21 April"), as answers in context do, and nothing else.
    """

    date: PartialDate

    def found_in(self, searchable: Searchable) -> bool:
        return any(self._agrees(date) for date in searchable.dates)

    def _agrees(self, found: PartialDate) -> bool:
        wanted = self.date
        year_left_out = found.year is None and wanted.day is not None
        return (
            (found.year == wanted.year or year_left_out)
            and wanted.month in (None, found.month)
            and wanted.day in (None, found.day)
        )

    def __str__(self) -> str:
        parts = (self.date.year, self.date.month, self.date.day)
        return "-".join(f"{part:02d}" for part in parts if part is not None)


@dataclass(frozen=True, slots=True)
class PatternForm:
    """A regular expression, searched in the text with plain quotes, dashes and spaces.

    Case does not matter, but within `(?-i:...)`: "(?-i:US)" is not in "us".
    """

    pattern: str

    def found_in(self, searchable: Searchable) -> bool:
        return re.search(self.pattern, searchable.cased, re.IGNORECASE) is not None

    def __str__(self) -> str:
        return f"/{self.pattern}/"


Form = TextForm | NumberForm | DateForm | PatternForm
Nugget = tuple[Form, ...]


def parse_form(value: object) -> Form:
    """Read a form from JSON: `"text"`, `{"number": 3.5, "percent": true}`, `{"date": "2025-04-21"}`,
    `{"pattern": "..."}`.

    Raises:
        ValueError: says which value is no form, and why.
    """
    match value:
        case str() if normalise(value):
            return TextForm(value)
        case {"number": int() | float() as number, **rest} if rest in ({}, {"percent": True}):
            return NumberForm(float(number), bool(rest))
        case {"date": str() as date, **rest} if not rest:
            return DateForm(_parse_date(date))
        case {"pattern": str() as pattern, **rest} if not rest:
            return _parse_pattern(pattern)
    raise ValueError(
        f"{value!r} is no accepted form: give a text, {{'number': 3.5}}, {{'date': 'YYYY-MM-DD'}} "
        "or {'pattern': 'a regular expression'}"
    )


def found(nugget: Sequence[Form], text: str | Searchable) -> bool:
    """Whether any form of the nugget is in the text."""
    searchable = text if isinstance(text, Searchable) else Searchable(text)
    return any(form.found_in(searchable) for form in nugget)


def missing(nuggets: Iterable[Nugget], text: str) -> list[Nugget]:
    """The nuggets that the text does not hold."""
    searchable = Searchable(text)
    return [nugget for nugget in nuggets if not found(nugget, searchable)]


def describe(nugget: Sequence[Form]) -> str:
    """A nugget for a reader: its forms, separated by "or"."""
    return " or ".join(str(form) for form in nugget)


@lru_cache(maxsize=4096)
def _words(text: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(normalise(text))}(?!\w)")


def _parse_date(text: str) -> PartialDate:
    match = _DATE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no date: write YYYY, YYYY-MM or YYYY-MM-DD")
    year, month, day = (None if part is None else int(part) for part in match.groups())
    try:
        datetime.date(year or 1, month or 1, day or 1)
    except ValueError as error:
        raise ValueError(f"{text!r} is no date: {error}") from error
    return PartialDate(year, month, day)


def _parse_pattern(pattern: str) -> PatternForm:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
    return PatternForm(pattern)

"""Dates of the record: ISO, as precise as is known; and those that files hold in other forms, made so."""

from __future__ import annotations

import calendar
import datetime
import re
from email.utils import parsedate_to_datetime

from rag.errors import InvalidInput

_DATE = re.compile(r"([0-9]{4})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12][0-9]|3[01]))?)?")


def days(date: str | None) -> tuple[int, int] | None:
    """The first and last day that an ISO date of any precision covers, as YYYYMMDD; None for none.

    Raises:
        InvalidInput: not a date of the form YYYY, YYYY-MM or YYYY-MM-DD.
    """
    if date is None:
        return None
    match = _DATE.fullmatch(date)
    if match:
        year, month, day = int(match[1]), int(match[2] or 0), int(match[3] or 0)
        first_month, last_month = month or 1, month or 12
        if year:
            last_day = day or calendar.monthrange(year, last_month)[1]
            if last_day <= calendar.monthrange(year, last_month)[1]:
                return (year * 100 + first_month) * 100 + (day or 1), (
                    year * 100 + last_month
                ) * 100 + last_day
    raise InvalidInput(f"{date!r} is not a date. Write YYYY-MM-DD, YYYY-MM or YYYY.")


def in_words(date: str) -> str:
    """An ISO date as it is written in a sentence: "21 April 2025", "April 2025", "2025"."""
    year, _, rest = date.partition("-")
    month, _, day = rest.partition("-")
    return " ".join(filter(None, (day.lstrip("0"), month and calendar.month_name[int(month)], year)))


# As files write them, most telling first: PDF (7.9.4 of ISO 32000), ISO 8601, and words in English.
_NUMERIC = re.compile(r"(?:D:)?(\d{4})[-/.]?(\d{2})?[-/.]?(\d{2})?(?!\d{1,3}$)")
_WORDS = ("%d %B %Y", "%B %d %Y", "%d %b %Y", "%b %d %Y", "%B %Y", "%b %Y")


def found_date(written: str | None) -> str | None:
    """The day that a date in a file's metadata or an e-mail's header means, ISO; None where it cannot be told."""
    text = " ".join((written or "").replace(",", " ").split())
    match = _NUMERIC.match(text)
    if match:
        return _checked("-".join(part for part in match.groups() if part))
    try:
        return _checked(parsedate_to_datetime(written or "").date().isoformat())
    except (ValueError, TypeError, IndexError, OverflowError):
        return _in_words(text)


def _in_words(text: str) -> str | None:
    for form in _WORDS:
        try:
            found = datetime.datetime.strptime(text, form)
        except ValueError:
            continue
        return found.strftime("%Y-%m-%d" if "%d" in form else "%Y-%m")
    return None


def _checked(date: str) -> str | None:
    try:
        days(date)
    except InvalidInput:
        return None
    return date

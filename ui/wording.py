"""Numbers, dates and probabilities in words that a person reads without thinking."""

from __future__ import annotations

from dataclasses import dataclass

from ui.messages import message


@dataclass(frozen=True, slots=True)
class Confidence:
    """`level` names the style (`high`, `fair`, `low`); `odds` says what the number means."""

    level: str
    words: str
    odds: str


def confidence_in_words(probability: float, language: str) -> Confidence:
    """What a calibrated probability of being right means to a reader."""
    tenths = round(probability * 10)
    how_many = "most" if tenths >= 10 else "few" if tenths <= 0 else "some"
    odds = message(f"odds.{how_many}", language, tenths=tenths)
    for least, level, words in (
        (0.85, "high", "very_likely"),
        (0.65, "high", "likely"),
        (0.4, "fair", "uncertain"),
    ):
        if probability >= least:
            return Confidence(level, message(f"confidence.{words}", language), odds)
    return Confidence("low", message("confidence.doubtful", language), odds)


def counted(number: int, noun: str, language: str) -> str:
    """`1 passage`, `2 passages`, `1,234 passages`: the text `count.{noun}`, of one or of other numbers."""
    form = "one" if number == 1 else "other"
    return message(f"count.{noun}.{form}", language, number=f"{number:,}")


def date_in_words(date: str | None, language: str) -> str:
    """An ISO date of any precision, "21 April 2025" or "2025年4月21日"; empty for none."""
    if not date:
        return ""
    year, *rest = date.split("-")
    if not rest:
        return message("date.year", language, year=year)
    month = message(f"month.{int(rest[0])}", language)
    if len(rest) == 1:
        return message("date.month", language, year=year, month=month)
    return message("date.day", language, year=year, month=month, day=int(rest[1]))


def kind_in_words(kind: str) -> str:
    """A kind as the record names it, `press_release`, as a label: "Press release"."""
    words = kind.replace("_", " ")
    return words[:1].upper() + words[1:]

"""Numbers and probabilities in words that a person reads without thinking."""

from __future__ import annotations

from dataclasses import dataclass

from ui.messages import message


@dataclass(frozen=True, slots=True)
class Confidence:
    """`level` names the style (`high`, `fair`, `low`); `odds` says what the number means."""

    level: str
    words: str
    odds: str


def confidence_in_words(probability: float) -> Confidence:
    """What a calibrated probability of being right means to a reader."""
    tenths = round(probability * 10)
    if tenths >= 10:
        odds = "More than 9 in 10 answers like this are right"
    elif tenths <= 0:
        odds = "Fewer than 1 in 10 answers like this are right"
    else:
        odds = f"About {tenths} in 10 answers like this are right"
    if probability >= 0.85:
        return Confidence("high", "Very likely right", odds)
    if probability >= 0.65:
        return Confidence("high", "Likely right", odds)
    if probability >= 0.4:
        return Confidence("fair", "Uncertain, check the source", odds)
    return Confidence("low", "Doubtful, check the source", odds)


def counted(number: int, noun: str, language: str) -> str:
    """`1 passage`, `2 passages`, `1,234 passages`: the text `count.{noun}`, of one or of other numbers."""
    form = "one" if number == 1 else "other"
    return message(f"count.{noun}.{form}", language, number=f"{number:,}")

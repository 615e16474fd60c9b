"""Plain text handling that the data needs: sentences, words, and undoing tokenisation."""

from __future__ import annotations

import re

Span = tuple[int, int]

_BOUNDARY = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+(?=[\"'“‘(\[]?[A-Z0-9])|\n+")
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|St|Prof|Inc|Ltd|Co|Corp|vs|No|Jr|Sr|Gen|Col|Lt|c|ca|e\.g|i\.e)|\b[A-Z])\.$"
)


def sentence_spans(text: str) -> list[Span]:
    """Character spans of the sentences of `text`, without the white space between them."""
    spans: list[Span] = []
    start = 0
    for boundary in _BOUNDARY.finditer(text):
        ended = text[start : boundary.start()]
        if _ABBREVIATION.search(ended) and "\n" not in boundary.group():
            continue
        end = boundary.start() + len(boundary.group().rstrip())
        if end > start:
            spans.append((start, end))
        start = boundary.end()
    if start < len(text.rstrip()):
        spans.append((start, len(text.rstrip())))
    return spans


def words(text: str) -> list[str]:
    """Lower-cased runs of letters and digits."""
    return re.findall(r"[^\W_]+", text.lower())


_DROPPED_SPACE = re.compile(r" (?=[,.;:!?)\]%]|'s\b|'t\b|n't\b)|(?<=[(\[$£€]) | (?=[-–—/] )|(?<= [-–/]) ")


def detokenise(text: str, spans: list[Span]) -> tuple[str, list[Span]]:
    """`text` without the spaces that a tokeniser put around punctuation, and `spans` moved to match."""
    text = text.replace("``", '"').replace("''", '"') if "``" not in text else _same_length_quotes(text)
    dropped = [match.start() for match in _DROPPED_SPACE.finditer(text)]
    gone = set(dropped)
    moved: list[int] = []
    for position in range(len(text) + 1):
        moved.append(position if not moved else moved[-1] + (0 if position - 1 in gone else 1))
    plain = "".join(character for position, character in enumerate(text) if position not in gone)
    return plain, [(moved[start], moved[end]) for start, end in spans]


def _same_length_quotes(text: str) -> str:
    """Tokenised quotation marks as plain ones, each padded to two characters so that offsets hold."""
    return text.replace("`` ", '  "').replace(" ''", '"  ').replace("``", ' "').replace("''", '" ')

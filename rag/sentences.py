"""Text -> sentences."""

from __future__ import annotations

import re

import nupunkt

# Not before と, which goes on after a quotation.
_CJK_END = re.compile(r"[。！？]++(?:[」』”’）)]++(?!と)|(?![」』”’）)]))")
_ENUMERATOR = re.compile(r"\(?(\d{1,3}|[A-Za-z])[.)]")


def split_sentences(text: str) -> list[tuple[int, int]]:
    """The sentences of a text as `(start, end)`, without the white space between them.

    Punkt (Kiss and Strunk 2006, "Unsupervised Multilingual Sentence Boundary Detection") as kept by nupunkt. Beyond it:
    Chinese and Japanese full stops end a sentence, and a bare enumerator ("2.") belongs to what follows it.
    """
    spans: list[tuple[int, int]] = []
    for start, end in nupunkt.sent_spans(text):
        position = start
        for stop in _CJK_END.finditer(text, start, end):
            spans.append((position, stop.end()))
            position = stop.end()
        spans.append((position, end))
    found: list[tuple[int, int]] = []
    for start, end in spans:
        start, end = stripped(text, start, end)
        if start == end:
            continue
        if found and _ENUMERATOR.fullmatch(text[slice(*found[-1])]):
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def stripped(text: str, start: int, end: int) -> tuple[int, int]:
    """The stretch of a text without the white space at its ends."""
    inner = text[start:end].strip()
    start += text[start:end].find(inner)
    return start, start + len(inner)

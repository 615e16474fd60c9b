"""Documents that nobody wrote, as many as wanted, with questions whose answers are known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PASSAGES_A_DOCUMENT = 10


@dataclass(frozen=True, slots=True)
class Known:
    """A question, and the one sentence that answers it in the document that says so."""

    question: str
    answer: str
    document_id: str
    quote: str


@dataclass(frozen=True, slots=True)
class Text:
    """One document as a Markdown file holds it; its id is the stem of the file's name."""

    document_id: str
    markdown: str
    known: tuple[Known, ...]


def texts(passages: int, seed: int) -> Iterator[Text]:
    """Documents that are cut into about so many passages in all; the same ones for the same seed.

    The documents of a smaller number are the first of those of a larger one.
    """
    raise NotImplementedError


def write_texts(folder: Path, passages: int, seed: int) -> list[Known]:
    """The same, written as files into a folder; all that is known of them."""
    folder.mkdir(parents=True, exist_ok=True)
    known: list[Known] = []
    for text in texts(passages, seed):
        (folder / f"{text.document_id}.md").write_text(text.markdown, encoding="utf-8")
        known.extend(text.known)
    return known

"""What every contender can do. Nothing but the standard library here: that of the peers need have no more."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Ready:
    """A passage that somebody else has cut."""

    id: str
    document_id: str
    text: str


class Contender(ABC):
    """One way to find passages in documents. What is heavy is loaded at first use."""

    def __init__(self, model: Path, index: Path) -> None:
        """`model` is the folder of the weights, `index` the folder of what is kept."""
        self.model = model
        self.index = index
        self.handed: list[Ready] = []

    def hand_over(self, passages: str, documents: str) -> int:  # noqa: ARG002
        """Take the passages of a file into memory, for `add`; `documents` is the folder that they are of."""
        with Path(passages).open(encoding="utf-8") as lines:
            self.handed = [Ready(**json.loads(line)) for line in lines]
        return len(self.handed)

    @abstractmethod
    def embed(self, text: str) -> list[float]:
        """The vector of a question."""

    @abstractmethod
    def ingest(self, documents: str) -> int:
        """Make the index of the files of a folder; returns how many passages it has."""

    @abstractmethod
    def add(self) -> int:
        """Make the index of the passages handed over; returns how many it has."""

    @abstractmethod
    def search(self, question: str) -> list[str]:
        """The documents of the passages found, best first, one for each passage."""


def read_files(folder: str) -> Iterator[tuple[str, str]]:
    """Id and text of every file, for contenders that have no reader of files of their own."""
    for file in sorted(Path(folder).iterdir()):
        yield file.stem, file.read_text(encoding="utf-8")


def paragraphs(text: str) -> list[str]:
    """What blank lines part, for contenders that have no way to cut of their own."""
    return [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]

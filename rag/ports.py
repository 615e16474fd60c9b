"""What the stages need from the outside world. Each port has one real adapter, one fake and one contract suite."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from rag.domain import Filters, Passage, Usage

Vector = NDArray[np.float32]
Progress = Callable[[int], None]


class Embedder(Protocol):
    """Turns text into unit vectors whose dot product is the similarity of meaning."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever the same text could get another vector."""
        ...

    @property
    def precision(self) -> str:
        """What its products are of: "int8" or "float32"."""
        ...

    @property
    def dimensions(self) -> int:
        """The length of a vector."""
        ...

    @property
    def max_tokens(self) -> int:
        """How much of a text is read; the rest is cut off."""
        ...

    def embed_query(self, text: str) -> Vector:
        """Shape (dimensions,)."""
        ...

    def embed_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Vector:
        """Shape (len(texts), dimensions), in the order of `texts`; `progress` gets the number newly done."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text, uncut, without special tokens."""
        ...


@dataclass(frozen=True, slots=True)
class SpanLogits:
    """What a reader makes of one passage, for one question.

    `starts` and `ends` hold, for each of n tokens of the passage, the logit of the answer beginning or ending there;
    `offsets` (n, 2) where the token stands in the passage's text. `none` is the logit of no answer, comparable with a
    start plus an end; `answerable` the logit of the passage answering the question at all.
    """

    starts: Vector
    ends: Vector
    offsets: NDArray[np.int64]
    none: float
    answerable: float


class Reader(Protocol):
    """Reads a question and a passage together and points at the answer."""

    def read(self, question: str, passages: Sequence[Passage]) -> list[SpanLogits]:
        """One result a passage, in their order; what does not fit the model's input is cut off."""
        ...


class VectorStore(Protocol):
    """Named collections of vectors. A collection is written once, then only read, then deleted."""

    def create(self, collection: str, expected: int = 0) -> None:
        """Make an empty collection for about so many vectors; one of that name that is left over is replaced."""
        ...

    def add(self, collection: str, passages: Sequence[Passage], vectors: Vector) -> None:
        """Store each passage under its id with its vector and what filters need; adding twice changes nothing."""
        ...

    def vectors(self, collection: str, ids: Sequence[str]) -> Mapping[str, Vector]:
        """The stored vectors of those ids that the collection has."""
        ...

    def query(self, collection: str, vector: Vector, limit: int, filters: Filters) -> list[tuple[str, float]]:
        """The nearest passages as (id, cosine similarity), best first.

        Raises:
            IndexCorrupt: the collection is not there.
        """
        ...

    def count(self, collection: str) -> int:
        """How many vectors the collection holds; 0 where there is no such collection."""
        ...

    def collections(self) -> Iterator[str]:
        """The names of all collections."""
        ...

    def delete(self, collection: str) -> None:
        """Remove the collection; one that is not there is no error."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """One message to a language model."""

    role: Literal["system", "user", "assistant"]
    content: str


class LanguageModel(Protocol):
    """Writes text that goes on from messages. What it writes is never trusted."""

    @property
    def name(self) -> str:
        """The model's name, as an answer shows it."""
        ...

    def write(self, messages: Sequence[Message], most_tokens: int) -> Generator[str | Usage]:
        """Pieces of text as they arrive; a server that counts tokens ends with `Usage`.

        Closing the generator ends the request. At most `most_tokens` are written.

        Raises:
            LanguageModelError: before the first piece or between two, where the rest does not come.
        """
        ...

"""Stand-ins for the ports: small, deterministic and exact, and held to the same contracts as the real adapters."""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from functools import lru_cache

import numpy as np

from rag.dates import days
from rag.domain import BlockKind, Evidence, Filters, Hit, Passage, Sentence
from rag.errors import IndexCorrupt, LanguageModelError
from rag.ports import Embedder, Message, Progress, SpanLogits, Usage, Vector, VectorStore

Parts = str | Exception | Sequence[str | Exception]
ScriptedReply = Parts | Callable[[Sequence[Message]], Parts]
_TOKEN = re.compile(r"\w+|[^\w\s]")


class HashingEmbedder:
    """A bag of words: each word is a fixed random direction, a text their normalised sum."""

    def __init__(self, dimensions: int = 64, max_tokens: int = 256) -> None:
        self._dimensions = dimensions
        self._max_tokens = max_tokens

    @property
    def fingerprint(self) -> str:
        return f"hashing-{self._dimensions}-{self._max_tokens}"

    @property
    def precision(self) -> str:
        return "float32"

    @property
    def dimensions(self) -> int:
        return self._dimensions

    @property
    def max_tokens(self) -> int:
        return self._max_tokens

    def embed_query(self, text: str) -> Vector:
        words = _TOKEN.findall(text.lower())[: self._max_tokens]
        total = np.sum([_direction(word, self._dimensions) for word in words or [""]], axis=0)
        vector: Vector = (total / np.linalg.norm(total)).astype(np.float32)
        return vector

    def embed_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Vector:
        vectors = np.empty((len(texts), self._dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row] = self.embed_query(text)
            if progress:
                progress(1)
        return vectors

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(_TOKEN.findall(text)) for text in texts]


@lru_cache(maxsize=10_000)
def _direction(word: str, dimensions: int) -> Vector:
    digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    direction: Vector = np.random.default_rng(int.from_bytes(digest)).standard_normal(dimensions)
    return direction


class WordReader:
    """Points at the words of a passage that the question lacks, in passages that share words with it."""

    def read(self, question: str, passages: Sequence[Passage]) -> list[SpanLogits]:
        return [self._read(set(_TOKEN.findall(question.lower())), passage) for passage in passages]

    def _read(self, asked: set[str], passage: Passage) -> SpanLogits:
        tokens = list(_TOKEN.finditer(passage.text))
        new = np.array([token.group().lower() not in asked for token in tokens], dtype=np.float32)
        shared = len(tokens) - float(new.sum())
        offsets = np.array([token.span() for token in tokens], dtype=np.int64).reshape(-1, 2)
        return SpanLogits(4.0 * new, 4.0 * new, offsets, none=4.0, answerable=2.0 * shared - 2.0)


class ScriptedLanguageModel:
    """Writes the replies that it is given, word by word; an error among the parts of a reply is raised in its place.

    A reply may be made from the messages that it answers. What was asked is kept in `requests`; `ended` counts the
    calls that are over, to their end or not.
    """

    name = "scripted"

    def __init__(self, *replies: ScriptedReply) -> None:
        self.replies = deque(replies)
        self.requests: list[tuple[Message, ...]] = []
        self.ended = 0

    def write(self, messages: Sequence[Message], most_tokens: int) -> Generator[str | Usage]:
        self.requests.append(tuple(messages))
        try:
            yield from self._write(messages, most_tokens)
        finally:
            self.ended += 1

    def _write(self, messages: Sequence[Message], most_tokens: int) -> Iterator[str | Usage]:
        if not self.replies:
            raise LanguageModelError("Nothing was scripted.")
        reply = self.replies.popleft()
        parts = reply(messages) if callable(reply) else reply
        written = 0
        for part in (parts,) if isinstance(parts, str | Exception) else parts:
            if isinstance(part, Exception):
                raise part
            for word in re.findall(r"\s*\S+\s*$|\s*\S+", part)[: most_tokens - written]:
                written += 1
                yield word
        yield Usage(sum(len(message.content.split()) for message in messages), written)


class InMemoryVectorStore:
    """Exact search in a dictionary."""

    def __init__(self) -> None:
        self._collections: dict[str, dict[str, tuple[Passage, Vector]]] = {}

    def create(self, collection: str, expected: int = 0) -> None:
        self._collections[collection] = {}

    def add(self, collection: str, passages: Sequence[Passage], vectors: Vector) -> None:
        target = self._get(collection)
        for passage, vector in zip(passages, vectors, strict=True):
            target[passage.id] = (passage, vector.copy())

    def vectors(self, collection: str, ids: Sequence[str]) -> Mapping[str, Vector]:
        stored = self._get(collection)
        return {key: stored[key][1] for key in ids if key in stored}

    def query(self, collection: str, vector: Vector, limit: int, filters: Filters) -> list[tuple[str, float]]:
        found = [
            (key, float(stored @ vector))
            for key, (passage, stored) in self._get(collection).items()
            if allows(filters, passage)
        ]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:limit]

    def count(self, collection: str) -> int:
        return len(self._collections.get(collection, {}))

    def collections(self) -> Iterator[str]:
        yield from list(self._collections)

    def delete(self, collection: str) -> None:
        self._collections.pop(collection, None)

    def _get(self, collection: str) -> dict[str, tuple[Passage, Vector]]:
        if collection not in self._collections:
            raise IndexCorrupt(f"There is no collection {collection}. Run `mission-record rebuild`.")
        return self._collections[collection]


def allows(filters: Filters, passage: Passage) -> bool:
    """Whether the filters let a passage through: the plainest reading of `Filters`."""
    covered = days(passage.published)
    earliest, latest = days(filters.published_from), days(filters.published_to)
    return (
        (not filters.document_ids or passage.document_id in filters.document_ids)
        and (not filters.kinds or passage.kind in filters.kinds)
        and (earliest is None or (covered is not None and covered[1] >= earliest[0]))
        and (latest is None or (covered is not None and covered[0] <= latest[1]))
    )


class Recording:
    """Delegates to another implementation of a port, notes each call and may fail before a chosen one."""

    def __init__(
        self, real: object, before: Callable[[str, int], None] = lambda _name, _number: None
    ) -> None:
        self._real = real
        self._before = before
        self.calls: list[tuple[str, tuple[object, ...]]] = []

    def __getattr__(self, name: str) -> object:
        attribute = getattr(self._real, name)
        if not callable(attribute):
            return attribute

        def call(*args: object, **kwargs: object) -> object:
            self._before(name, sum(called == name for called, _ in self.calls))
            self.calls.append((name, args))
            return attribute(*args, **kwargs)

        return call

    def of(self, name: str) -> list[tuple[object, ...]]:
        """The arguments of each call of one method."""
        return [arguments for called, arguments in self.calls if called == name]


class RecordingEmbedder(Recording):
    """An embedder that knows what it was asked to embed."""

    def __init__(
        self, real: Embedder, before: Callable[[str, int], None] = lambda _name, _number: None
    ) -> None:
        super().__init__(real, before)

    @property
    def embedded(self) -> list[str]:
        """Every text that was embedded for storage, in order."""
        return [text for (texts, *_) in self.of("embed_passages") for text in texts]  # type: ignore[attr-defined]


class RecordingVectorStore(Recording):
    """A vector store that knows what was done to it."""

    def __init__(
        self, real: VectorStore, before: Callable[[str, int], None] = lambda _name, _number: None
    ) -> None:
        super().__init__(real, before)


def failing(method: str, at: int, error: Exception) -> Callable[[str, int], None]:
    """For `Recording`: raise `error` at the call of `method` with that number, from 0, and at later ones."""

    def before(name: str, number: int) -> None:
        if name == method and number >= at:
            raise error

    return before


def passage_of(
    *sentences: str, start: int = 0, kind: BlockKind = BlockKind.PARAGRAPH, **values: str
) -> Passage:
    """A passage of these sentences, parted by spaces, that begins at `start` of its document."""
    placed: list[Sentence] = []
    at = start
    for sentence in sentences:
        placed.append(Sentence(at, at + len(sentence), sentence, kind))
        at += len(sentence) + 1
    text = " ".join(sentences)
    fields = {
        "document_id": "d",
        "title": "T",
        "section": "",
        "kind": "k",
        "published": None,
        "source": None,
    } | values
    return Passage(
        id=hashlib.sha256(f"{fields} {start} {text}".encode()).hexdigest()[:32],
        text=text,
        start=start,
        end=start + len(text),
        sentences=tuple(placed),
        **fields,  # type: ignore[arg-type]
    )


def evidence_of(
    passage: Passage, sentence: int = 0, score: float = 0.9, part: int = 0, rank: int = 1
) -> Evidence:
    """A sentence of a passage, judged."""
    return Evidence(Hit(passage, 1.0 / rank, rank), passage.sentences[sentence], score, part=part)

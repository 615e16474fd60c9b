"""The words of the program. Values only: frozen, comparable, no input or output.

All offsets are in characters (Unicode code points) into `Document.text`; `end` is exclusive.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal
from urllib.parse import quote

from rag.errors import InvalidQuestion, InvalidUpload

MAX_QUESTION_CHARACTERS = 2_000
MAX_HISTORY_TURNS = 50
MAX_TOP_K = 20
DEFAULT_TOP_K = 6

Mode = Literal["auto", "extractive", "generative"]
Role = Literal["user", "assistant"]
Rating = Literal["up", "down"]

# Where uploaded files stand in the record, whatever folders it has besides.
UPLOADS_PREFIX = "uploads/"
MAX_NAME_BYTES = 200
Basis = Literal["documents", "catalog"]


class BlockKind(StrEnum):
    """What a stretch of a document's text is, so that it can be shown again as it was meant."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST_ITEM = "list_item"
    TABLE_ROW = "table_row"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch `[start, end)` of a document's text. `level`: heading depth (1 to 6) or list depth (from 1)."""

    kind: BlockKind
    start: int
    end: int
    level: int = 0


@dataclass(frozen=True, slots=True)
class Section:
    """The text `[start, end)` under one heading; `path` holds the headings above it, outermost first."""

    path: tuple[str, ...]
    start: int
    end: int

    @property
    def title(self) -> str:
        """The headings as one line; empty for text before the first heading."""
        return " > ".join(self.path)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a document comes from. `published` is an ISO date: YYYY, YYYY-MM or YYYY-MM-DD."""

    title: str
    publisher: str | None = None
    published: str | None = None
    author: str | None = None

    def __str__(self) -> str:
        parts = (self.author, self.publisher, self.title, self.published)
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Document:
    """One file of the record, as plain text with its structure beside it.

    `path` is relative to the folder it was read from; `sha256` is of the file's bytes.
    `date` is when what it tells of took place; ISO, as precise as is known. `page_starts` holds where in the text each
    page (or slide) begins, the first page first; empty where the format has none.
    """

    id: str
    title: str
    kind: str
    text: str
    blocks: tuple[Block, ...]
    sections: tuple[Section, ...]
    path: str
    sha256: str
    date: str | None = None
    place: str | None = None
    people: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()
    source: Source | None = None
    page_starts: tuple[int, ...] = ()

    def page_of(self, offset: int) -> int | None:
        """The number of the page, from 1, that the character at `offset` stands on; None where there are no pages."""
        return bisect_right(self.page_starts, offset) or None

    @property
    def published(self) -> str | None:
        """The date of publication, where the source has one."""
        return self.source.published if self.source else None


@dataclass(frozen=True, slots=True)
class Copy:
    """A document that says the same as another, and so is not searched beside it."""

    id: str
    title: str
    path: str
    source: str | None


@dataclass(frozen=True, slots=True)
class DocumentSummary:
    """What a list of documents shows of each; `also_in` are the others that say the same."""

    id: str
    title: str
    kind: str
    published: str | None
    source: str | None
    characters: int
    passages: int
    sha256: str
    date: str | None
    path: str
    also_in: tuple[Copy, ...] = ()


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence `[start, end)` of a document; a list item without a full stop is one too.

    `kind` is that of the block it stands in, `page` the page that it begins on.
    """

    start: int
    end: int
    text: str
    kind: BlockKind = BlockKind.PARAGRAPH
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """Whole sentences of one section of one document: what is embedded, indexed and retrieved.

    `document.text[start:end] == text`. `title` is the document's, `section` the heading path as one line.
    """

    id: str
    document_id: str
    title: str
    section: str
    kind: str
    published: str | None
    source: str | None
    text: str
    start: int
    end: int
    sentences: tuple[Sentence, ...]

    @property
    def page(self) -> int | None:
        """The page that it begins on, where the document has pages."""
        return self.sentences[0].page if self.sentences else None

    @property
    def headings(self) -> str:
        """What its sentences are about, as one line: the document's title and the section's."""
        if not self.section or self.section == self.title:
            return self.title
        return f"{self.title} > {self.section.removeprefix(self.title + ' > ')}"


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found. `score` orders hits of one search; `ranks` holds each retriever's own rank, from 1."""

    passage: Passage
    score: float
    rank: int
    ranks: Mapping[str, int] = field(default_factory=dict)
    similarity: float | None = None

    @property
    def retrievers(self) -> tuple[str, ...]:
        """The names of the retrievers that found it."""
        return tuple(sorted(self.ranks))


@dataclass(frozen=True, slots=True)
class Filters:
    """Which documents may be searched; an empty field does not restrict. Dates are ISO and inclusive."""

    document_ids: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    published_from: str | None = None
    published_to: str | None = None

    def __bool__(self) -> bool:
        return bool(self.document_ids or self.kinds or self.published_from or self.published_to)


_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def _readable(text: str) -> str:
    """Control characters become spaces, and half a character (a lone surrogate), which nothing can write, a mark."""
    return _CONTROL.sub(" ", text.encode("utf-8", "replace").decode("utf-8"))


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation."""

    role: Role
    content: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "content", _readable(self.content))


@dataclass(frozen=True, slots=True)
class Question:
    """A question with all that shapes its answer. The text is trimmed. `debug` asks for the answer's `trace`.

    Raises:
        InvalidQuestion: empty or too long a text, too many turns, or `top_k` out of range.
    """

    text: str
    history: tuple[Turn, ...] = ()
    filters: Filters = Filters()
    top_k: int = DEFAULT_TOP_K
    mode: Mode = "auto"
    debug: bool = False

    def __post_init__(self) -> None:
        text = _readable(self.text).strip()
        if not text:
            raise InvalidQuestion("The question is empty. Ask in a few words or a sentence.")
        if len(text) > MAX_QUESTION_CHARACTERS:
            raise InvalidQuestion(
                f"The question has {len(text):,} characters; at most {MAX_QUESTION_CHARACTERS:,} are read. Shorten it."
            )
        if len(self.history) > MAX_HISTORY_TURNS:
            raise InvalidQuestion(
                f"The history has {len(self.history)} turns; at most {MAX_HISTORY_TURNS} are read. Send the newest."
            )
        if not 1 <= self.top_k <= MAX_TOP_K:
            raise InvalidQuestion(f"top_k is {self.top_k}; it must be between 1 and {MAX_TOP_K}.")
        object.__setattr__(self, "text", text)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sentence of a retrieved passage, judged against the question.

    `score` orders evidence of one question (higher answers better); `signals` says what it was made of.
    `answer` is the span of the document that holds the few words which answer, where there is one; `part` counts the
    questions within the question, from 0.
    """

    hit: Hit
    sentence: Sentence
    score: float
    signals: Mapping[str, float] = field(default_factory=dict)
    answer: Sentence | None = None
    part: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading the passages found: evidence best first, and the probability that it answers at all.

    `reason` says why it does not, where that is known (`no_evidence`, `unknown_name` ...), and `unknown_names`
    the names of the question that the record never mentions.
    """

    evidence: tuple[Evidence, ...]
    answerability: float
    reason: str | None = None
    unknown_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that a search weighed, with what each retriever made of it; None where that one did not find it.

    `dense_score` is a cosine, `bm25_score` grows with relevance, `score` fuses them. Ranks, from 1, are of one search.
    """

    passage_id: str
    document_id: str
    section: str
    rank: int
    score: float
    dense_rank: int | None
    dense_score: float | None
    bm25_rank: int | None
    bm25_score: float | None


@dataclass(frozen=True, slots=True)
class Search:
    """A text as it was searched for, and all candidates, best first."""

    query: str
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """How an answer came about, beyond what it says itself and its `reading` holds.

    `standalone` is the question without the turns before it; `rewritten_by` says what made it so, None that it was so.
    `corrections` are misspelt words, each with what was searched for instead. `parts` are the questions within it,
    `leans_on` the turns that the search for meaning went towards.
    """

    standalone: str
    rewritten_by: Literal["rules", "model"] | None
    corrections: tuple[tuple[str, str], ...]
    parts: tuple[str, ...]
    leans_on: tuple[str, ...]
    searches: tuple[Search, ...]
    threshold: float


@dataclass(frozen=True, slots=True)
class Citation:
    """The place that a statement comes from: `document.text[start:end] == quote`, always."""

    marker: int
    document_id: str
    title: str
    section: str
    kind: str
    published: str | None
    source: str | None
    quote: str
    start: int
    end: int
    page: int | None = None

    @property
    def url(self) -> str:
        """The document's page, opened with the quote highlighted."""
        return f"/documents/{quote(self.document_id, safe='')}#c={self.start}-{self.end}"


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens that a language model says it read and wrote."""

    read: int
    written: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question is answered with; the fields are those of `POST /ask`.

    `status` "not_found" means that the record does not say: an answer, not an error.
    Of a generated answer `prompt` is the version of the prompts and `tokens` what the model read and wrote.
    `status` "not_found" means that the record does not say: an answer, not an error. `basis` says what was asked: what
    the documents say, or what the catalog says of them; where it is the catalog, not all that is said has a citation.
    `disagreement` holds groups of markers: sources that give different figures for the same, newest first. `trace` is
    there where the question asked for it.
    """

    id: str
    status: Literal["answered", "not_found"]
    reason: str | None
    answer: str
    answer_plain: str
    short_answer: str | None
    confidence: float
    standalone_question: str
    citations: tuple[Citation, ...]
    unsupported: tuple[str, ...]
    retrieved: tuple[Hit, ...]
    used: frozenset[str]
    answerer: Literal["extractive", "generative"]
    model: str | None
    fallback_reason: str | None
    index_id: str
    timings_ms: Mapping[str, float]
    reading: Reading | None = None
    prompt: str | None = None
    tokens: Usage | None = None
    basis: Basis = "documents"
    disagreement: tuple[tuple[int, ...], ...] = ()
    trace: Trace | None = None


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Stream event: the passages that will be read."""

    hits: tuple[Hit, ...]
    standalone_question: str


@dataclass(frozen=True, slots=True)
class Delta:
    """Stream event: provisional text of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Working:
    """Stream event: there is nothing to show yet. Who no longer wants the answer can end the stream here."""


@dataclass(frozen=True, slots=True)
class Completed:
    """Stream event, the last: the verified answer."""

    answer: Answer


Event = Retrieved | Working | Delta | Completed


@dataclass(frozen=True, slots=True)
class ReadingLimits:
    """How far the reading of one file may go; beyond it the file is a `Failure`.

    `seconds` holds for each document of a file, `memory_bytes` for the process that reads, `file_bytes` for a file and
    each member of an archive, `archive_files` and `archive_bytes` for all members of an archive together. `recognise`:
    whether the text of pictures and scans is recognised, where what that takes is installed.
    """

    seconds: float = 120
    memory_bytes: int = 1024 * 2**20
    file_bytes: int = 100 * 2**20
    characters: int = 20_000_000
    pages: int = 5_000
    archive_files: int = 10_000
    archive_bytes: int = 1000 * 2**20
    recognise: bool = True


@dataclass(frozen=True, slots=True)
class WorkLimits:
    """How many questions may be answered at a time (`workers`) and wait for that, and for how many seconds each."""

    workers: int
    waiting: int
    wait_seconds: float
    work_seconds: float


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """From where may be fetched, and how much.

    `hosts`: names, `*.example.org` for all below one, `*` for any. `networks`: addresses inside that are allowed all
    the same. `seconds` is for all of it, redirects included.
    """

    hosts: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()
    most_bytes: int = 100 * 2**20
    seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be ingested, and why."""

    name: str
    reason: str


# What some system or other cannot have in the name of a file, or reads as more than a name.
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f-\x9f/\\\\<>:"|?*\u2028-\u202e\u2066-\u2069\ud800-\udfff]')
_RESERVED_NAMES = re.compile(
    r"(CON|PRN|AUX|NUL|COM[0-9¹²³]|LPT[0-9¹²³])\s*(\..*)?", re.IGNORECASE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that is handed in. The name is in normal form C, without white space at its ends.

    Raises:
        InvalidUpload: the name is not that of a plain, visible file on every system.
    """

    name: str
    content: bytes

    def __post_init__(self) -> None:
        name = unicodedata.normalize("NFC", self.name).strip()
        reason = _reason_against(name)
        if reason:
            raise InvalidUpload(reason)
        object.__setattr__(self, "name", name)

    @property
    def path(self) -> str:
        """Where it stands in the record."""
        return UPLOADS_PREFIX + self.name


def _reason_against(name: str) -> str | None:
    if not name:
        return "It has no name. Give the file one, with the ending of its format."
    unwanted, length = _NOT_IN_NAMES.search(name), len(name.encode("utf-8", "replace"))
    if unwanted:
        return f"Its name has the character {unwanted.group()!a}, which not every system allows. Rename it."
    if name.startswith(".") or name.endswith("."):
        return "Its name begins or ends with a dot, as those of hidden files and folders do. Rename it."
    if _RESERVED_NAMES.fullmatch(name):
        return "Its name is one that some systems keep for a device. Rename it."
    if length > MAX_NAME_BYTES:
        return f"Its name has {length} bytes; at most {MAX_NAME_BYTES} fit. Shorten it."
    return None


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A file, by its path, that says the same as a document, and so is no document of its own."""

    path: str
    document_id: str


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest did, by document id; `failed` by file name. `embedded` counts passages newly embedded.

    `duplicates` are the files that are no documents of their own, whether newly so or as before. `anew`: why everything
    was made anew, where nobody had asked for it.
    """

    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    failed: tuple[Failure, ...] = ()
    embedded: int = 0
    index_id: str = ""
    duplicates: tuple[Duplicate, ...] = ()
    anew: str = ""

    @property
    def changed(self) -> bool:
        """Whether other documents are searched than before."""
        return bool(self.added or self.updated or self.removed)


@dataclass(frozen=True, slots=True)
class Segment:
    """A collection of vectors that an index uses: how many it holds, and of how many the passages are still there."""

    collection: str
    vectors: int
    passages: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index says of itself. `fingerprint` names the model, chunking and schema it was made with.

    Each of its passages has its vector in one of the segments.
    """

    index_id: str
    fingerprint: str
    documents: int
    passages: int
    segments: tuple[Segment, ...]

"""What is asked and what is accepted as an answer: JSON lines, checked against the documents.

A line is one case:

    {"id": "visit-07", "type": "who", "split": "test", "turns": ["Who runs the clinic?"],
     "expect": "answered", "nuggets": [["Dr. Mori", "Mori"]],
     "gold": [{"document_id": "clinic", "quote": "Dr. Mori runs the clinic."}]}

`nuggets` holds the facts that a right answer states, each a list of accepted forms (see `eval.matching`);
`forbidden` forms that it must not hold; `short` the accepted few-word answers. Keys from `nuggets` on may be
left out where they are empty.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, StringConstraints, ValidationError

from eval.matching import Form, Nugget, parse_form
from rag.domain import MAX_QUESTION_CHARACTERS, Document, Turn
from rag.errors import InvalidInput

Split = Literal["development", "test"]
Expect = Literal["answered", "not_found"]
SPLITS: tuple[Split, ...] = ("development", "test")


Line = TypeVar("Line", bound=BaseModel)


class InvalidCases(InvalidInput):
    """A file of cases that cannot be used; the message names the file and the line."""


class CaseType(StrEnum):
    """What kind of question it is; figures are sliced by it."""

    FACT = "fact"
    WHO = "who"
    WHERE = "where"
    WHEN = "when"
    HOW_MANY = "how-many"
    LIST = "list"
    YES_NO = "yes-no"
    MULTI_FACT = "multi-fact"
    ATTRIBUTION = "attribution"
    PARAPHRASE = "paraphrase"
    KEYWORDS = "keywords"
    TYPO = "typo"
    FOLLOW_UP = "follow-up"
    DEFINITION = "definition"
    NEAR_MISS = "near-miss"
    FALSE_PREMISE = "false-premise"
    OTHER_SUBJECT = "other-subject"
    NONSENSE = "nonsense"
    STEERING = "steering"
    UNKNOWN_NAME = "unknown-name"


# An answer longer than this (in characters of `answer_plain`) is a dump, not an answer: it is not right.
LENGTH_BOUND = 400
LENGTH_BOUNDS = {CaseType.LIST: 900, CaseType.MULTI_FACT: 700}


@dataclass(frozen=True, slots=True)
class Gold:
    """A quote that answers: `document.text[start:end] == quote`."""

    document_id: str
    quote: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.quote)


@dataclass(frozen=True, slots=True)
class Case:
    """A question, the turns before it and what a right answer is.

    All but the last of `turns` are asked first and answered by the pipeline, unless `history` gives the
    conversation ready made. Questions with one `cluster` depend on each other (a conversation, an article). Where there
    are `document_ids`, only those documents are asked.
    """

    id: str
    type: CaseType
    turns: tuple[str, ...]
    expect: Expect
    nuggets: tuple[Nugget, ...] = ()
    forbidden: tuple[Form, ...] = ()
    short: tuple[str, ...] = ()
    gold: tuple[Gold, ...] = ()
    history: tuple[Turn, ...] = ()
    cluster: str = ""
    difficulty: str = ""
    source: tuple[str, ...] = ()
    own_split: Split | None = None
    document_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "cluster", self.cluster or self.id)

    @property
    def question(self) -> str:
        """The turn that is scored."""
        return self.turns[-1]

    @property
    def answerable(self) -> bool:
        """Whether the documents hold the answer."""
        return self.expect == "answered"

    @property
    def split(self) -> Split:
        """Which half it belongs to: the one that its collection says, else the one of its cluster's hash."""
        return self.own_split or split_of(self.cluster)

    @property
    def length_bound(self) -> int:
        """The most characters that a right answer has."""
        return LENGTH_BOUNDS.get(self.type, LENGTH_BOUND)


def split_of(cluster: str) -> Split:
    """The half of a cluster, by a fixed hash: adding questions never moves one from test to development."""
    return SPLITS[int(hashlib.sha256(cluster.encode()).hexdigest(), 16) % 2]


class Identified(Protocol):
    """Anything with an id."""

    @property
    def id(self) -> str:
        """Unique among its kind."""
        ...


Asked = TypeVar("Asked", bound=Identified)


def sample(cases: Sequence[Asked], limit: int | None) -> tuple[Asked, ...]:
    """At most `limit` cases (or queries) in their order, chosen by a fixed hash of their ids."""
    if limit is None or limit >= len(cases):
        return tuple(cases)
    chosen = sorted(cases, key=lambda case: hashlib.sha256(f"sample {case.id}".encode()).digest())[:limit]
    kept = {case.id for case in chosen}
    return tuple(case for case in cases if case.id in kept)


Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_QUESTION_CHARACTERS)
]
_Form = Annotated[Form, PlainValidator(parse_form)]


class _Turn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    role: Literal["user", "assistant"]
    content: str


class _Gold(BaseModel):
    model_config = ConfigDict(extra="forbid")

    document_id: str
    quote: str = Field(min_length=1)
    start: int | None = Field(None, ge=0)


class _Line(BaseModel):
    """The shape of one line; what the documents must agree with is checked afterwards."""

    model_config = ConfigDict(extra="forbid")

    id: Text
    type: CaseType
    split: Split
    turns: list[Text] = Field(min_length=1)
    expect: Expect
    nuggets: list[Annotated[list[_Form], Field(min_length=1)]] = []
    forbidden: list[_Form] = []
    short: list[Text] = []
    gold: list[_Gold] = []
    history: list[_Turn] = []
    cluster: str = ""
    difficulty: str = ""
    source: list[str] = []


def load_cases(paths: Iterable[Path], documents: Mapping[str, Document]) -> tuple[Case, ...]:
    """Read files of cases (or folders of `*.jsonl` files) and check them against the documents.

    Raises:
        InvalidCases: names file, line and what is wrong: no JSON, a key that is missing or unknown, a form
            that cannot be read, an id used twice, a split not the hash's, a quote not in its document.
    """
    cases: list[Case] = []
    seen: dict[str, str] = {}
    for path in paths:
        for place, text in _lines(path):
            try:
                case = _read_case(text, documents)
                if case.id in seen:
                    raise ValueError(f"the id {case.id!r} is also that of {seen[case.id]}")
            except ValueError as error:
                raise InvalidCases(f"{place}: {error}") from error
            seen[case.id] = place
            cases.append(case)
    if not cases:
        raise InvalidCases(
            f"No cases in {', '.join(map(str, paths)) or 'no file'}: give files of JSON lines."
        )
    return tuple(cases)


def load_folder(folder: Path, model: type[Line]) -> tuple[Line, ...]:
    """Every line in the `*.jsonl` files of a folder, as cases of another kind.

    Raises:
        InvalidCases: names file, line and what is wrong with it; or there is none.
    """
    cases: list[Line] = []
    for path in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                cases.append(model.model_validate(json.loads(line)))
            except (ValidationError, ValueError) as error:
                raise InvalidCases(f"{path}:{number}: {error}") from error
    if not cases:
        raise InvalidCases(f"{folder} has no *.jsonl file with cases.")
    return tuple(cases)


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Each line that is not blank, with `file:line`."""
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    for file in files:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidCases(f"{file} cannot be read: {error}") from error
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                yield f"{file}:{number}", line


def _read_case(text: str, documents: Mapping[str, Document]) -> Case:
    try:
        line = _Line.model_validate(json.loads(text))
    except ValidationError as error:
        problems = (
            f"{'.'.join(map(str, problem['loc'])) or 'the line'}: {problem['msg']}"
            for problem in error.errors()
        )
        raise ValueError("; ".join(problems)) from error
    case = Case(
        id=line.id,
        type=line.type,
        turns=tuple(line.turns),
        expect=line.expect,
        nuggets=tuple(tuple(nugget) for nugget in line.nuggets),
        forbidden=tuple(line.forbidden),
        short=tuple(line.short),
        gold=tuple(_locate(gold, documents) for gold in line.gold),
        history=tuple(Turn(turn.role, turn.content) for turn in line.history),
        cluster=line.cluster,
        difficulty=line.difficulty,
        source=tuple(line.source),
    )
    _check(case, line.split)
    return case


def _check(case: Case, split: Split) -> None:
    if split != case.split:
        raise ValueError(
            f"split is {split!r}, but the hash of its cluster {case.cluster!r} says {case.split!r}"
        )
    if case.answerable and not case.nuggets:
        raise ValueError("expect is 'answered', but there are no nuggets to look for in the answer")
    if not case.answerable and (case.nuggets or case.short or case.gold):
        raise ValueError("expect is 'not_found', but nuggets, short or gold say what to find")


def _locate(gold: _Gold, documents: Mapping[str, Document]) -> Gold:
    document = documents.get(gold.document_id)
    if document is None:
        raise ValueError(f"there is no document {gold.document_id!r}")
    found = [gold.start] if gold.start is not None else _occurrences(gold.quote, document.text)
    if len(found) > 1:
        raise ValueError(
            f"the quote {gold.quote!r} is {len(found)} times in {gold.document_id!r}: give its 'start'"
        )
    if not found or not document.text.startswith(gold.quote, found[0]):
        where = f" at {gold.start}" if gold.start is not None else ""
        raise ValueError(f"the quote {gold.quote!r} is not in the document {gold.document_id!r}{where}")
    return Gold(gold.document_id, gold.quote, found[0])


def _occurrences(quote: str, text: str) -> list[int]:
    positions = []
    at = text.find(quote)
    while at >= 0:
        positions.append(at)
        at = text.find(quote, at + 1)
    return positions

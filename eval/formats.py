"""Readers of collections: SQuAD 1.1 and 2.0 files, folders in the layout of BEIR, and folders of our own cases with the
documents that they are about.

Each becomes a `Collection`: documents to be ingested like those of any user, and what to ask of them. Cases
are made when the documents have been read, since only then it is known where in them an answer stands.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

from eval.cases import Case, CaseType, Gold, InvalidCases, load_cases
from eval.matching import parse_form
from rag.domain import MAX_HISTORY_TURNS, Document, Turn
from rag.quantities import normalise
from rag.text import clean

Model = TypeVar("Model", bound=BaseModel)
Documents = Mapping[str, Document]

TRAIN: Final = "train"
DOCUMENTS: Final = "documents"

_QUESTION_TYPES = (
    (CaseType.HOW_MANY, re.compile(r"\bhow (?:many|much)\b")),
    (CaseType.WHO, re.compile(r"\bwho(?:m|se)?\b")),
    (CaseType.WHEN, re.compile(r"\b(?:when|(?:what|which) (?:year|date|day|month|century))\b")),
    (CaseType.WHERE, re.compile(r"\bwhere\b")),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A document of a collection, before it is a file: its paragraphs, in order, and the headings before some."""

    title: str
    paragraphs: tuple[str, ...]
    sections: tuple[str, ...] = ()

    def html(self) -> str:
        """The document as a page; escaping carries any text through the corpus reader."""
        sections = self.sections or ("",) * len(self.paragraphs)
        body = "".join(
            (f"<h2>{escape(section)}</h2>\n" if section else "") + f"<p>{escape(paragraph)}</p>\n"
            for section, paragraph in zip(sections, self.paragraphs, strict=True)
        )
        head = f"<!doctype html><meta charset=utf-8><title>{escape(self.title)}</title>"
        return f"{head}\n<body>\n{body}</body>\n"


@dataclass(frozen=True, slots=True)
class Query:
    """A search and the documents that are relevant to it, with their grades. `cluster` as for a `Case`."""

    id: str
    text: str
    history: tuple[Turn, ...]
    gains: Mapping[str, float]
    cluster: str


@dataclass(frozen=True, slots=True)
class Collection:
    """Documents by id, or a folder of them, and what is asked: cases, or queries where only retrieval is judged."""

    name: str
    entries: Mapping[str, Entry]
    cases: Callable[[Documents], tuple[Case, ...]] | None = None
    queries: tuple[Query, ...] = ()
    documents: Path | None = None

    def write(self, folder: Path) -> None:
        """One HTML file a document, named by its id; files as they are."""
        if self.documents:
            shutil.copytree(self.documents, folder, dirs_exist_ok=True)
        for document_id, entry in self.entries.items():
            (folder / f"{document_id}.html").write_text(entry.html(), encoding="utf-8")


class _SquadAnswer(BaseModel):
    text: str
    answer_start: int = Field(ge=0)


class _SquadQuestion(BaseModel):
    id: str
    question: str = Field(min_length=1)
    answers: list[_SquadAnswer] = []
    is_impossible: bool = False
    type: CaseType | None = None


class _SquadParagraph(BaseModel):
    context: str
    section: str = ""
    qas: list[_SquadQuestion]


class _SquadArticle(BaseModel):
    title: str = ""
    split: Literal["train", "development", "test"] | None = None
    alone: bool = False
    paragraphs: list[_SquadParagraph]


class _SquadFile(BaseModel):
    data: list[_SquadArticle] = Field(min_length=1)


class _BeirEntry(BaseModel):
    id: str = Field(alias="_id", min_length=1)
    title: str = ""
    text: str


class _BeirTurn(BaseModel):
    role: str
    content: str


class _BeirQuery(BaseModel, extra="allow"):
    id: str = Field(alias="_id", min_length=1)
    history: list[_BeirTurn] = []


def read_own(folder: Path) -> Collection:
    """A folder with `*.jsonl` files of cases and, in `documents`, the files that they are about."""
    return Collection(
        folder.name, {}, lambda documents: load_cases([folder], documents), documents=folder / DOCUMENTS
    )


def read_squad(path: Path) -> Collection:
    """A SQuAD file (Rajpurkar et al. 2016, 2018): each article a document and a cluster of cases.

    Beyond the format, an article may say of which `split` it is (those of "train" are not asked about) and whether it
    is asked `alone`, since its questions do not name it; a paragraph under which `section` it stands; and a question of
    which `type` it is.

    Raises:
        InvalidCases: the file is not there or not of this format.
    """
    articles = _parse(_SquadFile, _read(path), path).data
    ids = [f"article-{number:05d}" for number in range(1, len(articles) + 1)]
    entries = {document_id: _squad_entry(article) for document_id, article in zip(ids, articles, strict=True)}

    def cases(documents: Documents) -> tuple[Case, ...]:
        return tuple(
            _squad_case(question, paragraph, documents[document_id], article)
            for document_id, article in zip(ids, articles, strict=True)
            if article.split != TRAIN
            for paragraph in article.paragraphs
            for question in paragraph.qas
        )

    return Collection(path.stem, entries, cases)


def read_squad_paragraphs(path: Path) -> Collection:
    """The same file for retrieval alone: each paragraph a document, relevant to the questions it answers.

    Raises:
        InvalidCases: the file is not there or not of this format.
    """
    entries: dict[str, Entry] = {}
    queries: list[Query] = []
    for article in _parse(_SquadFile, _read(path), path).data:
        for paragraph in article.paragraphs:
            document_id = f"paragraph-{len(entries) + 1:06d}"
            entries[document_id] = Entry(_title(article), (paragraph.context,))
            queries += [
                Query(question.id, question.question, (), {document_id: 1.0}, article.title)
                for question in paragraph.qas
                if question.answers and not question.is_impossible
            ]
    return Collection(path.stem, entries, queries=tuple(queries))


def read_beir(folder: Path, query_key: str = "text") -> Collection:
    """A BEIR folder (Thakur et al. 2021): `corpus.jsonl`, `queries.jsonl` and `qrels/*.tsv` (test, if there).

    Each entry of the corpus is a document. A query may carry a `history` of turns (`role`, `content`); those
    of one conversation are one cluster. `query_key` names another form of it to ask, without the history.

    Raises:
        InvalidCases: names the file, and the line where it is one, that cannot be used.
    """
    entries: dict[str, Entry] = {}
    names: dict[str, str] = {}
    for entry in _json_lines(_BeirEntry, folder / "corpus.jsonl"):
        names[entry.id] = f"entry-{len(entries) + 1:07d}"
        entries[names[entry.id]] = Entry(entry.title, tuple(re.split(r"\n\s*\n", entry.text)))
    judged = _read_judgements(folder, names)
    queries = [
        _beir_query(query, query_key, judged[query.id])
        for query in _json_lines(_BeirQuery, folder / "queries.jsonl")
        if query.id in judged
    ]
    if not queries:
        raise InvalidCases(f"{folder}: no query of queries.jsonl has a judgement in qrels.")
    return Collection(folder.name, entries, queries=tuple(queries))


def _squad_entry(article: _SquadArticle) -> Entry:
    paragraphs = article.paragraphs
    return Entry(
        _title(article),
        tuple(paragraph.context for paragraph in paragraphs),
        tuple(paragraph.section for paragraph in paragraphs),
    )


def _squad_case(
    question: _SquadQuestion, paragraph: _SquadParagraph, document: Document, article: _SquadArticle
) -> Case:
    answers = (
        [] if question.is_impossible else [answer for answer in question.answers if normalise(answer.text)]
    )
    texts = tuple(dict.fromkeys(answer.text.strip() for answer in answers))
    return Case(
        id=question.id,
        type=question.type or (_question_type(question.question) if answers else CaseType.NEAR_MISS),
        turns=(question.question,),
        expect="answered" if answers else "not_found",
        nuggets=(tuple(parse_form(text) for text in texts),) if answers else (),
        short=texts,
        gold=tuple(dict.fromkeys(_squad_gold(answers, paragraph.context, document))),
        cluster=document.title,
        own_split=None if article.split == TRAIN else article.split,
        document_ids=(document.id,) if article.alone else (),
    )


def _squad_gold(answers: list[_SquadAnswer], context: str, document: Document) -> Iterator[Gold]:
    """Where in the ingested document each answer stands: in its paragraph, nearest to its place there."""
    paragraph = " ".join(clean(context).split())
    base = document.text.find(paragraph)
    for answer in answers:
        quote = " ".join(clean(answer.text).split())
        places = [match.start() for match in re.finditer(re.escape(quote), paragraph)]
        if base >= 0 and places:
            start = base + min(places, key=lambda place: abs(place - answer.answer_start))
            yield Gold(document.id, quote, start)


def _question_type(question: str) -> CaseType:
    text = normalise(question)
    return next((kind for kind, pattern in _QUESTION_TYPES if pattern.search(text)), CaseType.FACT)


def _title(article: _SquadArticle) -> str:
    return article.title.replace("_", " ") or "Untitled"


def _beir_query(query: _BeirQuery, key: str, gains: Mapping[str, float]) -> Query:
    text = (query.model_extra or {}).get(key)
    if not isinstance(text, str):
        raise InvalidCases(f"queries.jsonl: the query {query.id!r} has no text under {key!r}.")
    turns = query.history[-MAX_HISTORY_TURNS:] if key == "text" else []
    history = tuple(
        Turn("assistant" if turn.role in ("assistant", "agent") else "user", turn.content) for turn in turns
    )
    cluster = query.history[0].content if query.history else text
    return Query(query.id, text, history, gains, normalise(cluster).strip('"'))


def _read_judgements(folder: Path, names: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Relevant documents of each query by the ids given to them here."""
    files = sorted((folder / "qrels").glob("*.tsv"))
    path = next(
        (file for file in files if file.stem == "test"), files[0] if files else folder / "qrels" / "test.tsv"
    )
    judged: dict[str, dict[str, float]] = {}
    for number, row in enumerate(csv.reader(_read(path).splitlines(), delimiter="\t"), 1):
        if number == 1 and row[-1:] == ["score"]:
            continue
        try:
            query_id, entry_id, score = row
            gain = float(score)
        except ValueError as error:
            raise InvalidCases(
                f"{path}:{number}: {row} is not a query id, a corpus id and a score."
            ) from error
        if entry_id not in names:
            raise InvalidCases(f"{path}:{number}: there is no entry {entry_id!r} in corpus.jsonl.")
        if gain > 0:
            judged.setdefault(query_id, {})[names[entry_id]] = gain
    return judged


def _json_lines(model: type[Model], path: Path) -> Iterator[Model]:
    for number, line in enumerate(_read(path).split("\n"), 1):
        if line.strip():
            yield _parse(model, line, f"{path}:{number}")


def _parse(model: type[Model], text: str, place: object) -> Model:
    try:
        data: Any = json.loads(text)
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidCases(f"{place}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except json.JSONDecodeError as error:
        raise InvalidCases(f"{place} is not JSON: {error}") from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidCases(f"{path} cannot be read: {error}") from error

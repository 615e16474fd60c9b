"""The catalog: documents, passages, the lexical index (BM25) and the pointer to the vectors, in one SQLite file.

Everything that belongs to one version of the index changes in one transaction. Readers hold a snapshot for as long as a
`with catalog.reading()` lasts, so they see the old version or the new one, whole.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import threading
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from rag import lexical
from rag.bm25 import Bm25
from rag.dates import days
from rag.domain import (
    Block,
    BlockKind,
    Copy,
    Document,
    DocumentSummary,
    Duplicate,
    Filters,
    Manifest,
    Passage,
    Section,
    Segment,
    Sentence,
    Source,
)
from rag.duplicates import Likeness, Statement, likeness_of, packed, unpacked
from rag.errors import (
    DocumentNotFound,
    IndexBusy,
    IndexCorrupt,
    IndexEmpty,
    IndexMismatch,
    IndexNewer,
    InvalidInput,
    StorageError,
)
from rag.language import stems, words
from rag.lexical import quoted
from rag.text import one_line, valid

# Raise when the tables below change; and when the same document would be cut into other passages, or read otherwise.
CATALOG_VERSION = 8
PASSAGE_VERSION = 4
CATALOG_FILE = "catalog.sqlite"
LOCK_FILE = "writer.lock"
# Comes after every letter.
_LAST = "\U0010ffff"
# So many times more passages than asked for are looked at first where filters let only some through.
_TRIED = 8
# What is wrong lies outside the file: making it anew would not help.
_OUTSIDE_ERRORS = (
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_BUSY,
)

_SCHEMA = """
CREATE TABLE manifest (
    id INTEGER PRIMARY KEY CHECK (id = 1), index_id TEXT NOT NULL, fingerprint TEXT NOT NULL,
    documents INTEGER NOT NULL, passages INTEGER NOT NULL
);
CREATE TABLE segments (
    number INTEGER PRIMARY KEY, collection TEXT NOT NULL UNIQUE, vectors INTEGER NOT NULL,
    passages INTEGER NOT NULL
);
CREATE TABLE builds (number INTEGER PRIMARY KEY AUTOINCREMENT, index_id TEXT NOT NULL);
CREATE TABLE documents (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, kind TEXT NOT NULL, published TEXT, source TEXT,
    characters INTEGER NOT NULL, passages INTEGER NOT NULL, sha256 TEXT NOT NULL, content_hash TEXT NOT NULL,
    date TEXT, path TEXT NOT NULL, first_day INTEGER, last_day INTEGER, content TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX documents_by_kind ON documents (kind, first_day, last_day);
CREATE INDEX documents_by_title ON documents (title COLLATE NOCASE);
CREATE TABLE copies (
    id TEXT PRIMARY KEY, copy_of TEXT NOT NULL REFERENCES documents (id) DEFERRABLE INITIALLY DEFERRED,
    title TEXT NOT NULL, kind TEXT NOT NULL, published TEXT, source TEXT, characters INTEGER NOT NULL,
    sha256 TEXT NOT NULL, content_hash TEXT NOT NULL, date TEXT, path TEXT NOT NULL, first_day INTEGER,
    content TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX copies_of_document ON copies (copy_of);
CREATE TABLE statements (document_id TEXT PRIMARY KEY, words BLOB NOT NULL);
CREATE TABLE credits (document_id TEXT NOT NULL REFERENCES documents (id), role TEXT NOT NULL, name TEXT NOT NULL);
CREATE INDEX credits_by_role ON credits (role, name);
CREATE TABLE passages (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, document_id TEXT NOT NULL REFERENCES documents (id),
    title TEXT NOT NULL, section TEXT NOT NULL, text TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL,
    sentences TEXT NOT NULL, segment INTEGER NOT NULL REFERENCES segments (number)
);
CREATE INDEX passages_of_document ON passages (document_id);
CREATE TABLE vocabulary (word TEXT PRIMARY KEY, occurrences INTEGER NOT NULL, stem TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX vocabulary_by_stem ON vocabulary (stem);
CREATE INDEX vocabulary_by_length ON vocabulary (length(word), word, occurrences);
CREATE INDEX passages_of_segment ON passages (segment);
"""


@dataclass(frozen=True, slots=True)
class Revision:
    """What makes one version of the record of another: first what is taken out, then what is put in.

    `passages` are those of `documents`; `copies` are documents with the id of what they are a copy of; `statements`
    hold, by id, what is new of them.
    """

    removed: Collection[str]
    documents: Sequence[Document]
    passages: Sequence[Passage]
    copies: Sequence[tuple[Document, str]] = ()
    statements: Mapping[str, Sequence[Statement]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DocumentList:
    """One page of the documents that were asked for, and how many there are in all."""

    documents: tuple[DocumentSummary, ...]
    total: int


class Catalog:
    """The one reader and writer of `catalog.sqlite` in a data folder. Threads may share it.

    Raises (any method that reads):
        IndexEmpty: nothing has been ingested.
        IndexMismatch: the catalog is of another schema version.
        IndexCorrupt: the file cannot be read as a catalog.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / CATALOG_FILE
        self._local = threading.local()
        # Readers' connections that are not in use: as many as threads that ever read at one time. Each with the number
        # of the file that it has open, for another process may have put a new one in its place.
        self._idle: deque[tuple[sqlite3.Connection, int]] = deque()
        self._lock = FileLock(folder / LOCK_FILE)
        self._bm25 = Bm25()

    # --- reading -----------------------------------------------------------------------------------------------

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Everything this thread reads inside sees one version of the index."""
        with self._connection() as connection:
            if connection.in_transaction:
                yield
                return
            connection.execute("BEGIN")
            try:
                yield
            finally:
                connection.rollback()  # unlike a commit, it has nothing to read that could be damaged

    def renew(self) -> None:
        """Inside `reading`: see the version that is in use now."""
        with self._connection() as connection:
            connection.rollback()
            connection.execute("BEGIN")

    def manifest(self) -> Manifest:
        """The index in use."""
        with self.reading():
            rows = self._read(_SELECT_MANIFEST)
            segments = self._read(_SELECT_SEGMENTS)
        if not rows or not rows[0][2]:
            raise IndexEmpty(f"The index in {self._folder} holds no documents. Run `mission-record ingest`.")
        return _manifest(rows[0], segments)

    def current(self) -> Manifest | None:
        """The index in use, or None where there is none that this version of the program can read.

        Raises:
            IndexNewer: a later version can.
        """
        try:
            return self.manifest()
        except IndexNewer:
            raise
        except StorageError:
            return None

    def hashes(self) -> dict[str, str]:
        """The content hash of every document by id."""
        return dict(self._read("SELECT id, content_hash FROM documents"))

    def known(self) -> dict[str, str]:
        """The content hash of every document by id, copies among them."""
        return dict(
            self._read("SELECT id, content_hash FROM documents UNION ALL SELECT id, content_hash FROM copies")
        )

    def copies(self) -> dict[str, Duplicate]:
        """The documents that are copies of another, by their own id."""
        rows = self._read("SELECT id, path, copy_of FROM copies ORDER BY path")
        return {copy_id: Duplicate(path, copy_of) for copy_id, path, copy_of in rows}

    def group(self, document_id: str) -> list[Document]:
        """A document and all that say the same; it may be named by any of them.

        Raises:
            DocumentNotFound: there is none of that id.
        """
        with self.reading():
            rows = self._read("SELECT copy_of FROM copies WHERE id = ?", document_id)
            kept = rows[0][0] if rows else document_id
            copies = self._read("SELECT id FROM copies WHERE copy_of = ? ORDER BY path", kept)
            return [self.document(member) for member in (kept, *(copy_id for (copy_id,) in copies))]

    def places(self, path: str) -> dict[str, str]:
        """The paths, by id, of the documents of a file: itself, or what is within it."""
        rows = self._read(
            "SELECT id, path FROM documents WHERE path = ?1 OR substr(path, 1, length(?1) + 1) = ?1 || '/' UNION ALL"
            " SELECT id, path FROM copies WHERE path = ?1 OR substr(path, 1, length(?1) + 1) = ?1 || '/'",
            path,
        )
        return dict(rows)

    def likenesses(self, without: Collection[str] = ()) -> Iterator[Likeness]:
        """What decides which documents are copies, of all but some; in no order."""
        rows = self._read(
            "SELECT id, path, sha256, title, date, first_day, words FROM"
            " (SELECT id, path, sha256, title, date, first_day FROM documents UNION ALL"
            " SELECT id, path, sha256, title, date, first_day FROM copies) JOIN statements ON document_id = id"
        )
        for row in rows:
            document_id, path, sha256, title, date, first_day, words = row
            if document_id not in without:
                yield likeness_of(document_id, path, sha256, title, date, first_day, unpacked(words))

    def kinds(self) -> tuple[str, ...]:
        """The kinds of documents there are, sorted."""
        return tuple(kind for (kind,) in self._read("SELECT DISTINCT kind FROM documents ORDER BY kind"))

    def documents(
        self, kind: str | None = None, query: str | None = None, limit: int = 100, offset: int = 0
    ) -> DocumentList:
        """Documents by title; `query` keeps those whose title, id or text has each of its words."""
        where, values = ["1"], list[Any]()
        if kind is not None:
            where.append("kind = ?")
            values.append(kind)
        with self.reading():
            if query is not None and query.strip():
                where.append("id IN (SELECT value FROM json_each(?))")
                values.append(json.dumps(sorted(self._with_words(query))))
            condition = " AND ".join(where)
            ((total,),) = self._read(f"SELECT count(*) FROM documents WHERE {condition}", *values)
            rows = self._read(
                f"{_SELECT_SUMMARY} WHERE {condition} ORDER BY title COLLATE NOCASE, id LIMIT ? OFFSET ?",
                *values,
                limit,
                offset,
            )
            also_in = self._also_in([row[0] for row in rows])
        return DocumentList(
            tuple(replace(DocumentSummary(*row), also_in=also_in.get(row[0], ())) for row in rows), total
        )

    def _also_in(self, ids: Sequence[str]) -> dict[str, tuple[Copy, ...]]:
        """The copies of each of some documents that has any, by path."""
        rows = self._read(
            "SELECT copy_of, id, title, path, source FROM copies WHERE copy_of IN (SELECT value FROM json_each(?))"
            " ORDER BY path",
            json.dumps(ids),
        )
        found: dict[str, tuple[Copy, ...]] = {}
        for copy_of, *facts in rows:
            found[copy_of] = (*found.get(copy_of, ()), Copy(*facts))
        return found

    def _with_words(self, query: str) -> set[str]:
        """The ids of the documents that have each word of a query somewhere."""
        asked = one_line(query).split()
        asked = [word for word in asked if any(map(str.isalnum, word))] or asked
        found = set(self.hashes())
        for word in dict.fromkeys(asked):
            rows = self._read(
                "SELECT document_id FROM passages JOIN lexical ON number = lexical.rowid WHERE lexical MATCH ?1"
                " UNION SELECT id FROM documents WHERE instr(lower(title), lower(?2)) OR instr(lower(id), lower(?2))",
                quoted(word),
                word,
            )
            found &= {document_id for (document_id,) in rows}
        return found

    def document(self, document_id: str) -> Document:
        """One whole document.

        Raises:
            DocumentNotFound: there is none of that id.
        """
        rows = self._read(
            "SELECT content FROM documents WHERE id = ?1 UNION ALL SELECT content FROM copies WHERE id = ?1",
            document_id,
        )
        if not rows:
            raise DocumentNotFound(
                f"No document has the id {document_id!r}. `GET /documents` lists them all."
            )
        with self._decoded():
            return _document(json.loads(rows[0][0]))

    def summary(self, document_id: str) -> DocumentSummary:
        """What a list shows of one document. A copy, which no list shows, says of what it is one.

        Raises:
            DocumentNotFound: there is none of that id.
        """
        with self.reading():
            rows = self._read(f"{_SELECT_SUMMARY} WHERE id = ?", document_id)
            if rows:
                also_in = self._also_in([document_id])
                return replace(DocumentSummary(*rows[0]), also_in=also_in.get(document_id, ()))
            rows = self._read(f"{_SELECT_COPY} WHERE id = ?", document_id)
            if not rows:
                raise DocumentNotFound(
                    f"No document has the id {document_id!r}. `GET /documents` lists them all."
                )
            kept = self._read(
                "SELECT id, title, path, source FROM documents WHERE id = (SELECT copy_of FROM copies WHERE id = ?)",
                document_id,
            )
        return replace(DocumentSummary(*rows[0]), also_in=tuple(Copy(*row) for row in kept))

    def summaries(self, filters: Filters = Filters()) -> tuple[DocumentSummary, ...]:
        """All documents that the filters let through, by title."""
        condition, values = _conditions(filters)
        rows = self._read(
            # All of them are read the faster for being read in the order that they are stored in: hence the plus.
            f"{_SELECT_SUMMARY} WHERE {condition} ORDER BY +title COLLATE NOCASE, id",
            *values,
        )
        return tuple(DocumentSummary(*row) for row in rows)

    def credits(self, *roles: str) -> list[tuple[str, str]]:
        """Whom documents themselves name in one of these roles: (document id, name), by name.

        Roles are `publisher` and `author`, and `person`, `organisation` and `place` for whom they are about.
        """
        marks = ", ".join("?" * len(roles))
        return self._read(
            f"SELECT document_id, name FROM credits WHERE role IN ({marks}) ORDER BY name, document_id",
            *roles,
        )

    def mentions(
        self, terms: Sequence[str], columns: str = "title section text", limit: int = -1
    ) -> dict[str, list[str]]:
        """The passages, by document and in their order, that have each of the terms in one of these columns.

        With a `limit` the first so many.

        A term's words stand one after the other, in any case and inflection, with or without accents.
        """
        rows = self._read(
            "SELECT document_id, passages.id FROM lexical JOIN passages ON number = lexical.rowid"
            " WHERE lexical MATCH ? ORDER BY lexical.rowid LIMIT ?",
            f"{{{columns}}} : ({' AND '.join(quoted(term) for term in terms)})",
            limit,
        )
        found: dict[str, list[str]] = {}
        for document_id, passage_id in rows:
            found.setdefault(document_id, []).append(passage_id)
        return found

    def passages(self, ids: Sequence[str]) -> dict[str, Passage]:
        """Those of the passages that are there, by id."""
        marks = ", ".join("?" * len(ids))
        rows = self._read(f"{_SELECT_PASSAGE} WHERE passages.id IN ({marks})", *ids)
        with self._decoded():
            return {row[0]: _passage(row) for row in rows}

    def passages_of(self, document_id: str) -> list[Passage]:
        """All passages of a document in their order."""
        rows = self._read(f"{_SELECT_PASSAGE} WHERE document_id = ? ORDER BY number", document_id)
        with self._decoded():
            return [_passage(row) for row in rows]

    def passages_in(self, collections: Collection[str], without: Collection[str] = ()) -> list[Passage]:
        """The passages whose vectors these collections hold, but for those of some documents."""
        rows = self._read(
            f"{_SELECT_PASSAGE} WHERE segment IN (SELECT number FROM segments WHERE {_IN_COLLECTIONS})"
            " AND document_id NOT IN (SELECT value FROM json_each(?))",
            json.dumps(sorted(collections)),
            json.dumps(sorted(without)),
        )
        with self._decoded():
            return [_passage(row) for row in rows]

    def collections_of(self, ids: Collection[str]) -> dict[str, str]:
        """The collection that holds its vector, for those of the passages that are there."""
        rows = self._read(
            "SELECT passages.id, collection FROM passages JOIN segments ON segments.number = segment"
            " WHERE passages.id IN (SELECT value FROM json_each(?))",
            json.dumps(list(ids)),
        )
        return dict(rows)

    def segments_without(self, document_ids: Collection[str]) -> tuple[Segment, ...]:
        """The segments of the index in use, as they will be when some documents are gone."""
        with self.reading():
            segments = self.manifest().segments
            rows = self._read(
                "SELECT collection, count(*) FROM passages JOIN segments ON segments.number = segment"
                " WHERE document_id IN (SELECT value FROM json_each(?)) GROUP BY collection",
                json.dumps(sorted(document_ids)),
            )
        gone = dict(rows)
        return tuple(
            replace(segment, passages=segment.passages - gone.get(segment.collection, 0))
            for segment in segments
        )

    def search(self, terms: Sequence[str], limit: int, filters: Filters) -> list[tuple[str, float]]:
        """BM25 over title, section and text for any of the terms: (passage id, score), best first, ties by id."""
        if not terms:
            return []
        with self._snapshot() as connection:
            condition, values = _conditions(filters)
            if not filters.document_ids:
                tried = limit * (_TRIED if filters else 1)
                scores = self._bm25.best(connection, terms, tried)
                found = self._identified(scores, condition, values)
                if len(found) >= limit or len(scores) < tried:
                    return found[:limit]
            # Few passages are let through: these are looked at one and all.
            rows = self._read(
                "SELECT number FROM documents CROSS JOIN passages ON document_id = documents.id"
                f" WHERE {condition}",
                *values,
            )
            numbers = [number for (number,) in rows]
            scores = self._bm25.best_of(connection, terms, limit, numbers)
            return self._identified(scores, "1", [])[:limit]

    def _identified(
        self, scores: Mapping[int, float], condition: str, values: Sequence[Any]
    ) -> list[tuple[str, float]]:
        """The ids of passages for which a condition holds, with the scores given by number: best first, ties by id."""
        kept = " CROSS JOIN documents ON documents.id = document_id" if values else ""
        rows = self._read(
            f"SELECT number, passages.id FROM passages{kept}"
            f" WHERE number IN (SELECT value FROM json_each(?)) AND {condition}",
            json.dumps(list(scores)),
            *values,
        )
        return sorted(
            ((passage_id, scores[number]) for number, passage_id in rows),
            key=lambda found: (-found[1], found[0]),
        )

    def passage_counts(self, terms: Sequence[str]) -> dict[str, int]:
        """In how many passages each term occurs, in any of its inflections."""
        with self._snapshot() as connection:
            return self._bm25.counts(connection, terms)

    def problems(self) -> list[str]:
        """What SQLite finds wrong with the file and with the lexical index, as it says it."""
        with self._connection() as connection, closing(sqlite3.connect(":memory:")) as copy:
            try:
                # FTS5 is checked by a statement that counts as writing: on a copy, of what this reader sees.
                connection.backup(copy)
                found = [str(problem) for (problem,) in copy.execute("PRAGMA integrity_check(10)")]
                if found != ["ok"]:
                    return [" ".join(problem.split()) for problem in found]
                return lexical.problems(copy)
            except sqlite3.DatabaseError as error:
                return [str(error)]

    def words_like(self, beginning: str, shortest: int, longest: int) -> dict[str, int]:
        """The words of the record, in lower case, that begin so and have so many letters, and how often each occurs."""
        return dict(
            self._read(
                "SELECT word, occurrences FROM vocabulary"
                " WHERE length(word) IN (SELECT value FROM json_each(?1)) AND word >= ?2 AND word < ?2 || ?3",
                json.dumps(list(range(shortest, longest + 1))),
                beginning,
                _LAST,
            )
        )

    def stems_around(self, stem: str) -> set[str]:
        """Of the stems of the record's words: this one, those that it begins with, and one that begins with it."""
        beginnings = json.dumps([stem[:length] for length in range(1, len(stem) + 1)])
        rows = self._read(
            "SELECT stem FROM vocabulary WHERE stem IN (SELECT value FROM json_each(?1)) UNION SELECT * FROM"
            " (SELECT stem FROM vocabulary WHERE stem > ?2 AND stem < ?2 || ?3 LIMIT 1)",
            beginnings,
            stem,
            _LAST,
        )
        return {found for (found,) in rows}

    # --- writing -----------------------------------------------------------------------------------------------

    @contextmanager
    def writing(self, wait_seconds: float = 0) -> Iterator[None]:
        """Hold the one writer's place; everything else here that writes must happen inside.

        Raises:
            IndexBusy: another process (or thread) is writing, and still was after `wait_seconds`.
            InvalidInput: the folder cannot be made or written.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=wait_seconds)
        except Timeout:
            raise IndexBusy(
                f"Another process is writing to {self._folder}. Wait until it is done, or give another --data-dir."
            ) from None
        except OSError as error:
            raise InvalidInput(
                f"The data folder {self._folder} cannot be written: {error.strerror}. Set --data-dir or RAG_DATA_DIR"
                " to a folder that can."
            ) from error
        try:
            yield
        finally:
            self._lock.release()

    def whole(self) -> bool:
        """Whether the file is one that can be added to."""
        try:
            self._check()
        except StorageError:
            return False
        return True

    def next_collection(self, index_id: str) -> str:
        """A name for the vectors of a new version, never used before."""
        with self._writer() as connection:
            number = connection.execute("INSERT INTO builds (index_id) VALUES (?)", (index_id,)).lastrowid
        return f"passages-{index_id}-{number}"

    def replace(self, manifest: Manifest, documents: Sequence[Document], passages: Sequence[Passage]) -> None:
        """Switch to a new version that has no copies: as `switch`, from nothing."""
        self.switch(None, manifest, Revision(frozenset(), tuple(documents), tuple(passages)))

    def switch(self, base: Manifest | None, manifest: Manifest, revision: Revision) -> None:
        """Switch to a new version, and to its vectors, in one transaction: what a revision makes of `base`.

        Of the manifest's segments one may be new: it holds the vectors of the revision's passages, and of those whose
        segment the manifest has no more.

        Raises:
            IndexCorrupt: `base` is not what is stored.
        """
        with self._writer() as connection:
            if base is None:
                lexical.clear(connection)
                tables = (
                    "passages",
                    "segments",
                    "credits",
                    "copies",
                    "statements",
                    "documents",
                    "vocabulary",
                )
                for table in tables:
                    connection.execute(f"DELETE FROM {table}")
            else:
                self._require(connection, base)
                _remove(connection, revision.removed)
            written = _insert_segments(connection, manifest.segments)
            _insert(connection, revision, written)
            _move(connection, manifest.segments, written)
            connection.execute(
                "INSERT OR REPLACE INTO manifest VALUES (1, ?, ?, ?, ?)",
                (
                    manifest.index_id,
                    manifest.fingerprint,
                    manifest.documents,
                    manifest.passages,
                ),
            )

    def _require(self, connection: sqlite3.Connection, base: Manifest) -> None:
        rows = connection.execute(_SELECT_MANIFEST).fetchall()
        if [_manifest(row, connection.execute(_SELECT_SEGMENTS)) for row in rows] != [base]:
            raise IndexCorrupt(f"{self._file} is not what it was a moment ago. Run `mission-record rebuild`.")

    def discard(self) -> None:
        """Remove the catalog, whatever state it is in; only a rebuild needs this."""
        self.close()
        for suffix in ("", "-wal", "-shm"):
            self._file.with_name(CATALOG_FILE + suffix).unlink(missing_ok=True)

    def close(self) -> None:
        """Close the connections that are not in use, and give back what else is held."""
        while self._idle:
            connection, _ = self._idle.pop()
            connection.close()
        self._bm25.close()

    # --- connections -------------------------------------------------------------------------------------------

    def _read(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        # SQLite takes only valid Unicode; what is not occurs in no document.
        values = tuple(valid(value) if isinstance(value, str) else value for value in values)
        with self._connection() as connection:
            try:
                return connection.execute(statement, values).fetchall()
            except sqlite3.DatabaseError as error:
                raise self._unreadable(error) from error

    @contextmanager
    def _snapshot(self) -> Iterator[sqlite3.Connection]:
        """The connection within `reading`, for what reads through it."""
        with self.reading(), self._connection() as connection, self._decoded():
            try:
                yield connection
            except sqlite3.DatabaseError as error:
                raise self._unreadable(error) from error

    @contextmanager
    def _decoded(self) -> Iterator[None]:
        """What was stored and cannot be what was stored is damage that SQLite does not see."""
        try:
            yield
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise IndexCorrupt(
                f"{self._file} holds a row that cannot be read ({type(error).__name__}: {error})."
                " Run `mission-record rebuild`."
            ) from error

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """The connection that this thread has taken, or one taken for as long as this lasts."""
        taken: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if taken is not None:
            yield taken
            return
        connection, file_number = self._take()
        self._local.connection = connection
        try:
            yield connection
        finally:
            self._local.connection = None
            self._idle.append((connection, file_number))

    def _take(self) -> tuple[sqlite3.Connection, int]:
        try:
            file_number = self._file.stat().st_ino
        except (FileNotFoundError, NotADirectoryError):
            raise IndexEmpty(f"There is no index in {self._folder}. Run `mission-record ingest`.") from None
        while self._idle:
            with suppress(IndexError):  # another thread was faster
                connection, opened = self._idle.pop()
                if opened == file_number:
                    return connection, opened
                connection.close()
        connection = self._open()
        try:
            self._require_version(connection)
        except StorageError:
            connection.close()
            raise
        return connection, file_number

    @contextmanager
    def _writer(self) -> Iterator[sqlite3.Connection]:
        """A connection in a transaction of its own; a catalog of another version, or unreadable, is made anew first."""
        try:
            self._check()
        except IndexEmpty:
            pass
        except IndexNewer:
            raise
        except (IndexMismatch, IndexCorrupt):
            self.discard()
        fresh = not self._file.exists()
        with closing(self._open()) as connection:
            try:
                if fresh:
                    connection.executescript(
                        f"BEGIN; {_SCHEMA} {lexical.SCHEMA} PRAGMA user_version = {CATALOG_VERSION}; COMMIT;"
                    )
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except sqlite3.DatabaseError as error:
                raise self._unreadable(error) from error

    def _check(self) -> None:
        """See that the file is one that can be written: nothing may be added to a damaged one."""
        if self._read("PRAGMA quick_check(1)") != [("ok",)]:
            raise IndexCorrupt(f"{self._file} is damaged. Run `mission-record rebuild`.")

    def _open(self) -> sqlite3.Connection:
        try:
            # A connection is used by one thread at a time, but not always by the one that opened it.
            connection = sqlite3.connect(
                self._file, isolation_level=None, check_same_thread=False, timeout=30
            )
        except sqlite3.DatabaseError as error:
            raise self._unreadable(error) from error
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
        except sqlite3.DatabaseError as error:
            connection.close()
            raise self._unreadable(error) from error
        return connection

    def _require_version(self, connection: sqlite3.Connection) -> None:
        try:
            ((version,),) = connection.execute("PRAGMA user_version").fetchall()
        except sqlite3.DatabaseError as error:
            raise self._unreadable(error) from error
        if version > CATALOG_VERSION:
            raise IndexNewer(
                f"The index in {self._folder} was made by a later version of this program (schema version {version};"
                f" this one reads {CATALOG_VERSION}). Update the program, give another --data-dir, or run"
                " `mission-record rebuild` to replace that index by one of this version."
            )
        if version != CATALOG_VERSION:
            raise IndexMismatch(
                f"The index in {self._folder} has schema version {version}; this program reads version"
                f" {CATALOG_VERSION}. Run `mission-record ingest` to make it anew from the documents."
            )

    def _unreadable(self, error: sqlite3.DatabaseError) -> StorageError:
        # The low byte of an extended result code is the primary one.
        if (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _OUTSIDE_ERRORS:
            return StorageError(
                f"{self._file} cannot be opened or written ({error}). See that you may write there and that the disk"
                " is not full."
            )
        return IndexCorrupt(f"{self._file} cannot be read ({error}). Run `mission-record rebuild`.")


def fingerprint(embedder: str, passage_tokens: int) -> str:
    """Names how an index was made: the same documents give the same index if this is the same."""
    return hashlib.sha256(
        f"{CATALOG_VERSION}|{PASSAGE_VERSION}|{passage_tokens}|{embedder}".encode()
    ).hexdigest()[:16]


def require_fingerprint(manifest: Manifest, expected: str) -> None:
    """Refuse an index that was made another way.

    Raises:
        IndexMismatch: names the command that makes it anew.
    """
    if manifest.fingerprint != expected:
        raise IndexMismatch(
            f"The index was made with another embedding model, passage size or version of this program"
            f" ({manifest.fingerprint}; now {expected}). Run `mission-record ingest` to make it anew."
        )


def _remove(connection: sqlite3.Connection, ids: Collection[str]) -> None:
    """Take documents out of everything that is kept of them."""
    chosen = json.dumps(sorted(ids))
    of_them = "document_id IN (SELECT value FROM json_each(?))"
    rows = connection.execute(f"SELECT title, section, text FROM passages WHERE {of_them}", (chosen,))
    connection.executemany(
        "UPDATE vocabulary SET occurrences = occurrences - ?2 WHERE word = ?1", _vocabulary(rows).items()
    )
    connection.execute("DELETE FROM vocabulary WHERE occurrences <= 0")
    lexical.remove(connection, of_them, (chosen,))
    for table in ("passages", "credits"):
        connection.execute(f"DELETE FROM {table} WHERE {of_them}", (chosen,))
    for table in ("documents", "copies"):
        connection.execute(f"DELETE FROM {table} WHERE id IN (SELECT value FROM json_each(?))", (chosen,))


def _insert_segments(connection: sqlite3.Connection, segments: Sequence[Segment]) -> int | None:
    """Of a version's segments insert the one that is new; its number."""
    stored = {collection for (collection,) in connection.execute("SELECT collection FROM segments")}
    written = None
    for segment in segments:
        if segment.collection not in stored:
            assert written is None
            written = connection.execute(
                "INSERT INTO segments (collection, vectors, passages) VALUES (?, ?, ?)",
                (segment.collection, segment.vectors, segment.passages),
            ).lastrowid
    return written


def _move(connection: sqlite3.Connection, segments: Sequence[Segment], written: int | None) -> None:
    """Keep of the segments those of the new version, and move the passages of the others to the one written."""
    kept = json.dumps([segment.collection for segment in segments])
    connection.execute(
        "UPDATE passages SET segment = ?"
        f" WHERE segment IN (SELECT number FROM segments WHERE NOT {_IN_COLLECTIONS})",
        (written, kept),
    )
    connection.execute(f"DELETE FROM segments WHERE NOT {_IN_COLLECTIONS}", (kept,))
    connection.executemany(
        "UPDATE segments SET passages = ? WHERE collection = ?",
        ((segment.passages, segment.collection) for segment in segments),
    )


def _insert(connection: sqlite3.Connection, revision: Revision, segment: int | None) -> None:
    counts = Counter(passage.document_id for passage in revision.passages)
    ((last,),) = connection.execute("SELECT coalesce(max(number), 0) FROM passages").fetchall()
    connection.executemany(
        f"INSERT INTO documents VALUES ({', '.join('?' * 14)})",
        (_document_row(document, counts[document.id]) for document in revision.documents),
    )
    connection.executemany(
        f"INSERT INTO copies VALUES ({', '.join('?' * 13)})",
        (_copy_row(document, copy_of) for document, copy_of in revision.copies),
    )
    connection.executemany(
        "INSERT INTO credits VALUES (?, ?, ?)",
        (credit for document in revision.documents for credit in _credits(document)),
    )
    connection.executemany(
        "INSERT OR REPLACE INTO statements VALUES (?, ?)",
        ((document_id, packed(statements)) for document_id, statements in revision.statements.items()),
    )
    connection.execute(
        "DELETE FROM statements WHERE document_id NOT IN (SELECT id FROM documents UNION ALL SELECT id FROM copies)"
    )
    connection.executemany(
        'INSERT INTO passages (id, document_id, title, section, text, start, "end", sentences, segment)'
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        ((*_passage_row(passage), segment) for passage in revision.passages),
    )
    lexical.add(connection, last)
    found = _vocabulary((passage.title, passage.section, passage.text) for passage in revision.passages)
    connection.executemany(
        "INSERT INTO vocabulary VALUES (?1, ?2, ?3)"
        " ON CONFLICT (word) DO UPDATE SET occurrences = occurrences + ?2",
        ((word, count, min(stems(word))) for word, count in found.items()),
    )


def content_hash(document: Document) -> str:
    """Changes whenever anything of the document that is stored does."""
    return hashlib.sha256(f"{document.path}\n{document.sha256}".encode()).hexdigest()


def _vocabulary(texts: Iterable[tuple[str, str, str]]) -> Counter[str]:
    """The words of passages, each given as title, section and text."""
    counts: Counter[str] = Counter()
    for parts in texts:
        for word in words(" ".join(parts)):
            counts.update(re.findall(r"[^\W_]+", word))
    return counts


def _conditions(filters: Filters) -> tuple[str, list[Any]]:
    where, values = ["1"], list[Any]()
    for column, chosen in (("documents.id", filters.document_ids), ("documents.kind", filters.kinds)):
        if chosen:
            where.append(f"{column} IN ({', '.join('?' * len(chosen))})")
            values += chosen
    earliest, latest = days(filters.published_from), days(filters.published_to)
    if earliest:
        where.append("documents.last_day >= ?")
        values.append(earliest[0])
    if latest:
        where.append("documents.first_day <= ?")
        values.append(latest[1])
    return " AND ".join(where), values


_SELECT_MANIFEST = "SELECT index_id, fingerprint, documents, passages FROM manifest"
_SELECT_SEGMENTS = "SELECT collection, vectors, passages FROM segments ORDER BY number"
_IN_COLLECTIONS = "collection IN (SELECT value FROM json_each(?))"
_SELECT_SUMMARY = (
    "SELECT id, title, kind, published, source, characters, passages, sha256, date, path FROM documents"
)
_SELECT_COPY = "SELECT id, title, kind, published, source, characters, 0, sha256, date, path FROM copies"
_SELECT_PASSAGE = (
    'SELECT passages.id, document_id, passages.title, section, text, start, "end", sentences, kind, published, source'
    " FROM passages JOIN documents ON documents.id = document_id"
)


def _manifest(row: tuple[Any, ...], segments: Iterable[tuple[Any, ...]]) -> Manifest:
    index_id, fingerprint, documents, passages = row
    return Manifest(
        index_id, fingerprint, documents, passages, tuple(Segment(*segment) for segment in segments)
    )


def _passage_row(passage: Passage) -> tuple[Any, ...]:
    # Sentences are kept as offsets: their text is a part of the passage's.
    sentences = [
        (sentence.start, sentence.end, sentence.kind, sentence.page) for sentence in passage.sentences
    ]
    return (
        passage.id,
        passage.document_id,
        passage.title,
        passage.section,
        passage.text,
        passage.start,
        passage.end,
        json.dumps(sentences),
    )


def _passage(row: tuple[Any, ...]) -> Passage:
    identifier, document_id, title, section, text, start, end, sentences, kind, published, source = row
    return Passage(
        id=identifier,
        document_id=document_id,
        title=title,
        section=section,
        kind=kind,
        published=published,
        source=source,
        text=text,
        start=start,
        end=end,
        sentences=tuple(
            Sentence(first, last, text[first - start : last - start], BlockKind(block), page)
            for first, last, block, page in json.loads(sentences)
        ),
    )


def _document_row(document: Document, passages: int) -> tuple[Any, ...]:
    covered = days(document.published) or (None, None)
    return (
        document.id,
        document.title,
        document.kind,
        document.published,
        str(document.source) if document.source else None,
        len(document.text),
        passages,
        document.sha256,
        content_hash(document),
        document.date,
        document.path,
        *covered,
        json.dumps(asdict(document), ensure_ascii=False),
    )


def _copy_row(document: Document, copy_of: str) -> tuple[Any, ...]:
    covered = days(document.published) or (None,)
    return (
        document.id,
        copy_of,
        document.title,
        document.kind,
        document.published,
        str(document.source) if document.source else None,
        len(document.text),
        document.sha256,
        content_hash(document),
        document.date,
        document.path,
        covered[0],
        json.dumps(asdict(document), ensure_ascii=False),
    )


def _credits(document: Document) -> Iterator[tuple[str, str, str]]:
    """Document id, role and name of all whom a document's own metadata names."""
    source = document.source
    named = {
        "publisher": (source.publisher,) if source else (),
        "author": (source.author,) if source else (),
        "person": document.people,
        "organisation": document.organisations,
        "place": (document.place,),
    }
    for role, names in named.items():
        yield from ((document.id, role, name) for name in dict.fromkeys(names) if name)


def _document(stored: dict[str, Any]) -> Document:
    source = stored["source"]
    return Document(
        **stored
        | {
            "blocks": tuple(
                Block(**block | {"kind": BlockKind(block["kind"])}) for block in stored["blocks"]
            ),
            "sections": tuple(
                Section(**section | {"path": tuple(section["path"])}) for section in stored["sections"]
            ),
            "people": tuple(stored["people"]),
            "organisations": tuple(stored["organisations"]),
            "source": Source(**source) if source else None,
            "page_starts": tuple(stored["page_starts"]),
        }
    )

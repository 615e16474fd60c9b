"""The lexical index in the catalog's file: which passages hold which words.

FTS5 finds words in a row. Its own BM25 looks at every passage that holds any word of a question, and at each several
times: where a word stands in each tenth passage, that takes longer the more there are. So what BM25 counts is kept a
second time, packed by word; `bm25.py` reads that. Words are cut and stemmed by FTS5, here as there.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.text import one_line

# Weights of title, section and text in BM25F (Robertson et al. 2004, as FTS5's bm25() has it).
# A title names what the whole document is about, so a match there counts for more than one in passing.
BM25_WEIGHTS = (2.0, 1.5, 1.0)

# Passages whose numbers divided by this are the same stand in one row of `postings`, for each token that they have.
BLOCK = 1 << 14
# The passage's number within its block; twice the weighted number of times that it has the token, which is whole; its
# length in tokens. What is more than 65,535 counts as so many.
POSTING = np.dtype([("passage", "<u2"), ("frequency", "<u2"), ("length", "<u2")])
_MOST = np.iinfo(np.uint16).max

_TOKENIZER = "porter unicode61 remove_diacritics 2"
_POSTINGS = """
CREATE TABLE postings (token BLOB, block INTEGER, packed BLOB NOT NULL, PRIMARY KEY (token, block)) WITHOUT ROWID;
"""
# `version` is another whenever anything of the index is.
SCHEMA = f"""
CREATE VIRTUAL TABLE lexical USING fts5 (
    title, section, text, content = passages, content_rowid = number, tokenize = '{_TOKENIZER}'
);
CREATE TABLE lexical_size (passages INTEGER NOT NULL, tokens INTEGER NOT NULL, version BLOB NOT NULL);
INSERT INTO lexical_size VALUES (0, 0, randomblob(16));
{_POSTINGS}
"""

Postings = NDArray[np.void]
_Row = tuple[int, str, str, str]


class Tokenizer:
    """Cuts terms into tokens as the index does. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._memory: sqlite3.Connection | None = None
        self._tokens = lru_cache(maxsize=5_000)(self._cut)  # words of questions, not of documents

    def __call__(self, term: str) -> tuple[bytes, ...]:
        """The tokens of a term in their order, in UTF-8; none where it has no letter or digit."""
        return self._tokens(one_line(term))

    def _cut(self, term: str) -> tuple[bytes, ...]:
        with self._lock:
            if self._memory is None:
                self._memory = _in_memory()
            _fill(self._memory, [(1, "", "", term)])
            rows = self._memory.execute("SELECT term FROM instances ORDER BY offset")
            return tuple(token for (token,) in rows)

    def close(self) -> None:
        """Give back what it holds; it is taken again at the next use."""
        with self._lock:
            if self._memory is not None:
                self._memory.close()
                self._memory = None


def quoted(term: str) -> str:
    """A term as an FTS5 string, which has no syntax; cleaned like the text that it is looked for in."""
    return '"' + one_line(term).replace('"', '""') + '"'


def clear(connection: sqlite3.Connection) -> None:
    """Take everything out of the index."""
    connection.execute("INSERT INTO lexical (lexical) VALUES ('delete-all')")
    connection.execute("DELETE FROM postings")
    connection.execute("UPDATE lexical_size SET passages = 0, tokens = 0, version = randomblob(16)")


def add(connection: sqlite3.Connection, after: int) -> None:
    """Index the passages with numbers above `after`; no such passage may be indexed yet."""
    chosen = "SELECT number, title, section, text FROM passages WHERE number > ?"
    connection.execute(f"INSERT INTO lexical (rowid, title, section, text) {chosen}", (after,))
    add_postings(connection, connection.execute(f"{chosen} ORDER BY number", (after,)))


def add_postings(connection: sqlite3.Connection, rows: Iterable[_Row]) -> None:
    """Pack the tokens of passages, given by number with title, section and text, in the order of their numbers."""
    for block, lengths, counted in _blocks(rows):
        # Bytes that are joined are text to SQLite, but keep what they are.
        connection.executemany(
            "INSERT INTO postings VALUES (?1, ?2, ?3)"
            " ON CONFLICT DO UPDATE SET packed = CAST(packed || excluded.packed AS BLOB)",
            ((token, block, postings.tobytes()) for token, postings in counted),
        )
        _resize(connection, len(lengths), sum(lengths.values()))


def remove(connection: sqlite3.Connection, condition: str, values: Sequence[Any]) -> None:
    """Take out of the index the passages for which a condition on their table holds. They must still be there."""
    chosen = f"number, title, section, text FROM passages WHERE {condition}"
    # An index of content that is kept elsewhere has to be told what that content was.
    connection.execute(
        f"INSERT INTO lexical (lexical, rowid, title, section, text) SELECT 'delete', {chosen}", values
    )
    for block, lengths, counted in _blocks(connection.execute(f"SELECT {chosen} ORDER BY number", values)):
        for token, gone in counted:
            _take_out(connection, token, block, gone)
        _resize(connection, -len(lengths), -sum(lengths.values()))


def _take_out(connection: sqlite3.Connection, token: bytes, block: int, gone: Postings) -> None:
    row = "token = ? AND block = ?"
    stored = connection.execute(f"SELECT packed FROM postings WHERE {row}", (token, block)).fetchone()
    before = np.frombuffer(stored[0] if stored else b"", POSTING)
    left = before[~np.isin(before["passage"], gone["passage"])]
    if len(left):
        connection.execute(f"UPDATE postings SET packed = ? WHERE {row}", (left.tobytes(), token, block))
    else:
        connection.execute(f"DELETE FROM postings WHERE {row}", (token, block))


def problems(connection: sqlite3.Connection) -> list[str]:
    """What differs between the index and the passages that it was made from. Writes into the file.

    Raises:
        sqlite3.DatabaseError: FTS5 says that its part does.
    """
    # With the rank 1 the index is compared with the text that it was made from.
    connection.execute("INSERT INTO lexical (lexical, rank) VALUES ('integrity-check', 1)")
    connection.execute("ALTER TABLE postings RENAME TO stored_postings")
    before = connection.execute("SELECT passages, tokens FROM lexical_size").fetchall()
    connection.executescript(f"{_POSTINGS} UPDATE lexical_size SET passages = 0, tokens = 0;")
    add_postings(
        connection, connection.execute("SELECT number, title, section, text FROM passages ORDER BY number")
    )
    same = before == connection.execute("SELECT passages, tokens FROM lexical_size").fetchall()
    for one, other in (("postings", "stored_postings"), ("stored_postings", "postings")):
        same = (
            same
            and not connection.execute(f"SELECT * FROM {one} EXCEPT SELECT * FROM {other} LIMIT 1").fetchall()
        )
    return [] if same else ["The packed lexical index is not that of the passages."]


def _resize(connection: sqlite3.Connection, passages: int, tokens: int) -> None:
    connection.execute(
        "UPDATE lexical_size SET passages = passages + ?, tokens = tokens + ?, version = randomblob(16)",
        (passages, tokens),
    )


def _blocks(rows: Iterable[_Row]) -> Iterator[tuple[int, dict[int, int], Iterator[tuple[bytes, Postings]]]]:
    """For each block: its number, the lengths of its passages by their numbers, and the postings by token."""
    with closing(_in_memory()) as memory:
        for block, passages in groupby(rows, lambda row: row[0] // BLOCK):
            _fill(memory, passages)
            lengths = dict.fromkeys((row[0] for row in memory.execute("SELECT rowid FROM texts")), 0)
            lengths |= dict(memory.execute("SELECT doc, count(*) FROM instances GROUP BY doc"))
            yield block, lengths, _by_token(memory, lengths)


def _by_token(memory: sqlite3.Connection, lengths: dict[int, int]) -> Iterator[tuple[bytes, Postings]]:
    title, section, text = (int(2 * weight) for weight in BM25_WEIGHTS)
    weight = f"CASE col WHEN 'title' THEN {title} WHEN 'section' THEN {section} ELSE {text} END"
    rows = memory.execute(
        f"SELECT term, doc, sum({weight}) FROM instances GROUP BY term, doc ORDER BY term, doc"
    )
    for token, counted in groupby(rows, itemgetter(0)):
        yield (
            token,
            np.array(
                [
                    (number % BLOCK, min(frequency, _MOST), min(lengths[number], _MOST))
                    for _, number, frequency in counted
                ],
                POSTING,
            ),
        )


def _in_memory() -> sqlite3.Connection:
    """An index of its own, that keeps no text, to see what FTS5 makes of some."""
    memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    # A token that is cut off where FTS5 cuts the longest may end within a character.
    memory.text_factory = bytes
    memory.executescript(
        f"CREATE VIRTUAL TABLE texts USING fts5 (title, section, text, content = '', tokenize = '{_TOKENIZER}');"
        "CREATE VIRTUAL TABLE instances USING fts5vocab (texts, instance);"
    )
    return memory


def _fill(memory: sqlite3.Connection, rows: Iterable[_Row]) -> None:
    """Put these texts in the place of those that are there."""
    memory.execute("INSERT INTO texts (texts) VALUES ('delete-all')")
    memory.execute("BEGIN")
    memory.executemany("INSERT INTO texts (rowid, title, section, text) VALUES (?, ?, ?, ?)", rows)
    memory.execute("COMMIT")

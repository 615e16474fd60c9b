"""The packed index holds what FTS5 counts, and says when it does not."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import numpy as np
import pytest

from rag import lexical
from rag.lexical import BLOCK, POSTING, Tokenizer

PASSAGES = """
CREATE TABLE passages (number INTEGER PRIMARY KEY, title TEXT NOT NULL, section TEXT NOT NULL, text TEXT NOT NULL);
"""


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(PASSAGES + lexical.SCHEMA)
        yield connection


def write(
    connection: sqlite3.Connection, number: int, text: str, title: str = "Quay", section: str = ""
) -> None:
    connection.execute("INSERT INTO passages VALUES (?, ?, ?, ?)", (number, title, section, text))


def postings(connection: sqlite3.Connection, token: bytes) -> list[tuple[int, int, int]]:
    """Number, doubled frequency and length of each passage with a token."""
    rows = connection.execute("SELECT block, packed FROM postings WHERE token = ? ORDER BY block", (token,))
    return [
        (block * BLOCK + int(each["passage"]), int(each["frequency"]), int(each["length"]))
        for block, packed in rows
        for each in np.frombuffer(packed, POSTING)
    ]


@pytest.mark.parametrize(
    ("term", "tokens"),
    [
        ("Harbours", [b"harbour"]),
        ("AI-driven", [b"ai", b"driven"]),
        ("naïve", [b"naiv"]),
        ("3.5", [b"3", b"5"]),
        ("港", ["港".encode()]),
        ("—", []),
        ("", []),
        ("\ud800 quay\x00s", [b"quai"]),
    ],
)
def test_terms_are_cut_as_the_index_cuts(term: str, tokens: list[bytes]) -> None:
    tokenizer = Tokenizer()
    assert tokenizer(term) == tuple(tokens)
    tokenizer.close()
    assert tokenizer(term) == tuple(tokens)
    tokenizer.close()


def test_threads_share_a_tokenizer() -> None:
    tokenizer = Tokenizer()
    terms = [f"quay{number} mole{number}" for number in range(200)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(tokenizer, terms * 3))
    assert found == [(f"quay{n}".encode(), f"mole{n}".encode()) for n in range(200)] * 3
    tokenizer.close()


def test_a_posting_counts_fields_by_their_weight(connection: sqlite3.Connection) -> None:
    write(connection, 3, "Quays and a quay", section="The quay")
    write(connection, BLOCK + 1, "a mole", title="Mole")
    write(connection, BLOCK + 2, "", title="")
    lexical.add(connection, 0)
    assert postings(connection, b"quai") == [(3, 4 + 3 + 2 + 2, 7)]
    assert postings(connection, b"mole") == [(BLOCK + 1, 4 + 2, 3)]
    assert connection.execute("SELECT passages, tokens FROM lexical_size").fetchall() == [(3, 10)]
    assert lexical.problems(connection) == []


def test_what_is_taken_out_leaves_the_rest(connection: sqlite3.Connection) -> None:
    for number in (1, 2, BLOCK - 1, BLOCK, 3 * BLOCK):
        write(connection, number, f"mole {number}")
    lexical.add(connection, 0)
    lexical.remove(connection, "number IN (?, ?, ?)", (2, BLOCK, 3 * BLOCK))
    connection.execute("DELETE FROM passages WHERE number IN (?, ?, ?)", (2, BLOCK, 3 * BLOCK))
    write(connection, 3 * BLOCK + 5, "mole")
    lexical.add(connection, 3 * BLOCK)
    assert [number for number, *_ in postings(connection, b"mole")] == [1, BLOCK - 1, 3 * BLOCK + 5]
    assert postings(connection, b"2") == []
    assert lexical.problems(connection) == []


def test_every_change_is_another_version(connection: sqlite3.Connection) -> None:
    versions = set()
    for change in (
        lambda: None,
        lambda: write(connection, 1, "mole") or lexical.add(connection, 0),
        lambda: lexical.remove(connection, "number = ?", (1,)),
        lambda: lexical.clear(connection),
    ):
        change()
        versions.add(connection.execute("SELECT version FROM lexical_size").fetchone())
    assert len(versions) == 4


def test_what_is_too_much_to_count_counts_as_the_most(connection: sqlite3.Connection) -> None:
    write(connection, 1, "mole " * 70_000)
    lexical.add(connection, 0)
    assert postings(connection, b"mole") == [(1, 65_535, 65_535)]


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM postings WHERE token = x'6d6f6c65'",
        "INSERT INTO postings VALUES (x'00', 0, zeroblob(6))",
        "UPDATE postings SET packed = zeroblob(6)",
        "UPDATE lexical_size SET passages = 7",
    ],
)
def test_an_index_that_is_not_of_its_passages(connection: sqlite3.Connection, damage: str) -> None:
    write(connection, 1, "mole")
    lexical.add(connection, 0)
    connection.execute(damage)
    assert lexical.problems(connection) == ["The packed lexical index is not that of the passages."]

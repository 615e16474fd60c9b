"""What users thought of answers: a SQLite file of its own, for it can be rebuilt from nothing."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rag.domain import Rating
from rag.errors import InvalidInput, StorageError

FEEDBACK_FILE = "feedback.sqlite"
MAX_COMMENT_CHARACTERS = 4_000
ANSWER_ID = re.compile(r"^[A-Za-z0-9_-]{1,64}$")
_SCHEMA = """CREATE TABLE IF NOT EXISTS feedback (
    number INTEGER PRIMARY KEY, given TEXT NOT NULL, answer_id TEXT NOT NULL, rating TEXT NOT NULL, comment TEXT
)"""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What somebody thought of one answer. `given` is when, in UTC (ISO 8601)."""

    given: str
    answer_id: str
    rating: Rating
    comment: str | None


class FeedbackFile:
    """`feedback.sqlite` of a data folder. Threads and processes may share it."""

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / FEEDBACK_FILE

    def add(self, answer_id: str, rating: Rating, comment: str | None = None) -> None:
        """Keep a rating; on disk when this returns. Further ones of the same answer are kept beside it.

        Raises:
            InvalidInput: no answer can have this id, or the comment is too long.
            StorageError: it cannot be written.
        """
        if not ANSWER_ID.fullmatch(answer_id):
            raise InvalidInput(
                "answer_id is not the id of an answer. Send the `id` of a response to `POST /ask`."
            )
        if rating not in ("up", "down"):
            raise InvalidInput(f'The rating is {rating!r}; it must be "up" or "down".')
        comment = (comment or "").strip() or None
        if comment and len(comment) > MAX_COMMENT_CHARACTERS:
            raise InvalidInput(
                f"The comment has {len(comment):,} characters; at most {MAX_COMMENT_CHARACTERS:,} are kept. Shorten it."
            )
        given = datetime.now(UTC).isoformat(timespec="seconds")
        with self._open() as connection:
            connection.execute(
                "INSERT INTO feedback (given, answer_id, rating, comment) VALUES (?, ?, ?, ?)",
                (given, answer_id, rating, comment),
            )

    def all(self) -> Iterator[Feedback]:
        """Everything that was said, oldest first.

        Raises:
            StorageError: it cannot be read.
        """
        if not self._file.exists():
            return
        with self._open() as connection:
            rows = connection.execute(
                "SELECT given, answer_id, rating, comment FROM feedback ORDER BY number"
            ).fetchall()
        for row in rows:
            yield Feedback(*row)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._file, timeout=30)) as connection, connection:
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute(_SCHEMA)
                yield connection
        except (sqlite3.DatabaseError, OSError) as error:
            raise StorageError(
                f"{self._file} cannot be read or written ({error}). See that you may write there, that the disk is not"
                " full, and that the file is whole."
            ) from error

"""What a file says of itself."""

from __future__ import annotations

from dataclasses import dataclass

from rag.domain import Source

DEFAULT_KIND = "document"
MAX_TITLE_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Metadata:
    """Each is None or empty where the file does not say. Dates are ISO.

    `source` is what the file names as its source; `author`, `publisher` and `published` are the file's own.
    """

    id: str | None = None
    title: str | None = None
    kind: str = DEFAULT_KIND
    date: str | None = None
    place: str | None = None
    people: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()
    source: Source | None = None
    author: str | None = None
    publisher: str | None = None
    published: str | None = None

    def source_of(self, name: str) -> Source:
        """The source that it names, else the file itself, by its name in the record."""
        return self.source or Source(name, self.publisher, self.published, self.author)

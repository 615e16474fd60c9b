"""What an answerer hands over: statements, each with the sentences that it rests on."""

from __future__ import annotations

from dataclasses import dataclass

from rag.domain import Evidence, Usage


@dataclass(frozen=True, slots=True)
class Statement:
    """A stretch of the answer. `listed` asks for a line of its own, `unsupported` for a mark that nothing bears it out.

    What the catalog says of the record has no evidence either, and needs none.
    """

    text: str
    evidence: tuple[Evidence, ...]
    listed: bool = False
    unsupported: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer before its citations are numbered and checked; without statements the record does not say.

    `unsupported` holds sentences that were written and that no source supports, `usage` what the writing took.
    `disagreeing` holds groups of sentences that answer the same with different figures, newest first.
    """

    statements: tuple[Statement, ...]
    short_answer: str | None
    confidence: float
    reason: str | None = None
    unknown_names: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = ()
    usage: Usage | None = None
    disagreeing: tuple[tuple[Evidence, ...], ...] = ()

"""Questions about the record itself, answered from the catalog."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rag.answer.cite import cite
from rag.answer.draft import Draft
from rag.answer.inventory import Inventory
from rag.catalog import Catalog, require_fingerprint
from rag.domain import Answer, Manifest, Question
from rag.record_question import RecordQuestion, record_question

# Passages that are looked at to see whether the record itself speaks of documents.
LOOKED_AT = 200
# The turns of a conversation that a follow-up may go back to.
TURNS_READ = 10
# What stands before a noun for things that a text speaks of: "the archive", "three signed documents".
_SPOKEN_OF = (
    r"\b(?:the|these|those|all|many|several|few|more|other|two|three|four|five|six|seven|eight|nine|ten|\d[\d,.]*)"
    r"\s+(?:\w+\s+){0,2}"
)


@dataclass(frozen=True, slots=True)
class _Understood:
    """What a question asks of the record; `alone` unless it follows up on the one before."""

    asked: RecordQuestion
    alone: str | None


class Catalogued:
    """Answers what is asked of the record itself. Threads may share it."""

    def __init__(self, catalog: Catalog, fingerprint: str) -> None:
        self._catalog = catalog
        self._fingerprint = fingerprint
        self._kinds = lru_cache(maxsize=1)(self._read_kinds)

    def __call__(self, text: str, question: Question) -> Answer | None:
        """The answer, still without timings; None where the question asks what documents say.

        `text` is the question standing alone, its spelling corrected.

        Raises:
            IndexEmpty, IndexMismatch, IndexCorrupt: there is nothing to answer from.
        """
        with self._catalog.reading():
            manifest = self._catalog.manifest()
            found = self._understood(text, question, self._kinds(manifest.index_id))
            if found is None or self._in_doubt(found.asked, question):
                return None
            require_fingerprint(manifest, self._fingerprint)
            answered = Inventory(self._catalog, question.filters).answer(found.asked)
        if answered is None:
            return None
        draft, in_full = answered
        return _completed(draft, found.alone or in_full, manifest)

    def _understood(self, text: str, question: Question, kinds: Sequence[str]) -> _Understood | None:
        """The question by itself or, where it was asked of the record before, as one that goes on from there."""
        found = record_question(text, kinds)
        if not question.history:
            return _Understood(found, text) if found else None
        before: RecordQuestion | None = None
        for turn in question.history[-TURNS_READ:]:
            if turn.role == "user" and turn.content.strip():
                before = record_question(turn.content, kinds, before)
        alone = record_question(question.text, kinds)
        if alone:
            return _Understood(alone, question.text)
        following = record_question(question.text, kinds, before)
        if following:
            return _Understood(following, None)
        return _Understood(found, text) if found else None

    def _in_doubt(self, asked: RecordQuestion, question: Question) -> bool:
        """Whether the turn before or the record itself speaks of what the question takes for its documents."""
        last = " ".join(turn.content for turn in question.history[-2:])
        for noun in filter(None, asked.doubtful):
            spoken_of = re.compile(_SPOKEN_OF + re.escape(noun.removesuffix("s")), re.IGNORECASE)
            if spoken_of.search(last) or self._speaks_of(noun, spoken_of):
                return True
        return False

    def _speaks_of(self, noun: str, spoken_of: re.Pattern[str]) -> bool:
        mentions = self._catalog.mentions([noun], "text").values()
        found = [identifier for passages in mentions for identifier in passages]
        passages = self._catalog.passages(found[:LOOKED_AT])
        return any(spoken_of.search(passage.text) for passage in passages.values())

    def _read_kinds(self, _index_id: str) -> tuple[str, ...]:
        return self._catalog.kinds()


def _completed(draft: Draft, text: str, manifest: Manifest) -> Answer:
    cited = cite(draft)
    hits = {found.hit.passage.id: found.hit for each in draft.statements for found in each.evidence}
    return Answer(
        id=uuid.uuid4().hex,
        status="answered",
        reason=None,
        answer=cited.answer,
        answer_plain=cited.answer_plain,
        short_answer=draft.short_answer,
        confidence=draft.confidence,
        standalone_question=text,
        citations=cited.citations,
        unsupported=(),
        retrieved=tuple(hits.values()),
        used=cited.used,
        answerer="extractive",
        model=None,
        fallback_reason=None,
        index_id=manifest.index_id,
        timings_ms={},
        basis="catalog",
    )

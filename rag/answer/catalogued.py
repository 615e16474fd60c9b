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
from rag.language import content_words, stems
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
    """What a question asks of the record. `alone` is the question, unless it `goes_on` from the one before."""

    asked: RecordQuestion
    alone: str | None
    goes_on: bool = False


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
            if found is None or self._in_doubt(found, question):
                return None
            require_fingerprint(manifest, self._fingerprint)
            answered = Inventory(self._catalog, question.filters).answer(found.asked)
        if answered is None:
            return None
        draft, in_full = answered
        return _completed(draft, found.alone or in_full, manifest)

    def _understood(self, text: str, question: Question, kinds: Sequence[str]) -> _Understood | None:
        """The question by itself or, where it was asked of the record before, as one that goes on from there."""
        before: RecordQuestion | None = None
        for turn in question.history[-TURNS_READ:]:
            if turn.role == "user" and turn.content.strip():
                before = record_question(turn.content, kinds, before)
        goes_on = before is not None
        for alone in dict.fromkeys((question.text, text) if question.history else (text,)):
            found = record_question(alone, kinds)
            if found:
                return _Understood(found, alone, goes_on)
            found = record_question(alone, kinds, before)
            if found:
                return _Understood(found, None, goes_on)
        return None

    def _in_doubt(self, found: _Understood, question: Question) -> bool:
        """Whether the turn before, or the record itself, speaks of what may be meant instead of its own documents."""
        asked = found.asked
        if asked.holder and self._tells_of(asked.holder, ()):
            return True
        if (
            not asked.noun or asked.selection.by
        ):  # a publisher or an author that the record has leaves no doubt
            return False
        last = " ".join(turn.content for turn in question.history[-2:])
        if not found.goes_on and _spoken_of(asked.noun).search(last):
            return True
        others = [word for word in content_words(found.alone or "") if not _is_form_of(word, asked.noun)]
        return bool(others) and self._tells_of(asked.noun, others)

    def _tells_of(self, noun: str, others: Sequence[str]) -> bool:
        """Whether a passage counts or points at such things, and has the other words of the question as well."""
        mentions = self._catalog.mentions([noun, *others], "text", LOOKED_AT).values()
        passages = self._catalog.passages([identifier for found in mentions for identifier in found])
        return any(_spoken_of(noun).search(passage.text) for passage in passages.values())

    def _read_kinds(self, _index_id: str) -> tuple[str, ...]:
        return self._catalog.kinds()


def _spoken_of(noun: str) -> re.Pattern[str]:
    return re.compile(_SPOKEN_OF + re.escape(noun.removesuffix("s")), re.IGNORECASE)


def _is_form_of(word: str, noun: str) -> bool:
    return bool(stems(word) & stems(noun)) or word in ("record", "list", "show", "number", "total", "count")


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

"""Follow-up or question in another language -> standalone English question, by a language model, checked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import closing

from rag.answer.context import visible
from rag.answer.prompts import prompt
from rag.converse import recent
from rag.domain import MAX_QUESTION_CHARACTERS, Turn
from rag.language import names, numbers
from rag.ports import LanguageModel, Message

MOST_TOKENS = 120
_LEAD = re.compile(r"^\s*(?:(?:standalone|rewritten|last)?\s*question\s*:\s*|[\"“'`*]+)", re.IGNORECASE)
_REFERS = re.compile(
    r"\b(?:he|she|it|they|him|her|them|his|hers|its|theirs?|this|that|these|those|there|then|ones?|others?|another|same"
    r"|former|latter|else|also|too|first|second|third|last|both)\b",
    re.IGNORECASE,
)
_LATIN = re.compile(r"[A-Za-z][A-Za-z0-9&.'-]*[A-Za-z0-9]")


def may_refer(question: str) -> bool:
    """Whether a question has a word that can stand for what was said before it; most that have none stand alone."""
    return bool(_REFERS.search(question))


class Condense:
    """Has a model rewrite a question, and takes what it wrote only where nothing was lost or made up."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model

    def __call__(self, question: str, history: Sequence[Turn], translate: bool) -> str | None:
        """The question as it would be asked alone, in English; None where what was written cannot be trusted.

        Raises:
            LanguageModelError: nothing was written.
        """
        written = ""
        with closing(self._model.write(_messages(question, history), MOST_TOKENS)) as pieces:
            for piece in pieces:
                written += piece if isinstance(piece, str) else ""
                if len(written) > MAX_QUESTION_CHARACTERS:
                    return None
        text = _LEAD.sub("", visible(written).strip()).strip().strip("\"”'`*").strip()
        said = " ".join(turn.content for turn in recent(history))
        return text if _faithful(text, question, said, translate) else None


def _messages(question: str, history: Sequence[Turn]) -> list[Message]:
    turns = "\n".join(f"{turn.role}: {turn.content}" for turn in recent(history)) or "(none)"
    return [
        Message("system", prompt("condense").template),
        Message("user", f"Conversation:\n{turns}\n\nLast question: {question}"),
    ]


def _faithful(text: str, question: str, said: str, translate: bool) -> bool:
    """Whether every name and number of the question is kept, and none comes from nowhere.

    Of a question in another script the names may have become Latin, which cannot be told from made up.
    """
    if not text or "\n" in text or len(text) > MAX_QUESTION_CHARACTERS:
        return False
    before, known = question.casefold(), f"{question} {said}".casefold()
    kept = (
        _LATIN.findall(question) if translate else [word for name in names(question) for word in name.split()]
    )
    if any(word.casefold() not in text.casefold() for word in kept):
        return False
    if any(number not in numbers(text) for number in numbers(before)):
        return False
    if not set(numbers(text)) <= set(numbers(known)):
        return False
    return translate or all(word.casefold() in known for name in names(text) for word in name.split())

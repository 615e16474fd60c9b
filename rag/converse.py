"""Follow-up -> standalone question, from the turns before; a question that stands alone is left as it is."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.domain import Turn
from rag.language import content_words, names

# References to something named before. "that" and "this" count only where no noun follows that says what.
_PRONOUN = re.compile(
    r"\b(?P<possessive>its|their|theirs|his|hers?(?=\s+\w))\b"
    r"|\b(?P<plain>it|they|them|he|she|him|her|those|these|this|that)\b(?!\s+\w+(?:s|ing|ion|ed)\b)"
    r"|\b(?:the|that|this) (?P<noun>company|firm|organi[sz]ation|event|conference|clinic|person|visit|meeting|one|place)\b",
    re.IGNORECASE,
)
_MORE_OF_THE_SAME = re.compile(
    r"^\s*(?:and|but|or|so|also)?\s*(?:what|how) about\s+(?P<about>.+?)\s*\??$|^\s*(?:and|or)\s+(?P<and>.+?)\s*\??$",
    re.IGNORECASE,
)
_OPENER = re.compile(r"^(?:who|whom|whose|what|when|where|which|why|how|is|are|was|were|do|does|did|has|have|can)\b", re.I)
_ELLIPTIC = re.compile(r"^\s*(?:and\s+|so\s+|but\s+)?(?:who|what|when|where|which(?: ones?)?|why|how(?: many| much)?)(?: else)?\s*\??$", re.I)
_MARKER = re.compile(r"\s*\[\d+\]")


def standalone(question: str, history: Sequence[Turn]) -> str:
    """The question as it would be asked without the turns before it.

    - "and X?", "what about X?": the question before, with X in the place of its name.
    - "how many?", "who else?": the question's words before the subject of the one before.
    - pronouns: replaced by the name last spoken of, in the question before or, failing that, in its answer.
    """
    asked_before = [turn.content for turn in history if turn.role == "user"]
    if not asked_before:
        return question
    before = standalone(asked_before[-1], history[: _last_user(history)])
    answered = _MARKER.sub("", next((turn.content for turn in reversed(history) if turn.role == "assistant"), ""))
    more = _MORE_OF_THE_SAME.match(question)
    if more:
        subject = (more["about"] or more["and"]).strip()
        if not _OPENER.match(subject):
            return _with_subject(before, subject)
        question = subject[0].upper() + subject[1:] + "?"
    topic = _topic(before, answered)
    if not topic:
        return question
    if _ELLIPTIC.match(question):
        return f"{question.rstrip(' ?')} {_subject_words(before)}?"
    if _PRONOUN.search(question):
        return _resolve(question, topic)
    if not names(question) and len(content_words(question)) <= 2 and len(question.split()) <= 5:
        return f"{question.rstrip(' ?')} ({topic})?"
    return question


def _last_user(history: Sequence[Turn]) -> int:
    return max(position for position, turn in enumerate(history) if turn.role == "user")


def _with_subject(before: str, subject: str) -> str:
    """The question before, asked of another subject."""
    known = names(before)
    subject = subject.rstrip(" ?.")
    if known and known[-1] in before:
        return before.replace(known[-1], subject)
    return f"{before.rstrip(' ?')} {subject}?"


def _subject_words(before: str) -> str:
    return " ".join(content_words(before))


def _topic(before: str, answered: str) -> str:
    """The name that the turn before was about: the last in its question, else the first in its answer."""
    asked_names = names(before)
    if asked_names:
        return asked_names[-1]
    answer_names = names("x " + answered)
    return answer_names[0] if answer_names else " ".join(content_words(before))


def _resolve(question: str, topic: str) -> str:
    def replacement(match: re.Match[str]) -> str:
        return f"{topic}'s" if match["possessive"] else topic

    return _PRONOUN.sub(replacement, question, count=1)

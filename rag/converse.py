"""Follow-up -> standalone question, from the turns before; a question that stands alone is left as it is."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.domain import Turn
from rag.language import PERSON, Asks, asked, content_words, names, replace_pronoun

# "That" and "this" refer back only where no noun follows that says what they are.
_THING = re.compile(
    r"\b(?P<possessive>its|theirs?)\b|\b(?:it|they|them|those|these|this|that)\b(?!\s+[a-z]+(?:s|ing|ion|ed|nt|ty)\b)"
    r"|\b(?:the|that|this) (?:company|firm|organi[sz]ation|event|conference|clinic|visit|meeting|place)\b",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"^\s*(?:(?:and|but|or|so|also)\s+)?(?:what|how) about\s+(?P<subject>.+?)\s*[?.]*$", re.IGNORECASE
)
_AND = re.compile(r"^\s*(?:and|or|but)\s+(?P<subject>.+?)\s*[?.]*$", re.IGNORECASE)
_OPENER = re.compile(
    r"^(?:(?:for|with|to|from|by|of|in|on|at|since|until)\s+)?"
    r"(?:who|whom|whose|what|when|where|which|why|how|is|are|was|were|do|does|did|has|have|had|can|could)\b",
    re.IGNORECASE,
)
_WHICH = re.compile(
    r"\s*(?:which|what) (?!is\b|are\b|was\b|were\b|do\b|does\b|did\b|has\b|have\b)", re.IGNORECASE
)
_MORE = re.compile(
    r"\b(?:one|ones|else|there|altogether|others?|same|too|first|second|third|last|latter|former)\b", re.I
)
_MARKER = re.compile(r"\s*\[\d+\]|[*`\\]")

# A question with no name in it and fewer words than this leans on the one before.
SHORT = 5


def standalone(question: str, history: Sequence[Turn]) -> str:
    """The question as it would be asked without the turns before it.

    - "and X?", "what about X?": the question before, with X in the place of its last name.
    - he, she, it, they, "the company": replaced by the name last spoken of.
    - "with whom?", "how many were there?": put behind the question before, after a colon.
    """
    users = [place for place, turn in enumerate(history) if turn.role == "user" and turn.content.strip()]
    if not users:
        return question
    before = standalone(history[users[-1]].content, history[: users[-1]])
    answers = (turn.content for turn in reversed(history) if turn.role == "assistant")
    answered = _MARKER.sub("", next(answers, ""))
    about = _ABOUT.match(question) or _AND.match(question)
    if about and not _OPENER.match(about["subject"]):
        return _of_another(before, about["subject"])
    if about:
        question = about["subject"][0].upper() + about["subject"][1:] + "?"
    if about and _WHICH.match(question) and len(question.split()) < SHORT:
        return _join(before, question)  # "and which Japanese ones?"
    if names(question):
        return question
    return _refer(question, before, answered) or (
        _join(before, question) if about or _leans(question) else question
    )


def _of_another(before: str, subject: str) -> str:
    """The question before, asked of another subject."""
    known = names(before)
    return before.replace(known[-1], subject) if known else _join(before, f"{subject}?")


def _refer(question: str, before: str, answered: str) -> str | None:
    """The question with its pronoun replaced by what it refers to; None without a pronoun or anything to refer to."""
    for pattern, topic in ((PERSON, _person), (_THING, _thing)):
        name = topic(before, answered) if pattern.search(question) else None
        if name:
            return replace_pronoun(question, name, pattern)
    return None


def _person(before: str, answered: str) -> str | None:
    """Who was asked for: the first name that the answer brought; else who was asked about."""
    asked_about, brought = names(before), _new_names(before, answered)
    first, second = (
        (brought[:1], asked_about[-1:]) if asked(before).asks is Asks.WHO else (asked_about[-1:], brought[:1])
    )
    return next(iter(first + second), None)


def _thing(before: str, answered: str) -> str | None:
    """What was asked for, where a name was ("which firm ..."); else what was asked about."""
    asked_about, brought = names(before), _new_names(before, answered)
    wants_name = asked(before).asks is Asks.WHO or _WHICH.match(before)
    first, second = (brought[:1], asked_about[-1:]) if wants_name else (asked_about[-1:], brought[:1])
    return next(iter(first + second), None)


def _new_names(before: str, answered: str) -> list[str]:
    # The answer's first word may be a name too: set behind another, its capital counts.
    return [name for name in names(f"so {answered}") if name.lower() not in before.lower()]


def _leans(question: str) -> bool:
    return len(question.split()) < SHORT or bool(_MORE.search(question)) or len(content_words(question)) < 2


def _join(before: str, question: str) -> str:
    return f"{before.rstrip(' ?.')}: {question[0].lower()}{question[1:]}"

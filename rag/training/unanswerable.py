"""Made-up questions of the plain kind that a record does not answer.

Each is made from a question that a passage does answer, by changing one thing that the passage then does
not say, or asks for an attribute of which the passage has no word. After Rajpurkar et al. (2018), "Know
What You Don't Know", which lists the same kinds for questions written by people: negation, antonym, entity
swap, mutual exclusion, impossible condition, other attribute.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from importlib import resources

from rag.training.sentences import words

_NAME = re.compile(r"\b[A-Z][\w'’&.-]*[\w](?:\s+(?:(?:of|the|de|van|von|and|for)\s+)?[A-Z][\w'’&.-]*[\w])*")
_YEAR = re.compile(r"\b(?:1[0-9]|20)\d\d\b")
_NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?![\w])")
_NOT_NAMES = frozenset(
    "what which who whom whose when where why how in on at the a an is are was were did do does if "
    "according name after before during by to of for from with besides aside other than can could has have had and "
    "or as along it its this that there".split()
)

_WORDING = json.loads(resources.files(__package__).joinpath("unanswerable.json").read_text(encoding="utf-8"))
_ROLES: list[str] = _WORDING["roles"]
_OPPOSITES: dict[str, str] = _WORDING["opposites"]


def names_in(text: str) -> list[str]:
    """Capitalised names of `text`; a single word counts only where it does not begin a sentence."""
    found = []
    for match in _NAME.finditer(text):
        parts = match.group().split()
        begins = not re.search(r"[\w,;:(–-]\s*$", text[: match.start()])
        while parts and parts[0].lower() in _NOT_NAMES:
            parts, begins = parts[1:], False
        if parts and len("".join(parts)) > 2 and not (begins and len(parts) == 1):
            found.append(" ".join(parts))
    return found


def said(phrase: str, there: set[str]) -> bool:
    """Whether every word of `phrase` that is longer than three letters is among the words `there`."""
    telling = [word for word in words(phrase) if len(word) > 3 or word.isdigit()] or words(phrase)
    return all(word in there for word in telling)


def swapped_name(question: str, passage: str, others: list[str], rng: random.Random) -> str | None:
    """A name in the question replaced by another that the passage does not mention."""
    there = set(words(passage))
    names = [name for name in names_in(question) if said(name, there)]
    candidates = [name for name in others if not said(name, there) and name not in question] if names else []
    if not candidates:
        return None
    name = rng.choice(names)
    alike = [other for other in candidates if len(other.split()) == len(name.split())]
    return question.replace(name, rng.choice(alike or candidates), 1)


def swapped_number(question: str, passage: str, rng: random.Random) -> str | None:
    """A year or number in the question replaced by one that the passage does not have."""
    found = list(_NUMBER.finditer(question))
    if not found:
        return None
    match = rng.choice(found)
    if _YEAR.fullmatch(match.group()):
        other = str(
            int(match.group()) + rng.choice((-40, -21, -12, -7, -5, -3, -2, -1, 1, 2, 3, 4, 6, 9, 15, 28))
        )
    else:
        value = float(match.group().replace(",", ""))
        other = f"{max(1, round(value * rng.choice((0.3, 0.5, 1.5, 2, 3, 10)) + rng.choice((1, 2, 7)))):,}"
    if other in passage:
        return None
    return question[: match.start()] + other + question[match.end() :]


def swapped_word(question: str, passage: str, rng: random.Random) -> str | None:
    """A role replaced by another role, or a relation by its opposite, that the passage does not have."""
    there = set(words(passage))
    changes = []
    for match in re.finditer(r"[A-Za-z]+", question):
        word = match.group()
        if word.lower() in _ROLES:
            changes.append((match, [role for role in _ROLES if role not in there and role != word.lower()]))
        elif word in _OPPOSITES and _OPPOSITES[word] not in there:
            changes.append((match, [_OPPOSITES[word]]))
    changes = [(match, options) for match, options in changes if options]
    if not changes:
        return None
    match, options = rng.choice(changes)
    return question[: match.start()] + rng.choice(options) + question[match.end() :]


def added_premise(question: str, passage: str, others: list[str], rng: random.Random) -> str | None:
    """A condition put after the question that the passage says nothing about."""
    if rng.random() < 0.5:
        year = str(rng.randint(1890, 2025))
        condition = rng.choice((f"in {year}", f"before {year}", f"since {year}", f"at the {year} meeting"))
        absent = year not in passage and not _YEAR.search(question)
    else:
        there = set(words(passage))
        candidates = [name for name in rng.sample(others, min(len(others), 30)) if not said(name, there)]
        if not candidates:
            return None
        condition = (
            rng.choice(("in", "for", "with", "according to", "at", "by")) + f" {rng.choice(candidates)}"
        )
        absent = True
    return f"{question.rstrip('? ')} {condition}?" if absent else None


def absent_attribute(passage: str, names: list[str], rng: random.Random) -> str | None:
    """A question for something of a name in the passage of which the passage has no word."""
    text = " ".join(words(passage))
    for attribute in rng.sample(_WORDING["attributes"], 12):
        if names and not any(f" {word}" in f" {text}" for word in attribute["telling"]):
            return str(attribute["question"]).format(rng.choice(names))
    return None


def made_up(question: str, passage: str, others: list[str], rng: random.Random) -> str | None:
    """An unanswerable question made from an answerable one, or None when none of the ways applies."""
    ways: list[Callable[[], str | None]] = [
        lambda: swapped_name(question, passage, others, rng),
        lambda: swapped_name(question, passage, others, rng),
        lambda: swapped_number(question, passage, rng),
        lambda: swapped_word(question, passage, rng),
        lambda: swapped_word(question, passage, rng),
        lambda: added_premise(question, passage, others, rng),
        lambda: absent_attribute(passage, names_in(passage), rng),
    ]
    rng.shuffle(ways)
    return next((made for way in ways if (made := way()) is not None), None)

"""Follow-up -> standalone question, from the turns before; a question that stands alone is left as it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.domain import Turn
from rag.language import AUXILIARY, PERSON, WH, Asks, asked, names, replace_pronoun
from rag.mentions import (
    LONGEST_TOLD,
    Phrase,
    is_person,
    items,
    listed_names,
    new_names,
    several,
    subject,
)
from rag.reference import (
    COMPANIES,
    FRAGMENT,
    PLACES,
    SENTENCE,
    THING,
    THINGS,
    Ordinal,
    demonstrative,
    leans,
    ordinal,
    pronoun,
    says_that,
)
from rag.substitution import TIMELY, of_another, replaced

# About 2,000 tokens: what was said before that is seldom meant, and reading it takes time.
HISTORY_CHARACTERS = 8_000

_MARKER = re.compile(r"\s*\[\d+\]|[*`\\]")
_OPENING = re.compile(
    r"^(?:(?:ok(?:ay)?|yes|no|right|well|thanks?|thank you|so|but|and|or|also|then)\b[\s,.!]*)+",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"^(?:(?:what|how) about|(?:oh,?\s+)?(?:sorry,?\s+)?i meant?)\s+(?P<subject>.+?)\s*[?.!]*$", re.IGNORECASE
)
_CLAUSE = re.compile(rf"\b(?:{AUXILIARY}|{WH}|if)\b", re.IGNORECASE)
_WHICH = re.compile(rf"\s*(?:which|what)\s+(?!{AUXILIARY}\b)", re.IGNORECASE)
_HOW_MANY_ARE = re.compile(rf"\b(how (?:many|much))(?= {AUXILIARY}\b)", re.IGNORECASE)
_BARE = re.compile(
    r"(?P<word>(?:since\s+)?(?:when|where|why|how))(?:\s+(?:was|is)\s+(?:that|this)|\s+so\s+\w+)?\W*",
    re.IGNORECASE,
)
_BODY = re.compile(rf"(?:when|where|why|how(?:\s+\w+)?)\s+(?P<body>{AUXILIARY}\s.+)", re.IGNORECASE)
_NAME = r"(?P<name>[A-Z][\w'-]*(?: [A-Z][\w'-]*)*)"


@dataclass(frozen=True, slots=True)
class Standalone:
    """A question as it would be asked alone, and the turns that it leans on: the question before and its answer.

    `leans_on` is empty where the question names what it is about; the search then takes no notice of the history.
    `perhaps`: the words do not tell whether it goes on with the subject of those turns, or begins another.
    """

    text: str
    leans_on: tuple[str, ...] = ()
    perhaps: bool = False


@dataclass(frozen=True, slots=True)
class _Exchange:
    """A question that was asked, standing alone, and what was answered, without markers; empty if nothing was."""

    question: str
    answer: str


def recent(history: Sequence[Turn], characters: int = HISTORY_CHARACTERS) -> tuple[Turn, ...]:
    """The newest turns that together hold at most so many characters; the newest of all is cut if it is longer."""
    kept: list[Turn] = []
    for turn in reversed(history):
        left = characters - sum(len(each.content) for each in kept)
        if len(turn.content) > left and kept:
            break
        kept.append(Turn(turn.role, turn.content[:left]))
    return tuple(reversed(kept))


def standalone(question: str, history: Sequence[Turn]) -> Standalone:
    """The question as it would be asked without the turns before it, the newest of which are read.

    - "and X?", "what about X?", "and in 2024?", "I meant X": the question before, with X in place of what X is like.
    - "the second one": the second of what the answer listed.
    - he, she, it, they, "the company": what was last spoken of that fits, in the answer or the questions.
    - "why?", "how many were there?": the question before with another question word, or what it was about in front.
    - a question that says little, "Are the forms online?", keeps its words where it is not clear what it is about.
    """
    exchanges: list[_Exchange] = []
    for turn in recent(history):
        if turn.role == "user" and turn.content.strip():
            exchanges.append(_Exchange(_resolve(turn.content.strip(), exchanges) or turn.content.strip(), ""))
        elif turn.role == "assistant" and exchanges and not exchanges[-1].answer:
            exchanges[-1] = _Exchange(exchanges[-1].question, _MARKER.sub("", turn.content).strip())
    if not exchanges:
        return Standalone(question)
    last = tuple(text for text in (exchanges[-1].question, exchanges[-1].answer) if text)
    resolved = _resolve(question, exchanges)
    if resolved is not None:
        return Standalone(resolved, last)
    return Standalone(question) if names(question) else Standalone(question, last, perhaps=True)


def _resolve(question: str, exchanges: Sequence[_Exchange]) -> str | None:
    """A follow-up as a question of its own; None where it is one already, or nothing was asked before."""
    if not exchanges:
        return None
    text = _OPENING.sub("", question) or question
    about = _ABOUT.match(text)
    fragment = about["subject"] if about else text.rstrip(" ?.!") if text != question else ""
    if fragment and not _CLAUSE.search(fragment) and (about or len(fragment.split()) <= 2 * FRAGMENT):
        # "and its owner?" refers back by itself
        return _refer(f"{fragment}?", exchanges) or of_another(exchanges[-1].question, fragment) or question
    if fragment:
        text = fragment[0].upper() + fragment[1:] + "?"
    if fragment and _WHICH.match(text) and len(text.split()) <= FRAGMENT:  # "and which Japanese ones?"
        return _join(exchanges[-1].question, text)
    return _refer(text, exchanges) or (_complete(text, exchanges) or question if leans(text) else None)


def _refer(question: str, exchanges: Sequence[_Exchange]) -> str | None:
    """The question with what refers back replaced by what it refers to; completed where that is not known.

    None where nothing refers back.
    """
    place = ordinal(question)
    if place:
        return _of_listed(question, place, exchanges)
    group = several(exchanges[-1].question)
    if (
        group and group.asked and pronoun(question, THINGS)
    ):  # which of them there are, the question before says
        return _join(exchanges[-1].question, question)
    for pattern, find in ((PERSON, _person), (THINGS, _things), (THING, _thing)):
        if pronoun(question, pattern):
            name = find(exchanges)
            return (
                replace_pronoun(question, name, pattern)
                if name
                else _complete(question, exchanges) or question
            )
    noun = demonstrative(question)
    if noun:
        kind = _called(noun.noun, exchanges)
        if kind is None and noun.definite and noun.noun not in COMPANIES:
            return None
        kind = kind or _of_kind(noun.noun, exchanges)
        named = replaced(question, noun.start, noun.end, kind) if kind else _complete(question, exchanges)
        return named or question
    return _complete(question, exchanges) if says_that(question) else None


def _of_listed(question: str, place: Ordinal, exchanges: Sequence[_Exchange]) -> str:
    """The question with "the second one" replaced by the second of what was listed last."""
    listed = next((found for each in reversed(exchanges) if (found := items(each.answer))), ())
    if -len(listed) <= place.place < len(listed):
        return replaced(question, place.start, place.end, listed[place.place])
    return _join(exchanges[-1].question, question)


def _called(noun: str, exchanges: Sequence[_Exchange]) -> str | None:
    """The name last spoken of that says of what kind it is: "Halden Clinic", "the comet Aldous-Bray"."""
    spoken = [text for each in reversed(exchanges) for text in (each.answer, each.question)]
    for text in spoken:
        for name in reversed(names(f"so {text}")):
            if noun in name.lower().split():
                return name
    beside = (re.search(rf"\b{noun}\s+{_NAME}", text) for text in spoken)
    return next((match["name"] for match in beside if match), None)


def _of_kind(noun: str, exchanges: Sequence[_Exchange]) -> str | None:
    """The name last spoken of that most likely is of a kind, though nothing said so."""
    last = exchanges[-1]
    if re.search(rf"\b{noun}s?\b", last.answer, re.IGNORECASE):
        return None  # "the trial" was spoken of by no name
    brought = new_names(last.question, last.answer)
    if noun in PLACES:
        placed = re.search(rf"\b(?:in|from|at|near)\s+{_NAME}", last.answer)
        return placed["name"] if placed else next(iter(brought), None)
    if noun in COMPANIES and brought:
        return brought[-1]
    about = _thing(exchanges)
    # "the Skaar expedition" is no ship, which its own noun says: what the answer brought may be one.
    return brought[0] if brought and about and about.split()[-1].islower() else about


def _person(exchanges: Sequence[_Exchange]) -> str | None:
    """Who was spoken of last: whom the answer named where that was asked, else whom the question named."""
    for each in reversed(exchanges):
        asked_about, brought = names(each.question), new_names(each.question, each.answer)
        who = asked(each.question).asks is Asks.WHO
        nearest = brought + asked_about if who else asked_about + brought
        people = [name for name in nearest if is_person(name)] or (brought if who else [])
        if people:
            return people[0]
    return None


def _thing(exchanges: Sequence[_Exchange]) -> str | None:
    """What was asked for, where that is a thing with a name ("which firm ..."); else what was asked about."""
    for each in reversed(exchanges):
        which = bool(_WHICH.match(each.question))
        brought = new_names(each.question, each.answer, first=which)
        about = subject(each.question)
        if which and brought and not several(each.question):
            return brought[0]
        if about and _is_thing(about) and not _is_whom(each, about.about):
            return about.about
        if brought and not about:
            return brought[0]
    return None


def _is_thing(phrase: Phrase) -> bool:
    """Whether "it" may stand for a phrase: it is a name, or is one thing, or speaks of one."""
    return phrase.named or not phrase.plural or phrase.about != phrase.text


def _is_whom(each: _Exchange, name: str) -> bool:
    return is_person(name) and asked(each.question).asks is Asks.WHO


def _things(exchanges: Sequence[_Exchange]) -> str | None:
    """The things spoken of last: those that the question asked for, else those that the answer listed."""
    for each in reversed(exchanges):
        listed = listed_names(each.answer)
        about, group = subject(each.question), several(each.question)
        if group:
            within = about is not None and about.text.lower() in group.text.lower()
            return group.text if within or about is None else f"the {group.text} of {about.about}"
        if about:
            return about.about
        if listed:
            return " and ".join(listed) if len(listed) == 2 else ", ".join(listed)
    return None


def _complete(question: str, exchanges: Sequence[_Exchange]) -> str | None:
    """What a question leaves open, from the one before: "why?" asks why it is so, all else is asked of its subject.

    None where it is not clear what to put before it.
    """
    before = exchanges[-1].question
    bare, body = _BARE.fullmatch(question), _BODY.fullmatch(before)
    if bare and body:
        return f"{bare['word'].capitalize()} {body['body']}"
    about, group = subject(before), several(before)
    if group:  # "how many were there?"
        question = _HOW_MANY_ARE.sub(rf"\1 {group.text}", question)
    if SENTENCE.match(question) and about and len(question.split()) >= FRAGMENT:
        return f"About {about.about}: {question[0].lower()}{question[1:]}"
    asks = (
        SENTENCE.match(question)
        or TIMELY.match(question)
        or re.search(rf"\b{WH}\W*$", question, re.IGNORECASE)
    )
    joined = len(before.split()) <= LONGEST_TOLD and asks
    return _join(before, question) if joined else None


def _join(before: str, question: str) -> str:
    return f"{before.rstrip(' ?.')}: {question[0].lower()}{question[1:]}"

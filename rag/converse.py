"""Follow-up -> standalone question, from the turns before; a question that stands alone is left as it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.domain import Turn
from rag.language import FUNCTION_WORDS, PERSON, Asks, asked, content_words, names, replace_pronoun
from rag.mentions import (
    Phrase,
    is_person,
    items,
    new_names,
    noun_phrases,
    several,
    subject,
)

# About 2,000 tokens: what was said before that is seldom meant, and reading it takes time.
HISTORY_CHARACTERS = 8_000
# A question with no name in it and fewer words than this may be a fragment: "Why?", "Side effects?".
FRAGMENT = 4

_AUXILIARY = r"(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may|might|must)"
_WH = r"(?:who|whom|whose|what|when|where|which|why|how)"
_PREPOSITION = r"(?:for|with|to|from|by|of|in|on|at|since|until|before|after|during|under|without)"
_OPENING = re.compile(
    r"^(?:(?:ok(?:ay)?|yes|no|right|well|thanks?|thank you|so|but|and|or|also|then)\b[\s,.!]*)+", re.IGNORECASE
)
_ABOUT = re.compile(r"^(?:what|how) about\s+(?P<subject>.+?)\s*[?.!]*$", re.IGNORECASE)
_SENTENCE = re.compile(rf"^(?:{_PREPOSITION}\s+)?(?:{_WH}|{_AUXILIARY})\b", re.IGNORECASE)
_TIMELY = re.compile(rf"^(?P<preposition>{_PREPOSITION})\s+(?P<rest>.+)$", re.IGNORECASE)
_MARKER = re.compile(r"\s*\[\d+\]|[*`\\]")

_ORDINALS = {"first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "last": -1, "former": 0, "latter": -1}
# "the second one", "the last of them"; "the second" only where no noun can follow: "When was the first built?".
_ORDINAL = re.compile(
    rf"\b(?:the\s+)?(?P<ordinal>{'|'.join(_ORDINALS)})\s+(?:ones?\b|of\s+(?:them|these|those|the\s+(?:two|three|four))\b)"
    rf"|(?<=\bdoes )the\s+(?P<doing>{'|'.join(_ORDINALS)})\b(?=\s+[a-z]+)"
    rf"|\bthe\s+(?P<bare>{'|'.join(_ORDINALS)})\b(?=\s*[?.!]|\s*$|\s+(?:{_AUXILIARY}|{_PREPOSITION}|about|[a-z]+ed|made"
    r"|built|held|open|free|closed|called)\b)",
    re.IGNORECASE,
)
_THING = re.compile(r"\b(?:(?P<possessive>its)|it)\b", re.IGNORECASE)
# "It" that stands for nothing: "is it true that", "how cold is it at the pole".
_EMPTY_IT = re.compile(
    r"\bit(?:\s+is)?\s+(?:true|possible|necessary|legal|safe|worth|hard|easy|normal|better|summer|winter|spring|autumn"
    r"|raining|snowing|to be)\b|\b(?:hot|cold|warm|dark|late|far|long) (?:is|does|was) it\s+(?:in|at|on|to|from|take)\b",
    re.IGNORECASE,
)
_PLURALS = re.compile(r"\b(?:(?P<possessive>theirs?)|they|them)\b|\b(?:these|those)\b(?=\s*[?.!]|\s*$)", re.IGNORECASE)
_THAT = re.compile(
    rf"\b(?:{_AUXILIARY}|about|of|for|with|to|by|like|than|after|before)\s+(?:that|this)(?=\s*[?.!]|\s*$|\s+(?:{_AUXILIARY})\b)",
    re.IGNORECASE,
)
_TIMES = r"(?:year|month|week|day|morning|afternoon|evening|night|time|moment|century|age|summer|winter|spring|autumn)s?"
_THAT_NOUN = re.compile(
    rf"\b(?:that|this|those|these)\s+(?:(?!(?:the|an?|no|all|many|some|is|are|was|were|has|have|can|will|it|they|we|you)\b)"
    rf"(?P<noun>(?!{_TIMES}\b)[a-z]{{3,}}))\b",
    re.IGNORECASE,
)
_THE_NOUN = re.compile(
    r"\bthe\s+(?P<noun>[a-z]{3,})\b(?!\s+of\b)(?=\s*[?.!]|\s*$|\s+[a-z]+(?:\s*[?.!]|\s*$))", re.IGNORECASE
)
# Kinds of things that have names: "the company" is one spoken of.
_KINDS = frozenset(
    "agency association band bank brewery city clinic club college committee company conference council country court"
    " event expedition festival film firm group hospital institute institution laboratory law line meeting mission museum"
    " observatory orchestra organisation organization party place program programme project region reef school ship site"
    " station team town trial university village visit".split()
)
_PLACES = frozenset("city town village country place region state".split())
_CLAUSE = re.compile(
    r"\b(?:when|while|if|because|since|although|and|but|before|after|unless|that|whether|so)\b", re.IGNORECASE
)
# Words that say nothing of what a question is about: it is about what was spoken of before.
_VAGUE = frozenset(
    "address advantage answer apply available become begin benefit better bigger buy call case cause change cheaper"
    " clarify come consequence cost date deadline detail difference disadvantage document drawback effect else end example"
    " exception explain fact faster fee find form get go happen happen help important include information item join keep"
    " kind know larger last leader learn limit location long longer look make manager mean meaning member method name"
    " need new number offer older online open option other outcome owner part past pay penalty people place play price"
    " problem procedure process purpose qualify reason recommend register requirement result risk role rule same score"
    " see side similar size smaller solution sort start step summary take talk tell thing think time try type understand"
    " use useful way win work worse year".split()
)
_LEANS = re.compile(
    r"\b(?:else|altogether|others|too|as well|instead|in that case|the same)\b|\bthe (?:other|rest|difference)\W*$"
    r"|\b(?:better|worse|cheaper|faster|bigger|larger|smaller|older|longer|safer|easier)\W*$"
    rf"|\b{_AUXILIARY}\s+there\s*[?.!]*$|^(?:{_PREPOSITION}\s+)(?:{_WH})\b(?:\s+\w+)?\W*$|\b(?:any|some|which|other) ones?\b",
    re.IGNORECASE,
)
_HOW_MANY = re.compile(r"\bhow (?:many|much)\b", re.IGNORECASE)
_ONE = re.compile(r"\bones?\b", re.IGNORECASE)
_SUPERLATIVE = re.compile(r"\b(?:[a-z]{3,}est|best|worst|most|least|first|last)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Standalone:
    """A question as it would be asked alone, and the turns that it leans on: the question before and its answer.

    `leans_on` is empty where the question says itself what it is about; the search then takes no notice of the history.
    """

    text: str
    leans_on: tuple[str, ...] = ()


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

    - "and X?", "what about X?", "and in 2024?": the question before, with X in the place of what X is like.
    - "the second one": the second of what the answer listed.
    - he, she, it, they, "the company": what was last spoken of that fits, in the answer or the questions.
    - "why?", "how many were there?": the question before with another question word, or what it was about in front.
    """
    exchanges: list[_Exchange] = []
    for turn in recent(history):
        if turn.role == "user" and turn.content.strip():
            exchanges.append(_Exchange(_resolve(turn.content.strip(), exchanges) or turn.content.strip(), ""))
        elif turn.role == "assistant" and exchanges and not exchanges[-1].answer:
            exchanges[-1] = _Exchange(exchanges[-1].question, _MARKER.sub("", turn.content).strip())
    resolved = _resolve(question, exchanges)
    if resolved is None:
        return Standalone(question)
    last = exchanges[-1]
    return Standalone(resolved, tuple(text for text in (last.question, last.answer) if text))


def _resolve(question: str, exchanges: Sequence[_Exchange]) -> str | None:
    """A follow-up as a question of its own; None where it is one already, or nothing was asked before."""
    if not exchanges:
        return None
    text = _OPENING.sub("", question) or question
    about = _ABOUT.match(text)
    fragment = about["subject"] if about else text.rstrip(" ?.!") if text != question else ""
    if fragment and not _SENTENCE.match(fragment) and (about or len(fragment.split()) <= 2 * FRAGMENT):
        return _of_another(exchanges, fragment)
    if about:
        text = about["subject"][0].upper() + about["subject"][1:] + "?"
    return _refer(text, exchanges) or (_complete(text, exchanges) if _leans(text) else None)


def _of_another(exchanges: Sequence[_Exchange], another: str) -> str:
    """The question before, asked of another subject, time or place."""
    before = exchanges[-1].question
    referring = _refer(f"{another}?", exchanges)
    if referring:  # "and its owner?"
        return referring
    timely = _TIMELY.match(another)
    if timely:
        same = re.search(rf"\b{timely['preposition']}\s+(?:[^\s,?]+\s*)+?(?=\s+{_PREPOSITION}\b|[?,.]|$)", before, re.I)
        return _replaced(before, same.start(), same.end(), another) if same else f"{before.rstrip(' ?.')} {another}?"
    place = _counterpart(before, another)
    return _replaced(before, *place) if place else _join(before, f"{another}?")


def _counterpart(before: str, another: str) -> tuple[int, int, str] | None:
    """What in a question stands where another is meant to: its place, and what to put there."""
    phrases = noun_phrases(before)
    superlative = _SUPERLATIVE.search(another)
    if superlative and len(another.split()) <= 2 and (same := _SUPERLATIVE.search(before)):
        return same.start(), same.end(), superlative.group()
    if _ONE.search(another) and phrases:  # "the Russian one"
        phrase = next((each for each in phrases if each.named), phrases[-1])
        head = phrase.text.rpartition(" ")[2]
        return _with_article(before, phrase, _ONE.sub(head, another))
    words = {word.lower() for word in another.split()}
    shared = [each for each in phrases if words & {word.lower() for word in each.text.split()} - {"of", "the"}]
    named = [each for each in phrases if each.named]
    likeness = (
        [_tail(shared[0], another)]
        if shared
        else named[:1] + named[-1:]
        if names(f"so {another}") or another.lower().startswith(("the ", "a ", "an "))
        else [each for each in phrases if each.asked] or [each for each in phrases if not each.named]
    )
    chosen = next(iter(likeness), phrases[0] if phrases else None)
    return _with_article(before, chosen, another) if chosen else None


def _tail(phrase: Phrase, another: str) -> Phrase:
    """The part of a phrase "symptoms of type 2 diabetes" that another, "type 1", is like."""
    head, joint, complement = phrase.text.partition(" of ")
    first = re.search(rf"\b{re.escape(another.split()[0])}\s+\S+", complement, re.IGNORECASE)
    if joint and first and len(another.split()) == 2 and first.start() == 0:
        start = phrase.start + len(head) + len(joint)
        return Phrase(first.group(), start, start + first.end())
    return phrase


def _with_article(before: str, phrase: Phrase, another: str) -> tuple[int, int, str]:
    article = re.search(r"\b(?:the|an?|its|their)\s+$", before[: phrase.start], re.IGNORECASE)
    return article.start() if article else phrase.start, phrase.end, another


def _refer(question: str, exchanges: Sequence[_Exchange]) -> str | None:
    """The question with what refers back replaced by what it refers to; None where nothing does, or to nothing known."""
    ordinal = _ORDINAL.search(question)
    if ordinal:
        listed = next((found for each in reversed(exchanges) if (found := items(each.answer))), ())
        place = _ORDINALS[(ordinal["ordinal"] or ordinal["doing"] or ordinal["bare"]).lower()]
        if -len(listed) <= place < len(listed):
            return _replaced(question, ordinal.start(), ordinal.end(), listed[place])
    for pattern, find in ((PERSON, _person), (_PLURALS, _things), (_THING, _thing)):
        match = pattern.search(question)
        if match and not _has_antecedent(question, match):
            found = find(exchanges)
            if found:
                return replace_pronoun(question, found, pattern)
    return _demonstrated(question, exchanges)


def _has_antecedent(question: str, pronoun: re.Match[str]) -> bool:
    """Whether the question itself says what its pronoun stands for, in a clause before; or it stands for nothing."""
    if any(match.start() <= pronoun.start() < match.end() for match in _EMPTY_IT.finditer(question)):
        return True
    phrases = noun_phrases(question)
    if pronoun["possessive"]:  # "how do bats find their way?"
        many = pronoun.group().lower() in ("their", "theirs")
        return any(phrase.end <= pronoun.start() and phrase.plural == many for phrase in phrases)
    clause = max((match.start() for match in _CLAUSE.finditer(question, 1, pronoun.start())), default=0)
    return any(phrase.end <= clause for phrase in phrases)


def _demonstrated(question: str, exchanges: Sequence[_Exchange]) -> str | None:
    """ "That company", "the clinic": the name last spoken of that is one; "when was that?": what was asked."""
    match = _THAT_NOUN.search(question)
    if match is None and not names(question):
        match = next((each for each in _THE_NOUN.finditer(question) if each["noun"].lower() in _KINDS), None)
    if match is None:
        return _complete(question, exchanges) if _THAT.search(question) and not names(question) else None
    name = _of_kind(match["noun"].lower(), exchanges)
    if name:
        return _replaced(question, match.start(), match.end(), name)
    return _complete(question, exchanges)


def _of_kind(noun: str, exchanges: Sequence[_Exchange]) -> str | None:
    """The name last spoken of that is of a kind: "Halden Clinic", "the comet Aldous-Bray"; or most likely is."""
    spoken = [text for each in reversed(exchanges) for text in (each.answer, each.question)]
    known = [name for text in spoken for name in reversed(names(f"so {text}"))]
    for name in known:
        if noun in name.lower().split():
            return name
    for text in spoken:
        beside = re.search(rf"\b{noun}\s+(?P<name>(?:[A-Z][\w'-]*\s?)+)", text)
        if beside:
            return beside["name"].strip()
    if any(re.search(rf"\b{noun}s?\b", text, re.IGNORECASE) for text in spoken[:1]):
        return None  # "the trial" was spoken of by no name
    last = exchanges[-1]
    brought = new_names(last.question, last.answer)
    if noun in _PLACES:
        placed = re.search(r"\b(?:in|from|at|near)\s+(?P<name>(?:[A-Z][\w'-]*\s?)+)", last.answer)
        return placed["name"].strip() if placed else next(iter(brought), None)
    if noun in ("company", "firm") and brought:
        return brought[-1]
    about = _thing(exchanges)
    # "the Skaar expedition" is no ship, which its own noun says: what the answer brought may be one.
    return brought[0] if brought and about and about.split()[-1].islower() else about


def _person(exchanges: Sequence[_Exchange]) -> str | None:
    """Who was spoken of last: whom the answer named where that was asked, else whom the question named."""
    for each in reversed(exchanges):
        asked_about, brought = names(each.question), new_names(each.question, each.answer)
        who = asked(each.question).asks is Asks.WHO
        people = [name for name in (brought + asked_about if who else asked_about + brought) if is_person(name)]
        chosen = next(iter(people or (brought if who else ())), None)
        if chosen:
            return chosen
    return None


def _thing(exchanges: Sequence[_Exchange]) -> str | None:
    """What was asked for, where that is a thing with a name ("which firm ..."); else what was asked about."""
    for each in reversed(exchanges):
        brought = [name for name in new_names(each.question, each.answer)]
        wanted = re.match(r"\s*(?:which|what)\s+(?!is\b|are\b|was\b|were\b|do\b|does\b|did\b|has\b|have\b)", each.question, re.I)
        about = subject(each.question)
        if wanted and brought and not (about and several(each.question)):
            return brought[0]
        if about and not (is_person(about) and asked(each.question).asks is Asks.WHO):
            return about
        if brought:
            return brought[0]
    return None


def _things(exchanges: Sequence[_Exchange]) -> str | None:
    """The things spoken of last: those that the question asked for, else those that the answer listed."""
    for each in reversed(exchanges):
        listed = items(each.answer)
        group = several(each.question)
        if group:
            about = subject(each.question)
            return group if about is None or about.lower() in group.lower() else f"{group} of {about}"
        if listed:
            return " and ".join(listed[-2:]) if len(listed) == 2 else ", ".join(listed)
        if about := subject(each.question):
            return about
    return None


def _leans(question: str) -> bool:
    """Whether a question says too little to be asked alone."""
    if names(question):
        return False
    words = question.split()
    fragment = not re.search(rf"\b(?:{_AUXILIARY}|{_WH})\b", question, re.IGNORECASE)
    return bool(
        _LEANS.search(question)
        or not _told(question)
        or (fragment and len(words) < FRAGMENT)
        or (_HOW_MANY.search(question) and len(_told(question)) == 1)
    )


def _told(question: str) -> list[str]:
    """The words that say what a question is about."""
    return [word for word in content_words(question) if word not in FUNCTION_WORDS and not _is_vague(word)]


def _is_vague(word: str) -> bool:
    stem = re.sub(r"(?:ies|es|s|ed|ing)$", "", word)
    forms = {word, word.removesuffix("s"), stem, f"{stem}e", f"{stem}y", word.removesuffix("ed"), word.removesuffix("d")}
    return bool(forms & _VAGUE) or len(word) < 2


def _complete(question: str, exchanges: Sequence[_Exchange]) -> str:
    """What a question leaves open, from the one before: "why?" asks why it is so, all else is asked of its subject."""
    before = exchanges[-1].question
    bare = re.fullmatch(rf"(?P<word>(?:since\s+)?(?:when|where|why|how))(?:\s+(?:was|is)\s+(?:that|this)|\s+so\s+\w+)?\W*", question, re.I)
    body = re.fullmatch(rf"(?:when|where|why|how(?:\s+\w+)?)\s+(?P<body>{_AUXILIARY}\s.+)", before, re.IGNORECASE)
    if bare and body:
        return f"{bare['word'].capitalize()} {body['body']}"
    about, group = subject(before), several(before)
    if group:  # "how many were there?"
        question = re.sub(rf"\b(how (?:many|much))(?= {_AUXILIARY}\b)", rf"\1 {group}", question, flags=re.IGNORECASE)
    if about and len(question.split()) >= FRAGMENT and about.lower() not in question.lower():
        return f"About {about}: {question[0].lower()}{question[1:]}"
    return _join(before, question)


def _join(before: str, question: str) -> str:
    return f"{before.rstrip(' ?.')}: {question[0].lower()}{question[1:]}"


def _replaced(text: str, start: int, end: int, replacement: str) -> str:
    return f"{text[:start]}{replacement}{text[end:]}".strip()

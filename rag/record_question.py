"""Questions about the record itself: how many documents, which mention X, the oldest, their kinds. English.

A question is taken for one only if every word of it is accounted for: a way of asking, a noun for documents, and what
narrows them down. So "How many documents did the ministry sign?" is none: it asks what documents say, not which there
are. That a question must be understood whole is how semantic grammars keep to what they can answer (Hendrix et al.
1978, "Developing a natural language interface to complex data").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum

from rag.dates import found_date
from rag.language import AUXILIARY, WH, content_words, text_stems
from rag.record_forms import (
    ANY_NOUN,
    COURTESY,
    DOUBTFUL_HOLDER,
    EMPTY_START,
    EXTREMES,
    FOLLOW_UPS,
    FORMS,
    KIND_NOUN,
    NEUTRAL,
    NUMBERS,
    ROLES,
    SURE_NOUN,
    TAILS,
    TRAILING,
    Tail,
)

# A free slot of more words is no name and no topic, but a clause.
LONGEST_TOPIC = 8
# How many are shown of "the newest documents".
SEVERAL = 5
# A shorter title may be that of what a document is about: "When was Hamlet written?"
LONG_TITLE = 5

# Words of a clause. Those that are a name with a capital, "May", "Will", or written in capitals, "WHO", may be one.
_CLAUSE = re.compile(
    rf"\b(?:{AUXILIARY}|(?!(?-i:WHO|IT|US)\b)(?i:{WH}|that|its?|they|them|their|this|these|those|he|she|him|her|his|me|you|i)"
    r"|us)\b"
)


class Wants(StrEnum):
    """What a question about the record asks for."""

    COUNT = "count"
    LIST = "list"
    WHETHER = "whether"
    KINDS = "kinds"
    OVERVIEW = "overview"
    DATES = "dates"
    EXTREME = "extreme"
    CREDITS = "credits"
    MOST_NAMED = "most_named"
    DATE_OF = "date_of"


@dataclass(frozen=True, slots=True)
class Topic:
    """What documents are to mention; with `about`, to be about; with `absent`, not to mention."""

    text: str
    about: bool = False
    absent: bool = False


@dataclass(frozen=True, slots=True)
class Period:
    """From one ISO date to another, as precise as is known; None leaves that side open.

    Both are inclusive, unless `excludes`. `text` says it in words, with its preposition: "in April 2025".
    """

    first: str | None
    last: str | None
    text: str
    excludes: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """What narrows the documents down. `kind` may be one that the record lacks; `by` is a publisher or an author."""

    kind: str | None = None
    topic: Topic | None = None
    by: str | None = None
    period: Period | None = None

    def __bool__(self) -> bool:
        return any((self.kind, self.topic, self.by, self.period))

    def joined(self, other: Selection) -> Selection | None:
        """Narrowed down by both; None where both say the same thing of two different ones."""
        both = {each.name: (getattr(self, each.name), getattr(other, each.name)) for each in fields(self)}
        if any(one and another for one, another in both.values()):
            return None
        return Selection(**{name: one or another for name, (one, another) in both.items()})

    def changed(self, other: Selection) -> Selection:
        """With what the other says instead, and the rest as it was."""
        return Selection(
            other.kind or self.kind,
            other.topic or self.topic,
            other.by or self.by,
            other.period or self.period,
        )


@dataclass(frozen=True, slots=True)
class RecordQuestion:
    """A question about the record, taken apart.

    `what` is which extreme ("oldest"), whose credits ("author"), who is named ("person") or the title of a document;
    `most` how many are wanted. `noun` and `holder` are what the question calls documents ("files") and what holds them
    ("archive"), where it may be about such of which the record tells; empty where there is no doubt.
    """

    wants: Wants
    selection: Selection = Selection()
    what: str = ""
    most: int = 1
    noun: str = ""
    holder: str = ""


def record_question(
    text: str, kinds: Sequence[str], before: RecordQuestion | None = None
) -> RecordQuestion | None:
    """What a question asks of the record; None where it asks something else, or that is not certain.

    `kinds` are the record's own, `before` is the question about the record that it may follow up on.
    """
    plain = TRAILING.sub("", " " + " ".join(text.replace("’", "'").split()).rstrip(" ?.!"))
    understand = _Understand(kinds)
    for candidate in dict.fromkeys((COURTESY.sub("", plain, count=1), plain)):
        if not candidate.strip():
            continue
        found = understand.question(candidate)
        if found is None and before is not None:
            found = understand.follow_up(candidate, before)
        if found is not None:
            return found
    return None


@dataclass(frozen=True, slots=True)
class _Documents:
    """What a noun for documents and all that follows it select; `noun` is it, `sure` whether the record's are meant."""

    selection: Selection
    noun: str = ""
    sure: bool = False
    plural: bool = False


class _Understand:
    """The questions that can be asked of a record with these kinds of documents.

    Texts have a space before each word, as the patterns of `rag.record_forms` do.
    """

    def __init__(self, kinds: Sequence[str]) -> None:
        self._kinds = {text_stems(kind): kind for kind in kinds}

    def question(self, text: str) -> RecordQuestion | None:
        """A question that stands alone."""
        for wants, sure, pattern in FORMS:
            match = pattern.fullmatch(text)
            found = self._built(Wants(wants), match, sure) if match else None
            if found:
                return found
        return None

    def follow_up(self, text: str, before: RecordQuestion) -> RecordQuestion | None:
        """A question that leaves to be understood what was asked of the record before."""
        for wants, narrows, pattern in FOLLOW_UPS:
            match = pattern.fullmatch(text)
            if match is None:
                continue
            groups = match.groupdict()
            told = self.tail(groups.get("rest") or "")
            if told is None:
                continue
            selection = told.selection
            if narrows:
                selection = before.selection.changed(selection)
            asks = Wants(wants) if wants else before.wants
            if not wants and not selection:
                continue
            what = EXTREMES.get(_word(groups.get("extreme")), before.what if not wants else "")
            return RecordQuestion(asks, selection, what)
        return self._of_another(text, before)

    def _of_another(self, text: str, before: RecordQuestion) -> RecordQuestion | None:
        """ "And Takeda?", "What about visits?": the same asked of another topic or kind."""
        match = re.fullmatch(r"(?: and| what about| how about| or)+(?P<other> .+)", text, re.I)
        other = match["other"].strip() if match else ""
        if not other or len(other.split()) > LONGEST_TOPIC // 2 or not is_topic(other):
            return None
        kind = self.kind(other)
        if kind and before.selection.kind:
            return replace(before, selection=replace(before.selection, kind=kind))
        if before.selection.topic:
            topic = replace(before.selection.topic, text=_bare(other))
            return replace(before, selection=replace(before.selection, topic=topic))
        return None

    def _built(self, wants: Wants, match: re.Match[str], sure: bool) -> RecordQuestion | None:
        groups = {name: value for name, value in match.groupdict().items() if value}
        found = (
            self.documents(groups["rest"], sure) if "rest" in groups else _Documents(Selection(), sure=sure)
        )
        if found is None:
            return None
        selection = found.selection
        if "topic" in groups and wants is not Wants.DATE_OF:
            topic = self._topic(groups["topic"], about=False, absent=False)
            joined = selection.joined(Selection(topic=topic)) if topic else None
            if joined is None:
                return None
            selection = joined
        if "needs" in match.re.groupindex and not selection:
            return None
        what = EXTREMES.get(_word(groups.get("extreme"))) or _role(groups.get("role")) or ""
        if wants is Wants.DATE_OF:
            what = _bare(groups["topic"])
            if not sure and len(content_words(what)) < LONG_TITLE:
                return None
        most = _number(groups.get("most")) or (SEVERAL if found.plural else 1)
        free = max(selection.topic.text if selection.topic else "", selection.by or "", key=len)
        holder = DOUBTFUL_HOLDER.search(match.string.replace(free, "") if free else match.string)
        noun = "" if found.sure else found.noun
        return RecordQuestion(wants, selection, what, most, noun, holder[1].lower() if holder else "")

    def documents(self, text: str, sure: bool) -> _Documents | None:
        """A noun for documents and what narrows them down; None where words are left over.

        `sure`: what stands around it says that the record is meant.
        """
        match = ANY_NOUN.match(text)
        if match is None:
            return None
        noun = match["noun"].strip().lower()
        modifiers = [word for word in match["modifiers"].split() if word.lower() not in NEUTRAL]
        general = not modifiers and SURE_NOUN.fullmatch(noun)  # even where "document" is one of the kinds
        kind = None if general else self.kind(" ".join([*modifiers, noun])) or self.kind(" ".join(modifiers))
        if (modifiers or KIND_NOUN.fullmatch(noun)) and kind is None:
            return None
        tail = self.tail(text[match.end() :])
        selection = tail.selection.joined(Selection(kind=kind)) if tail else None
        if tail is None or selection is None:
            return None
        sure = sure or tail.sure
        if not sure and not SURE_NOUN.fullmatch(noun) and not (kind and noun.endswith("s")):
            return None
        return _Documents(selection, noun, sure, noun.endswith("s"))

    def kind(self, words: str) -> str | None:
        """The record's kind that these words name, in any inflection."""
        return self._kinds.get(text_stems(words)) if words else None

    def tail(self, text: str, behind: bool = False) -> _Documents | None:
        """What narrows documents down; None where words are left over. `behind`: a free slot stands before it."""
        if not text.strip():
            return _Documents(Selection())
        for tail in TAILS:
            match = tail.pattern.match(text)
            if match is None or (behind and not tail.closes and not match["link"].strip()):
                continue
            for slot, rest in _ends(match, text):
                selection = self._selected(tail, match, slot)
                after = self.tail(rest, behind=bool(slot)) if selection is not None else None
                joined = selection.joined(after.selection) if selection is not None and after else None
                if after and joined is not None:
                    return _Documents(joined, sure=tail.sure or after.sure)
        return None

    def _selected(self, tail: Tail, match: re.Match[str], slot: str) -> Selection | None:
        """What one piece of a tail selects; None where what stands in its slot cannot."""
        match tail.selects:
            case "mention" | "not_mention" | "about":
                topic = self._topic(slot, tail.selects == "about", tail.selects == "not_mention")
                return Selection(topic=topic) if topic else None
            case "by":
                return Selection(by=_bare(slot)) if is_topic(slot) else None
            case "period":
                period = _period(match)
                return Selection(period=period) if period else None
            case "kind" | "known_kind":
                words = _bare(slot)
                kind = self.kind(words) or (words if tail.selects == "kind" and is_topic(words) else None)
                return Selection(kind=kind) if kind else None
            case _:
                return Selection()

    @staticmethod
    def _topic(slot: str, about: bool, absent: bool) -> Topic | None:
        text = EMPTY_START.sub("", slot.strip(" ,"))
        return Topic(_bare(text), about, absent) if is_topic(text) else None


def _ends(match: re.Match[str], text: str) -> Iterator[tuple[str, str]]:
    """Each way to end a free slot, the shortest first, with what is left; one way where there is none."""
    if "slot" not in match.re.groupindex:
        yield "", text[match.end() :]
        return
    words = match["slot"].split()
    for count in range(1, min(len(words), LONGEST_TOPIC) + 1):
        yield " ".join(words[:count]), "".join(f" {word}" for word in words[count:])


def is_topic(text: str) -> bool:
    """Whether words can be a name or a topic: they are no clause, and stand for nothing said before."""
    plain = re.sub(r"[\"“][^\"”]*[\"”]", "X", text)
    return bool(re.search(r"\w", text)) and not _CLAUSE.search(plain)


def _bare(text: str) -> str:
    """Words without the article before them and the quotes around them."""
    return re.sub(r"^(?:an?|the) ", "", text.strip(" ,\"“”'"))


def iso_date(words: str) -> str | None:
    """A date in words or figures, as ISO; None if it is none."""
    plain = re.sub(r"(?<=\d)(?:st|nd|rd|th)\b|\bof ", "", words)
    return found_date(re.sub(r"\b[a-z]", lambda match: match[0].upper(), plain))


def _period(match: re.Match[str]) -> Period | None:
    groups = match.groupdict()
    preposition, words = _word(groups.get("preposition")), groups["date"].strip()
    first, until = iso_date(words), (groups.get("until") or "").strip()
    last = iso_date(until) if until else None
    if first is None or bool(until) != bool(last) or (preposition == "between" and not last):
        return None
    if last:
        return Period(first, last, f"between {words} and {until}")
    if preposition in ("since", "after"):
        return Period(first, None, f"{preposition} {words}", excludes=preposition == "after")
    if preposition in ("before", "until", "by"):
        return Period(None, first, f"{preposition} {words}", excludes=preposition == "before")
    return Period(first, first, f"{'on' if first.count('-') == 2 else 'in'} {words}")


def _word(group: str | None) -> str:
    return (group or "").strip().lower()


def _role(group: str | None) -> str | None:
    word = _word(group)
    return next((role for role, stems in ROLES.items() if word.startswith(stems)), None) if word else None


def _number(group: str | None) -> int | None:
    word = _word(group)
    return NUMBERS.get(word) or (int(word) if word.isdigit() else None)

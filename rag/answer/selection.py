"""Which documents of the record are meant, and where each shows it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from rag.catalog import Catalog
from rag.dates import days
from rag.domain import DocumentSummary, Filters, Passage, Sentence
from rag.language import FUNCTION_WORDS, content_words, is_abbreviation, text_stems
from rag.record_question import Period, Selection

# So many words at most are surely what to look for, even if they occur nowhere.
LONGEST_UNKNOWN = 3
TEXT, HEADINGS = "text", "title section"
# SQLite takes no more values in a statement than some ten thousands.
READ_AT_ONCE = 1_000

_JOINED = re.compile(r",? (?:and|or) |, ")


Documents = tuple[DocumentSummary, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A sentence that shows what was looked for, in its passage."""

    passage: Passage
    sentence: Sentence


@dataclass(frozen=True, slots=True)
class Selected:
    """The documents that are meant, and where in each of them it is shown, for those that show it in a sentence.

    `one` and `several` say in a predicate what holds of them: "mentions X", "mention X". `note` is what else there is
    to know of them.
    """

    documents: tuple[DocumentSummary, ...]
    one: str = ""
    several: str = ""
    places: Mapping[str, Place] = field(default_factory=dict)
    note: str = ""


class Select:
    """Narrows the documents of a record down, as a question asks."""

    def __init__(self, catalog: Catalog, filters: Filters) -> None:
        self._catalog = catalog
        self.documents = catalog.summaries(filters)

    def __call__(self, selection: Selection) -> Selected | None:
        """The documents by title; None where it cannot be told which are meant."""
        chosen = Selected(self.documents)
        for narrowed in (self._of_kind, self._by, self._in_period, self._on_topic):
            part = narrowed(selection, chosen.documents)
            if part is None:
                return None
            chosen = _both(chosen, part)
        return chosen

    def opening(self, document_id: str) -> Place | None:
        """The first sentence of a document."""
        passages = self._catalog.passages_of(document_id)
        return Place(passages[0], passages[0].sentences[0]) if passages and passages[0].sentences else None

    def _of_kind(self, selection: Selection, among: Documents) -> Selected:
        kind = selection.kind
        if kind is None:
            return Selected(among)
        found = tuple(document for document in among if document.kind == kind)
        return Selected(found, f"is of the kind {kind}", f"are of the kind {kind}")

    def _by(self, selection: Selection, among: Documents) -> Selected | None:
        """Documents of a publisher or an author; None where the record knows no such, but speaks of them."""
        name = selection.by
        if name is None:
            return Selected(among)
        wanted = text_stems(name)
        credited = {
            document_id: credit
            for document_id, credit in self._catalog.credits("publisher", "author")
            if wanted <= text_stems(credit)
        }
        if not credited and self._catalog.mentions([name]):
            return None
        shown = next(iter(credited.values())) if len(set(credited.values())) == 1 else name
        return Selected(_kept(among, credited), f"comes from {shown}", f"come from {shown}")

    def _in_period(self, selection: Selection, among: Documents) -> Selected:
        period = selection.period
        if period is None:
            return Selected(among)
        found = tuple(document for document in among if _within(document.published, period))
        undated = sum(document.published is None for document in among)
        note = f"{undated:,} more {'has' if undated == 1 else 'have'} no date." if undated else ""
        return Selected(found, f"was published {period.text}", f"were published {period.text}", note=note)

    def _on_topic(self, selection: Selection, among: Documents) -> Selected | None:
        topic = selection.topic
        if topic is None:
            return Selected(among)
        every = frozenset(document.id for document in among)
        search = _Search(self._catalog, every)
        shown = f'"{topic.text}"' if topic.text.islower() else topic.text
        if topic.absent:
            found = _kept(among, every - search.mentioned(topic.text).keys())
            return Selected(found, f"does not mention {shown}", f"do not mention {shown}")
        if topic.about:
            headed = search.headed(topic.text)
            also = len(search.mentioned(topic.text).keys() - headed.keys()) if headed else 0
            note = f"{also:,} more {'mentions' if also == 1 else 'mention'} it." if also else ""
            one = f"has {shown} in its title or a heading"
            if headed:
                several = f"have {shown} in their title or a heading"
                return Selected(_kept(among, headed), one, several, headed, note)
        places = search.mentioned(topic.text)
        if places or len(topic.text.split()) == 1:
            return Selected(_kept(among, places), f"mentions {shown}", f"mention {shown}", places)
        return self._together(search, topic.text, shown, among)

    def _together(self, search: _Search, text: str, shown: str, among: Documents) -> Selected | None:
        """Documents with the words of a topic that none has in a row; None where it may be no topic at all."""
        places = search.together(text)
        if places:
            told = f"the words of {shown} in one passage"
            return Selected(_kept(among, places), f"has {told}", f"have {told}", places)
        if len(text.split()) > LONGEST_UNKNOWN:
            return None
        return Selected((), f"mentions {shown}", f"mention {shown}")


def _kept(among: Documents, ids: Collection[str]) -> Documents:
    return tuple(document for document in among if document.id in ids)


def _both(first: Selected, second: Selected) -> Selected:
    """What both select, in the order of the first."""
    ids = {document.id for document in second.documents}
    return Selected(
        tuple(document for document in first.documents if document.id in ids),
        " and ".join(filter(None, (first.one, second.one))),
        " and ".join(filter(None, (first.several, second.several))),
        {**first.places, **second.places},
        " ".join(filter(None, (first.note, second.note))),
    )


def _within(date: str | None, period: Period) -> bool:
    """Whether any day that a date covers is in a period; with `excludes`, whether all of them are."""
    covered, first, last = days(date), days(period.first), days(period.last)
    if covered is None:
        return False
    if period.excludes:
        return (first is None or covered[0] > first[1]) and (last is None or covered[1] < last[0])
    return (first is None or covered[1] >= first[0]) and (last is None or covered[0] <= last[1])


class _Search:
    """Where documents have words; those of a name as they are written, others in any inflection."""

    def __init__(self, catalog: Catalog, documents: frozenset[str]) -> None:
        self._catalog = catalog
        self._documents = documents

    def mentioned(self, text: str) -> dict[str, Place]:
        """Each document that has these words one after the other, or else those that "and", "or" or a comma join."""
        found = {**self._in_headings(text), **self._in_text(text)}
        pieces = [piece for piece in _JOINED.split(text) if piece.strip()]
        if found or len(pieces) < 2:
            return found
        each = [{**self._in_headings(piece), **self._in_text(piece)} for piece in pieces]
        either = bool(re.search(r"\bor\b", text))
        return {
            document_id: next(places[document_id] for places in each if document_id in places)
            for document_id in dict.fromkeys(key for places in each for key in places)
            if either or all(document_id in places for places in each)
        }

    def headed(self, text: str) -> dict[str, Place]:
        """Each document with these words in its title or a heading, shown by a sentence that has them, if any does."""
        headed = self._in_headings(text)
        if not headed:
            return {}
        return headed | {key: place for key, place in self._in_text(text).items() if key in headed}

    def together(self, text: str) -> dict[str, Place]:
        """Each document that has all content words in one passage."""
        wanted = content_words(text)
        if len(wanted) < 2:
            return {}
        says = _says(wanted[0])
        return self._verified(
            self._catalog.mentions(wanted, TEXT),
            lambda passage: next(
                filter(lambda sentence: says(sentence.text), passage.sentences), passage.sentences[0]
            ),
        )

    def _in_text(self, text: str) -> dict[str, Place]:
        says = _says(text)
        return self._verified(
            self._catalog.mentions([text], TEXT),
            lambda passage: next((sentence for sentence in passage.sentences if says(sentence.text)), None),
        )

    def _in_headings(self, text: str) -> dict[str, Place]:
        says = _says(text)
        return self._verified(
            self._catalog.mentions([text], HEADINGS),
            lambda passage: passage.sentences[0] if says(passage.title) or says(passage.section) else None,
        )

    def _verified(
        self, found: Mapping[str, Sequence[str]], shown: Callable[[Passage], Sentence | None]
    ) -> dict[str, Place]:
        """The first place in each document; of its passages no more are read than it takes to find one."""
        left = {key: iter(passages) for key, passages in found.items() if key in self._documents}
        places: dict[str, Place] = {}
        while left:
            following = {key: identifier for key, rest in left.items() if (identifier := next(rest, None))}
            passages = self._read(list(following.values()))
            for key, identifier in following.items():
                sentence = shown(passages[identifier])
                if sentence is not None:
                    places[key] = Place(passages[identifier], sentence)
            left = {key: left[key] for key in following if key not in places}
        return places

    def _read(self, identifiers: Sequence[str]) -> dict[str, Passage]:
        passages: dict[str, Passage] = {}
        for begin in range(0, len(identifiers), READ_AT_ONCE):
            passages |= self._catalog.passages(identifiers[begin : begin + READ_AT_ONCE])
        return passages


def _says(text: str) -> Callable[[str], bool]:
    """Tells whether a text has these words one after the other: those of a name as written, but for case and accents.

    Capitals that are also a function word, as "WHO" and "IT", keep their case.
    """
    if text.islower():
        wanted = text_stems(text)
        return lambda sentence: wanted <= text_stems(sentence)
    fold = _accents_off if text.isupper() and text.lower() in FUNCTION_WORDS else _folded
    # Between two words stands what stands there in the name, or whatever does not end a sentence.
    pattern = "".join(
        part if part.isidentifier() or part.isalnum() else rf"(?:{re.escape(part)}|[^\w.?!;:]{{1,3}})"
        for part in re.findall(r"\w+|\W+", fold(text).strip())
    )
    # "iPSCs" are more than one iPSC; of other names an s at the end may be a part.
    plural = "s?" if is_abbreviation(text.rsplit(maxsplit=1)[-1].removesuffix("s")) else ""
    compiled = re.compile(rf"(?<!\w){pattern.removesuffix('s') if plural else pattern}{plural}(?!\w)")
    return lambda sentence: bool(compiled.search(fold(sentence)))


def _accents_off(text: str) -> str:
    return "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))


def _folded(text: str) -> str:
    return _accents_off(text).casefold()

"""What a record has to say of itself, in statements: exact, and cited where a sentence shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from rag.answer.draft import Draft, Statement
from rag.answer.selection import Place, Select, Selected
from rag.catalog import Catalog
from rag.dates import days, in_words
from rag.domain import DocumentSummary, Evidence, Filters, Hit
from rag.language import text_stems
from rag.record_question import RecordQuestion, Wants

# How many documents a list shows, and how many kinds, names or the like.
MOST_DOCUMENTS, MOST_ENTRIES = 12, 40

_PLURALS = {"person": "people"}
_UNKNOWN_DATE = "when it was published"


class Inventory:
    """The documents of a record as far as the filters let them through, asked about themselves."""

    def __init__(self, catalog: Catalog, filters: Filters) -> None:
        self._catalog = catalog
        self._select = Select(catalog, filters)
        self._filtered = bool(filters)
        self._shown = 0

    def answer(self, asked: RecordQuestion) -> tuple[Draft, str] | None:
        """The statements that answer, and the question in full; None where the catalog cannot tell."""
        selected = self._select(asked.selection)
        if selected is None:
            return None
        answers: dict[Wants, Callable[[Selected, RecordQuestion], Draft | None]] = {
            Wants.COUNT: self._count,
            Wants.WHETHER: self._whether,
            Wants.LIST: self._list,
            Wants.KINDS: self._kinds,
            Wants.OVERVIEW: self._overview,
            Wants.DATES: self._dates,
            Wants.EXTREME: self._extreme,
            Wants.CREDITS: self._credits,
            Wants.MOST_NAMED: self._most_named,
            Wants.DATE_OF: self._date_of,
        }
        none = not selected.documents and asked.wants not in (Wants.WHETHER, Wants.LIST, Wants.DATE_OF)
        draft = self._count(selected, asked) if none else answers[asked.wants](selected, asked)
        return (draft, _in_full(asked, selected)) if draft else None

    # --- how many, and which -----------------------------------------------------------------------------------

    def _count(self, selected: Selected, _asked: RecordQuestion) -> Draft:
        text, places = self._how_many(selected), self._places(selected)
        return _draft([self._statement(text, places), *_noted(selected)], str(len(selected.documents)))

    def _whether(self, selected: Selected, _asked: RecordQuestion) -> Draft:
        says, text = "Yes" if selected.documents else "No", self._how_many(selected)
        told = self._statement(f"{says}: {text[0].lower()}{text[1:]}", self._places(selected))
        return _draft([told, *_noted(selected)], says)

    def _list(self, selected: Selected, _asked: RecordQuestion) -> Draft:
        found = selected.documents
        if not found:
            return _draft([self._statement(self._how_many(selected)), *_noted(selected)], "None")
        return _draft([*self._listed(self._how_many(selected), found, selected), *_noted(selected)])

    def _how_many(self, selected: Selected) -> str:
        """One sentence that says how many of the documents there are were selected."""
        count, total = len(selected.documents), len(self._select.documents)
        if not selected.one:
            held = _counted(count, "document")
            return f"The filters let {held} through." if self._filtered else f"The record holds {held}."
        if total <= 1:
            return f"{'The only document' if count else 'No document'} {selected.one}."
        whole = f"{total:,} documents{' that the filters let through' if self._filtered else ''}"
        if count == 0:
            return f"None of the {whole} {selected.one}."
        if count == total:
            return f"All {whole} {selected.several}."
        return f"{count:,} of the {whole} {selected.one if count == 1 else selected.several}."

    def _places(self, selected: Selected) -> list[Place]:
        places = [selected.places[each.id] for each in selected.documents if each.id in selected.places]
        return places[:MOST_DOCUMENTS]

    def _listed(
        self, lead: str, found: Sequence[DocumentSummary], selected: Selected | None = None
    ) -> list[Statement]:
        """A sentence, and the documents that it tells of, each with the sentence that shows it or that opens it."""
        more = f"; the first {MOST_DOCUMENTS}" if len(found) > MOST_DOCUMENTS else ""
        statements = [self._statement(f"{lead.removesuffix('.')}{more}:")]
        for document in found[:MOST_DOCUMENTS]:
            place = selected.places.get(document.id) if selected else None
            text = f"{document.title}: {place.sentence.text}" if place else _described(document)
            shown = [place] if place else self._opening(document)
            statements.append(self._statement(text, shown, listed=True))
        return statements

    # --- what there is -----------------------------------------------------------------------------------------

    def _kinds(self, selected: Selected, _asked: RecordQuestion) -> Draft:
        counts = Counter(document.kind for document in selected.documents)
        if len(counts) <= 1:
            kind = next(iter(counts), None)
            text = f"All of the {len(selected.documents):,} documents are of one kind: {kind}."
            return _draft([self._statement(text if kind else self._how_many(selected))], kind)
        lead = f"The {len(selected.documents):,} documents{_that(selected)} are of {len(counts):,} kinds:"
        return _draft([self._statement(lead), *self._tally(counts)], str(len(counts)))

    def _overview(self, selected: Selected, asked: RecordQuestion) -> Draft:
        statements = [self._statement(self._how_many(selected))]
        if selected.documents:
            statements += self._dates(selected, asked).statements
            statements += self._kinds(selected, asked).statements
        return _draft(statements)

    def _dates(self, selected: Selected, _asked: RecordQuestion) -> Draft:
        """From when the documents are, and when what they tell of took place, as far as they say."""
        published = _sorted([document.published for document in selected.documents])
        told = _sorted([document.date for document in selected.documents])
        unknown = len(selected.documents) - len(published)
        texts = []
        if published:
            texts.append(f"The documents{_that(selected)} were published {_span(published)}.")
        if told:
            texts.append(f"What they tell of is dated {_span(told)}.")
        if unknown and not published:
            texts.append(f"None of the documents{_that(selected)} says {_UNKNOWN_DATE}.")
        elif unknown:
            texts.append(
                f"{_counted(unknown, 'document')} {'has' if unknown == 1 else 'have'} no date of publication."
            )
        return _draft([self._statement(text) for text in texts])

    def _extreme(self, selected: Selected, asked: RecordQuestion) -> Draft:
        """The oldest, newest, longest or shortest of the documents selected, all of them where several are equal."""
        by_length = asked.what in ("longest", "shortest")
        found = [document for document in selected.documents if by_length or document.published]
        if not found:
            none = f"None of the documents{_that(selected)} says {_UNKNOWN_DATE}."
            return _draft([self._statement(none if selected.documents else self._how_many(selected))], "None")
        found.sort(
            key=lambda each: (each.characters, 0) if by_length else _span_of(each.published),
            reverse=asked.what in ("longest", "newest"),
        )
        if asked.most > 1 and len(found) > 1:
            shown = found[: asked.most]
            return _draft(self._listed(f"The {len(shown)} {asked.what} documents{_that(selected)}", shown))
        first = found[0]
        equal = [] if by_length else [each for each in found if each.published == first.published]
        if len(equal) > 1:
            return self._equally(selected, asked, equal)
        told = (
            f"with {first.characters:,} characters"
            if by_length
            else f"published {_when(first.published or '')}"
        )
        text = f"The {asked.what} document{_that(selected)} is {first.title}, {told}."
        return _draft([self._statement(text, self._opening(first))], first.title)

    def _equally(self, selected: Selected, asked: RecordQuestion, equal: Sequence[DocumentSummary]) -> Draft:
        """Several documents share the first or last date."""
        date = in_words(equal[0].published or "")
        count = _counted(len(equal), "document")
        if len(equal) == len(selected.documents):
            text = f"All {count}{_that(selected)} have the same date, {date}: none is the {asked.what}."
            return _draft([self._statement(text)], date)
        which = "latest" if asked.what == "newest" else "earliest"
        return _draft(self._listed(f"{count}{_that(selected)} have the {which} date, {date}", equal), date)

    # --- by whom, and about whom -------------------------------------------------------------------------------

    def _credits(self, selected: Selected, asked: RecordQuestion) -> Draft:
        if asked.what == "source":
            counts = Counter(document.source for document in selected.documents if document.source)
        else:
            counts = self._named(selected, asked.what)
        if not counts:
            return _draft(
                [self._statement(f"None of the documents{_that(selected)} names its {asked.what}.")], "None"
            )
        lead = f"The documents{_that(selected)} name {_counted(len(counts), asked.what)}:"
        return _draft(
            [self._statement(lead), *self._tally(counts)], next(iter(counts)) if len(counts) == 1 else None
        )

    def _most_named(self, selected: Selected, asked: RecordQuestion) -> Draft | None:
        """Whom the documents' own metadata names; None where it names nobody."""
        counts = self._named(selected, asked.what)
        if not counts:
            return None
        most = _ordered(counts)[:MOST_DOCUMENTS]
        named = _PLURALS.get(asked.what, f"{asked.what}s")
        lead = f"The {named} named most often in the metadata of the documents{_that(selected)}:"
        return _draft([self._statement(lead), *self._tally(Counter(dict(most)))], most[0][0])

    def _named(self, selected: Selected, role: str) -> Counter[str]:
        """In how many of the documents selected each name stands in a role."""
        chosen = {document.id for document in selected.documents}
        return Counter(name for document_id, name in self._catalog.credits(role) if document_id in chosen)

    def _date_of(self, _selected: Selected, asked: RecordQuestion) -> Draft | None:
        """When the one document with such a title was published; None where there is not just one."""
        wanted = text_stems(asked.what)
        found = [
            document
            for document in self._select.documents
            if asked.what in (document.id, document.path) or text_stems(document.title) == wanted
        ]
        if len(found) != 1:
            return None
        date = found[0].published
        told = f"was published {_when(date)}" if date else "has no date of publication"
        statement = self._statement(f"{found[0].title} {told}.", self._opening(found[0]))
        return _draft([statement], in_words(date) if date else None)

    # --- statements --------------------------------------------------------------------------------------------

    def _tally(self, counts: Counter[str]) -> list[Statement]:
        ordered = _ordered(counts)
        lines = [f"{name}: {_counted(count, 'document')}" for name, count in ordered[:MOST_ENTRIES]]
        if len(ordered) > MOST_ENTRIES:
            lines.append(f"{len(ordered) - MOST_ENTRIES:,} more")
        return [self._statement(line, listed=True) for line in lines]

    def _opening(self, document: DocumentSummary) -> list[Place]:
        opening = self._select.opening(document.id)
        return [opening] if opening else []

    def _statement(self, text: str, places: Sequence[Place] = (), listed: bool = False) -> Statement:
        evidence = []
        for place in places:
            self._shown += 1
            evidence.append(Evidence(Hit(place.passage, 1.0 / self._shown, self._shown), place.sentence, 1.0))
        return Statement(text, tuple(evidence), listed)


def _in_full(asked: RecordQuestion, selected: Selected) -> str:
    """A question as it would be asked alone."""
    which = f" {selected.several}" if selected.several else " are there"
    match asked.wants:
        case Wants.COUNT:
            return f"How many documents{which}?"
        case Wants.LIST | Wants.WHETHER:
            return f"Which documents{which}?"
        case Wants.EXTREME:
            return f"Which is the {asked.what} document{_that(selected)}?"
        case _:
            return f"{asked.wants.value.replace('_', ' ').capitalize()} of the documents{_that(selected)}"


def _draft(statements: Sequence[Statement], short_answer: str | None = None) -> Draft:
    return Draft(tuple(statements), short_answer, confidence=1.0)


def _noted(selected: Selected) -> list[Statement]:
    return [Statement(selected.note, ())] if selected.note else []


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun if count == 1 else noun + 's'}"


def _ordered(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))


def _that(selected: Selected) -> str:
    return f" that {selected.several}" if selected.several else ""


def _described(document: DocumentSummary) -> str:
    told = [document.kind, *([in_words(document.published)] if document.published else [])]
    return f"{document.title} ({', '.join(told)})"


def _sorted(dates: Sequence[str | None]) -> list[str]:
    return sorted((date for date in dates if date), key=_span_of)


def _span_of(date: str | None) -> tuple[int, int]:
    return days(date) or (0, 0)


def _when(date: str) -> str:
    return f"{'on' if date.count('-') == 2 else 'in'} {in_words(date)}"


def _span(dates: Sequence[str]) -> str:
    """From the first to the last of sorted dates."""
    first, last = dates[0], max(dates, key=lambda date: _span_of(date)[1])
    return _when(first) if first == last else f"from {in_words(first)} to {in_words(last)}"

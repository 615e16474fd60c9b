"""When what the record tells of took place: its documents along a line of time, a row a kind. Pure.

A document stands at its own date, or where it has none at that of its publication, over as long a time as the date is
precise to: a day, a month or a year.
"""

from __future__ import annotations

import datetime
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from rag.dates import days
from rag.domain import DocumentSummary
from rag.text import one_line
from ui.markup import text
from ui.messages import message
from ui.sources import clipped
from ui.wording import counted, date_in_words, kind_in_words

WIDTH, LABELS, LANE, HEAD, EDGE = 1120, 190, 28, 34, 30
MOST_TICKS = 7
# The table below has all of them.
MOST_ROWS = 30
SHORTEST = 26  # of a mark, in pixels: room for its number


@dataclass(frozen=True, slots=True)
class Mark:
    """The documents of one kind and date. `first` and `last` are days, `last` within."""

    kind: str
    date: str
    first: datetime.date
    last: datetime.date
    documents: tuple[DocumentSummary, ...]


def date_of(document: DocumentSummary) -> str | None:
    """The date that a document stands at."""
    return document.date or document.published


def marks_of(documents: Sequence[DocumentSummary]) -> list[Mark]:
    """The dated documents by kind and date, in the order of time."""
    grouped: dict[tuple[str, str], list[DocumentSummary]] = defaultdict(list)
    for document in documents:
        if date := date_of(document):
            grouped[document.kind, date].append(document)
    marks = []
    for (kind, date), members in grouped.items():
        covered = days(date)
        assert covered is not None
        marks.append(Mark(kind, date, _day(covered[0]), _day(covered[1]), tuple(members)))
    return sorted(marks, key=lambda mark: (mark.first, mark.last, mark.kind))


def _day(number: int) -> datetime.date:
    return datetime.date(number // 10_000, number // 100 % 100, number % 100)


def timeline(documents: Sequence[DocumentSummary], language: str) -> str:
    """The drawing with its table; where no document has a date, why there is none."""
    marks = marks_of(documents)
    if not marks:
        return (
            f'<p class="empty"><strong>{message("pictures.timeline.none", language)}</strong> '
            f"{message('pictures.timeline.none.note', language)}</p>"
        )
    undated = len(documents) - sum(len(mark.documents) for mark in marks)
    remark = ""
    if undated:
        left_out = counted(undated, "document", language)
        remark = f'<p class="remark">{message("pictures.timeline.undated", language, documents=left_out)}</p>'
    return (
        f'<div class="drawing" tabindex="0" role="group" aria-label="{message("pictures.timeline", language)}">'
        f"{_svg(marks, language)}</div>{remark}{_table(marks, language)}"
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    first: datetime.date
    last: datetime.date

    def x(self, day: int) -> float:
        """Where a day, by its ordinal, begins."""
        return LABELS + EDGE + (day - self.first.toordinal()) / self._days * (WIDTH - LABELS - 2 * EDGE)

    @property
    def _days(self) -> int:
        return max((self.last - self.first).days + 1, 1)

    def ticks(self) -> list[str]:
        """ISO dates to write along the line: years, months or days, as fit."""
        years = self.last.year - self.first.year + 1
        if years > 2:
            step = -(-years // MOST_TICKS)
            return [f"{year:04}" for year in range(self.first.year, self.last.year + 1, step)]
        months = [
            f"{year:04}-{month:02}"
            for year in range(self.first.year, self.last.year + 1)
            for month in range(1, 13)
            if (self.first.year, self.first.month) <= (year, month) <= (self.last.year, self.last.month)
        ]
        if len(months) > 1:
            return months[:: -(-len(months) // MOST_TICKS)]
        step = -(-self._days // MOST_TICKS)
        return [(self.first + datetime.timedelta(days=day)).isoformat() for day in range(0, self._days, step)]


def _svg(marks: Sequence[Mark], language: str) -> str:
    scale = _Scale(min(mark.first for mark in marks), max(mark.last for mark in marks))
    counts: Counter[str] = Counter()
    for mark in marks:
        counts[mark.kind] += len(mark.documents)
    kinds = sorted(counts, key=lambda kind: (-counts[kind], kind))[:MOST_ROWS]
    parts, y = [], HEAD
    for kind in kinds:
        lanes = _lanes([mark for mark in marks if mark.kind == kind], scale)
        middle, label = y + LANE / 2 + 4, text(clipped(kind_in_words(kind), 24))
        parts.append(f'<line class="row" x1="0" x2="{WIDTH}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text class="kind" x="{LABELS - 12}" y="{middle + 5:.0f}">{label}</text>')
        for lane, members in enumerate(lanes):
            parts += [_mark(mark, scale, middle + LANE * lane, language) for mark in members]
        y += LANE * len(lanes) + 8
    height = y + 4
    parts.insert(0, _grid(scale, height, language))
    return f'<svg class="timeline" viewBox="0 0 {WIDTH} {height}" role="group">{"".join(parts)}</svg>'


def _lanes(marks: Sequence[Mark], scale: _Scale) -> list[list[Mark]]:
    """Marks of one kind side by side where they can be, else one below the other."""
    lanes: list[list[Mark]] = []
    ends: list[float] = []
    for mark in marks:
        begin, width = _extent(mark, scale)
        lane = next((lane for lane, end in enumerate(ends) if end <= begin), len(lanes))
        if lane == len(lanes):
            lanes.append([])
            ends.append(0)
        lanes[lane].append(mark)
        ends[lane] = begin + width + 2
    return lanes


def _extent(mark: Mark, scale: _Scale) -> tuple[float, float]:
    """Where a mark begins and how wide it is."""
    begin, end = scale.x(mark.first.toordinal()), scale.x(mark.last.toordinal() + 1)
    width = max(end - begin, SHORTEST)
    return min((begin + end - width) / 2, WIDTH - width), width


def _grid(scale: _Scale, height: int, language: str) -> str:
    parts = []
    for tick in scale.ticks():
        covered = days(tick)
        assert covered is not None
        x = max(scale.x(_day(covered[0]).toordinal()), LABELS + EDGE)
        parts.append(f'<line class="tick" x1="{x:.0f}" x2="{x:.0f}" y1="{HEAD - 8}" y2="{height}"/>')
        parts.append(f'<text class="tick" x="{x:.0f}" y="{HEAD - 14}">{date_in_words(tick, language)}</text>')
    return f'<g aria-hidden="true">{"".join(parts)}</g>'


def _mark(mark: Mark, scale: _Scale, y: float, language: str) -> str:
    x, width = _extent(mark, scale)
    if len(mark.documents) == 1:
        what = one_line(mark.documents[0].title)
    else:
        what = counted(len(mark.documents), "document", language)
    spoken = text(f"{date_in_words(mark.date, language)}, {kind_in_words(mark.kind)}: {what}")
    return (
        f'<g class="mark" tabindex="0" role="button" aria-label="{spoken}" data-action="choose" data-field="mark"'
        f' data-value="{text(mark.date)}" data-kind="{text(mark.kind)}"><title>{spoken}</title>'
        f'<rect x="{x:.1f}" y="{y - 11:.0f}" width="{width:.1f}" height="22" rx="11"/>'
        f'<text x="{x + width / 2:.1f}" y="{y + 5:.0f}">{len(mark.documents)}</text></g>'
    )


def _table(marks: Sequence[Mark], language: str) -> str:
    rows = "".join(
        f'<tr><th scope="row"><button type="button" data-action="choose" data-field="mark"'
        f' data-value="{text(mark.date)}" data-kind="{text(mark.kind)}">'
        f'<time datetime="{text(mark.date)}">{date_in_words(mark.date, language)}</time></button></th>'
        f'<td dir="auto">{text(kind_in_words(mark.kind))}</td><td dir="auto">'
        f"{text('; '.join(one_line(document.title) for document in mark.documents))}</td></tr>"
        for mark in marks
    )
    head = "".join(
        f'<th scope="col">{message(f"pictures.column.{name}", language)}</th>'
        for name in ("date", "kind", "titles")
    )
    return (
        f'<details class="table"><summary>{message("pictures.table", language)}</summary><div class="scroll">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></details>"
    )

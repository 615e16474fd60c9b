"""What a choice in the window changes in the limits of the search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rag.dates import days
from rag.domain import DocumentSummary, Filters
from rag.errors import InvalidInput


def toggled(active: Filters, field: str, value: str) -> Filters:
    """With a kind or document more, or less if it was chosen before. `field` is one of `kinds`, `document_ids`."""
    match field:
        case "kinds":
            return replace(active, kinds=_toggled(active.kinds, value))
        case "document_ids":
            return replace(active, document_ids=_toggled(active.document_ids, value))
    return active


def _toggled(chosen: tuple[str, ...], value: str) -> tuple[str, ...]:
    return tuple(entry for entry in chosen if entry != value) if value in chosen else (*chosen, value)


def between(active: Filters, first: str, last: str) -> Filters:
    """Published from `first` to `last`, ISO dates of any precision; empty, or no date, is no limit."""
    return replace(active, published_from=_date(first), published_to=_date(last))


def lifted(active: Filters, field: str | None, value: str | None) -> Filters:
    """Without one limit, or, where no field is named, without any."""
    match field:
        case "kinds" | "document_ids":
            return toggled(active, field, value) if value and value in getattr(active, field) else active
        case "published_from":
            return replace(active, published_from=None)
        case "published_to":
            return replace(active, published_to=None)
    return Filters()


def allowed(documents: Sequence[DocumentSummary], limits: Filters) -> list[DocumentSummary]:
    """Those of the kinds and dates, in their order, whichever documents are chosen besides.

    As in a search, a document without a date is none of any date.
    """
    return [
        document
        for document in documents
        if (not limits.kinds or document.kind in limits.kinds) and _published_within(document, limits)
    ]


def _published_within(document: DocumentSummary, limits: Filters) -> bool:
    first, last = days(limits.published_from), days(limits.published_to)
    covered = days(document.published)
    if covered is None:
        return first is None and last is None
    return (first is None or covered[1] >= first[0]) and (last is None or covered[0] <= last[1])


def _date(written: str) -> str | None:
    try:
        return written if written and days(written) else None
    except InvalidInput:
        return None

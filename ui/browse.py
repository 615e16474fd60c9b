"""The documents of the record as HTML: what limits there are, and what they leave. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from rag.domain import DocumentSummary, Filters
from ui.markup import text
from ui.messages import DEFAULT_LANGUAGE, message, messages
from ui.sources import clipped
from ui.wording import counted, date_in_words, kind_in_words

TITLE_CHARACTERS = 200
MOST_COPIES = 3


def address_of(document_id: str) -> str:
    """The page of a document."""
    return f"/documents/{quote(document_id, safe='')}"


def search_form(language: str) -> str:
    """Where to type what is looked for; `pages.js` sends it while it is typed."""
    label = message("record.search", language)
    return (
        f'<form class="search" role="search" data-action="search" data-live><label for="record-query">{label}</label>'
        f'<input id="record-query" type="search" name="query" maxlength="200" autocomplete="off"'
        f' placeholder="{message("record.search.hint", language)}"><input type="hidden" name="form" value="search">'
        "</form>"
    )


def limits(counts: Mapping[str, int], active: Filters, language: str) -> str:
    """The kinds with how many documents each has, and the dates; what is chosen also limits the chat."""
    kinds = "".join(
        f'<li><button type="button" data-action="toggle" data-field="kinds" data-value="{text(kind)}"'
        f' aria-pressed="{_pressed(kind in active.kinds)}"><span dir="auto">{text(kind_in_words(kind))}</span>'
        f' <span class="number">{counts.get(kind, 0):,}</span></button></li>'
        for kind in _by_count(counts, active)
    )
    return (
        f'<section class="limits" aria-label="{message("record.limits", language)}">'
        f"<h2>{message('record.limits', language)}</h2><p>{message('record.limits.note', language)}</p>"
        f'<h3 id="record-kinds">{message("record.kinds", language)}</h3>'
        f'<ul class="kinds" aria-labelledby="record-kinds">{kinds}</ul>{_dates(active, language)}</section>'
    )


def _by_count(counts: Mapping[str, int], active: Filters) -> list[str]:
    """The kinds of most documents first, and those chosen that have none any more."""
    gone = [kind for kind in active.kinds if kind not in counts]
    return sorted(counts, key=lambda kind: (-counts[kind], kind)) + gone


def _dates(active: Filters, language: str) -> str:
    fields = "".join(
        f'<label>{message(f"record.{name}", language)}<input type="date" name="{name}"'
        f' value="{text(value or "") if value and len(value) == len("2025-04-21") else ""}"></label>'
        for name, value in (("from", active.published_from), ("to", active.published_to))
    )
    return (
        f'<form class="dates" data-action="dates"><h3>{message("record.dates", language)}</h3>{fields}'
        f'<input type="hidden" name="form" value="dates">'
        f'<button type="submit">{message("record.apply", language)}</button></form>'
    )


def documents(
    found: Sequence[DocumentSummary], shown: int, active: Filters, language: str, may_delete: bool = True
) -> str:
    """The first `shown` documents, how many there are, and a button for more; without any, why."""
    if not found:
        return (
            f'<section class="documents empty"><p class="label">{message("record.none", language)}</p>'
            f"<p>{message('record.none.note', language)}</p></section>"
        )
    rows = "".join(_row(document, active, language, may_delete) for document in found[:shown])
    more = ""
    if len(found) > shown:
        label = message("record.more", language, number=f"{len(found) - shown:,}")
        more = f'<button type="button" class="more" data-action="more">{label}</button>'
    return (
        f'<section class="documents" aria-label="{message("record.documents", language)}">'
        f'<p class="total" role="status">{counted(len(found), "document", language)}</p><ul>{rows}</ul>{more}</section>'
    )


def _row(document: DocumentSummary, active: Filters, language: str, may_delete: bool) -> str:
    title = text(clipped(document.title, TITLE_CHARACTERS))
    chosen = document.id in active.document_ids
    only = message("record.only", language)
    delete = ""
    if may_delete:
        label = message("record.delete", language)
        delete = (
            f'<button type="button" class="plain" data-delete="{text(document.id)}" data-title="{title}"'
            f' aria-label="{label}: {title}">{label}</button>'
        )
    return (
        f'<li class="document{" chosen" if chosen else ""}"><h3 dir="auto"><a href="{text(address_of(document.id))}"'
        f' target="_blank" rel="noopener">{title}<span class="visually-hidden">'
        f" {message('sources.new_tab', language)}</span></a></h3>"
        f'<p class="about">{_about(document, language)}</p>{_source(document)}{_copies(document, language)}'
        f'<p class="choices"><button type="button" data-action="toggle" data-field="document_ids"'
        f' data-value="{text(document.id)}" aria-pressed="{_pressed(chosen)}" aria-label="{only}: {title}">'
        f"{only}</button>"
        f"{delete}</p></li>"
    )


def _about(document: DocumentSummary, language: str) -> str:
    parts = [f'<span class="kind" dir="auto">{text(kind_in_words(document.kind))}</span>']
    if document.date:
        date = text(date_in_words(document.date, language))
        parts.append(f'<time datetime="{text(document.date)}">{date}</time>')
    if document.published:
        date = text(date_in_words(document.published, language))
        time = f'<time datetime="{text(document.published)}">{date}</time>'
        parts.append(message("sources.published", language, date=time))
    parts.append(counted(document.passages, "passage", language))
    return " · ".join(parts)


def _source(document: DocumentSummary) -> str:
    where = document.source or document.path
    return f'<p class="origin" dir="auto">{text(clipped(where, TITLE_CHARACTERS))}</p>' if where else ""


def _copies(document: DocumentSummary, language: str) -> str:
    if not document.also_in:
        return ""
    names = ", ".join(clipped(copy.title, 60) for copy in document.also_in[:MOST_COPIES])
    more = len(document.also_in) - MOST_COPIES
    return (
        f'<p class="copies" dir="auto">{message("record.copies", language, titles=text(names))}'
        f"{f' +{more}' if more > 0 else ''}</p>"
    )


def _pressed(yes: bool) -> str:
    return "true" if yes else "false"


def upload_area(language: str) -> str:
    """Where files are dropped, what becomes of each, and the question before a document is deleted.

    `record.js` sends the files to `POST /documents` and tells what came of them with the texts of `data-texts`.
    """
    said = {
        key.removeprefix("record.upload."): value
        for key, value in messages(language).items()
        if key.startswith("record.upload.")
    }
    start = "." if language == DEFAULT_LANGUAGE else ".."
    return (
        f'<section class="upload" aria-label="{message("record.upload", language)}" data-address="{start}/documents"'
        f' data-texts="{text(json.dumps(said, ensure_ascii=False))}"><h2>{message("record.upload", language)}</h2>'
        f'<label class="drop"><input type="file" multiple class="visually-hidden">'
        f"<strong>{message('record.drop', language)}</strong>"
        f" <span>{message('record.drop.note', language)}</span></label>"
        '<ul class="report" aria-live="polite"></ul></section>'
        f'<dialog id="delete-dialog" aria-labelledby="delete-title"><form method="dialog">'
        f'<h2 id="delete-title">{message("record.delete.title", language)}</h2><p class="title" dir="auto"></p>'
        f'<p>{message("record.delete.note", language)}</p><p class="failure" role="alert"></p>'
        f'<div class="buttons"><button value="cancel" autofocus>{message("record.cancel", language)}</button>'
        f'<button type="button" class="danger" data-confirm>{message("record.delete", language)}</button></div>'
        "</form></dialog>"
    )


def no_upload(language: str) -> str:
    """What is said in place of `upload_area` to those who may only ask."""
    return f'<p class="remark">{message("record.no_upload", language)}</p>'

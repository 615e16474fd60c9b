"""The page that shows what the record holds, takes documents in and away, and limits what the chat searches."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from rag.domain import DocumentSummary, Filters
from rag.errors import RagError
from ui import browse, limits, pages, render
from ui.conversation import Problem
from ui.messages import message
from ui.pages import ON_CLICK, ON_SHOW, block, told
from ui.shared import FORGET_AFTER, Shared

if TYPE_CHECKING:
    from rag.wiring import Application

AT_FIRST, AT_A_TIME = 50, 100
# More than any page shows; what is beyond is found by searching.
MOST_DOCUMENTS = 100_000
LONGEST_QUERY = 200


@dataclass(frozen=True, slots=True)
class View:
    """What is looked for, and how many documents are shown."""

    query: str = ""
    shown: int = AT_FIRST


def record_page(application: Application, language: str, shared: Shared) -> None:
    """Search and limits, the documents that they leave, and the place for new ones."""
    record = Record(application, language)
    view = gr.State(View(), time_to_live=FORGET_AFTER)
    with gr.Column(elem_id="record", elem_classes="page"):
        with gr.Column(elem_id="record-side"):
            kinds = block("", "record-limits", ON_CLICK)
            upload = block(browse.upload_area(language), "record-upload")
        with gr.Column(elem_id="record-main"):
            search = block(browse.search_form(language), "record-search", ON_CLICK)
            active = block("", "record-active", ON_CLICK)
            found = block(
                f'<p class="loading">{message("record.loading", language)}</p>', "record-list", ON_SHOW
            )
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    shown = [kinds, active, found, upload]
    search.click(record.search, None, view, **private)
    for component in (kinds, active):
        component.click(record.limit, shared.filters, shared.filters, **private)
    found.click(record.act, [view, shared.filters], [view, shared.filters], **private).then(
        record.show, [view, shared.filters], shown, **private
    )
    gr.on([view.change, shared.filters.change], record.show, [view, shared.filters], shown, **private)


class Record:
    """What the page does on each event, for one record in one language. Holds nothing of any person."""

    def __init__(self, application: Application, language: str) -> None:
        self._application = application
        self._language = language

    def search(self, event: gr.EventData) -> View:
        """Look for what was typed."""
        return View(told(event).get("query", "")[:LONGEST_QUERY])

    def limit(self, active: Filters, event: gr.EventData) -> Filters:
        """Change a limit of the search, here and in the chat."""
        chosen = told(event)
        match chosen.get("action"):
            case "toggle":
                return limits.toggled(active, chosen.get("field", ""), chosen.get("value", ""))
            case "dates":
                return limits.between(active, chosen.get("from", ""), chosen.get("to", ""))
            case "lift":
                return limits.lifted(active, chosen.get("field"), chosen.get("value"))
        return active

    def act(self, view: View, active: Filters, event: gr.EventData) -> tuple[View, Filters]:
        """Show more documents, or choose one to ask about."""
        if told(event).get("action") == "more":
            return View(view.query, view.shown + AT_A_TIME), active
        return view, self.limit(active, event)

    def show(self, view: View, active: Filters, request: gr.Request) -> tuple[Any, ...]:
        """The limits to choose from, those that hold, the documents that they leave, and the place for new ones."""
        may_change = pages.may_change(request)
        # Left as it is where it may be used: it says what has become of files.
        upload = gr.skip() if may_change else browse.no_upload(self._language)
        try:
            with self._application.catalog.reading():
                every = self._documents()
                matching = self._documents(view.query) if view.query.strip() else every
        except RagError as error:
            return "", "", render.problem(Problem(error.code, str(error)), self._language), upload
        counts = Counter(document.kind for document in every)
        titles = {document.id: document.title for document in every}
        return (
            browse.limits(counts, active, self._language),
            render.filters(active, titles, self._language),
            browse.documents(
                limits.allowed(matching, active), view.shown, active, self._language, may_change
            ),
            upload,
        )

    def _documents(self, query: str | None = None) -> tuple[DocumentSummary, ...]:
        return self._application.catalog.documents(query=query, limit=MOST_DOCUMENTS).documents

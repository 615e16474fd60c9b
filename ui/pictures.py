"""The page for those who would rather look than read: when, who with whom, and how much of what."""

from __future__ import annotations

import json
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import gradio as gr

from rag.domain import DocumentSummary, Filters
from rag.errors import RagError
from rag.text import one_line
from ui import render
from ui.choice import MOST_FILTERED, choice, kinds_drawing
from ui.conversation import Problem
from ui.messages import message
from ui.network import Network, NodeKind, network_of
from ui.network_drawing import network_drawing
from ui.pages import ON_CHOICE, ON_SHOW, block, told
from ui.shared import Shared
from ui.timeline import date_of, timeline
from ui.wording import date_in_words, kind_in_words

if TYPE_CHECKING:
    from rag.catalog import Catalog
    from rag.wiring import Application

# Of a larger record the names of so many documents are drawn; all its documents are counted and dated.
MOST_READ = 5_000
LONGEST_NAME = 200


def pictures_page(application: Application, language: str, shared: Shared) -> None:
    """Timeline, network and counts; a choice in any of them asks, or limits the chat."""
    pictures = Pictures(application, language)
    seen = gr.State("")
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    with gr.Column(elem_id="pictures", elem_classes="page"):
        drawn = block(
            f'<p class="loading">{message("pictures.loading", language)}</p>', "pictures-drawn", ON_SHOW
        )
        chosen = block("", "pictures-choice", ON_CHOICE)
    drawn.click(pictures.act, seen, [seen, drawn, chosen], **private)
    chosen.click(pictures.limit, shared.filters, [shared.filters, shared.tabs], **private)


@dataclass(frozen=True)
class Seen:
    """What the pictures show of one version of the record."""

    index_id: str
    documents: tuple[DocumentSummary, ...]
    network: Network

    @cached_property
    def by_kind(self) -> list[tuple[str, int]]:
        """The kinds with their numbers of documents, most first."""
        counts = Counter(document.kind for document in self.documents)
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))

    def chosen(self, field: str, value: str, kind: str) -> tuple[str, NodeKind | None, list[DocumentSummary]]:
        """Of a node, mark or bar: the name or kind, what the name is of, and the documents."""
        if field == "name":
            node = next((node for node in self.network.nodes if node.name == value), None)
            if node is None:
                return value, None, []
            return value, node.kind, self._where(lambda found: found.id in node.documents)
        if field == "mark":
            return kind, None, self._where(lambda found: found.kind == kind and date_of(found) == value)
        return value, None, self._where(lambda found: found.kind == value)

    def _where(self, fits: Callable[[DocumentSummary], bool]) -> list[DocumentSummary]:
        return [document for document in self.documents if fits(document)]


def read_record(catalog: Catalog) -> Seen:
    """What there is to draw in the record as it is now."""
    with catalog.reading():
        index_id = catalog.manifest().index_id
        documents = catalog.documents(limit=-1).documents
        read = [catalog.document(document.id) for document in documents[:MOST_READ]]
    return Seen(index_id, documents, network_of(read))


class Pictures:
    """What the page does on each event, for one record in one language. Holds what all people see alike."""

    def __init__(self, application: Application, language: str) -> None:
        self._application = application
        self._language = language
        self._guard = threading.Lock()
        self._seen: Seen | None = None
        self._page = ""

    def act(self, seen: str, event: gr.EventData) -> tuple[Any, Any, Any]:
        """Draw the record, where it is another than the one that was drawn; or show what can be done with a choice."""
        details = told(event)
        try:
            found, page = self._current()
        except RagError as error:
            return "", render.problem(Problem(error.code, str(error)), self._language), ""
        if details.get("action") == "choose":
            field, value, kind = (details.get(name, "") for name in ("field", "value", "kind"))
            return gr.skip(), gr.skip(), self.choice(found, field, value, kind)
        drawn = gr.skip() if seen == found.index_id else page
        return found.index_id, drawn, gr.skip()

    def choice(self, seen: Seen, field: str, value: str, kind: str) -> Any:
        """The dialog for a choice; nothing for what is not there any more."""
        label, is_a, documents = seen.chosen(field, value, kind)
        if not documents:
            return gr.skip()
        question = None
        if field == "name":
            question = question_about(label, is_a)
        elif len(documents) == 1:
            label = documents[0].title
            question = question_about(label, None)
        else:
            label = kind_in_words(label)
            if field == "mark":
                label = f"{label}, {date_in_words(value, self._language)}"
        return choice(secrets.token_hex(4), label, documents, question, self._language)

    def limit(self, active: Filters, event: gr.EventData) -> tuple[Any, Any]:
        """Search only the documents of what was chosen, and lead to the chat."""
        details = told(event)
        ids = _ids(details.get("documents", ""))
        if details.get("action") != "filter" or not ids:
            return gr.skip(), gr.skip()
        return replace(active, document_ids=ids), gr.Tabs(selected="chat")

    def _current(self) -> tuple[Seen, str]:
        """Read and drawn once for each version of the record."""
        with self._guard:
            index_id = self._application.catalog.manifest().index_id
            if self._seen is None or self._seen.index_id != index_id:
                self._seen = read_record(self._application.catalog)
                self._page = page_of(self._seen, self._language)
            return self._seen, self._page


def question_about(name: str, kind: NodeKind | None) -> str:
    """A question in English, which is what records are read in unless another model is chosen."""
    name = one_line(name)[:LONGEST_NAME].rstrip(" .")
    return f"Who is {name}?" if kind is NodeKind.PERSON else f"Tell me about {name}."


def page_of(seen: Seen, language: str) -> str:
    """The three pictures with their headings."""
    pictures = (
        ("timeline", timeline(seen.documents, language)),
        ("network", network_drawing(seen.network, language)),
        ("kinds", kinds_drawing(seen.by_kind, language)),
    )
    return "".join(
        f'<section class="picture" aria-labelledby="picture-{name}">'
        f'<h2 id="picture-{name}">{message(f"pictures.{name}", language)}</h2>'
        f"<p>{message(f'pictures.{name}.note', language)}</p>{drawing}</section>"
        for name, drawing in pictures
    )


def _ids(written: str) -> tuple[str, ...]:
    try:
        ids: Sequence[object] = json.loads(written)
    except ValueError:
        return ()
    if not isinstance(ids, list):
        return ()
    return tuple(value for value in ids if isinstance(value, str))[:MOST_FILTERED]

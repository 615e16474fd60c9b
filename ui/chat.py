"""The page on which questions are asked and answered. State of a person is in `gr.State` alone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from rag.domain import Filters
from ui import render
from ui.conversation import Conversation, extended, follow
from ui.examples import ExampleQuestions
from ui.messages import message
from ui.shared import Shared

if TYPE_CHECKING:
    from rag.wiring import Application

# A conversation that nobody has touched for this long is forgotten (seconds).
FORGET_AFTER = 24 * 3600
AT_ONCE = 4

Updates = tuple[Any, ...]


def chat_page(application: Application, language: str, shared: Shared, examples: ExampleQuestions) -> None:
    """The conversation, its sources beside it, and the box to ask in."""
    exchanges = gr.State((), time_to_live=FORGET_AFTER)
    with gr.Column(elem_id="window"):
        with gr.Column(elem_id="chat"):
            conversation = _html(render.conversation(()), "conversation")
            suggestions = _html("", "examples")
        sources = _html(render.sources(()), "sources")
        with gr.Column(elem_id="composer"), gr.Row(elem_id="asking"):
            shared.question.render()  # type: ignore[no-untyped-call]
            send = gr.Button(message("chat.ask", language), variant="primary", elem_id="send", min_width=0)
            fresh = gr.Button(message("chat.fresh", language), elem_id="new-conversation", min_width=0)
    announcement = _html("", "announcement")

    shown = [exchanges, conversation, sources, suggestions, announcement, shared.question]
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    # One event for every way to ask, so that a person's questions are answered one after the other: what is sent
    # while an answer is on its way is asked after it. The examples are typed and sent by `window.js`.
    asking = gr.on(
        [shared.question.submit, send.click],
        partial(_ask, application),
        [shared.question, exchanges, shared.filters],
        shown,
        trigger_mode="always_last",
        concurrency_limit=AT_ONCE,
        **private,
    )
    fresh.click(_start_afresh, outputs=shown, cancels=[asking], **private)
    gr.on(fn=lambda: render.examples(examples.questions()), inputs=[], outputs=suggestions, **private)


def _html(value: str, identity: str) -> gr.HTML:
    return gr.HTML(value, elem_id=identity, apply_default_css=False, js_on_load=None)


def _ask(application: Application, text: str, earlier: Conversation, filters: Filters) -> Iterator[Updates]:
    """Show the question at once, then its answer as it comes about."""
    if not text.strip():
        yield (gr.skip(),) * 6
        return
    for exchange in follow(application, text, earlier, filters):
        exchanges = extended(earlier, exchange)
        yield (
            gr.skip() if exchange.pending else exchanges,
            render.conversation(exchanges),
            gr.skip() if exchange.pending else render.sources(exchanges),
            "",
            render.announcement(exchange),
            # Emptied once, when the question is taken: what is typed meanwhile stays.
            "" if exchange.passages is None and exchange.pending else gr.skip(),
        )


def _start_afresh() -> Updates:
    return (), render.conversation(()), render.sources(()), gr.skip(), "", ""

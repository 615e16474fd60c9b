"""What stands in the window, and what happens on each action. State of a person is in `gr.State` alone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from rag.domain import MAX_QUESTION_CHARACTERS
from rag.errors import RagError
from ui import render
from ui.conversation import Conversation, extended, follow
from ui.examples import SHOWN, ExampleQuestions

if TYPE_CHECKING:
    from rag.wiring import Application

TITLE = "Mission Record"
# A conversation that nobody has touched for this long is forgotten (seconds).
FORGET_AFTER = 24 * 3600
WAITING = 32
AT_ONCE = 4

Updates = tuple[Any, ...]


def chat_window(application: Application) -> gr.Blocks:
    """The whole window. Events are not published as an API: `POST /ask` is that."""
    examples = ExampleQuestions(application)
    blocks = gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True)
    with blocks:
        exchanges = gr.State((), time_to_live=FORGET_AFTER)
        with gr.Row(elem_id="head"):
            header = _html(render.header(None), "header")
            fresh = gr.Button("New conversation", elem_id="new-conversation", size="sm", min_width=0)
        with gr.Column(elem_id="window"):
            with gr.Column(elem_id="chat"):
                conversation = _html(render.conversation(()), "conversation")
                with gr.Column(elem_id="examples") as suggestions:
                    buttons = [gr.Button("", visible=False) for _ in range(SHOWN)]
            sources = _html(render.sources(()), "sources")
            with gr.Row(elem_id="composer"):
                question = gr.Textbox(
                    label="Your question",
                    placeholder="Ask a question",
                    lines=1,
                    max_lines=6,
                    max_length=MAX_QUESTION_CHARACTERS,
                    elem_id="question",
                    container=False,
                )
                send = gr.Button("Ask", variant="primary", elem_id="send", min_width=0)
        announcement = _html("", "announcement")

        shown = [exchanges, conversation, sources, suggestions, announcement, question]
        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        # One event for every way to ask, so that a person's questions are answered one after the other: what is sent
        # while an answer is on its way is asked after it. The examples are typed and sent by `window.js`.
        asking = gr.on(
            [question.submit, send.click],
            partial(_ask, application),
            [question, exchanges],
            shown,
            trigger_mode="always_last",
            concurrency_limit=AT_ONCE,
            **private,
        )
        fresh.click(_start_afresh, outputs=shown, cancels=[asking], **private)
        blocks.load(partial(_head, application), outputs=header, **private)
        blocks.load(partial(_offer, examples), outputs=buttons, **private)
    # A person who waits behind so many others is told so instead of waiting longer.
    blocks.queue(max_size=WAITING, api_open=False)
    return blocks


def _html(value: str, identity: str) -> gr.HTML:
    return gr.HTML(value, elem_id=identity, apply_default_css=False, js_on_load=None)


def _ask(application: Application, text: str, earlier: Conversation) -> Iterator[Updates]:
    """Show the question at once, then its answer as it comes about."""
    if not text.strip():
        yield (gr.skip(),) * 6
        return
    for exchange in follow(application, text, earlier):
        exchanges = extended(earlier, exchange)
        yield (
            gr.skip() if exchange.pending else exchanges,
            render.conversation(exchanges),
            gr.skip() if exchange.pending else render.sources(exchanges),
            gr.update(visible=False),
            render.announcement(exchange),
            # Emptied once, when the question is taken: what is typed meanwhile stays.
            "" if exchange.passages is None and exchange.pending else gr.skip(),
        )


def _start_afresh() -> Updates:
    return (), render.conversation(()), render.sources(()), gr.update(visible=True), "", ""


def _head(application: Application) -> str:
    """Read at each visit: the record may have changed since the last."""
    try:
        return render.header(application.catalog.manifest())
    except RagError as error:
        return render.header(None) + render.problem(str(error))


def _offer(examples: ExampleQuestions) -> list[dict[str, Any]]:
    questions = examples.questions()
    offered = [gr.update(value=question, visible=True) for question in questions]
    return offered + [gr.update(visible=False)] * (SHOWN - len(offered))

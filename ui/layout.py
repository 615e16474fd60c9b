"""The frame of the window: its head, its pages, and what they share. One is built for each language."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gradio as gr

from rag.domain import MAX_QUESTION_CHARACTERS, Filters
from rag.errors import RagError
from ui import render
from ui.accuracy import accuracy_page
from ui.chat import chat_page
from ui.conversation import Problem
from ui.examples import ExampleQuestions
from ui.messages import message
from ui.pictures import pictures_page
from ui.record import record_page
from ui.shared import CHAT_TAB, FORGET_AFTER, Shared

if TYPE_CHECKING:
    from rag.wiring import Application

WAITING = 32

Page = Callable[["Application", str, Shared], None]
# Beside the chat, by the name that their label and their element go by.
PAGES: tuple[tuple[str, Page], ...] = (
    ("record", record_page),
    ("pictures", pictures_page),
    ("accuracy", accuracy_page),
)


def window(application: Application, language: str, examples: ExampleQuestions) -> gr.Blocks:
    """The whole window in one language. Events are not published as an API: `POST /ask` is that."""
    title = message("window.title", language)
    blocks = gr.Blocks(title=title, analytics_enabled=False, fill_width=True)
    with blocks:
        header = gr.HTML(
            render.header(None, language), elem_id="head", apply_default_css=False, js_on_load=None
        )
        tabs = gr.Tabs(selected=CHAT_TAB, elem_id="pages")
        shared = Shared(
            filters=gr.State(Filters(), time_to_live=FORGET_AFTER),
            question=_question(language),
            tabs=tabs,
        )
        with tabs:
            with gr.Tab(message("window.chat", language), id=CHAT_TAB, elem_id="page-chat"):
                chat_page(application, language, shared, examples)
            for name, page in PAGES:
                with gr.Tab(message(f"window.{name}", language), id=name, elem_id=f"page-{name}"):
                    page(application, language, shared)

        def head() -> str:
            """Read at each visit: the record may have changed since the last."""
            try:
                return render.header(application.catalog.manifest(), language)
            except RagError as error:
                return render.header(None, language) + render.problem(
                    Problem(error.code, str(error)), language
                )

        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        blocks.load(head, outputs=header, **private)
    # A person who waits behind so many others is told so instead of waiting longer.
    blocks.queue(max_size=WAITING, api_open=False)
    return blocks


def _question(language: str) -> gr.Textbox:
    return gr.Textbox(
        label=message("chat.question", language),
        placeholder=message("chat.placeholder", language),
        lines=1,
        max_lines=6,
        max_length=MAX_QUESTION_CHARACTERS,
        elem_id="question",
        container=False,
        render=False,
    )

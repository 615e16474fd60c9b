"""What the pages of the window have in common, so that a choice made on one holds on the others."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

CHAT_TAB = "chat"
# State that nobody has touched for this long is forgotten (seconds).
FORGET_AFTER = 24 * 3600


@dataclass(frozen=True, slots=True)
class Shared:
    """The components that every page may read and set.

    `filters` holds the `rag.domain.Filters` of the next questions: an event that has it as output changes what is
    searched, and the window shows them above the question box by itself. `question` is that box, `tabs` the pages, of
    which the chat has the id `chat_tab`: an event with `gr.Tabs(selected=chat_tab)` for `tabs` leads there.

    A page asks a question, in the chat, with no event at all: `window.js` opens the chat and asks it when
    an element with `data-ask="the question"` is clicked, or a script dispatches
    `new CustomEvent("ask", {detail: "the question"})` on `document`.
    """

    filters: gr.State
    question: gr.Textbox
    tabs: gr.Tabs
    chat_tab: str = CHAT_TAB

"""What the pages beside the chat are built of: HTML whose buttons tell the server what was chosen."""

from __future__ import annotations

from collections.abc import Mapping

import gradio as gr

from rag.keys import Scope

# `window.js` sends an event `action` from whatever has `data-action` when it is clicked or submitted.
ON_CLICK = "element.addEventListener('action', (event) => trigger('click', event.detail));"
# The page may be looked at long after it was opened, and the record be another by then.
ON_SHOW = (
    f"{ON_CLICK} new IntersectionObserver((entries) => {{"
    " if (entries.some((entry) => entry.isIntersecting)) trigger('click', { action: 'show' }); }).observe(element);"
)
# What comes into it is a dialog to be opened.
ON_CHOICE = f"{ON_CLICK} window.missionRecord.openDialogs(element);"


def block(value: str, identity: str, script: str | None = None) -> gr.HTML:
    """HTML without a frame of Gradio's around it."""
    return gr.HTML(value, elem_id=identity, apply_default_css=False, js_on_load=script)


def may_change(request: gr.Request) -> bool:
    """Whether whoever looks at the page may add and delete documents, as `rag.api.guard` found."""
    state = request.request.scope.get("state", {}) if request.request else {}
    return bool(state.get("scope", Scope.ADMIN) >= Scope.INGEST)


def told(event: gr.EventData) -> Mapping[str, str]:
    """What the browser says was done; it may say anything."""
    data = event._data if isinstance(event._data, dict) else {}
    return {str(name): value for name, value in data.items() if isinstance(value, str)}

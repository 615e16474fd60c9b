"""The page that says how right the answers are, as measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from rag.errors import RagError
from ui import figures, render
from ui.conversation import Problem
from ui.evaluation import latest
from ui.messages import message
from ui.pages import ON_SHOW, block
from ui.shared import Shared

if TYPE_CHECKING:
    from rag.wiring import Application


def accuracy_page(application: Application, language: str, _shared: Shared) -> None:
    """The latest measurement; read again whenever the page is looked at."""
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    with gr.Column(elem_id="accuracy", elem_classes="page"):
        page = block(
            f'<p class="loading">{message("accuracy.loading", language)}</p>', "accuracy-page", ON_SHOW
        )
    page.click(lambda: shown(application, language), outputs=page, **private)


def shown(application: Application, language: str) -> str:
    """The page as HTML, for the record as it is now."""
    data_dir = application.settings.data_dir
    try:
        evaluation = latest(data_dir)
    except RagError as error:
        return render.problem(Problem(error.code, str(error)), language)
    if evaluation is None:
        return figures.unmeasured(data_dir, language)
    current = application.catalog.current()
    return figures.measured(evaluation, current.index_id if current else None, data_dir, language)

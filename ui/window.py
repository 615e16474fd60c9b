"""The chat window at `/`, on the same FastAPI application as the API.

Gradio is imported when the window is built, not before: it takes seconds and memory that nothing else needs.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from ui.examples import ExampleQuestions
from ui.messages import LANGUAGES

if TYPE_CHECKING:
    import gradio
    from fastapi import FastAPI

    from rag.wiring import Application

Made = TypeVar("Made")


def build_windows(application: Application) -> dict[str, gradio.Blocks]:
    """The window in each language as Gradio Blocks, with nothing mounted or started."""
    _prepare_gradio(application)
    from ui.layout import window

    examples = ExampleQuestions(application)
    return _in_event_loop(
        lambda: {language: window(application, language, examples) for language in LANGUAGES}
    )


def mount(app: FastAPI, application: Application) -> FastAPI:
    """Add the window to `app`, at `/` and once more for each other language; all other paths still belong to `app`."""
    windows = build_windows(application)
    from ui.exposure import expose

    _in_event_loop(lambda: expose(app, windows))
    return app


def _prepare_gradio(application: Application) -> None:
    """What Gradio takes from the environment alone, and most of it only once, when it is imported."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    # After every event it would work out statistics, with pandas, for a dashboard that is switched off.
    os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(sys.maxsize)
    os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "1"
    # By default a folder that all users of a machine share, and that only the first of them may write to.
    os.environ.setdefault("GRADIO_TEMP_DIR", str(application.settings.data_dir.resolve() / "gradio"))


def _in_event_loop(make: Callable[[], Made]) -> Made:
    """Without a running event loop Gradio opens one for each lock that it makes, and closes none of them."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:

        async def made() -> Made:
            return make()

        return asyncio.run(made())
    return make()

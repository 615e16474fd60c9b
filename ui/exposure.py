"""How the window hangs in the FastAPI application, and how little of Gradio can be reached there.

Gradio comes with routes that this program has no use for: a proxy, a reader of files and of foreign
addresses, uploads, screen recordings, run history, an API of its own. What the window needs is let through.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.resources import files

import gradio as gr
from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Match, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.languages import LedByLanguage, path_of
from ui.theme import theme

ASSETS = files("ui") / "assets"
STYLES = ("window.css", "pages.css")
SCRIPTS = ("window.js", "record.js", "pictures.js")

# The page, its scripts and styles, and the event queue that carries questions and answers.
NEEDED = re.compile(
    r"/"
    r"|/(assets|static)/.+"
    r"|/(theme\.css|favicon\.ico|manifest\.json)"
    r"|/gradio_api/(queue/(join|data)|heartbeat/\w+|cancel|reset)"
)

# Gradio's page has inline scripts and compiles its templates in the browser; all of it comes from here.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class WindowMount(Mount):
    """A mount that takes only the paths in `NEEDED`; for any other it is as if it were not there."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Like `Mount.matches`, which would take every path."""
        if scope["type"] == "http" and NEEDED.fullmatch(_path(scope).removeprefix(self.path)):
            return super().matches(scope)
        return Match.NONE, {}


def _path(scope: Scope) -> str:
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def expose(app: FastAPI, windows: Mapping[str, gr.Blocks]) -> None:
    """Mount the window of each language, below every route of `app`; that of the default language at `/`.

    `app.state.end_streams` becomes a function that ends the connections which open windows hold. A server that
    stops must call it first, or it waits for people to close their browsers.
    """
    mounted = {language: _mounted(app, blocks, language) for language, blocks in windows.items()}
    # Starlette takes the first that fits, and the path of the default language is the beginning of every other.
    for language in sorted(mounted, key=path_of, reverse=True):
        path, page = path_of(language).rstrip("/"), with_headers(mounted[language])
        if path:
            app.router.routes.append(Route(path, partial(_with_slash, path)))
        app.router.routes.append(WindowMount(path, app=page if path else LedByLanguage(page)))

    def end_streams() -> None:
        for window in mounted.values():
            window.stop_event.set()

    app.state.end_streams = end_streams


def _with_slash(path: str, _request: Request) -> RedirectResponse:
    return RedirectResponse(f".{path}/", 308)


def _together(names: Sequence[str]) -> str:
    return "\n".join((ASSETS / name).read_text("utf-8") for name in names)


def _mounted(app: FastAPI, blocks: gr.Blocks, language: str) -> gr.routes.App:
    gr.mount_gradio_app(
        app,
        blocks,
        path=path_of(language),
        theme=theme(),
        css=_together(STYLES),
        head=f"<script>{_together(SCRIPTS)}</script>"
        f'<script>window.missionRecord.speak("{language}")</script>',
        favicon_path=str(ASSETS / "icon.svg") if path_of(language) == "/" else None,
        footer_links=[],
        run_history=False,
        show_error=False,
        max_file_size=1,
        allowed_paths=[],
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
    )
    mounted = app.router.routes.pop()
    assert isinstance(mounted, Mount)
    assert isinstance(mounted.app, gr.routes.App)
    return mounted.app


def with_headers(app: ASGIApp) -> ASGIApp:
    """The same application with `HEADERS` on each response."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        await app(scope, receive, send_with_headers)

    return wrapped

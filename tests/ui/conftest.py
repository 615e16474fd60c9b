"""The window on a real server on a free port of this machine, and a real browser that reaches nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from urllib.parse import urlsplit

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

from rag.api.app import create_app
from rag.serving import listen, url
from rag.wiring import Application
from ui.screenshots import find_browser, launch
from ui.window import mount

OpenPage = Callable[..., Page]

# Generous, for machines with much else to do: what is waited for comes or the test fails.
expect.set_options(timeout=20_000)

# Tells of whatever the page was kept from loading: the browser refuses it before any request is made.
WATCH_REFUSALS = """
window.refused = [];
document.addEventListener("securitypolicyviolation", (event) => window.refused.push(event.blockedURI));
"""


@contextmanager
def serving(application: Application) -> Iterator[str]:
    """The address of a server for this record, as `mission-record serve` runs it."""
    app = mount(create_app(application), application)
    with listen("127.0.0.1", 0) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        try:
            yield url(listener)
        finally:
            app.state.end_streams()
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="session")
def serve() -> Callable[[Application], AbstractContextManager[str]]:
    """Serves a record: `with serve(application) as address`."""
    return serving


@pytest.fixture(scope="module")
def address(application: Application) -> Iterator[str]:
    """The bundled record, served."""
    with serving(application) as served_at:
        yield served_at


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The installed Chromium. Not for longer than a module: other tests could start no event loop meanwhile."""
    if find_browser() is None:
        pytest.skip("needs a browser: apt-get install chromium")
    with sync_playwright() as playwright, launch(playwright) as started:
        yield started


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens an address as a person of their own. Keywords are those of a browser context, such as `viewport`.

    At the end no page may have tried to reach another host, and none may have had an error.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(address: str, **options: object) -> Page:
        context = browser.new_context(**{"locale": "en-GB", **options})  # type: ignore[arg-type]
        contexts.append(context)
        host = urlsplit(address).netloc

        def keep_at_home(route: Route) -> None:
            target = urlsplit(route.request.url)
            if target.scheme in ("data", "blob") or target.netloc == host:
                route.continue_()
            else:
                complaints.append(f"request to {route.request.url}")
                route.abort()

        context.route("**/*", keep_at_home)
        context.add_init_script(WATCH_REFUSALS)
        context.on("weberror", lambda error: complaints.append(f"error in the page: {error.error}"))
        context.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        page = context.new_page()
        page.goto(address)
        page.locator("#question textarea").wait_for()
        return page

    yield open_page
    for context in contexts:
        for page in context.pages:
            with suppress(TypeError):
                complaints += [f"refused: {uri}" for uri in page.evaluate("window.refused")]
        context.close()
    assert complaints == []

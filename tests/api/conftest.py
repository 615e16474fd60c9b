"""Clients of the HTTP application: in the process, over a real socket, and a browser."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, sync_playwright

from rag.api.app import create_app
from rag.serving import listen, server, url
from rag.settings import Settings
from rag.wiring import Application, build
from tests.api.stand_in import StandIn
from tests.conftest import SMALL_CORPUS

CHROMIUM = Path("/usr/bin/chromium")
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def client(application: Application) -> TestClient:
    """The API over the bundled record."""
    return TestClient(create_app(application), raise_server_exceptions=False)


@pytest.fixture(scope="module")
def record(
    make_settings: Callable[..., Settings], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Application]:
    """Three small documents, for a whole module of tests that may do anything to them over HTTP."""
    folder = tmp_path_factory.mktemp("record")
    (folder / "corpus").mkdir()
    for name, text in SMALL_CORPUS.items():
        (folder / "corpus" / name).write_text(text, encoding="utf-8")
    application = build(make_settings(folder / "data", corpus_dir=folder / "corpus"))
    application.synchronise()
    yield application
    application.close()


@pytest.fixture
def scripted() -> Callable[..., TestClient]:
    """The API over a stand-in; arguments are those of `StandIn`."""

    def make(*args: Any, **kwargs: Any) -> TestClient:
        app = create_app(StandIn(*args, **kwargs))  # type: ignore[arg-type]
        return TestClient(app, raise_server_exceptions=False)

    return make


@pytest.fixture(scope="session")
def serving() -> Callable[[FastAPI], AbstractContextManager[str]]:
    """Serves an application as `mission-record serve` does, on a free loopback port, and says at what address."""

    @contextmanager
    def serve(app: FastAPI) -> Iterator[str]:
        with listen("127.0.0.1", 0) as listener:
            served = server(app)
            thread = threading.Thread(target=served.run, kwargs={"sockets": [listener]})
            thread.start()
            try:
                while not served.started:
                    assert thread.is_alive(), "the server did not start"
                    time.sleep(0.01)
                yield url(listener)
            finally:
                served.should_exit = True
                thread.join()

    return serve


@pytest.fixture(scope="session")
def address(
    application: Application, serving: Callable[[FastAPI], AbstractContextManager[str]]
) -> Iterator[str]:
    """Where the API over the bundled record is served."""
    with serving(create_app(application)) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not there; install Debian's package `chromium`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()

"""The window of a server that asks for keys, in a real browser."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from rag.api.app import create_app, rules_of
from rag.keys import KeyFile, Scope
from rag.serving import listen, server, url
from rag.wiring import Application
from ui.window import mount


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys.json")


@pytest.fixture
def closed(small_application: Application, keys: KeyFile) -> Iterator[str]:
    """A server that asks for a key, with all that `mission-record serve` checks on this machine."""
    app = create_app(small_application, rules_of(small_application.settings), keys)
    app = mount(app, small_application)
    with listen("127.0.0.1", 0) as listener:
        served = server(app)
        thread = threading.Thread(target=served.run, kwargs={"sockets": [listener]})
        thread.start()
        while not served.started and thread.is_alive():
            time.sleep(0.01)
        try:
            yield url(listener)
        finally:
            app.state.end_streams()
            served.should_exit = True
            thread.join()


def test_one_signs_in_asks_and_signs_out(closed: str, keys: KeyFile, browser: Browser) -> None:
    token = keys.add("ada", Scope.ASK)
    context = browser.new_context()
    page = context.new_page()
    page.goto(closed)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("Key").fill("mrk_nonsense")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("not a key of this server")

    page.get_by_label("Key").fill(token)
    page.get_by_label("Key").press("Enter")
    question = page.get_by_label("Your question")
    question.fill("How tall is the lighthouse of Elsin?")
    question.press("Enter")
    expect(page.locator("#conversation")).to_contain_text("61 metres")
    assert "mrk_" not in page.evaluate("document.cookie")

    page.goto(f"{closed}/documents/lighthouse")
    expect(page.get_by_text("Visitors may climb it")).to_be_visible()
    page.goto(f"{closed}/sign-in")
    page.get_by_role("button", name="Sign out").click()
    page.goto(closed)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    context.close()


def test_who_may_only_ask_is_not_offered_to_add_or_delete(
    closed: str, keys: KeyFile, browser: Browser
) -> None:
    for scope, may_change in ((Scope.ASK, False), (Scope.INGEST, True)):
        token = keys.add(scope.label, scope)
        context = browser.new_context(locale="en")
        page = context.new_page()
        page.goto(closed)
        page.get_by_label("Key").fill(token)
        page.get_by_label("Key").press("Enter")
        page.get_by_role("tab", name="Record").click()
        expect(page.locator(".document")).to_have_count(3)
        expect(page.locator("[data-delete]")).to_have_count(3 if may_change else 0)
        expect(page.locator(".upload")).to_have_count(1 if may_change else 0)
        context.close()


def test_a_question_for_which_there_is_no_place_is_told_in_words(
    closed: str, keys: KeyFile, small_application: Application, browser: Browser
) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(closed)
    question = page.get_by_label("Your question")
    question.wait_for()
    # As many as may be are waiting, as far as the gate can tell.
    small_application.admission.waiting += 1_000
    try:
        question.fill("How tall is the lighthouse of Elsin?")
        question.press("Enter")
        expect(page.locator("#conversation")).to_contain_text("Too many questions are being asked")
    finally:
        small_application.admission.waiting -= 1_000
    question.fill("How tall is the lighthouse of Elsin?")
    question.press("Enter")
    expect(page.locator("#conversation")).to_contain_text("61 metres")
    context.close()

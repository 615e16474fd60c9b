"""axe-core finds nothing serious on any page of the window, in any state, light or dark."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from ui.messages import LANGUAGES

OpenPage = Callable[..., Page]

GRAVE = {"serious", "critical"}


def assert_nothing_grave(page: Page) -> None:
    results = Axe().run(page)
    grave = [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in results.response["violations"]
        if violation["impact"] in GRAVE
        for node in violation["nodes"]
    ]
    assert not grave, "\n".join(grave)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_chat(address: str, open_page: OpenPage, scheme: str) -> None:
    page = open_page(address, color_scheme=scheme, reduced_motion="reduce")
    page.locator("#questions button").first.wait_for()
    assert_nothing_grave(page)
    for question, reply in (
        ("Where is the Shinagawa facility of MediNet?", "answered"),
        ("What is the price of gold in Zurich?", "not-found"),
    ):
        page.get_by_label("Your question").fill(question)
        page.keyboard.press("Enter")
        page.locator(f".reply.{reply}").wait_for()
    page.locator(".reply.answered .marker").click()
    page.locator("#questions button").first.wait_for()
    assert_nothing_grave(page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_in_every_language(address: str, open_page: OpenPage, language: str) -> None:
    page = open_page(f"{address}/?language={language}")
    tabs = page.get_by_role("tab")
    for tab in tabs.all():
        tab.click()
        expect(tab).to_have_attribute("aria-selected", "true")
        page.wait_for_load_state("networkidle")
        assert_nothing_grave(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_document(address: str, open_page: OpenPage, scheme: str) -> None:
    page = open_page(address, color_scheme=scheme)
    page.goto(f"{address}/documents/medinet#c=0-20")
    assert_nothing_grave(page)

"""axe-core finds nothing serious on any page of the window, in any state, light or dark."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

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
def test_every_page(address: str, open_page: OpenPage, scheme: str) -> None:
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
    for tab in page.get_by_role("tab").all()[1:]:
        tab.click()
        shown = page.locator(f"#{tab.get_attribute('aria-controls')}")
        expect(shown).to_be_visible()
        expect(shown.locator(".loading")).to_have_count(0)
        assert_nothing_grave(page)
    page.goto(f"{address}/documents/medinet#c=0-20")
    assert_nothing_grave(page)

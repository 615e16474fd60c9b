"""The report in a real browser that reaches nothing but the file."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

from eval.html_report import html_report
from eval.report import Run
from ui.screenshots import find_browser, launch


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if find_browser() is None:
        pytest.skip("needs a browser: apt-get install chromium")
    with sync_playwright() as playwright, launch(playwright) as started:
        yield started


@pytest.fixture
def page(browser: Browser, run: Run, tmp_path: Path) -> Iterator[Page]:
    """The report of a small run; it may ask for nothing and complain of nothing."""
    file = tmp_path / "report.html"
    file.write_text(html_report(run, reveal_test=True), encoding="utf-8")
    complaints: list[str] = []

    def refuse(route: Route) -> None:
        if route.request.url != file.as_uri():
            complaints.append(route.request.url)
        route.continue_()

    context = browser.new_context()
    context.route("**/*", refuse)
    opened = context.new_page()
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda message: complaints.append(message.text))
    opened.goto(file.as_uri())
    yield opened
    context.close()
    assert complaints == []


def test_wrong_answers_can_be_narrowed_by_cause_and_by_words(page: Page) -> None:
    cards = page.locator("#wrong .answer:visible")
    assert cards.count() == 3
    page.get_by_label("cause").select_option("crashed or timed out")
    assert cards.count() == 1
    assert page.locator("#count").inner_text() == "1 of 3"
    page.get_by_label("cause").select_option("every cause")
    page.get_by_label("search").fill("lamp restored")
    assert cards.all_inner_texts()[0].startswith("Who restored the lamp?")
    assert cards.count() == 1


def test_plots_are_drawn_within_the_page(page: Page) -> None:
    assert page.locator("svg.plot").count() == 4
    for plot in page.locator("svg.plot").all():
        box = plot.bounding_box()
        assert box is not None
        assert box["width"] > 100
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.viewport_size["width"]  # type: ignore[index]


def test_a_narrow_screen_scrolls_tables_and_not_the_page(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

"""Pictures of the window for the README, from a running server: `python -m ui.screenshots http://127.0.0.1:8000`."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, Playwright, ViewportSize, sync_playwright

FOLDER = Path(__file__).parent / "screenshots"
SIZE: ViewportSize = {"width": 1280, "height": 800}
TELEPHONE: ViewportSize = {"width": 390, "height": 844}
# Of no record that this is likely to be served with.
UNANSWERED = "What does a litre of milk cost in Reykjavik?"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
# Of its own accord the browser may reach for no other host, neither for updates nor for anything else.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_browser() -> str | None:
    """The path of an installed Chromium."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


def launch(playwright: Playwright) -> Browser:
    """The installed Chromium, without a screen.

    Raises:
        FileNotFoundError: there is none.
    """
    program = find_browser()
    if program is None:
        raise FileNotFoundError("No Chromium found. Install it: apt-get install chromium")
    return playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))


def take(browser: Browser, url: str, folder: Path) -> None:
    """Start; an answer with its source open, also in the dark and on a telephone; no answer; and the other pages."""
    page = _visit(browser, url, SIZE)
    page.screenshot(path=folder / "start.png")
    question = page.locator("#questions button").first.inner_text()
    _open_source(page, question, folder / "answer.png")
    _ask(page, UNANSWERED)
    page.locator(".reply.not-found").wait_for()
    page.screenshot(path=folder / "not-found.png", animations="disabled")
    _open_source(_visit(browser, url, SIZE, "dark"), question, folder / "dark.png")
    telephone = _visit(browser, url, TELEPHONE)
    _ask(telephone, question)
    telephone.locator(".reply.answered").wait_for()
    telephone.locator("#questions button").first.wait_for()
    telephone.screenshot(path=folder / "phone.png", animations="disabled")
    _take_pages(_visit(browser, url, SIZE), folder)


def _take_pages(page: Page, folder: Path) -> None:
    for tab, ready in (("record", ".document"), ("accuracy", "#accuracy .card")):
        page.locator(f'[role="tab"][data-tab-id="{tab}"]').click()
        page.locator(ready).first.wait_for()
        page.screenshot(path=folder / f"{tab}.png", animations="disabled")
    page.locator('[role="tab"][data-tab-id="pictures"]').click()
    for picture in ("timeline", "network"):
        drawing = page.locator(f'[aria-labelledby="picture-{picture}"]')
        drawing.wait_for()
        drawing.screenshot(path=folder / f"{picture}.png", animations="disabled")


def _visit(
    browser: Browser, url: str, size: ViewportSize, scheme: Literal["light", "dark"] = "light"
) -> Page:
    page = browser.new_page(viewport=size, color_scheme=scheme, locale="en", reduced_motion="reduce")
    page.goto(url)
    page.locator("#questions button").first.wait_for()
    return page


def _ask(page: Page, question: str) -> None:
    page.locator("#question textarea").fill(question)
    page.keyboard.press("Enter")


def _open_source(page: Page, question: str, file: Path) -> None:
    _ask(page, question)
    page.locator(".reply.answered .marker").first.click()
    page.locator("mark.current").wait_for()
    page.locator("#questions button").first.wait_for()
    page.screenshot(path=file, animations="disabled")


def main() -> None:
    """Read the arguments and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="where the window is served")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, launch(playwright) as browser:
        take(browser, arguments.url, arguments.folder)


if __name__ == "__main__":
    main()

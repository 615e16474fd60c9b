"""Pictures of the window for the README, from a running server: `python -m ui.screenshots http://127.0.0.1:8000`."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from playwright.sync_api import Browser, Page, Playwright, ViewportSize, sync_playwright

FOLDER = Path(__file__).parent / "screenshots"
SIZE: ViewportSize = {"width": 1280, "height": 800}
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


def take(page: Page, url: str, folder: Path) -> None:
    """The start page, and an answer with its source open: to the first question that the window suggests."""
    page.goto(url)
    example = page.locator("#examples button").first
    example.wait_for()
    page.screenshot(path=folder / "start.png")
    example.click()
    page.locator(".reply.answered .marker").first.click()
    page.locator("mark.current").wait_for()
    page.screenshot(path=folder / "answer.png", animations="disabled")


def main() -> None:
    """Read the arguments and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="where the window is served")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, launch(playwright) as browser:
        take(browser.new_page(viewport=SIZE), arguments.url, arguments.folder)


if __name__ == "__main__":
    main()

"""How fast and how heavy the window is in a browser: `python -m ui.measure http://127.0.0.1:8000`."""

from __future__ import annotations

import argparse
import statistics
from collections import Counter
from dataclasses import dataclass

from playwright.sync_api import Browser, Page, sync_playwright

from ui.screenshots import SIZE, launch

# From the key that sends to what a person can read: milliseconds to the first character and to the whole answer.
WATCH = """
() => new Promise((resolve) => {
  const turn = document.querySelectorAll(".turn").length;
  const box = document.querySelector("#question textarea");
  let began = 0, first = 0;
  const look = () => {
    const reply = document.querySelectorAll(".turn")[turn]?.querySelector(".reply");
    if (!reply) return;
    const readable = reply.matches(".draft, .answered, .not-found, .problem");
    if (readable && !first) first = performance.now() - began;
    if (!reply.matches(".answered, .not-found, .problem")) return;
    watch.disconnect();
    resolve([first, performance.now() - began]);
  };
  const watch = new MutationObserver(look);
  watch.observe(document.querySelector("#conversation"), { childList: true, subtree: true, attributes: true });
  began = performance.now();
  box.dispatchEvent(new KeyboardEvent("keypress", { key: "Enter", bubbles: true }));
  box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
})
"""


@dataclass(frozen=True, slots=True)
class Weight:
    """What one visit loads, as it goes over the wire, and how long until a question can be typed (milliseconds)."""

    requests: int
    kibibytes: float
    milliseconds: float


def weigh(browser: Browser, url: str) -> Weight:
    """Visit once with an empty cache."""
    context = browser.new_context(viewport=SIZE, locale="en")
    page = context.new_page()
    session = context.new_cdp_session(page)
    loaded: list[float] = []
    session.on("Network.loadingFinished", lambda told: loaded.append(told["encodedDataLength"]))
    session.send("Network.enable")
    page.goto(url)
    page.locator("#questions button").first.wait_for()
    ready = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0")
    context.close()
    return Weight(len(loaded), sum(loaded) / 1024, ready)


def answering(page: Page, questions: list[str], rounds: int) -> list[tuple[float, float]]:
    """Milliseconds to the first readable character and to the whole answer, for each round."""
    times = []
    for number in range(rounds):
        page.locator("#question textarea").fill(questions[number % len(questions)])
        first, whole = page.evaluate(WATCH)
        times.append((first, whole))
        page.locator("#new-conversation").click()
        page.locator(".turn").first.wait_for(state="detached")
    return times


def barriers(page: Page) -> Counter[str]:
    """What axe-core finds on the page as it stands, by how grave it is."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return Counter(str(violation["impact"]) for violation in found for _ in violation["nodes"])


def measure(browser: Browser, url: str, rounds: int) -> None:
    """Measure and print."""
    weight = weigh(browser, url)
    print(f"page weight: {weight.requests} requests, {weight.kibibytes:,.0f} KiB")
    print(f"first paint: {weight.milliseconds:.0f} ms")
    for scheme in ("light", "dark"):
        context = browser.new_context(viewport=SIZE, locale="en", color_scheme=scheme)
        page = context.new_page()
        page.goto(url)
        page.locator("#questions button").first.wait_for()
        questions = page.locator("#questions button").all_inner_texts()
        if scheme == "light":
            firsts, wholes = zip(*answering(page, questions, rounds), strict=True)
            print(f"first character: median {statistics.median(firsts):.0f} ms of {rounds}")
            print(f"whole answer: median {statistics.median(wholes):.0f} ms, slowest {max(wholes):.0f} ms")
        for tab in page.get_by_role("tab").all():
            tab.click()
            page.wait_for_timeout(1_000)
            name = tab.inner_text()
            print(f"axe-core, {scheme}, {name}: {dict(barriers(page)) or 'nothing'}")
        context.close()


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="where the window is served")
    parser.add_argument("--rounds", type=int, default=20, help="how many questions are asked")
    arguments = parser.parse_args()
    with sync_playwright() as playwright, launch(playwright) as browser:
        measure(browser, arguments.url, arguments.rounds)


if __name__ == "__main__":
    main()

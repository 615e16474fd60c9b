"""The quote that a link names, as a browser shows it on the document page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, Page

from rag.api.app import create_app
from rag.domain import Document
from rag.settings import Settings
from rag.wiring import Application, build

LETTERS = """---
id: letters
title: Letters 𝔘𝔫𝔦𝔠𝔬𝔡𝔢
---

# Letters 𝔘𝔫𝔦𝔠𝔬𝔡𝔢

The 𝔉erry 🚢🚢 costs 12 €. A family 👩‍👩‍👧‍👦 pays half, says Zoë. 東京は日本の首都です。

- First 🥇 item
  - Nested 𝔫 item
- Last item

Hello <b>bold</b> <script>document.title = "owned"</script> ![x](https://example.com/x.png) &amp;

```
if a < b:
    𝔵 = "é"
```

{filler}

עברית 123 and the end 🏁.
""".replace("{filler}", "\n\n".join(f"Paragraph {number} fills the page. " * 12 for number in range(20)))


@pytest.fixture(scope="module")
def record(
    make_settings: Callable[..., Settings], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Application]:
    """A record of one document with everything in it that can be got wrong."""
    folder: Path = tmp_path_factory.mktemp("letters")
    (folder / "letters.md").write_text(LETTERS, encoding="utf-8")
    application = build(make_settings(tmp_path_factory.mktemp("letters-data"), corpus_dir=folder))
    report = application.synchronise()
    assert report.added == ("letters",)
    yield application
    application.close()


@pytest.fixture(scope="module")
def document(record: Application) -> Document:
    return record.catalog.document("letters")


@pytest.fixture(scope="module")
def url(record: Application, serving: Callable[[FastAPI], AbstractContextManager[str]]) -> Iterator[str]:
    with serving(create_app(record)) as address:
        yield f"{address}/documents/letters"


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    """A tab that must not complain and must not ask other hosts."""
    page = browser.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request",
        lambda request: complaints.append(request.url) if not url.startswith(origin(request.url)) else None,
    )
    yield page
    page.close()
    # Chromium asks for the icon that the chat window has; here there is none.
    assert [complaint for complaint in complaints if "404 (Not Found)" not in complaint] == []


def origin(address: str) -> str:
    return "/".join(address.split("/")[:3])


def marked(page: Page) -> list[str]:
    return page.locator("mark").all_text_contents()


def pieces(document: Document, start: int, end: int) -> list[str]:
    """What of a range is in blocks, block by block."""
    spans = [(max(start, block.start), min(end, block.end)) for block in document.blocks]
    return [document.text[first:last] for first, last in spans if first < last]


@pytest.mark.parametrize(
    "quote",
    [
        "The 𝔉erry 🚢🚢 costs 12 €.",
        "A family 👩‍👩‍👧‍👦 pays half, says Zoë.",
        "東京は日本の首都です。",
        "𝔘𝔫𝔦𝔠𝔬𝔡𝔢",
        "Nested 𝔫 item",
        '<script>document.title = "owned"</script>',
        'if a < b:\n    𝔵 = "é"',
        "עברית 123 and the end 🏁.",
    ],
)
def test_the_quote_is_marked_in_view_and_has_the_focus(
    page: Page, url: str, document: Document, quote: str
) -> None:
    start = document.text.index(quote)
    page.goto(f"{url}#c={start}-{start + len(quote)}")
    assert marked(page) == [quote]
    assert page.evaluate("document.activeElement.tagName") == "MARK"
    assert page.evaluate("document.activeElement.textContent") == quote
    box = page.locator("mark").bounding_box()
    size = page.viewport_size
    assert box
    assert size
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= size["height"]
    assert page.title() == document.title


def test_a_quote_may_span_blocks(page: Page, url: str, document: Document) -> None:
    start, end = document.text.index("says Zoë"), document.text.index("Last item") + 4
    page.goto(f"{url}#c={start}-{end}")
    assert marked(page) == pieces(document, start, end)
    assert len(marked(page)) == 4
    assert page.evaluate("document.activeElement === document.querySelector('mark')")


def test_every_block_can_be_marked_whole_and_by_its_ends(page: Page, url: str, document: Document) -> None:
    page.goto(url)
    for block in document.blocks:
        for start, end in (
            (block.start, block.end),
            (block.start, block.start + 1),
            (block.end - 1, block.end),
        ):
            page.evaluate("hash => { location.hash = hash }", f"c={start}-{end}")
            page.wait_for_function(
                "text => document.querySelectorAll('mark').length === 1"
                " && document.querySelector('mark').textContent === text",
                arg=document.text[start:end],
            )


@pytest.mark.parametrize(
    "fragment",
    ["", "c=", "c=5", "c=9-5", "c=5-5", "c=-1-5", "c=1-x", "c=999999-9999999", "c=1e3-2e3", "x", "c=%00-1"],
)
def test_a_fragment_that_names_no_range_marks_nothing(page: Page, url: str, fragment: str) -> None:
    page.goto(f"{url}#{fragment}")
    page.locator("article").wait_for()
    assert marked(page) == []
    assert page.evaluate("document.activeElement.tagName") == "BODY"


def test_a_range_past_the_end_is_marked_as_far_as_it_goes(page: Page, url: str, document: Document) -> None:
    start = document.text.index("the end 🏁")
    page.goto(f"{url}#c={start}-{10**12}")
    assert marked(page) == ["the end 🏁."]


def test_a_range_between_blocks_marks_nothing(page: Page, url: str, document: Document) -> None:
    gap = document.blocks[0].end
    page.goto(f"{url}#c={gap}-{document.blocks[1].start}")
    assert marked(page) == []


def test_another_fragment_moves_the_mark_and_leaves_the_text_alone(
    page: Page, url: str, document: Document
) -> None:
    page.goto(url)
    before = page.locator("article").inner_html()
    for quote in ("costs 12 €", "erry 🚢", "Last item"):
        start = document.text.index(quote)
        page.evaluate("hash => { location.hash = hash }", f"c={start}-{start + len(quote)}")
        page.wait_for_function("text => document.querySelector('mark')?.textContent === text", arg=quote)
        assert marked(page) == [quote]
    page.evaluate("location.hash = ''")
    page.wait_for_function("document.querySelector('mark') === null")
    assert page.locator("article").inner_html() == before


def test_without_javascript_the_page_still_reads(browser: Browser, url: str, document: Document) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(f"{url}#c=0-5")
    text = page.locator("article").inner_text()
    assert "The 𝔉erry 🚢🚢 costs 12 €." in text
    assert '<script>document.title = "owned"</script>' in text
    assert page.locator("h1").inner_text() == document.title
    page.close()


@pytest.mark.parametrize("width", [320, 768, 1920])
def test_nothing_needs_scrolling_sideways(page: Page, url: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(url)
    assert page.evaluate("document.documentElement.scrollWidth") <= width

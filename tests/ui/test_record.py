"""The page of the record as a person uses it: a real browser, a real server, a record of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect

from rag.settings import Settings
from rag.wiring import Application, build
from tests.ui.examples import HOSTILE

OpenPage = Callable[..., Page]
Serve = Callable[[Application], AbstractContextManager[str]]

DATED = """---
title: Harbour works
kind: project
source: {title: Elsin Gazette, published: 2023-06-01}
---
The Port of Elsin opened a new container quay on 4 May 2023.
"""
BEACON = b"# The beacon of Varn\n\nThe beacon of Varn stands 17 metres tall.\n"


@pytest.fixture(scope="module")
def served(
    make_settings: Callable[..., Settings], tmp_path_factory: pytest.TempPathFactory, serve: Serve
) -> Iterator[str]:
    """Three documents, one of them with a title that would like to be more."""
    folder = tmp_path_factory.mktemp("documents")
    _write(folder)
    application = build(make_settings(tmp_path_factory.mktemp("data"), corpus_dir=folder))
    application.synchronise()
    with serve(application) as address:
        yield address
    application.close()


def _write(folder: Path) -> None:
    (folder / "harbour.md").write_text(DATED)
    (folder / "ferry.txt").write_text("The ferry to Varn leaves at 7:30 every morning.")
    title = HOSTILE.replace("'", "''")
    (folder / "hostile.md").write_text(f"---\ntitle: '{title}'\nkind: letter\n---\nNothing of note.\n")


def record_of(page: Page, name: str = "Record") -> Page:
    page.get_by_role("tab", name=name, exact=True).click()
    page.locator("#record-list .document").first.wait_for()
    return page


def titles(page: Page) -> list[str]:
    return [
        title.removesuffix("(in a new tab)").strip()
        for title in page.locator("#record-list .document h3").all_inner_texts()
    ]


def test_documents_are_found_while_one_types(served: str, open_page: OpenPage) -> None:
    page = record_of(open_page(served))
    expect(page.locator(".total")).to_have_text("3 documents")
    assert HOSTILE in titles(page)
    page.get_by_label("Search the documents").press_sequentially("quay container")
    expect(page.locator(".total")).to_have_text("1 document")
    assert titles(page) == ["Harbour works"]
    page.get_by_label("Search the documents").fill("zeppelin")
    expect(page.locator("#record-list")).to_contain_text("No document fits")
    page.get_by_label("Search the documents").fill("")
    expect(page.locator(".total")).to_have_text("3 documents")


def test_limits_hold_in_the_chat_and_are_lifted_there(served: str, open_page: OpenPage) -> None:
    page = record_of(open_page(served))
    page.get_by_role("button", name=re.compile("^Letter")).focus()
    page.keyboard.press("Enter")
    letters = page.get_by_role("button", name=re.compile("^Letter"))
    expect(letters).to_have_attribute("aria-pressed", "true")
    expect(letters).to_be_focused()
    expect(page.locator(".total")).to_have_text("1 document")
    page.get_by_role("tab", name="Chat").click()
    page.get_by_label("Your question").fill("When does the ferry to Varn leave?")
    page.keyboard.press("Enter")
    page.locator(".reply.not-found").wait_for()
    page.locator("#filters").get_by_role("button", name="Remove: Letter").click()
    expect(page.locator("#filters button")).to_have_count(0)
    page.get_by_label("Your question").fill("When does the ferry to Varn leave?")
    page.keyboard.press("Enter")
    expect(page.locator(".reply.answered")).to_contain_text("7:30")
    record_of(page)
    expect(page.locator(".total")).to_have_text("3 documents")


def test_dates_and_single_documents_limit_too(served: str, open_page: OpenPage) -> None:
    page = record_of(open_page(served))
    page.get_by_label("From", exact=True).fill("2023-05-31")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator(".total")).to_have_text("1 document")
    page.get_by_role("button", name="Ask only this: Harbour works").click()
    active = page.locator("#record-active")
    expect(active).to_contain_text("since 31 May 2023")
    expect(active).to_contain_text("Harbour works")
    active.get_by_role("button", name="Search everything").click()
    expect(page.locator(".total")).to_have_text("3 documents")
    expect(page.get_by_label("From", exact=True)).to_have_value("")


def test_a_document_is_added_asked_about_and_deleted(served: str, open_page: OpenPage) -> None:
    page = record_of(open_page(served))
    files: list[FilePayload] = [
        {"name": "<b>beacon.md", "mimeType": "text/markdown", "buffer": BEACON},
        {"name": "beacon.md", "mimeType": "text/markdown", "buffer": BEACON},
        {"name": "broken.pdf", "mimeType": "application/pdf", "buffer": b"not a PDF"},
    ]
    page.locator('.upload input[type="file"]').set_input_files(files)
    rows = page.locator(".upload .report li")
    expect(rows).to_have_text(
        [re.compile("Not added"), re.compile("Added"), re.compile("Not added: .*content")]
    )
    expect(page.locator(".total")).to_have_text("4 documents")
    page.get_by_role("tab", name="Chat").click()
    page.get_by_label("Your question").fill("How tall is the beacon of Varn?")
    page.keyboard.press("Enter")
    expect(page.locator(".reply.answered")).to_contain_text("17 metres")

    record_of(page)
    delete = page.get_by_role("button", name="Delete: The beacon of Varn")
    delete.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("The beacon of Varn")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    delete.click()
    dialog.get_by_role("button", name="Delete").click()
    expect(page.locator(".total")).to_have_text("3 documents")
    assert "The beacon of Varn" not in titles(page)


def test_in_another_language_on_a_narrow_screen(served: str, open_page: OpenPage) -> None:
    page = open_page(served, locale="ja-JP", viewport={"width": 320, "height": 640})
    record_of(page, "文書")
    expect(page.locator(".total")).to_have_text("文書 3 件")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 320


def test_a_dropped_file_that_cannot_be_read_is_told_and_the_window_stays(
    served: str, open_page: OpenPage
) -> None:
    page = record_of(open_page(served))
    dropped = page.evaluate_handle(
        "() => { const dropped = new DataTransfer(); dropped.items.add(new File(['MZ'], 'a.exe')); return dropped }"
    )
    page.dispatch_event(".upload .drop", "drop", {"dataTransfer": dropped})
    row = page.locator(".upload .report li")
    expect(row).to_contain_text("a.exe Not added: ")
    page.dispatch_event("#record-main", "drop", {"dataTransfer": dropped})
    expect(row).to_have_count(1)


def test_a_server_that_is_gone_is_told(served: str, open_page: OpenPage) -> None:
    page = record_of(open_page(served))
    page.route("**/documents**", lambda route: route.abort())
    file: FilePayload = {"name": "beacon.md", "mimeType": "text/markdown", "buffer": BEACON}
    page.locator('.upload input[type="file"]').set_input_files(file)
    expect(page.locator(".upload .report")).to_contain_text("The server could not be reached")
    page.get_by_role("button", name="Delete: Harbour works").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("alert")).to_contain_text("The server could not be reached")
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Delete: Harbour works")).to_be_focused()

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from rag.wiring import Application
from tests.ui.examples import HOSTILE, document, summary
from ui.messages import LANGUAGES
from ui.network import NodeKind, network_of
from ui.pictures import Pictures, Seen, page_of, question_about, read_record

OpenPage = Callable[..., Page]


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_empty_record_explains_each_picture(language: str) -> None:
    page = page_of(Seen("none", (), network_of([])), language)
    assert page.count('class="empty"') == 3
    assert "<svg" not in page


def test_questions_are_asked_of_who_or_what() -> None:
    assert question_about("Ada Moreau", NodeKind.PERSON) == "Who is Ada Moreau?"
    assert question_about("Brandt  Marine Inc.", NodeKind.ORGANISATION) == "Tell me about Brandt Marine Inc."
    assert len(question_about("x" * 5_000, None)) < 300


def test_a_choice_finds_its_documents(small_application: Application) -> None:
    seen = read_record(small_application.catalog)
    label, kind, found = seen.chosen("name", "Ada Moreau", "")
    assert (label, kind, [document.id for document in found]) == ("Ada Moreau", NodeKind.PERSON, ["harbour"])
    assert [document.id for document in seen.chosen("mark", "2023-05", "project")[2]] == ["harbour"]
    assert seen.chosen("kind", "project", "")[2] == found
    for field in ("name", "mark", "kind", HOSTILE):
        assert seen.chosen(field, HOSTILE, HOSTILE)[2] == []


def test_one_document_is_asked_about_by_its_title(small_application: Application) -> None:
    seen = Seen("x", (summary("a", title="The quay", date="2023"),), network_of([document("a")]))
    dialog = Pictures(small_application, "en").choice(seen, "mark", "2023", "report")
    assert "Tell me about The quay." in dialog


def pictures_of(page: Page) -> Page:
    page.get_by_role("tab", name="Pictures").click()
    page.locator("svg.network").wait_for()
    return page


def test_somebody_in_the_network_is_asked_about(address: str, open_page: OpenPage) -> None:
    page = pictures_of(open_page(address))
    page.locator(".network [data-value='Michael Huang']").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Michael Huang")
    expect(dialog.get_by_role("link").first).to_have_attribute("href", re.compile("^/documents/"))
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Ask about it").click()
    expect(page.locator(".question")).to_have_text("Who is Michael Huang?")
    page.locator(".reply.answered").wait_for()


def test_a_mark_of_the_timeline_limits_the_chat(address: str, open_page: OpenPage) -> None:
    page = pictures_of(open_page(address))
    page.locator(".timeline .mark[data-kind='visit']").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Visit, April 2025")
    dialog.get_by_role("button", name="Ask only these documents").click()
    expect(page.locator("#filters")).to_contain_text("Visit to CBC Group")
    expect(page.get_by_label("Your question")).to_be_visible()
    pictures_of(page)
    page.locator(".bars button").first.click()
    expect(dialog).to_contain_text("Delegate")

import re
from urllib.parse import unquote

import pytest
from selectolax.lexbor import LexborHTMLParser

from rag.domain import Copy, Filters
from tests.ui.examples import HOSTILE, summary
from ui.browse import address_of, documents, limits, search_form, upload_area
from ui.messages import LANGUAGES


def test_kinds_stand_by_their_number_with_those_chosen_pressed() -> None:
    page = LexborHTMLParser(
        limits({"letter": 1, "press_release": 3}, Filters(kinds=("letter", "gone")), "en")
    )
    buttons = page.css("button[data-field]")
    assert [button.text(separator=" ").split() for button in buttons] == [
        ["Press", "release", "3"],
        ["Letter", "1"],
        ["Gone", "0"],
    ]
    assert [button.attributes["aria-pressed"] for button in buttons] == ["false", "true", "true"]


def test_dates_that_hold_stand_in_their_fields() -> None:
    page = LexborHTMLParser(limits({}, Filters(published_from="2023-05-04", published_to="2024"), "en"))
    assert [field.attributes["value"] for field in page.css("input[type=date]")] == ["2023-05-04", ""]


def test_a_page_of_documents_says_how_many_are_left() -> None:
    page = LexborHTMLParser(documents([summary(f"d{n}") for n in range(7)], 5, Filters(), "en"))
    assert len(page.css("li.document")) == 5
    assert page.css_first(".total").text() == "7 documents"
    assert "2 left" in page.css_first("button.more").text()
    assert not LexborHTMLParser(documents([summary("d")], 5, Filters(), "en")).css("button.more")


def test_a_document_says_what_it_is_and_where_it_comes_from() -> None:
    copy = Copy("b", "The same elsewhere", "b.md", None)
    found = summary(
        "a b/c", date="2023-05", published="2023-06-01", source="Elsin Gazette", also_in=(copy,) * 5
    )
    row = LexborHTMLParser(documents([found], 5, Filters(document_ids=("a b/c",)), "en"))
    text = row.css_first("li").text()
    for part in (
        "Report",
        "May 2023",
        "Published 1 June 2023",
        "2 passages",
        "Elsin Gazette",
        "elsewhere",
        "+2",
    ):
        assert part in text
    assert row.css_first("h3 a").attributes["href"] == "/documents/a%20b%2Fc"
    assert row.css_first("button[data-field]").attributes["aria-pressed"] == "true"


def test_who_may_not_delete_is_shown_no_button_for_it() -> None:
    assert "data-delete" in documents([summary("a")], 5, Filters(), "en")
    assert "data-delete" not in documents([summary("a")], 5, Filters(), "en", may_delete=False)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_documents_say_is_shown_as_text(language: str) -> None:
    hostile = summary(
        HOSTILE, title=HOSTILE, kind=HOSTILE, source=HOSTILE, also_in=(Copy("c", HOSTILE, "c", None),)
    )
    html = (
        documents([hostile], 5, Filters(), language)
        + limits({HOSTILE: 1}, Filters(), language)
        + documents([], 5, Filters(), language)
    )
    page = LexborHTMLParser(html)
    assert not page.css("script, img, [onerror]")
    assert {link.attributes["href"] for link in page.css("a")} == {address_of(HOSTILE)}
    assert page.css_first("[data-delete]").attributes["data-delete"] == HOSTILE
    assert unquote(address_of(HOSTILE)) == f"/documents/{HOSTILE}"


def test_files_go_to_the_server_that_the_window_came_from() -> None:
    address = re.compile(r'data-address="([^"]*)"')
    assert address.findall(upload_area("en")) == ["./documents"]
    assert address.findall(upload_area("ja")) == ["../documents"]
    assert "data-live" in search_form("ja")

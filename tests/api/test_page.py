"""The document page, without a browser."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from rag.api.page import document_page, readable_date
from rag.domain import BlockKind, Document, Source
from rag.text import TextBuilder
from rag.wiring import Application

HTML = {"Accept": "text/html"}
ATTACK = (
    '<script>alert(1)</script><img src=x onerror=alert(2)> " onfocus="alert(3)" \' {{ 7*7 }} &amp; ]]> -->'
)


def built(*blocks: tuple[BlockKind, str, int], title: str = "A title") -> Document:
    """A document of these blocks, made as the readers of files make theirs."""
    builder = TextBuilder()
    for kind, text, level in blocks:
        builder.add(kind, text, level)
    return Document(
        id="d",
        title=title,
        kind="note",
        text=builder.text,
        blocks=tuple(builder.blocks),
        sections=builder.sections(),
        path="d.md",
        sha256="0" * 64,
    )


def assert_holds_the_text(html: str, document: Document) -> None:
    """Each element with offsets holds just that stretch of the text, and together they hold every block."""
    found = []
    for element in LexborHTMLParser(html).css("[data-start]"):
        start, end = int(element.attributes["data-start"] or ""), int(element.attributes["data-end"] or "")
        assert element.text(deep=True) == document.text[start:end]
        assert not element.css("*")[1:]
        found.append((start, end))
    assert found == [(block.start, block.end) for block in document.blocks]


def outline(html: str, selector: str = "article") -> str:
    """The elements below one, as nested words."""
    (root,) = LexborHTMLParser(html).css(selector)

    def words(node: object) -> str:
        children = [words(child) for child in node.iter()]  # type: ignore[attr-defined]
        inside = " ".join(child for child in children if child)
        return f"{node.tag}({inside})" if inside else str(node.tag)  # type: ignore[attr-defined]

    return words(root)


def test_every_page_of_the_record_holds_its_text(client: TestClient, application: Application) -> None:
    for summary in client.get("/documents").json()["documents"]:
        response = client.get(f"/documents/{summary['id']}", headers=HTML)
        assert response.status_code == 200
        document = application.catalog.document(summary["id"])
        assert_holds_the_text(response.text, document)
        (heading,) = LexborHTMLParser(response.text).css("h1")
        assert heading.text() == document.title


BLOCKS = st.lists(
    st.tuples(
        st.sampled_from(BlockKind),
        st.text(st.characters(codec="utf-8"), max_size=30)
        | st.sampled_from(["\r\n\r", "a\r\nb", "\n\nx", ATTACK, "𝔘é"]),
        st.integers(0, 6),
    ),
    max_size=12,
)


@given(BLOCKS)
def test_any_text_comes_through_character_for_character(blocks: list[tuple[BlockKind, str, int]]) -> None:
    document = built(*blocks)
    assert_holds_the_text(document_page(document), document)


def test_what_a_document_holds_is_only_text() -> None:
    hostile = built(
        (BlockKind.HEADING, ATTACK, 1),
        (BlockKind.PARAGRAPH, ATTACK, 0),
        (BlockKind.LIST_ITEM, ATTACK, 1),
        (BlockKind.CODE, ATTACK, 0),
        (BlockKind.TABLE_ROW, ATTACK, 0),
        title=ATTACK,
    )
    hostile = replace(
        hostile,
        kind=ATTACK,
        date="2025",
        place=ATTACK,
        people=(ATTACK,),
        organisations=(ATTACK,),
        source=Source(ATTACK, ATTACK),
    )
    html = document_page(hostile)
    harmless = document_page(replace(hostile, text="x" * len(hostile.text), title="x" * len(ATTACK)))
    page, reference = LexborHTMLParser(html), LexborHTMLParser(harmless)
    assert [element.tag for element in page.css("body *")] == [
        element.tag for element in reference.css("body *")
    ]
    (script,) = page.css("script")
    assert str(script.attributes["src"]).startswith("/page-assets/highlight.js?")
    assert page.css("dd")[1].text() == ATTACK
    assert page.css_first("title").text() == ATTACK
    names = {name for element in page.css("*") for name in element.attributes}
    assert not {name for name in names if name.startswith("on") or name == "style"}


def test_the_title_is_not_said_twice() -> None:
    once = document_page(
        built((BlockKind.HEADING, "The ferry", 1), (BlockKind.PARAGRAPH, "It sails.", 0), title="The ferry")
    )
    assert outline(once, "article > header h1") == "h1(span)"
    assert once.count("The ferry</span>") == 1
    assert outline(once, "article").endswith("p(span))")

    other = document_page(
        built((BlockKind.HEADING, "Timetable", 1), (BlockKind.PARAGRAPH, "It sails.", 0), title="The ferry")
    )
    assert '<h1 dir="auto">The ferry</h1>' in other
    assert outline(other, "article").endswith("h2(span) p(span))")


def test_headings_have_addresses_of_their_own() -> None:
    names = ["Who built it?", "Who built it", "費用 & 時間", "!!!", "kind"]
    html = document_page(
        built(*((BlockKind.HEADING, name, 2) for name in names), (BlockKind.PARAGRAPH, "x", 0))
    )
    found = [heading.attributes["id"] for heading in LexborHTMLParser(html).css("h2")]
    assert found == [
        "section-who-built-it",
        "section-who-built-it--2",
        "section-費用-時間",
        "section-",
        "section-kind",
    ]


def test_headings_that_look_alike_never_share_an_address() -> None:
    names = ["A", "A", "A 2", "A--2", "A", "a", "-A-", "!", "--2", "?"]
    html = document_page(
        built(*((BlockKind.HEADING, name, 1) for name in names), (BlockKind.PARAGRAPH, "x", 0))
    )
    found = [heading.attributes["id"] for heading in LexborHTMLParser(html).css("h2")]
    assert len(set(found)) == len(names)


def test_headings_start_below_the_title_and_go_no_deeper_than_html_does() -> None:
    levels = [3, 4, 3, 6, 5]
    html = document_page(
        built(*((BlockKind.HEADING, f"{n}", n) for n in levels), (BlockKind.PARAGRAPH, "x", 0))
    )
    assert outline(html).endswith("h2(span) h3(span) h2(span) h5(span) h4(span) p(span))")
    deep = document_page(
        built(*((BlockKind.HEADING, f"{n}", n) for n in (1, 6)), (BlockKind.PARAGRAPH, "x", 0))
    )
    assert outline(deep).endswith("h2(span) h6(span) p(span))")


def test_list_items_nest_by_their_level() -> None:
    levels = [1, 2, 2, 1, 3, 1]
    items = [(BlockKind.LIST_ITEM, f"item {number}", level) for number, level in enumerate(levels)]
    html = document_page(
        built(*items, (BlockKind.PARAGRAPH, "between", 0), (BlockKind.LIST_ITEM, "alone", 2))
    )
    item = "li(span)"
    whole = f"ul(li(span ul({item} {item})) li(span ul({item})) {item})"
    assert outline(html).endswith(f"{whole} p(span) ul({item}))")


def test_metadata_that_is_not_there_takes_no_place() -> None:
    document = built((BlockKind.PARAGRAPH, "x", 0))
    assert LexborHTMLParser(document_page(document)).css("dt") == []
    full = replace(
        document,
        date="2025-04",
        place="Tokyo",
        people=("A", "B"),
        organisations=("C",),
        source=Source("S", "P", "2025"),
    )
    page = LexborHTMLParser(document_page(full))
    facts = {name.text(): value.text() for name, value in zip(page.css("dt"), page.css("dd"), strict=True)}
    assert facts == {
        "Date": "April 2025",
        "Place": "Tokyo",
        "People": "A, B",
        "Organisations": "C",
        "Source": "P, S, 2025",
    }


@pytest.mark.parametrize(
    ("date", "words"),
    [
        ("2025-04-21", "21 April 2025"),
        ("2025-04-01", "1 April 2025"),
        ("2025-12", "December 2025"),
        ("2025", "2025"),
    ],
)
def test_a_date_is_as_precise_as_is_known(date: str, words: str) -> None:
    assert readable_date(date) == words


def test_the_page_may_load_nothing_from_elsewhere(client: TestClient) -> None:
    response = client.get("/documents/akousist", headers=HTML)
    assert response.headers["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "same-origin"
    page = LexborHTMLParser(response.text)
    assert page.css_first("nav a").attributes["href"] == "/"
    addresses = [element.attributes[name] for name in ("src", "href") for element in page.css(f"[{name}]")]
    for address in addresses:
        assert address
        assert address.startswith("/")
        if address != "/":
            assert client.get(address).status_code == 200
    assert not page.css("style")
    assert not [script for script in page.css("script") if script.text()]

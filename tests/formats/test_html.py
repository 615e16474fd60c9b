"""What press articles and web pages that were saved say of themselves."""

from __future__ import annotations

import json

import pytest

from rag.domain import BlockKind
from rag.formats.html import add_html
from rag.formats.metadata import Metadata
from rag.text import TextBuilder
from tests.contracts.documents import Read, shown


def told(head: str = "", body: str = "<p>Text.</p>") -> Metadata:
    return add_html(f"<html><head>{head}</head><body>{body}</body></html>", TextBuilder())


def linked(**stated: object) -> str:
    return f'<script type="application/ld+json">{json.dumps(stated)}</script>'


@pytest.mark.parametrize(
    ("head", "date"),
    [
        ('<meta property="article:published_time" content="2025-04-21T08:00:00+08:00">', "2025-04-21"),
        ('<meta name="citation_publication_date" content="2025/04/21">', "2025-04-21"),
        ('<meta name="DC.date.issued" content="2025-04">', "2025-04"),
        ('<meta itemprop="datePublished" content="April 21, 2025">', "2025-04-21"),
        ('<meta name="date" content="21 Apr 2025">', "2025-04-21"),
        ('<meta name="date" content="soon"><meta name="pubdate" content="2025">', "2025"),
        (linked(datePublished="2025-04-21T00:00:00Z", dateModified="2026-01-01"), "2025-04-21"),
        (linked(**{"@graph": [{"@type": "WebSite"}, {"datePublished": "2025-04-21"}]}), "2025-04-21"),
        ("<script type='application/ld+json'>{not json</script>", None),
        ('<meta property="article:modified_time" content="2026-01-01">', None),
    ],
)
def test_the_date_of_publication(head: str, date: str | None) -> None:
    assert told(head).published == date


@pytest.mark.parametrize(
    ("body", "date"),
    [
        (
            "<aside><time datetime='2001-01-01'></time></aside><article><time datetime='2025-04-21'>",
            "2025-04-21",
        ),
        ("<time>2001</time><time pubdate datetime='2025-04-21T10:00'>today</time>", "2025-04-21"),
        ("<p>Posted <time>21 April 2025</time></p>", "2025-04-21"),
        ("<time>an hour ago</time>", None),
        ("<p>21 April 2025</p>", None),
    ],
)
def test_the_date_that_the_article_shows(body: str, date: str | None) -> None:
    assert told(body=body).published == date


def test_an_article_says_who_wrote_and_who_published_it() -> None:
    article = linked(
        headline="The quay opens",
        author=[{"name": "Ada Moreau"}, "Ines Okafor"],
        publisher={"name": "Elsin Gazette"},
    )
    found = told(f"<title>The quay opens | Elsin Gazette</title>{article}")
    assert (found.title, found.author, found.publisher) == (
        "The quay opens",
        "Ada Moreau, Ines Okafor",
        "Elsin Gazette",
    )


def test_open_graph_goes_before_json_ld_and_the_title_of_the_window() -> None:
    found = told(
        '<title>Home</title><meta property="og:title" content="The  quay"><meta name="author" content="Ada Moreau">'
        '<meta property="og:site_name" content="Gazette"><meta property="article:author" content="https://example.org/ada">'
        + linked(headline="Quay")
    )
    assert (found.title, found.author, found.publisher) == ("The quay", "Ada Moreau", "Gazette")


def test_a_page_that_says_nothing() -> None:
    assert told() == Metadata()


@pytest.mark.parametrize(
    "graph", [{"name": 1}, [[[[]]]], {"@graph": {"@graph": {"datePublished": 7}}}, "x", None]
)
def test_linked_data_of_any_shape(graph: object) -> None:
    assert told(f'<script type="application/ld+json">{json.dumps(graph)}</script>') == Metadata()


def test_marks_of_footnotes_are_not_read_as_numbers() -> None:
    builder = TextBuilder()
    add_html(
        '<p>It cost 42<sup class="reference"><a href="#n1">[1]</a></sup> million<a role="doc-noteref">2</a>.</p>'
        "<p>E = mc<sup>2</sup></p>",
        builder,
    )
    assert [builder.text[block.start : block.end] for block in builder.blocks] == [
        "It cost 42 million.",
        "E = mc2",
    ]
    assert {block.kind for block in builder.blocks} == {BlockKind.PARAGRAPH}


HTML = """<!doctype html><html><head><title> The  ferry </title><style>p{}</style></head><body>
<nav>Menu</nav><h1>Ferry</h1>loose text<p>Leaves at <b>7:30</b>.<br>Daily.</p>
<div>One<div>Two</div>Three</div>
<ul><li>A<ul><li>B</li></ul>C</li></ul>
<pre>x = 1
  y</pre>
<table><caption>Fares</caption><tr><th>Who</th><th>Fare</th></tr><tr><td>Adults</td><td>12<br>euros</td></tr></table>
<script>alert(1)</script><footer>Foot</footer></body></html>"""


def test_html_becomes_text_with_its_structure(read: Read) -> None:
    document = read("ferry.html", HTML)
    assert document.title == "The ferry"
    assert shown(document) == [
        (BlockKind.HEADING, 1, "Ferry"),
        (BlockKind.PARAGRAPH, 0, "loose text"),
        (BlockKind.PARAGRAPH, 0, "Leaves at 7:30. Daily."),
        (BlockKind.PARAGRAPH, 0, "One"),
        (BlockKind.PARAGRAPH, 0, "Two"),
        (BlockKind.PARAGRAPH, 0, "Three"),
        (BlockKind.LIST_ITEM, 1, "A"),
        (BlockKind.LIST_ITEM, 2, "B"),
        (BlockKind.LIST_ITEM, 1, "C"),
        (BlockKind.CODE, 0, "x = 1\n  y"),
        (BlockKind.PARAGRAPH, 0, "Fares"),
        (BlockKind.TABLE_ROW, 0, "Who: Adults; Fare: 12 euros"),
    ]


def test_blocks_in_a_table_cell_do_not_run_together(read: Read) -> None:
    assert read(
        "x.html", "<table><tr><td><p>One.</p><p>Two.</p></td><td>T<b>hr</b>ee</td></tr></table>"
    ).text == ("One. Two.; Three")


def test_a_table_of_headings_alone_keeps_its_words(read: Read) -> None:
    assert read("x.html", "<table><tr><th>Quay</th><th>Length</th></tr></table>").text == "Quay; Length"


def test_a_table_with_headings_at_the_side(read: Read) -> None:
    html = "<table><tr><th>Length</th><td>400 m</td></tr><tr><th>Depth</th><td>12 m</td></tr></table>"
    assert read("x.html", html).text == "Length; 400 m\nDepth; 12 m"


def test_a_table_within_a_table_is_read_once(read: Read) -> None:
    html = "<table><tr><td>Outer <table><tr><td>inner</td></tr></table></td><td>Next</td></tr></table>"
    assert read("x.html", html).text.split() == ["Outer", "inner", "Next"]


def test_5000_nested_elements(read: Read) -> None:
    for opened, closed in (
        ("<div>", "</div>"),
        ("<ul><li>", "</li></ul>"),
        ("<table><tr><td>", "</td></tr></table>"),
    ):
        assert read("x.html", opened * 5_000 + "deep" + closed * 5_000).text == "deep"
    assert "deep" in read("y.md", "[" * 5_000 + "deep" + "](x)" * 5_000).text
    assert "deep" in read("z.md", "*" * 5_000 + "deep" + "*" * 5_000).text


def test_a_table_of_thousands_of_rows(read: Read) -> None:
    rows = "".join(f"<tr><td>{number}</td><td>x</td></tr>" for number in range(5_000))
    document = read("x.html", f"<table><tr><th>Number</th><th>Sign</th></tr>{rows}</table>")
    assert len(document.blocks) == 5_000
    assert document.text.endswith("Number: 4999; Sign: x")

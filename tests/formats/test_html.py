"""What press articles and web pages that were saved say of themselves."""

from __future__ import annotations

import json

import pytest

from rag.domain import BlockKind
from rag.formats.html import add_html
from rag.formats.metadata import Metadata
from rag.text import TextBuilder


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

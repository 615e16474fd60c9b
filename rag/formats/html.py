"""HTML: its blocks, and what a page says of itself: title, author, publisher, date."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from rag.dates import found_date
from rag.domain import BlockKind, ReadingLimits
from rag.formats.encoding import decode
from rag.formats.metadata import Metadata
from rag.text import TextBuilder, one_line, table_row

_HIDDEN_TAGS = [
    "script",
    "style",
    "noscript",
    "template",
    "nav",
    "footer",
    "aside",
    "form",
    "iframe",
    "svg",
    "button",
]
# Numbers that call a footnote, and arrows that lead back: in a sentence they would be read as a part of it.
_NOTE_MARKS = (
    "a.footnote-ref, a.footnote-back, a.noteref, a[role=doc-noteref], a[role=doc-backlink], sup.reference"
)
_BLOCK_TAGS = {
    "address", "article", "blockquote", "body", "dd", "details", "div", "dl", "dt", "fieldset", "figcaption", "figure",
    "header", "hr", "html", "li", "main", "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th",
    "thead", "tr", "ul", "h1", "h2", "h3", "h4", "h5", "h6",
}  # fmt: skip


def read_html(content: bytes, builder: TextBuilder, limits: ReadingLimits) -> Metadata:
    """A page, as a server sends it or a browser saves it."""
    return add_html(decode(content, limits, declares=True), builder)


def add_html(html: str, builder: TextBuilder) -> Metadata:
    """Add the blocks of a page; returns what it says of itself."""
    tree = LexborHTMLParser(html)
    metadata = _metadata(tree)
    if tree.body is not None:
        tree.body.strip_tags(_HIDDEN_TAGS)
        for note in tree.body.css(_NOTE_MARKS):
            note.decompose()
        _add_blocks(tree.body, builder)
    return metadata


# Where press articles and web pages say what they are: Open Graph (ogp.me), schema.org as JSON-LD and microdata,
# Dublin Core, Highwire Press (what scholarly search engines ask for). The first that is there counts.
_TITLES = ("og:title", "citation_title", "dc.title", "twitter:title")
_AUTHORS = ("author", "article:author", "citation_author", "dc.creator")
_PUBLISHERS = ("og:site_name", "citation_publisher", "dc.publisher")
_PUBLISHED = (
    "article:published_time", "og:published_time", "datepublished", "citation_publication_date", "citation_date",
    "dc.date.issued", "dcterms.issued", "dc.date", "dcterms.created", "dcterms.date", "date", "pubdate", "publishdate",
)  # fmt: skip


def _metadata(tree: LexborHTMLParser) -> Metadata:
    meta = _meta(tree)
    article = next(_articles(tree), {})
    node = tree.css_first("title")
    title = (
        _first(meta, _TITLES) or _line(article.get("headline")) or (one_line(node.text()) if node else None)
    )
    dates = (article.get("datePublished"), *(meta.get(name) for name in _PUBLISHED), _time(tree))
    return Metadata(
        title=title or None,
        author=_first(meta, _AUTHORS) or _names(article.get("author")),
        publisher=_first(meta, _PUBLISHERS) or _names(article.get("publisher")),
        published=next((date for date in map(found_date, filter(None, map(_line, dates))) if date), None),
    )


def _meta(tree: LexborHTMLParser) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in tree.css("meta[content]"):
        stated = node.attributes
        name = stated.get("property") or stated.get("name") or stated.get("itemprop") or ""
        found.setdefault(name.lower(), one_line(stated["content"] or ""))
    return found


def _first(meta: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    # Some name a profile page instead of a person.
    found = (meta.get(name) for name in names)
    return next((value for value in found if value and not value.startswith(("http:", "https:"))), None)


def _articles(tree: LexborHTMLParser) -> Iterator[Mapping[str, Any]]:
    """The objects of a page's JSON-LD that have a headline or a date of publication."""
    for node in tree.css('script[type="application/ld+json"]'):
        try:
            pending = [json.loads(node.text())]
        except (ValueError, RecursionError):
            continue
        while pending:
            found = pending.pop()
            if isinstance(found, list):
                pending += reversed(found)
            elif isinstance(found, dict):
                if "headline" in found or "datePublished" in found:
                    yield found
                pending.append(found.get("@graph"))


def _names(found: object) -> str | None:
    """A person or organisation of JSON-LD, or several, by name."""
    several = found if isinstance(found, list) else [found]
    names = (_line(one.get("name") if isinstance(one, dict) else one) for one in several[:10])
    return ", ".join(name for name in names if name and not name.startswith("http")) or None


def _line(value: object) -> str | None:
    return one_line(value) if isinstance(value, str) else None


def _time(tree: LexborHTMLParser) -> str | None:
    """The <time> that is marked as that of publication, or that the article begins with."""
    node = (
        tree.css_first("time[pubdate], time[itemprop=datePublished]")
        or tree.css_first("article time, main time, header time")
        or tree.css_first("time")
    )
    return (node.attributes.get("datetime") or node.text()) if node else None


def _add_blocks(root: LexborNode, builder: TextBuilder) -> None:
    """Walk the tree without recursion (pages can be nested deeper than Python's stack) and add its blocks."""
    inline: list[str] = []
    kind, level = BlockKind.PARAGRAPH, 0

    def flush() -> None:
        builder.add(kind, "".join(inline), level)
        inline.clear()

    pending: list[tuple[LexborNode | None, BlockKind, int]] = [(root, kind, level)]
    while pending:
        node, node_kind, node_level = pending.pop()
        if node is None:  # the end of a block element: what follows is its parent's again
            flush()
            kind, level = node_kind, node_level
            continue
        tag = node.tag
        if tag == "-text":
            inline.append(node.text_content or "")
        elif tag == "tr" and node.css_first("table") is None:  # a table in a table is there for the layout
            flush()
            builder.add(BlockKind.TABLE_ROW, _html_row(node))
        elif tag == "br":
            inline.append("\n" if kind is BlockKind.CODE else " ")
        else:
            if tag in _BLOCK_TAGS:
                flush()
                pending.append((None, kind, level))
                kind, level = _html_kind(tag, kind, level)
            children = list(node.iter(include_text=True))
            pending.extend((child, kind, level) for child in reversed(children))
    flush()


def _html_kind(tag: str, kind: BlockKind, level: int) -> tuple[BlockKind, int]:
    if tag in ("h1", "h2", "h3", "h4", "h5", "h6"):
        return BlockKind.HEADING, int(tag[1])
    if tag == "pre":
        return BlockKind.CODE, 0
    if tag in ("li", "dd", "dt"):
        return BlockKind.LIST_ITEM, level + 1 if kind is BlockKind.LIST_ITEM else 1
    return (kind, level) if kind is BlockKind.LIST_ITEM else (BlockKind.PARAGRAPH, 0)


def _html_row(row: LexborNode) -> str:
    """A table row with the names of its columns, where the table's first row gives names."""
    table = row.parent
    while table is not None and table.tag != "table":
        table = table.parent
    first = table.css_first("tr") if table is not None else None
    names: list[str] = []
    if table is not None and first is not None and first.css_first("td") is None and table.css_first("td"):
        if first.mem_id == row.mem_id:
            return ""  # each row names its columns
        names = _html_cells(first)
    cells = _html_cells(row)
    return table_row(names, cells) if len(names) == len(cells) else "; ".join(cell for cell in cells if cell)


def _html_cells(row: LexborNode) -> list[str]:
    cells = []
    for cell in row.iter():
        builder = TextBuilder()
        _add_blocks(cell, builder)
        cells.append(one_line(builder.text))
    return cells

"""The pages that the server renders: a document to read, an error, and the specification.

Documents are untrusted: everything is escaped, nothing that they hold is marked as safe, and the pages may
load only what comes from this server.
"""

from __future__ import annotations

import calendar
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from rag.api.related import Mention
from rag.domain import Block, BlockKind, Copy, Document

ASSETS_PATH = "/page-assets"
ASSETS_FOLDER = Path(__file__).parent / "static"
SWAGGER_PATH = "/swagger-assets"

_COMMON_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}
SECURITY_HEADERS = _COMMON_HEADERS | {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
}
# Swagger UI sets styles from its script, draws with data: images and calls the API.
SPECIFICATION_HEADERS = _COMMON_HEADERS | {
    "Content-Security-Policy": "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
}
# A browser that must not keep the page, and sends the form nowhere else.
SIGN_IN_HEADERS = SECURITY_HEADERS | {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-store",
}

_TAGS = {BlockKind.PARAGRAPH: "p", BlockKind.TABLE_ROW: "p", BlockKind.CODE: "pre"}


@dataclass
class Node:
    """An element of the page: a block with its text, or (`tag` "ul") a list whose `children` are items.

    The children of an item are the lists nested in it.
    """

    tag: str
    kind: str = ""
    text: str = ""
    start: int = 0
    end: int = 0
    anchor: str = ""
    children: list[Node] = field(default_factory=list)


def document_page(document: Document, also_in: Sequence[Copy] = (), mentions: Sequence[Mention] = ()) -> str:
    """The document as HTML to read, every block with the offsets of its text.

    `also_in` links to others that say the same, `mentions` to those that speak of the same people and organisations.
    """
    blocks = list(document.blocks)
    title = Node("h1", text=document.title)
    if blocks and blocks[0].kind is BlockKind.HEADING and _text(document, blocks[0]) == document.title:
        title = _node(document, blocks.pop(0), "h1")
    return _render(
        "document.html",
        document=document,
        title=title,
        nodes=nodes(document, blocks),
        date=readable_date(document.date),
        also_in=also_in,
        mentions=mentions,
    )


def problem_page(title: str, detail: str) -> str:
    """An error, for a person who opened an address in a browser."""
    return _render("problem.html", title=title, detail=detail)


def missing_page(document_id: str) -> str:
    """For an address of no document."""
    return problem_page(
        "No such document",
        f"The record holds no document “{document_id}”. It may have been renamed or removed.",
    )


def sign_in_page(following: str, failed: bool = False, signed_in: str | None = None) -> str:
    """The form for a key, which leads on to the address `following`; for who is signed in, the way out."""
    return _render("sign_in.html", following=following, failed=failed, signed_in=signed_in)


@cache
def specification_page() -> str:
    """The specification of the API, shown by Swagger UI."""
    return _render("docs.html", swagger=SWAGGER_PATH)


def nodes(document: Document, blocks: Sequence[Block]) -> list[Node]:
    """The blocks as elements in their order: headings with anchors, and list items in nested lists."""
    top: list[Node] = []
    lists: list[Node] = []  # the open lists, outermost first
    anchors: dict[str, int] = {}
    # Below the title, which is the page's only h1, no level is left out at the top.
    shallowest = min((block.level for block in blocks if block.kind is BlockKind.HEADING), default=1)
    for block in blocks:
        if block.kind is BlockKind.LIST_ITEM:
            _add_item(_node(document, block, "li"), max(block.level, 1), lists, top)
            continue
        lists.clear()
        if block.kind is BlockKind.HEADING:
            heading = _node(document, block, f"h{min(block.level - shallowest + 2, 6)}")
            heading.anchor = _anchor(heading.text, anchors)
            top.append(heading)
        else:
            top.append(_node(document, block, _TAGS[block.kind]))
    return top


def _add_item(item: Node, level: int, lists: list[Node], top: list[Node]) -> None:
    """Put an item where its level says; a level that was left out is not made up for."""
    del lists[level:]
    if len(lists) < level:
        nested = Node("ul")
        (lists[-1].children[-1].children if lists else top).append(nested)
        lists.append(nested)
    lists[-1].children.append(item)


def _node(document: Document, block: Block, tag: str) -> Node:
    return Node(tag, block.kind.value, _text(document, block), block.start, block.end)


def _text(document: Document, block: Block) -> str:
    return document.text[block.start : block.end]


def _anchor(text: str, taken: dict[str, int]) -> str:
    """An id made of the heading's words, of any script; the same words again get a number after two hyphens."""
    name = "section-" + re.sub(r"[\W_]+", "-", text.lower()).strip("-")
    taken[name] = taken.get(name, 0) + 1
    return name if taken[name] == 1 else f"{name}--{taken[name]}"


def readable_date(date: str | None) -> str:
    """An ISO date of any precision in words, "21 April 2025"; empty for none."""
    if not date:
        return ""
    year, *rest = date.split("-")
    month = [calendar.month_name[int(rest[0])]] if rest else []
    day = [str(int(rest[1]))] if len(rest) > 1 else []
    return " ".join((*day, *month, year))


def _verbatim(text: str) -> Markup:
    """Escaped, and with no character that a browser would drop: NUL, and the CR of a line end."""
    return Markup(str(escape(text)).replace("\0", "\ufffd").replace("\r", "&#13;"))


@cache
def _asset(name: str) -> str:
    """The address of a static file, another whenever its content is, so that no browser keeps an old one."""
    digest = hashlib.sha256((ASSETS_FOLDER / name).read_bytes()).hexdigest()[:12]
    return f"{ASSETS_PATH}/{name}?v={digest}"


def _render(template: str, **values: object) -> str:
    return _templates().get_template(template).render(values)


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["verbatim"] = _verbatim
    environment.globals["asset"] = _asset
    return environment

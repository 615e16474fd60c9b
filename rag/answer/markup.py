"""The Markdown that an LLM writes, as blocks of plain text: nothing of it is markup, a link or an image any more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

MAX_NESTING = 100
_URL = re.compile(
    r"(?i)\b(?:[a-z][a-z0-9+.-]*://|www\.)(?:[^\s/?#@<>()]*@)?([^\s/?#<>()\"'`]*)[^\s<>()\"'`]*"
)
_SCHEME = re.compile(r"(?i)\b(?:javascript|data|mailto|vbscript|file):\S+")
_TAG = re.compile(r"<(?=[a-zA-Z/!?])[^<>]*>?")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)?")
# A link on so few characters, a digit among them, is a marker that was made one.
_MARKER = re.compile(r"(?=.*\d)[\w\s,;^-]{1,12}")


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list item or row as text. `emphatic`: all of it is set bold, as a heading would be."""

    text: str
    listed: bool
    emphatic: bool = False


def plain_blocks(text: str) -> Iterator[Block]:
    """Paragraphs, list items, rows of tables and lines of code, in order; headings, which state nothing, are left out.

    Of links the words are left, of addresses the host, of images and raw HTML nothing.
    """
    parser = MarkdownIt("commonmark", {"html": True, "maxNesting": MAX_NESTING}).enable("table")
    # Definitions of links would swallow "[1]: ..." and make links of markers.
    parser.disable("reference")
    tokens = parser.parse(text)
    depth = 0
    cells: list[str] | None = None
    heading = False
    for token in tokens:
        match token.type:
            case "bullet_list_open" | "ordered_list_open":
                depth += 1
            case "bullet_list_close" | "ordered_list_close":
                depth -= 1
            case "heading_open" | "thead_open":
                heading = True
            case "heading_close" | "thead_close":
                heading = False
            case "tr_open":
                cells = []
            case "tr_close":
                if cells and not heading:
                    yield Block(reduced("; ".join(cell for cell in cells if cell)), listed=True)
                cells = None
            case "inline" if cells is not None:
                cells.append(_inline(token))
            case "inline" if not heading:
                yield Block(reduced(_inline(token)), depth > 0, _is_emphatic(token))
            case "fence" | "code_block":
                for line in token.content.splitlines():
                    yield Block(reduced(line), depth > 0)


def _inline(token: Token) -> str:
    pieces: list[str] = []
    opened = 0
    for child in token.children or ():
        match child.type:
            case "text" | "code_inline" | "text_special":
                pieces.append(child.content)
            case "link_open":
                opened = len(pieces)
            case "link_close":
                words = "".join(pieces[opened:])
                pieces[opened:] = [f"[{words}]" if _MARKER.fullmatch(words) else words]
            case "softbreak" | "hardbreak":
                pieces.append(" ")
            case "html_inline" if re.match(r"(?i)</?sup\b", child.content):
                pieces.append("]" if child.content.startswith("</") else "[")
            case "html_inline" if re.match(r"(?i)<(?:br|p|li|td)\b", child.content):
                pieces.append(" ")
    return "".join(pieces)


def _is_emphatic(token: Token) -> bool:
    told = [child for child in token.children or () if child.content.strip(": ") or child.nesting]
    return len(told) > 2 and told[0].type == "strong_open" and told[-1].type == "strong_close"


def reduced(text: str) -> str:
    """What is left of a text without anything that could be read as markup, a link or an image again."""
    while True:
        shorter = _TAG.sub(" ", _LINK.sub(_words_of, _SCHEME.sub(" ", _URL.sub(r"\1", text))))
        if shorter == text:
            return text
        text = shorter


def _words_of(link: re.Match[str]) -> str:
    return f"[{link[1]}] " if _MARKER.fullmatch(link[1]) else link[1]

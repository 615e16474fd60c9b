"""Untrusted text and Markdown as HTML that does no more than show it."""

from __future__ import annotations

import re
from collections.abc import MutableMapping, Sequence
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from rag.domain import Citation
from ui.messages import message

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_MARKER = re.compile(r"\[(\d{1,3})\]")


def text(value: str) -> str:
    """Text as HTML, for elements and quoted attributes."""
    return escape(_sendable(value))


def markdown(source: str, language: str, turn: int = 0, citations: Sequence[Citation] = ()) -> str:
    """The few parts of Markdown that answers use; all else, HTML and links and pictures included, stays text.

    `[n]` becomes a link to `#source-{turn}-{n}` where a citation has that marker.
    """
    titles = {citation.marker: citation.title for citation in citations}
    environment = {"turn": turn, "titles": titles, "language": language, "linked": set()}
    html: str = _markdown.render(_sendable(source), environment)
    return html


def _sendable(value: str) -> str:
    """Without control characters, and without the lone surrogates that cannot be sent as UTF-8."""
    return _CONTROL.sub("", value).encode("utf-8", "replace").decode("utf-8")


def _read_marker(state: StateInline, silent: bool) -> bool:
    match = _MARKER.match(state.src, state.pos)
    if match is None or int(match[1]) not in state.env["titles"]:
        return False
    if not silent:
        state.push("marker", "", 0).content = str(int(match[1]))
    state.pos = match.end()
    return True


def _write_marker(
    _renderer: RendererHTML, tokens: Sequence[Token], index: int, _options: Any, env: MutableMapping[str, Any]
) -> str:
    marker, turn = int(tokens[index].content), env["turn"]
    # An id may stand once in a page: where a source is cited again, the way back leads to the first place.
    identity = "" if marker in env["linked"] else f' id="mark-{turn}-{marker}"'
    env["linked"].add(marker)
    label = message("sources.source", env["language"], number=marker, title=env["titles"][marker])
    return (
        f'<a class="marker" href="#source-{turn}-{marker}"{identity} aria-label="{text(label)}">{marker}</a>'
    )


def _reader() -> MarkdownIt:
    reader = MarkdownIt("zero").enable(["list", "emphasis", "backticks", "escape", "newline"])
    reader.inline.ruler.before("emphasis", "marker", _read_marker)
    reader.add_render_rule("marker", _write_marker)
    return reader


_markdown = _reader()

"""OpenDocument text (.odt): ISO/IEC 26300, read from its XML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from rag.dates import found_date
from rag.domain import BlockKind, ReadingLimits
from rag.errors import DocumentMalformed, DocumentUnreadable
from rag.formats.metadata import Metadata
from rag.formats.package import DUBLIN_CORE, Package, open_package, text_of
from rag.formats.plain import add_table
from rag.text import TextBuilder

_OASIS = "urn:oasis:names:tc:opendocument:xmlns"
_TEXT, _TABLE = f"{{{_OASIS}:text:1.0}}", f"{{{_OASIS}:table:1.0}}"
_OFFICE, _META = f"{{{_OASIS}:office:1.0}}", f"{{{_OASIS}:meta:1.0}}"
# What was deleted, and what only looks like text.
_LEFT_OUT = {f"{_TEXT}tracked-changes", f"{_OFFICE}annotation", f"{_TEXT}note-citation", f"{_OFFICE}forms"}
_STYLE = f"{{{_OASIS}:style:1.0}}"
_HEADING_STYLE = re.compile(r"Title|Heading_20_(\d+)")
_SPACES = {f"{_TEXT}s": " ", f"{_TEXT}tab": " ", f"{_TEXT}line-break": " "}
_HOLD_BLOCKS = {f"{_TEXT}p", f"{_TEXT}h", f"{_TEXT}list", f"{_TABLE}table"}


def read_odt(content: bytes, builder: TextBuilder, limits: ReadingLimits) -> Metadata:
    """Headings, paragraphs, nested lists, tables and footnotes.

    Raises:
        DocumentMalformed: it is damaged or no text document.
        DocumentUnreadable: it is locked with a password.
    """
    with open_package(content, limits) as package:
        if "META-INF/manifest.xml" in package.names and b"encryption-data" in package.read(
            "META-INF/manifest.xml"
        ):
            raise DocumentUnreadable("It is locked with a password. Unlock it, and ingest again.")
        content_tree = package.xml("content.xml")
        _mark_headings(content_tree)
        body = next(content_tree.iter(f"{_OFFICE}text"), None)
        metadata = _metadata(package)
    if body is None:
        raise DocumentMalformed("It is an OpenDocument file, but not a text document.")
    _add_blocks(body, builder, 0)
    return metadata


def _mark_headings(content: Element) -> None:
    """Make headings of paragraphs that have a heading's style, or one made from it: some programs write them so."""
    styles = {
        style.get(f"{_STYLE}name"): style.get(f"{_STYLE}parent-style-name")
        for style in content.iter(f"{_STYLE}style")
    }
    for paragraph in content.iter(f"{_TEXT}p"):
        style = paragraph.get(f"{_TEXT}style-name", "")
        level = _HEADING_STYLE.fullmatch(style) or _HEADING_STYLE.fullmatch(styles.get(style) or "")
        if level:
            paragraph.tag = f"{_TEXT}h"
            paragraph.set(f"{_TEXT}outline-level", level[1] or "1")


def _metadata(package: Package) -> Metadata:
    if "meta.xml" not in package.names:
        return Metadata()
    tree = package.xml("meta.xml")
    title = text_of(tree, f"{DUBLIN_CORE}title")
    return Metadata(
        title=title or None,
        author=text_of(tree, f"{_META}initial-creator") or text_of(tree, f"{DUBLIN_CORE}creator"),
        published=found_date(text_of(tree, f"{_META}creation-date") or text_of(tree, f"{DUBLIN_CORE}date")),
    )


def _add_blocks(parent: Element, builder: TextBuilder, list_depth: int) -> None:
    for element in parent:
        if element.tag in (f"{_TEXT}p", f"{_TEXT}h"):
            _add_paragraph(element, builder, list_depth)
        elif element.tag == f"{_TEXT}list":
            _add_blocks(element, builder, list_depth + 1)
        elif element.tag == f"{_TABLE}table":
            add_table(_rows(element), builder)
        elif element.tag not in _LEFT_OUT:
            _add_blocks(element, builder, list_depth)


def _add_paragraph(element: Element, builder: TextBuilder, list_depth: int) -> None:
    """The paragraph, then the notes and frames that are anchored in it."""
    anchored: list[Element] = []
    text = "".join(_inline(element, anchored))
    if element.tag == f"{_TEXT}h":
        level = element.get(f"{_TEXT}outline-level", "1")
        builder.add(BlockKind.HEADING, text, min(max(int(level) if level.isdecimal() else 1, 1), 6))
    else:
        builder.add(BlockKind.LIST_ITEM if list_depth else BlockKind.PARAGRAPH, text, list_depth)
    for frame in anchored:
        _add_blocks(frame, builder, 0)


def _inline(element: Element, anchored: list[Element]) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if child.tag in _SPACES:
            yield _SPACES[child.tag]
        elif any(part.tag in _HOLD_BLOCKS for part in child):
            anchored.append(child)
        elif child.tag not in _LEFT_OUT:
            yield from _inline(child, anchored)
        yield child.tail or ""


def _rows(table: Element) -> Iterator[list[str]]:
    for row in table.iter(f"{_TABLE}table-row"):
        yield [
            " ".join(
                "".join(_inline(paragraph, []))
                for paragraph in cell.iter(
                    f"{_TEXT}p",
                )
            )
            for cell in row
            if cell.tag in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell")
        ]

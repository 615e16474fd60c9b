"""EPUB: the chapters of a book in their order."""

from __future__ import annotations

import posixpath
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from rag.dates import found_date
from rag.domain import ReadingLimits
from rag.errors import DocumentMalformed
from rag.formats.encoding import decode
from rag.formats.html import add_html
from rag.formats.metadata import Metadata
from rag.formats.package import DUBLIN_CORE, open_package, text_of
from rag.text import TextBuilder

_CONTAINER = "{urn:oasis:names:tc:opendocument:xmlns:container}"
_OPF = "{http://www.idpf.org/2007/opf}"


def read_epub(content: bytes, builder: TextBuilder, limits: ReadingLimits) -> Metadata:
    """The chapters that the book's spine lists (EPUB 2 and 3).

    Raises:
        DocumentMalformed: it is damaged, or its chapters are locked.
    """
    with open_package(content, limits) as package:
        root = next(package.xml("META-INF/container.xml").iter(f"{_CONTAINER}rootfile"), None)
        path = root.get("full-path") if root is not None else None
        if path is None:
            raise DocumentMalformed("It is damaged: it does not say where the book begins.")
        book = package.xml(path)
        for chapter in _chapters(book, path):
            if chapter in package.names:
                add_html(decode(package.read(chapter), limits, declares=True), builder)
        return _metadata(book)


def _chapters(book: Element, path: str) -> list[str]:
    """The paths of the chapters in the order of reading."""
    folder = posixpath.dirname(path)
    items = {
        item.get("id"): (item.get("href", ""), item.get("properties", ""))
        for item in book.iter(f"{_OPF}item")
    }
    listed = (items.get(entry.get("idref"), ("", "")) for entry in book.iter(f"{_OPF}itemref"))
    # The table of contents would repeat each heading.
    return [
        posixpath.normpath(posixpath.join(folder, unquote(reference)))
        for reference, properties in listed
        if reference and "nav" not in properties.split()
    ]


def _metadata(book: Element) -> Metadata:
    title = text_of(book, f"{DUBLIN_CORE}title")
    return Metadata(
        title=title or None,
        author=text_of(book, f"{DUBLIN_CORE}creator"),
        publisher=text_of(book, f"{DUBLIN_CORE}publisher"),
        published=found_date(text_of(book, f"{DUBLIN_CORE}date")),
    )

"""A file -> Documents: the reader that its ending calls for, and what it makes of it."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import unicodedata
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from rag.domain import BlockKind, Document, Failure, ReadingLimits
from rag.errors import (
    DocumentError,
    DocumentMalformed,
    DocumentUnreadable,
    ReaderMissing,
    UnsupportedFormat,
)
from rag.formats import ocr
from rag.formats.container import CONTAINERS, Leaf, leaves
from rag.formats.epub import read_epub
from rag.formats.html import read_html
from rag.formats.mail import read_eml
from rag.formats.markdown import read_markdown
from rag.formats.metadata import MAX_TITLE_CHARACTERS, Metadata
from rag.formats.office import read_docx, read_pptx, read_sheets, read_xlsx
from rag.formats.opendocument import read_odt
from rag.formats.package import damaged
from rag.formats.pdf import read_pdf
from rag.formats.plain import read_csv, read_text
from rag.formats.rtf import read_rtf
from rag.formats.signature import OLD_OFFICE_ENDINGS, PICTURE_ENDINGS, check_signature
from rag.text import TextBuilder, one_line

Reader = Callable[[bytes, TextBuilder, ReadingLimits], Metadata]
_TEXT_READERS: dict[str, Reader] = {
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".txt": read_text,
    ".text": read_text,
    ".html": read_html,
    ".htm": read_html,
}
READERS: dict[str, Reader] = {
    **_TEXT_READERS,
    ".xhtml": read_html,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".pdf": read_pdf,
    ".docx": read_docx,
    ".pptx": read_pptx,
    ".xlsx": read_xlsx,
    ".xls": read_sheets,
    ".ods": read_sheets,
    ".odt": read_odt,
    ".rtf": read_rtf,
    ".epub": read_epub,
    ".eml": read_eml,
}
# Only where their text is recognised.
_PICTURE_READERS: dict[str, Reader] = dict.fromkeys(sorted(PICTURE_ENDINGS), ocr.read_picture)
# All endings of files that are read.
ENDINGS = frozenset((*READERS, *CONTAINERS))
# What the extra `documents` brings.
_MODULES = {
    ".docx": "mammoth",
    ".pdf": "pypdfium2",
    ".pptx": "pptx",
    ".rtf": "striprtf",
    **dict.fromkeys((".xlsx", ".xls", ".ods"), "python_calamine"),
}


def reader_missing(ending: str) -> bool:
    """Whether files with this ending, in lower case, could be read but for what is not installed."""
    return ending in _MODULES and find_spec(_MODULES[ending]) is None


def content_of(path: Path, name: str, limits: ReadingLimits) -> bytes:
    """The bytes of a file that a reader reads; `name` is its path as the record knows it.

    Raises:
        UnsupportedFormat: no reader reads files with this ending.
        DocumentUnreadable: it cannot be opened, is no regular file, or is too large.
    """
    _require_ending(name, limits)
    try:
        # A pipe would keep its reader waiting, and between a look and an opening a file can become one.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        try:
            return _regular(descriptor, limits)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise DocumentUnreadable(f"It cannot be opened: {error.strerror}.") from error


def _regular(descriptor: int, limits: ReadingLimits) -> bytes:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise DocumentUnreadable("It is not a file that can be read: a folder, pipe, socket or device.")
    if status.st_size > limits.file_bytes:
        raise DocumentUnreadable(
            f"It has {status.st_size:,} bytes; at most {limits.file_bytes:,} are read. Split it."
        )
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        return file.read(limits.file_bytes)


def read_leaves(content: bytes, name: str, limits: ReadingLimits) -> Iterator[Leaf]:
    """The file itself, or the files in it.

    Raises:
        DocumentUnreadable: it is not what its ending says, or holds more than the limits.
        DocumentMalformed: it is an archive that is damaged.
    """
    if _ending(name) in CONTAINERS:
        check_signature(content, _ending(name))
    return leaves(content, name, limits)


def read_file(path: Path, name: str, limits: ReadingLimits = ReadingLimits()) -> Iterator[Document | Failure]:
    """Read one file in this process; an archive or mailbox gives several documents.

    Raises:
        DocumentError: as `content_of` and `read_leaves`, and where the file is itself a document as `read_leaf`.
    """
    for leaf in read_leaves(content_of(path, name, limits), name, limits):
        try:
            yield read_leaf(leaf, limits)
        except DocumentError as error:
            if leaf.name == name:
                raise
            yield Failure(leaf.name, str(error))


def read_leaf(leaf: Leaf, limits: ReadingLimits) -> Document:
    """Read one document.

    Raises:
        UnsupportedFormat: no reader reads files with this ending, or it is a picture.
        ReaderMissing: its reader is not installed.
        DocumentUnreadable: it is locked, over a limit or not what its ending says.
        DocumentMalformed: its content or front matter cannot be used, or it holds no text.
    """
    if leaf.reason:
        raise DocumentUnreadable(leaf.reason)
    _require_ending(leaf.name, limits)
    ending = _ending(leaf.name)
    check_signature(leaf.content, ending)
    builder = TextBuilder(limits.characters)
    metadata = _read(ending, leaf.content, builder, limits)
    builder.finish()
    if not builder.sections():
        raise DocumentMalformed("The document holds no text.")
    return _document(leaf, ending, metadata, builder)


def _read(ending: str, content: bytes, builder: TextBuilder, limits: ReadingLimits) -> Metadata:
    try:
        return (READERS | _PICTURE_READERS)[ending](content, builder, limits)
    except (DocumentError, MemoryError):
        raise
    except ModuleNotFoundError as error:
        raise ReaderMissing(
            f"Reading {ending} needs {error.name}, which is not installed:"
            " pip install 'mission-record[documents]', and ingest again."
        ) from error
    except Exception as error:
        raise damaged(error) from error


def _document(leaf: Leaf, ending: str, metadata: Metadata, builder: TextBuilder) -> Document:
    title = metadata.title or _first_heading(builder) or _title(leaf.name)
    return Document(
        # A report is often kept as it was written and as it was printed: their ids must differ.
        id=metadata.id
        or _slug(leaf.name if ending not in _TEXT_READERS else str(Path(leaf.name).with_suffix(""))),
        title=title[:MAX_TITLE_CHARACTERS].rstrip(),
        kind=metadata.kind,
        text=builder.text,
        blocks=tuple(builder.blocks),
        sections=builder.sections(),
        path=leaf.name,
        sha256=hashlib.sha256(leaf.content).hexdigest(),
        date=metadata.date,
        place=metadata.place,
        people=metadata.people,
        organisations=metadata.organisations,
        source=metadata.source_of(leaf.name),
        page_starts=tuple(builder.page_starts),
    )


def _require_ending(name: str, limits: ReadingLimits) -> None:
    ending = _ending(name)
    if ending in ENDINGS:
        return
    if ending in PICTURE_ENDINGS:
        if not limits.recognise:
            raise UnsupportedFormat(
                "It is a picture, and recognising text is switched off (RAG_READ_PICTURES)."
            )
        if not ocr.available():
            raise ReaderMissing(f"It is a picture. {ocr.ADVICE}")
        return
    if ending in OLD_OFFICE_ENDINGS:
        raise UnsupportedFormat(
            f"{ending} is a format of before 2007. Save it as {OLD_OFFICE_ENDINGS[ending]}."
        )
    known = ", ".join(sorted(ENDINGS))
    raise UnsupportedFormat(
        f"No reader reads {ending or 'files without an ending'}. These are read: {known}."
    )


def _ending(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _slug(name: str) -> str:
    """An id made from a path: letters and digits of any script, the rest as hyphens."""
    stem = unicodedata.normalize("NFC", name)
    slug = re.sub(r"[\W_]+", "-", stem.lower()).strip("-")[:150]
    return slug or hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:16]


def _title(name: str) -> str:
    return one_line(Path(name).stem.replace("-", " ").replace("_", " ")) or one_line(Path(name).name)


def _first_heading(builder: TextBuilder) -> str | None:
    headings = (block for block in builder.blocks if block.kind is BlockKind.HEADING)
    first = next(headings, None)
    return builder.text[first.start : first.end] if first else None

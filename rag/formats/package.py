"""Documents that are ZIP files of parts (Office Open XML, OpenDocument, EPUB), opened with care."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from rag.dates import found_date
from rag.domain import ReadingLimits
from rag.errors import DocumentMalformed, DocumentUnreadable
from rag.formats.metadata import Metadata
from rag.text import one_line

DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"
_TERMS = "{http://purl.org/dc/terms/}"
# A declaration of a document type is where entities come from that grow without end or read other files.
_DOCTYPE = re.compile("<!DOCTYPE|<!ENTITY", re.IGNORECASE)


class Package:
    """The parts of a ZIP file, each read within the limits."""

    def __init__(self, archive: zipfile.ZipFile, limits: ReadingLimits) -> None:
        self._archive = archive
        self._limits = limits
        self.names = frozenset(archive.namelist())

    def read(self, name: str) -> bytes:
        """One part.

        Raises:
            DocumentMalformed: it is not there or damaged.
            DocumentUnreadable: it is locked, or larger than the limit.
        """
        try:
            return read_member(self._archive, self._archive.getinfo(name), self._limits.file_bytes)
        except KeyError as error:
            raise DocumentMalformed(f"It is damaged: its part {name} is missing.") from error

    def xml(self, name: str) -> Element:
        """One part as a tree.

        Raises:
            DocumentMalformed: it is no XML, or declares entities.
        """
        return parse_xml(self.read(name))

    def refuse_entities(self) -> None:
        """See that no XML part declares a document type; for readers that would expand what it declares.

        Raises:
            DocumentMalformed: one does.
        """
        for name in self.names:
            if name.endswith((".xml", ".rels", ".vml")):
                content = self.read(name)
                # In UTF-16 every other byte is zero.
                if _DOCTYPE.search(content.replace(b"\x00", b"").decode("latin-1")):
                    raise DocumentMalformed(
                        f"Its part {name} declares XML entities, which it should not need."
                    )


@contextmanager
def open_package(content: bytes, limits: ReadingLimits) -> Iterator[Package]:
    """Open a document that is a ZIP file; what its parts would unpack to is checked first.

    Raises:
        DocumentMalformed: it is no ZIP file, or damaged.
        DocumentUnreadable: it would unpack to more than the limits.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            check_members(archive, limits)
            yield Package(archive, limits)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError) as error:
        raise DocumentMalformed(f"It is damaged: {one_line(str(error))}.") from error


def check_members(archive: zipfile.ZipFile, limits: ReadingLimits) -> None:
    """See that an archive says that it unpacks to no more than the limits.

    Raises:
        DocumentUnreadable: it says otherwise.
    """
    members = archive.infolist()
    if len(members) > limits.archive_files:
        raise DocumentUnreadable(
            f"It holds {len(members):,} files; at most {limits.archive_files:,} are read. Split it."
        )
    size = sum(member.file_size for member in members)
    if size > limits.archive_bytes:
        raise DocumentUnreadable(
            f"It would unpack to {size:,} bytes; at most {limits.archive_bytes:,} are unpacked. Split it."
        )


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most_bytes: int) -> bytes:
    """One member, and never more of it than the limit, whatever the archive says of its size.

    Raises:
        DocumentUnreadable: it is locked, or larger than the limit.
        DocumentMalformed: it is damaged.
    """
    if member.flag_bits & 0x1:
        raise DocumentUnreadable("It is locked with a password. Unlock it, and ingest again.")
    try:
        with archive.open(member) as file:
            content = file.read(most_bytes + 1)
    except Exception as error:  # zlib's, lzma's and bz2's errors, and those of the archive itself
        raise DocumentMalformed(f"It is damaged: {one_line(str(error))}.") from error
    if len(content) > most_bytes:
        raise DocumentUnreadable(f"It has more than {most_bytes:,} bytes, the most that is read. Split it.")
    return content


def parse_xml(content: bytes) -> Element:
    """A tree without entities.

    Raises:
        DocumentMalformed: it is no XML, or declares entities.
    """
    try:
        tree: Element = fromstring(content)
    except DefusedXmlException as error:
        raise DocumentMalformed("It declares XML entities, which it should not need.") from error
    except (ParseError, LookupError, ValueError) as error:
        raise DocumentMalformed(f"It is damaged: its XML cannot be read ({one_line(str(error))}).") from error
    return tree


def damaged(error: Exception) -> DocumentMalformed:
    """What an exception of a library comes to: of a damaged file, whatever the place says where it stumbled."""
    if isinstance(error, RecursionError):
        return DocumentMalformed("It is nested too deep.")
    detail = one_line(str(error))[:200]
    return DocumentMalformed(f"It is damaged: {type(error).__name__}{': ' if detail else ''}{detail}.")


def core_properties(package: Package) -> Metadata:
    """What an Office Open XML file says of itself (ISO/IEC 29500-2, core properties)."""
    if "docProps/core.xml" not in package.names:
        return Metadata()
    tree = package.xml("docProps/core.xml")
    title = text_of(tree, f"{DUBLIN_CORE}title")
    return Metadata(
        title=title or None,
        author=text_of(tree, f"{DUBLIN_CORE}creator"),
        published=found_date(text_of(tree, f"{_TERMS}created") or text_of(tree, f"{_TERMS}modified")),
    )


def text_of(tree: Element, name: str) -> str | None:
    """The text of the first element of this name, wherever it stands; None where there is none or it is empty."""
    found = next(tree.iter(name), None)
    return (one_line("".join(found.itertext())) or None) if found is not None else None

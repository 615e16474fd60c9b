"""Files that hold other files: archives, mailboxes, messages with attachments. All are read in memory; none is
unpacked to disk, so that no name in an archive ever becomes a path."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from rag.domain import ReadingLimits
from rag.errors import DocumentError, DocumentMalformed, DocumentUnreadable
from rag.formats.mail import attachments, messages
from rag.formats.package import check_members, damaged, read_member
from rag.text import one_line

# An archive of mailboxes of messages with attachments is as deep as anybody needs.
MAX_DEPTH = 3


@dataclass(frozen=True, slots=True)
class Leaf:
    """One file within a file (or the file itself), by its name in the record; `reason` says why it has no content."""

    name: str
    content: bytes = b""
    reason: str = ""


class _Budget:
    """What may still come out of one file."""

    def __init__(self, limits: ReadingLimits) -> None:
        self._files, self._bytes = limits.archive_files, limits.archive_bytes

    def spend(self, content: bytes) -> None:
        self._files -= 1
        self._bytes -= len(content)
        if self._files < 0 or self._bytes < 0:
            raise DocumentUnreadable("It holds more than is read of one archive. Split it.")


def leaves(content: bytes, name: str, limits: ReadingLimits) -> Iterator[Leaf]:
    """The file itself, or all files in it at any depth.

    Raises:
        DocumentMalformed: it cannot be opened.
        DocumentUnreadable: it holds more than the limits.
    """
    return _leaves(Leaf(name, content), limits, _Budget(limits), 0)


def _leaves(leaf: Leaf, limits: ReadingLimits, budget: _Budget, depth: int) -> Iterator[Leaf]:
    budget.spend(leaf.content)
    opened = CONTAINERS.get(PurePosixPath(leaf.name).suffix.lower())
    if opened is None or leaf.reason:
        yield leaf
        return
    if depth >= MAX_DEPTH:
        yield Leaf(leaf.name, reason=f"It is an archive within {MAX_DEPTH} others. Unpack it.")
        return
    try:
        for member in opened(leaf, limits):
            if member.name == leaf.name:
                yield member  # a message is a document, and holds others
            else:
                yield from _leaves(member, limits, budget, depth + 1)
    except MemoryError:
        raise
    except Exception as error:
        problem = error if isinstance(error, DocumentError) else damaged(error)
        if not depth:
            raise problem from error
        yield Leaf(leaf.name, reason=str(problem))


def _zip(leaf: Leaf, limits: ReadingLimits) -> Iterator[Leaf]:
    try:
        with zipfile.ZipFile(io.BytesIO(leaf.content)) as archive:
            check_members(archive, limits)
            for member in archive.infolist():
                parts = PurePosixPath(member.filename.replace("\\", "/")).parts
                hidden = any(part.startswith((".", "__MACOSX")) and part != ".." for part in parts)
                if not member.is_dir() and not hidden:
                    yield _member(archive, member, leaf.name, parts, limits)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError) as error:
        raise DocumentMalformed(f"It is damaged: {one_line(str(error))}.") from error


def _member(
    archive: zipfile.ZipFile,
    member: zipfile.ZipInfo,
    within: str,
    parts: tuple[str, ...],
    limits: ReadingLimits,
) -> Leaf:
    name = f"{within}/{one_line('/'.join(part for part in parts if part not in ('/', '..')))}"
    if ".." in parts or "/" in parts or any(":" in part for part in parts[:1]):
        return Leaf(
            name, reason=f"Its path in the archive, {one_line(member.filename)[:200]}, leads out of it."
        )
    mode = member.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return Leaf(name, reason="It is a link or a device in an archive, not a file.")
    try:
        return Leaf(name, read_member(archive, member, limits.file_bytes))
    except DocumentError as error:
        return Leaf(name, reason=str(error))


def _mbox(leaf: Leaf, _limits: ReadingLimits) -> Iterator[Leaf]:
    found = False
    for subject, message in messages(leaf.content):
        found = True
        yield Leaf(f"{leaf.name}/{subject}", message)
    if not found:
        raise DocumentMalformed("It holds no messages: none begins with a line `From `.")


def _eml(leaf: Leaf, _limits: ReadingLimits) -> Iterator[Leaf]:
    attached = list(attachments(leaf.content))
    yield leaf
    for name, content in attached:
        yield Leaf(f"{leaf.name}/{name}", content)


CONTAINERS: dict[str, Callable[[Leaf, ReadingLimits], Iterator[Leaf]]] = {
    ".zip": _zip,
    ".mbox": _mbox,
    ".eml": _eml,
}

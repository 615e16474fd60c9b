"""Folders to Documents: which files there are, and what the reading of each gives."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from rag.domain import UPLOADS_PREFIX, Document, Failure
from rag.duplicates import copied_id
from rag.errors import DocumentUnreadable
from rag.formats.parser import Parser
from rag.text import valid


def read_corpus(
    corpus: Sequence[Path],
    parser: Parser | None = None,
    follow_links: bool = False,
    uploads: Path | None = None,
    withdrawn: Container[str] = frozenset(),
) -> Iterator[Document | Failure]:
    """Read files, and every file below folders, in the order of paths; hidden files are passed over.

    A document's path is relative to its folder, with the folder's name in front where several are read. A file that
    cannot be used is a `Failure`, and so are one whose id an earlier file of other content has, a folder that cannot be
    listed, a linked folder and, unless `follow_links`, a link that leads out of its folder. Files are read by `parser`,
    or by one of its own. The folder of `uploads` comes first: what was accepted there keeps its id. Documents whose
    SHA-256 is in `withdrawn` are passed over.

    Raises:
        DocumentUnreadable: a folder is not there or cannot be listed.
    """
    owners: dict[str, tuple[str, str, str]] = {}
    with nullcontext(parser) if parser else Parser() as reading:
        for root, prefix in _roots(corpus, uploads):
            for path, unlisted in _files(root):
                # A name need not be text; the record's must be.
                name = valid(prefix + path.relative_to(root if root.is_dir() else root.parent).as_posix())
                reason = _reason_against(path, root, unlisted, follow_links)
                entries = [Failure(name, reason)] if reason else reading.read(path, name)
                for entry in entries:
                    if isinstance(entry, Document) and entry.sha256 in withdrawn:
                        continue
                    yield _owned(entry, f"{root.resolve() / path.relative_to(root)}", name, owners)


def _roots(corpus: Sequence[Path], uploads: Path | None) -> Iterator[tuple[Path, str]]:
    """What is read, with what comes before the paths in it."""
    if uploads is not None and uploads.is_dir():
        yield uploads, UPLOADS_PREFIX
    for root in corpus:
        yield root, f"{root.resolve().name}/" if len(corpus) > 1 and root.is_dir() else ""


def _reason_against(path: Path, root: Path, unlisted: OSError | None, follow_links: bool) -> str | None:
    """Why a path is not even opened, if it is not."""
    if unlisted is not None:
        return f"It cannot be listed: {unlisted.strerror}."
    if path == root or not _is_link(path):
        return None
    if path.is_dir():
        return "It is a link to a folder; those are not followed. Give that folder as well."
    # Whoever can put a link among documents could otherwise have any file of this machine read out.
    if not follow_links and path.exists() and not path.resolve().is_relative_to(root.resolve()):
        return "It is a link that leads out of the folder. Copy the file, or set RAG_FOLLOW_LINKS=true."
    return None


def _is_link(path: Path) -> bool:
    try:
        return path.is_symlink()
    except OSError:  # what it is may not be known; opening it will say why
        return False


def _owned(
    entry: Document | Failure, file: str, name: str, owners: dict[str, tuple[str, str, str]]
) -> Document | Failure:
    """The entry, unless it is a document with the id of another that came before."""
    if isinstance(entry, Failure):
        return entry
    place = file + entry.path.removeprefix(name)  # of an archive, what in it
    owner, owner_name, content = owners.setdefault(entry.id, (place, entry.path, entry.sha256))
    if owner == place:
        return entry
    if content == entry.sha256:
        return replace(entry, id=copied_id(entry.id, entry.path))
    also = owner_name if owner_name != entry.path else owner
    return Failure(entry.path, f"Its id {entry.id!r} is also that of {also}. Change one of them.")


def _files(root: Path) -> list[tuple[Path, OSError | None]]:
    if root.is_file():
        return [(root, None)]
    if not root.is_dir():
        raise DocumentUnreadable(
            f"There is no folder or file {root}. Set --corpus or RAG_CORPUS_DIR to a folder."
        )
    return [
        (path, unlisted)
        for path, unlisted in _walk(root)
        if not any(part.startswith(".") for part in path.relative_to(root).parts)
    ]


def _walk(folder: Path) -> list[tuple[Path, OSError | None]]:
    """Everything below a folder but real folders, by path; folders that cannot be listed, with the reason."""
    unlisted: list[OSError] = []
    found: list[tuple[Path, OSError | None]] = []
    for parent, folders, names in os.walk(folder, onerror=unlisted.append):
        found += [(Path(parent, name), None) for name in names]
        found += [(link, None) for name in folders if _is_link(link := Path(parent, name))]
    found += [(Path(error.filename), error) for error in unlisted]
    if any(path == folder for path, _ in found):
        raise DocumentUnreadable(f"The corpus folder {folder} cannot be listed: {unlisted[0].strerror}.")
    return sorted(found, key=lambda entry: entry[0])

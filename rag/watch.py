"""Follows the folders of a record and brings it in step whenever something in them changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path
from threading import Event

from watchfiles import watch

from rag.domain import IngestReport
from rag.errors import RagError

# After a change, so much quiet is waited for, but no longer than the second; in milliseconds.
_QUIET, _LONGEST = 300, 3_000
# So often it is seen whether the folders themselves are still the same; in milliseconds.
_LOOK = 500
RETRY_SECONDS = 3.0

Synchronise = Callable[[], IngestReport]
Tell = Callable[[IngestReport | Exception], None]


def follow(
    folders: Callable[[], Sequence[Path]], data_dir: Path, synchronise: Synchronise, tell: Tell, stop: Event
) -> None:
    """Bring the record in step now, and after each change in the folders until `stop` is set; `tell` gets each outcome.

    What goes wrong is tried again: somebody else may be writing, or a folder not be there for a while. The same error
    is told once. Ends with a KeyboardInterrupt where there is one.
    """
    told = ""
    while not stop.is_set():
        roots = [root.resolve() for root in folders()]
        found = _identities(roots)
        due: float | None = 0.0  # what happened while nobody watched is not known
        with closing(_changes(roots, data_dir.resolve(), stop)) as changes:
            for changed in changes:
                if changed:
                    due = 0.0
                if due is not None and time.monotonic() >= due:
                    error = _attempt(synchronise, tell, told)
                    told = str(error or "")
                    due = time.monotonic() + RETRY_SECONDS if error else None
                if _identities(roots) != found:
                    break  # what was watched is gone: begin again with what has taken its place


def _attempt(synchronise: Synchronise, tell: Tell, told: str) -> Exception | None:
    try:
        tell(synchronise())
    except (RagError, OSError) as error:
        if str(error) != told:
            tell(error)
        return error
    return None


def _identities(roots: Sequence[Path]) -> list[tuple[int, int] | None]:
    """Which folder or file each path leads to, if any."""

    def identity(root: Path) -> tuple[int, int] | None:
        try:
            status = root.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    return [identity(root) for root in roots]


def _changes(roots: Sequence[Path], data_dir: Path, stop: Event) -> Generator[bool]:
    """Whether something has changed since the last time, at least twice a second.

    Nothing that happens between two of them is missed: it is watched from the first on.
    """
    present = [root for root in roots if root.exists()]
    if not present:
        while not stop.wait(_LOOK / 1_000):
            yield False
        return
    for changes in watch(
        *present,
        watch_filter=None,
        debounce=_LONGEST,
        step=_QUIET,
        rust_timeout=_LOOK,
        yield_on_timeout=True,
        stop_event=stop,
        ignore_permission_denied=True,
    ):
        yield any(_matters(Path(path), present, data_dir) for _, path in changes)


def _matters(path: Path, roots: Sequence[Path], data_dir: Path) -> bool:
    """Whether a change of a path may change the record: hidden files do not, nor does the index itself."""
    for root in roots:
        if not path.is_relative_to(root):
            continue
        if path.is_relative_to(data_dir) and not root.is_relative_to(data_dir):
            continue
        if not any(part.startswith(".") for part in path.relative_to(root).parts):
            return True
    return False

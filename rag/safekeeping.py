"""Sees to it that nobody works on with a damaged index: looked at before a change, removed if need be, sealed after."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rag.adapters.chroma import ChromaVectorStore
from rag.catalog import Catalog
from rag.errors import IndexCorrupt, IndexEmpty, IndexMismatch, IndexNewer, StorageError
from rag.inspection import inspect
from rag.seal import Seal
from rag.settings import Settings
from rag.verify import Check


class Safekeeping:
    """The catalog and the vectors of a data folder, between one change and the next."""

    def __init__(self, settings: Settings, catalog: Catalog, vectors: ChromaVectorStore) -> None:
        self._settings = settings
        self._catalog = catalog
        self._vectors = vectors
        self._seal = Seal(settings.data_dir)

    @contextmanager
    def changing(
        self, fingerprint: Callable[[], str], rebuild: bool = False, wait_seconds: float = 0
    ) -> Iterator[str]:
        """Hold the writer's place; gives why the index must be made anew, empty where it need not.

        What is damaged is removed: it holds nothing that cannot be made again from the documents.

        Raises:
            IndexBusy: another process is writing.
            IndexNewer: a later version of this program has made it, and no rebuild is asked for.
        """
        with self._catalog.writing(wait_seconds):
            reason = self._prepare(rebuild) or self._outdated(fingerprint)
            yield reason
            self._seal.put()

    def damage(self) -> list[Check]:
        """What is wrong with what is stored. A seal that is whole says that nothing is, and costs little."""
        if not self._seal.broken():
            return []
        # Not as it was sealed: damaged, or a process was killed while it wrote. That costs a closer look, in a child.
        checks = inspect(self._settings, with_model=False)
        return [check for check in checks if not check.well]

    def _prepare(self, rebuild: bool) -> str:
        try:
            self._catalog.manifest()
        except IndexNewer:
            if not rebuild:
                raise
            self._catalog.discard()
        except IndexCorrupt as error:
            self._catalog.discard()
            self._clear_damaged()
            return f"It was damaged ({error})"
        except (IndexEmpty, IndexMismatch):
            self._clear_damaged()
        else:
            damage = self.damage()
            if damage:
                self._vectors.clear()
                self._catalog.discard()
                return f"It was damaged ({_told(damage)})"
        return ""

    def _clear_damaged(self) -> None:
        """Where no catalog says what belongs to it, nothing in the vectors can be used."""
        if self._seal.broken():
            self._vectors.clear()

    def _outdated(self, fingerprint: Callable[[], str]) -> str:
        try:
            manifest = self._catalog.manifest()
        except IndexMismatch:
            return "It was made by an earlier version of this program"
        except StorageError:
            return ""
        if manifest.fingerprint != fingerprint():
            return "It was made with another embedding model, passage size or version of this program"
        return ""


def _told(damage: Sequence[Check]) -> str:
    return "; ".join(f"{check.subject}: {check.detail}" for check in damage)

"""Sees to it that no damaged index is worked with: looked at before a change, set aside if need be, sealed after."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rag.adapters.chroma import ChromaVectorStore
from rag.catalog import CATALOG_FILE, Catalog
from rag.errors import IndexCorrupt, IndexEmpty, IndexMismatch, IndexNewer, StorageError
from rag.seal import CHROMA_FOLDER, Seal
from rag.settings import Settings

if TYPE_CHECKING:
    from rag.verify import Check

# What is damaged, for as long as it is not made anew.
ASIDE_FOLDER = "damaged"


class Safekeeping:
    """The catalog and the vectors of a data folder, between one change and the next."""

    def __init__(self, settings: Settings, catalog: Catalog, vectors: ChromaVectorStore) -> None:
        self._settings = settings
        self._catalog = catalog
        self._vectors = vectors
        self._seal = Seal(settings.data_dir)
        self._aside = settings.data_dir / ASIDE_FOLDER

    @contextmanager
    def changing(
        self,
        fingerprint: Callable[[], str],
        rebuild: bool = False,
        wait_seconds: float = 0,
        known_damage: str = "",
    ) -> Iterator[str]:
        """Hold the writer's place; gives why the index must be made anew, empty where it need not.

        What is damaged is set aside: it holds nothing that cannot be made again from the documents. Where that fails,
        as on a full disk, it is put back: what looks like damage may be something else.

        Raises:
            IndexBusy: another process is writing.
            IndexNewer: a later version of this program has made it, and no rebuild is asked for.
        """
        with self._catalog.writing(wait_seconds):
            for path in self.leftovers():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            damage = known_damage or self._damage(rebuild)
            if damage is not None:
                self._set_aside()
            try:
                yield self._outdated(fingerprint) if damage is None else damage
            except BaseException:
                if damage is not None:
                    self._put_back()
                raise
            shutil.rmtree(self._aside, ignore_errors=True)
            self._seal.put()

    def leftovers(self) -> list[Path]:
        """What a process has left that was killed: files half written, and what it had set aside."""
        folder = self._settings.data_dir
        return sorted(path for path in (*folder.glob("*.part"), self._aside) if path.exists())

    def damage(self) -> list[Check]:
        """What is wrong with what is stored. A seal that is whole says that nothing is, and costs little."""
        if not self._seal.broken():
            return []
        # Not as it was sealed: damaged, or a process was killed while it wrote. That costs a closer look, in a child.
        from rag.verification import verify_in_child

        checks = verify_in_child(self._settings, with_model=False)
        return [check for check in checks if not check.well]

    def _damage(self, rebuild: bool) -> str | None:
        """Why nothing that is stored can be used, empty where there is nothing to say; None if it can be."""
        try:
            self._catalog.manifest()
        except IndexNewer:
            if rebuild:
                return ""
            raise
        except IndexCorrupt as error:
            return f"It was damaged ({error})"
        except (IndexEmpty, IndexMismatch):
            # Where no catalog says what belongs to it, nothing of what somebody left there can be used.
            return self._outdated(str) if self._seal.broken() else None
        found = self.damage()
        return f"It was damaged ({_told(found)})" if found else None

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

    def _set_aside(self) -> None:
        self._let_go()
        shutil.rmtree(self._aside, ignore_errors=True)
        self._aside.mkdir()
        for path in self._stored():
            path.rename(self._aside / path.name)

    def _put_back(self) -> None:
        self._let_go()
        for path in self._stored():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path in self._aside.iterdir():
            path.rename(self._settings.data_dir / path.name)
        self._aside.rmdir()

    def _stored(self) -> list[Path]:
        folder = self._settings.data_dir
        return [path for path in (*folder.glob(f"{CATALOG_FILE}*"), folder / CHROMA_FOLDER) if path.exists()]

    def _let_go(self) -> None:
        self._catalog.close()
        self._vectors.close()


def _told(damage: Sequence[Check]) -> str:
    return "; ".join(f"{check.subject}: {check.detail}" for check in damage)

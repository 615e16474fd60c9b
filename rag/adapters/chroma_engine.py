"""Chroma's engine, asked without Chroma's client: the client takes longer to import than a question takes to answer.

The engine is a library with bindings of its own, which `chromadb.api.rust` hands every call on to. These are the calls
that reading a folder takes, with the same arguments. Whatever is written goes through the client.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from rag.ports import Vector

# Chroma's own, where nothing else is asked for.
_PLACE = ("default_tenant", "default_database")
# So many that none is ever put out of memory: one that is too small to have been written to disk could not be read
# again (Chroma 1.5.9: "Nothing found on disk"). The cache is in 64 parts, and each graph belongs into one of them.
GRAPHS_IN_MEMORY = 4_096

Found = TypeVar("Found")


class ChromaEngine:
    """The collections of a folder, to read. Threads may share it.

    Raises (also when made):
        ImportError, AttributeError, TypeError: this version of Chroma has other bindings.
        chromadb.errors.ChromaError: the collection is not there or cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.asked: dict[str, str] = {}  # the collections whose graphs are in memory, with their ids
        import chromadb_rust_bindings as bindings

        self._bindings: Any = bindings.Bindings(
            allow_reset=False,
            sqlite_db_config=bindings.SqliteDBConfig(
                url=str(folder / "chroma.sqlite3"),
                hash_type=bindings.MigrationHash.MD5,
                migration_mode=bindings.MigrationMode.Apply,
            ),
            persist_path=str(folder),
            hnsw_cache_size=GRAPHS_IN_MEMORY,
        )

    def query(
        self, collection: str, vector: Vector, limit: int, where: Mapping[str, Any] | None
    ) -> list[tuple[str, float]]:
        """The nearest as (id, cosine distance), nearest first."""
        condition = json.dumps(where) if where else None
        found = self._of(
            collection,
            lambda key: self._bindings.query(
                key, None, [vector.tolist()], limit, condition, None, ["distances"], *_PLACE
            ),
        )
        return list(zip(found.ids[0], found.distances[0], strict=True))

    def vectors(self, collection: str, ids: Sequence[str]) -> dict[str, Vector]:
        """The stored vectors of those ids that the collection has."""
        found = self._of(
            collection,
            lambda key: self._bindings.get(key, list(ids), None, None, 0, None, ["embeddings"], *_PLACE),
        )
        return {
            key: np.asarray(vector, dtype=np.float32)
            for key, vector in zip(found.ids, found.embeddings, strict=True)
        }

    def count(self, collection: str) -> int:
        """How many vectors the collection holds."""
        return int(self._of(collection, lambda key: self._bindings.count(key, *_PLACE)))

    def collections(self) -> list[str]:
        """The names of all collections."""
        return [found.name for found in self._bindings.list_collections(None, None, *_PLACE)]

    def _of(self, collection: str, ask: Callable[[str], Found]) -> Found:
        """What a collection answers. Its id is kept: to look it up takes a quarter of the time of a question."""
        known = self.asked.get(collection)
        if known is not None:
            # It may be another by that name now; what else is wrong will be so again.
            with suppress(Exception):
                return ask(known)
        found = self.asked[collection] = str(self._bindings.get_collection(collection, *_PLACE).id)
        return ask(found)

"""Chroma's engine, asked without Chroma's client: the client takes longer to import than a question takes to answer.

The engine is a library with bindings of its own, which `chromadb.api.rust` hands every call on to. These are the calls
that reading a folder takes, with the same arguments. Whatever is written goes through the client.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag.ports import Vector

# Chroma's own, where nothing else is asked for.
_PLACE = ("default_tenant", "default_database")
# So many that none is ever put out of memory: one that is too small to have been written to disk could not be read
# again (Chroma 1.5.9: "Nothing found on disk"). The cache is in 64 parts, and each graph belongs into one of them.
GRAPHS_IN_MEMORY = 4_096


class ChromaEngine:
    """The collections of a folder, to read. Threads may share it.

    Raises (also when made):
        ImportError, AttributeError, TypeError: this version of Chroma has other bindings.
        chromadb.errors.ChromaError: the collection is not there or cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.asked: set[str] = set()  # the collections whose graphs are in memory
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
        found = self._bindings.query(
            self._id(collection),
            None,
            [vector.tolist()],
            limit,
            json.dumps(where) if where else None,
            None,
            ["distances"],
            *_PLACE,
        )
        return list(zip(found.ids[0], found.distances[0], strict=True))

    def vectors(self, collection: str, ids: Sequence[str]) -> dict[str, Vector]:
        """The stored vectors of those ids that the collection has."""
        found = self._bindings.get(
            self._id(collection), list(ids), None, None, 0, None, ["embeddings"], *_PLACE
        )
        return {
            key: np.asarray(vector, dtype=np.float32)
            for key, vector in zip(found.ids, found.embeddings, strict=True)
        }

    def count(self, collection: str) -> int:
        """How many vectors the collection holds."""
        return int(self._bindings.count(self._id(collection), *_PLACE))

    def collections(self) -> list[str]:
        """The names of all collections."""
        return [found.name for found in self._bindings.list_collections(None, None, *_PLACE)]

    def _id(self, collection: str) -> str:
        self.asked.add(collection)
        return str(self._bindings.get_collection(collection, *_PLACE).id)

"""The vector store on Chroma: collections with cosine distance and our own vectors, in a folder."""

from __future__ import annotations

import ctypes
import math
import shutil
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from rag.adapters.chroma_engine import GRAPHS_IN_MEMORY, ChromaEngine
from rag.dates import days
from rag.domain import Filters, Passage
from rag.errors import IndexCorrupt
from rag.ports import Vector
from rag.text import valid

if TYPE_CHECKING:
    from chromadb.api.client import Client
    from chromadb.api.models.Collection import Collection

Found = TypeVar("Found")

# Chroma refuses larger writes than its SQLite can bind; far below that, memory stays flat too.
ADD_BATCH = 250
# After so many that were deleted, their graphs are put out of memory, where Chroma leaves them.
DELETED_IN_MEMORY = 16
# The same of the engine, while others write: it only sees that it is asked for ever more collections.
MOST_ASKED = 32
# How many of the nearest the search in the graph keeps in sight (ef of Malkov and Yashunin 2018) among ten thousand and
# fewer; among ten times as many, twice as many. With Chroma's 100, of the 50 nearest among ten thousand 4 in 100 were
# missed; with 200 it is 1 in 200, in hardly more time. Of the 10 nearest among a million, 200 miss 19 in 100 in 4 ms
# and 800 miss 8 in 9 ms.
SEARCHED, AMONG = 200, 10_000


class ChromaVectorStore:
    """`rag.ports.VectorStore` in a folder, opened at first use.

    Until something is written the engine alone is asked; from then on Chroma's client, which takes long to import.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._client: Client | None = None
        self._engine: ChromaEngine | None = None
        self._deleted = 0
        self._guard = threading.Lock()

    def create(self, collection: str, expected: int = 0) -> None:
        """Make an empty collection for about so many vectors; one of that name that is left over is replaced.

        Where not even the names of the collections can be read, nothing can: then the folder is made anew.
        """
        try:
            self.delete(collection)
        except IndexCorrupt:
            self._clear()
        with self._translated():
            # Without `embedding_function=None` Chroma would fetch and run a model of its own.
            self._open().create_collection(
                self._full(collection),
                embedding_function=None,
                configuration={"hnsw": {"space": "cosine", "ef_search": searched(expected)}},
            )

    def add(self, collection: str, passages: Sequence[Passage], vectors: Vector) -> None:
        """Store each passage under its id with its vector and what filters need."""
        with self._translated():
            target = self._get(collection)
            for start in range(0, len(passages), ADD_BATCH):
                batch = passages[start : start + ADD_BATCH]
                target.upsert(
                    ids=[passage.id for passage in batch],
                    embeddings=vectors[start : start + ADD_BATCH],
                    documents=[passage.text for passage in batch],
                    metadatas=[_metadata(passage) for passage in batch],
                )

    def vectors(self, collection: str, ids: Sequence[str]) -> Mapping[str, Vector]:
        """The stored vectors of those ids that the collection has."""
        if not ids:
            return {}
        with self._translated():
            return self._read(
                lambda engine: engine.vectors(self._full(collection), ids),
                lambda: self._client_vectors(collection, ids),
            )

    def query(self, collection: str, vector: Vector, limit: int, filters: Filters) -> list[tuple[str, float]]:
        """The nearest passages as (id, cosine similarity), best first; ties by id.

        Raises:
            IndexCorrupt: the collection is not there or cannot be read.
        """
        where = _where(filters)
        with self._translated():
            pairs = self._read(
                lambda engine: engine.query(self._full(collection), vector, limit, where),
                lambda: self._client_query(collection, vector, limit, where),
            )
        return sorted(
            ((key, 1.0 - distance) for key, distance in pairs), key=lambda pair: (-pair[1], pair[0])
        )

    def count(self, collection: str) -> int:
        """How many vectors the collection holds; 0 where there is no such collection."""
        with self._translated():
            if collection not in set(self.collections()):
                return 0
            return self._read(
                lambda engine: engine.count(self._full(collection)), lambda: self._get(collection).count()
            )

    def collections(self) -> Iterator[str]:
        """The names of all collections."""
        with self._translated():
            names = self._read(
                lambda engine: engine.collections(),
                lambda: [found.name for found in self._open().list_collections()],
            )
        yield from (name.removeprefix(self._full("")) for name in names if name.startswith(self._full("")))

    def delete(self, collection: str) -> None:
        """Remove the collection; one that is not there is no error."""
        if collection in set(self.collections()):
            with self._translated():
                self._open().delete_collection(self._full(collection))
                self._sweep_folders()
                self._forget_graphs()

    def collection(self, name: str) -> Collection:
        """Chroma's own object, for programs that read the record through it.

        Raises:
            IndexCorrupt: the collection is not there or cannot be read.
        """
        with self._translated():
            return self._get(name)

    def close(self) -> None:
        """Let go of the folder."""
        with self._guard:
            self._engine = None
            if self._client is not None:
                self._client.close()
                self._client = None

    def _read(self, of_engine: Callable[[ChromaEngine], Found], of_client: Callable[[], Found]) -> Found:
        """What the engine says or, where it is not asked any more, the client."""
        try:
            engine = self._open_engine()
            if engine is not None:
                return of_engine(engine)
        except (ImportError, AttributeError, TypeError):  # a later Chroma may have other bindings
            self._open()
        return of_client()

    def _client_vectors(self, collection: str, ids: Sequence[str]) -> dict[str, Vector]:
        found = self._get(collection).get(ids=list(ids), include=["embeddings"])
        vectors = found["embeddings"]
        if vectors is None:
            return {}
        return {
            key: np.asarray(vector, dtype=np.float32)
            for key, vector in zip(found["ids"], vectors, strict=True)
        }

    def _client_query(
        self, collection: str, vector: Vector, limit: int, where: dict[str, Any] | None
    ) -> list[tuple[str, float]]:
        found = self._get(collection).query(
            query_embeddings=vector[np.newaxis, :], n_results=limit, where=where, include=["distances"]
        )
        distances = found["distances"]
        return [
            (key, float(distance))
            for key, distance in zip(found["ids"][0], distances[0] if distances else (), strict=True)
        ]

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if not _is_of_store(error):
                raise
            raise IndexCorrupt(
                f"The vectors in {self._folder} cannot be read or written ({type(error).__name__}: {error})."
                " Run `mission-record rebuild`."
            ) from error

    def _sweep_folders(self) -> None:
        """Remove the graphs of collections that are no more, which Chroma (1.5.9) leaves behind: its issue 5259."""
        database = self._folder / "chroma.sqlite3"
        with suppress(sqlite3.Error), closing(sqlite3.connect(database, timeout=30)) as connection:
            used = {segment for (segment,) in connection.execute("SELECT id FROM segments")}
            for folder in self._folder.iterdir():
                if folder.is_dir() and folder.name not in used:
                    shutil.rmtree(folder, ignore_errors=True)

    def _forget_graphs(self) -> None:
        """Go on with another client after so many deletions. Whoever is asking the old one still has its answer."""
        self._deleted += 1
        if self._deleted < DELETED_IN_MEMORY:
            return
        from chromadb.api.shared_system_client import SharedSystemClient

        with self._guard:
            # What Chroma does not find any more it cannot stop when the client is closed.
            system = SharedSystemClient._identifier_to_system.pop(str(self._folder), None)
            if self._client is not None:
                self._client.close()
            if system is not None:
                system._instances.clear()  # else it would refer to itself, and wait for the garbage collector
            self._client, self._deleted = self._connect(), 0
        del system
        _return_memory()

    def _clear(self) -> None:
        self.close()
        with self._translated():
            shutil.rmtree(self._folder)

    def _get(self, collection: str) -> Collection:
        return self._open().get_collection(self._full(collection), embedding_function=None)

    def _full(self, collection: str) -> str:
        """The name of a collection in Chroma."""
        return collection

    def _open(self) -> Client:
        with self._guard:
            if self._client is None:
                self._client = self._connect()
                self._engine = None
            return self._client

    def _open_engine(self) -> ChromaEngine | None:
        """None once there is a client: what that has written, another in the same process need not see at once."""
        with self._guard:
            if self._engine is not None and len(self._engine.asked) > MOST_ASKED:
                self._engine = None  # others still have it where they are asking it
            if self._engine is None and self._client is None:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._engine = ChromaEngine(self._folder)
            return self._engine

    def _connect(self) -> Client:
        import chromadb
        from chromadb.api.rust import RustBindingsAPI
        from chromadb.api.shared_system_client import SharedSystemClient
        from chromadb.config import Settings, System

        self._folder.mkdir(parents=True, exist_ok=True)
        path, started = str(self._folder), SharedSystemClient._identifier_to_system
        settings = Settings(anonymized_telemetry=False, persist_directory=path, is_persistent=True)
        if path not in started:
            # A client by itself would keep fewer where few files may be open.
            system = System(settings)
            system.instance(RustBindingsAPI).hnsw_cache_size = GRAPHS_IN_MEMORY
            system.start()
            started[path] = system
        try:
            return cast("Client", chromadb.PersistentClient(path, settings=settings))
        except Exception:
            # Chroma keeps what it failed to start, and would hand it out half made the next time.
            started.pop(path, None)
            raise


def searched(vectors: int) -> int:
    """How many of the nearest a search among so many vectors keeps in sight."""
    return round(SEARCHED * 2 ** math.log10(max(vectors / AMONG, 1.0)))


def _return_memory() -> None:
    """Give what is free back to the system: glibc keeps what lies between pieces in use, so that a server grows."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def _is_of_store(error: Exception) -> bool:
    if isinstance(error, (ValueError, OSError)):
        return True
    from chromadb.errors import ChromaError  # slow to import; what the engine raises has imported it

    return isinstance(error, ChromaError)


def _metadata(passage: Passage) -> dict[str, str | int]:
    """Flat values: what filters need, and what LlamaIndex shows of a node."""
    metadata: dict[str, str | int] = {
        "document_id": passage.document_id,
        "title": passage.title,
        "section": passage.section,
        "kind": passage.kind,
        "start": passage.start,
        "end": passage.end,
    }
    covered = days(passage.published)
    if covered:
        metadata |= {"first_day": covered[0], "last_day": covered[1]}
    return metadata


def _where(filters: Filters) -> dict[str, Any] | None:
    conditions: list[dict[str, Any]] = []
    if filters.document_ids:
        conditions.append({"document_id": {"$in": [valid(chosen) for chosen in filters.document_ids]}})
    if filters.kinds:
        conditions.append({"kind": {"$in": [valid(chosen) for chosen in filters.kinds]}})
    earliest, latest = days(filters.published_from), days(filters.published_to)
    if earliest:
        conditions.append({"last_day": {"$gte": earliest[0]}})
    if latest:
        conditions.append({"first_day": {"$lte": latest[1]}})
    if len(conditions) > 1:
        return {"$and": conditions}
    return conditions[0] if conditions else None

"""Chroma alone: `collection.add` and `collection.query` with texts, embedded by its own ONNX embedder."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import chromadb
from chromadb.api import ClientAPI
from chromadb.utils.embedding_functions import ONNXMiniLM_L6_V2

from eval.benchmarks.peer.contender import Contender, Ready, paragraphs, read_files


class Alone(Contender):
    """A collection with `ONNXMiniLM_L6_V2`, loaded once. It cuts nothing itself, so files are cut at blank lines.

    `DefaultEmbeddingFunction`, which is used where none is named, loads the same model anew for every question.
    """

    def __init__(self, model: Path, index: Path) -> None:
        """`model` is a folder as `export` makes it."""
        super().__init__(model, index)
        ONNXMiniLM_L6_V2.DOWNLOAD_PATH = model
        self._embedder = ONNXMiniLM_L6_V2()

    def embed(self, text: str) -> list[float]:
        return [float(number) for number in self._embedder([text])[0]]

    def ingest(self, documents: str) -> int:
        return self._add(
            [
                Ready(f"{name}#{number}", name, part)
                for name, text in read_files(documents)
                for number, part in enumerate(paragraphs(text))
            ]
        )

    def add(self) -> int:
        return self._add(self.handed)

    def search(self, question: str) -> list[str]:
        found = self._collection.query(query_texts=[question])
        return [str(metadata["document"]) for metadata in (found["metadatas"] or [[]])[0]]

    def _add(self, passages: Sequence[Ready]) -> int:
        most = self._client.get_max_batch_size()
        for batch in (passages[first : first + most] for first in range(0, len(passages), most)):
            self._collection.add(
                ids=[each.id for each in batch],
                documents=[each.text for each in batch],
                metadatas=[{"document": each.document_id} for each in batch],
            )
        return self._collection.count()

    @cached_property
    def _client(self) -> ClientAPI:
        return chromadb.PersistentClient(path=str(self.index))

    @cached_property
    def _collection(self) -> chromadb.Collection:
        return self._client.get_or_create_collection(
            "documents", embedding_function=cast(Any, self._embedder)
        )

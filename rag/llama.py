"""The record for LlamaIndex programs.

    from rag.llama import open_record

    record = open_record()                       # settings from the environment
    record.query_engine().query("Who ...?")      # a cited answer
    record.retriever(top_k=10).retrieve("...")   # passages, for another synthesizer or agent
    record.vector_store_index()                  # the Chroma collections as a VectorStoreIndex

LlamaIndex's global `Settings` are neither read nor changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rag.domain import DEFAULT_TOP_K, Filters
from rag.segments import Segments
from rag.settings import Settings, load_settings
from rag.wiring import Application, build

if TYPE_CHECKING:
    from llama_index.core import VectorStoreIndex

    from rag.adapters.llama import RecordEmbedding, RecordQueryEngine, RecordRetriever


class LlamaRecord:
    """An ingested record, offered in LlamaIndex's terms."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def embedding(self) -> RecordEmbedding:
        """The embedding model that the record was indexed with."""
        from rag.adapters.llama import RecordEmbedding

        return RecordEmbedding(self._application.embedder)

    def retriever(self, top_k: int = DEFAULT_TOP_K, filters: Filters = Filters()) -> RecordRetriever:
        """The hybrid search."""
        from rag.adapters.llama import RecordRetriever

        pipeline = self._application.pipeline
        return RecordRetriever(
            lambda query, k, chosen: pipeline.search(query, k, chosen).hits, top_k, filters
        )

    def query_engine(self, top_k: int = DEFAULT_TOP_K) -> RecordQueryEngine:
        """The whole pipeline: cited answers, or "not found"."""
        from rag.adapters.llama import RecordQueryEngine

        return RecordQueryEngine(self._application.pipeline.ask, top_k)

    def vector_store_index(self) -> VectorStoreIndex:
        """What Chroma holds of the record, to read from; after a change of the record, open it anew."""
        from rag.adapters.llama import RecordCollection, vector_store_index

        application, manifest = self._application, self._application.check()
        segments = Segments(application.catalog, application.vectors)
        collection = RecordCollection(
            [(segment, application.vectors.collection(segment.collection)) for segment in manifest.segments],
            segments.alive,
        )
        return vector_store_index(collection, self.embedding())


def open_record(settings: Settings | None = None) -> LlamaRecord:
    """The record that the settings name; it must have been ingested.

    Raises:
        IndexEmpty, IndexMismatch: it has not; the message says what to run.
    """
    application = build(settings or load_settings())
    application.check()
    return LlamaRecord(application)

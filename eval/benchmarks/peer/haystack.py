"""Haystack as its documentation has it: a pipeline that indexes and one that asks, over a `ChromaDocumentStore`."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from haystack import Document, Pipeline
from haystack.components.converters import TextFileToDocument
from haystack.components.preprocessors import DocumentSplitter
from haystack.components.writers import DocumentWriter
from haystack_integrations.components.embedders.sentence_transformers import (
    SentenceTransformersDocumentEmbedder,
    SentenceTransformersTextEmbedder,
)
from haystack_integrations.components.retrievers.chroma import ChromaEmbeddingRetriever
from haystack_integrations.document_stores.chroma import ChromaDocumentStore

from eval.benchmarks.peer.contender import Contender


class Pipelines(Contender):
    """Splits of 200 words and ten passages retrieved, which are the defaults."""

    def embed(self, text: str) -> list[float]:
        return list(self._text_embedder.run(text=text)["embedding"])

    def ingest(self, documents: str) -> int:
        indexing = Pipeline()
        indexing.add_component("converter", TextFileToDocument())
        indexing.add_component("splitter", DocumentSplitter())
        indexing.add_component("embedder", self._document_embedder)
        indexing.add_component("writer", DocumentWriter(self._store))
        indexing.connect("converter", "splitter")
        indexing.connect("splitter", "embedder")
        indexing.connect("embedder", "writer")
        indexing.run({"converter": {"sources": sorted(Path(documents).iterdir())}})
        return int(self._store.count_documents())

    def add(self) -> int:
        indexing = Pipeline()
        indexing.add_component("embedder", self._document_embedder)
        indexing.add_component("writer", DocumentWriter(self._store))
        indexing.connect("embedder", "writer")
        passages = [
            Document(id=each.id, content=each.text, meta={"file_path": f"{each.document_id}.md"})
            for each in self.handed
        ]
        indexing.run({"embedder": {"documents": passages}})
        return int(self._store.count_documents())

    def search(self, question: str) -> list[str]:
        found = self._asking.run({"text_embedder": {"text": question}})["retriever"]["documents"]
        return [Path(document.meta["file_path"]).stem for document in found]

    @cached_property
    def _store(self) -> ChromaDocumentStore:
        return ChromaDocumentStore(persist_path=str(self.index))

    @cached_property
    def _document_embedder(self) -> SentenceTransformersDocumentEmbedder:
        embedder = SentenceTransformersDocumentEmbedder(model=str(self.model))
        embedder.warm_up()
        return embedder

    @cached_property
    def _text_embedder(self) -> SentenceTransformersTextEmbedder:
        embedder = SentenceTransformersTextEmbedder(model=str(self.model))
        embedder.warm_up()
        return embedder

    @cached_property
    def _asking(self) -> Pipeline:
        asking = Pipeline()
        asking.add_component("text_embedder", SentenceTransformersTextEmbedder(model=str(self.model)))
        asking.add_component("retriever", ChromaEmbeddingRetriever(document_store=self._store))
        asking.connect("text_embedder.embedding", "retriever.query_embedding")
        return asking

"""LlamaIndex as its starter has it: files read, cut and embedded by its defaults, kept in Chroma."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import chromadb
from llama_index.core import SimpleDirectoryReader, StorageContext, VectorStoreIndex
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import TextNode
from llama_index.embeddings.huggingface import HuggingFaceEmbedding
from llama_index.vector_stores.chroma import ChromaVectorStore

from eval.benchmarks.peer.contender import Contender


class Starter(Contender):
    """Chunks of 1,024 tokens, of which the model reads the first 256; two retrieved: the defaults.

    Files are read as they are: `llama-index-readers-file`, which splits Markdown at headings, would bring pandas along
    for all that run in the same environment.
    """

    def embed(self, text: str) -> list[float]:
        return list(self._embedding.get_query_embedding(text))

    def ingest(self, documents: str) -> int:
        VectorStoreIndex.from_documents(
            SimpleDirectoryReader(documents).load_data(),
            storage_context=StorageContext.from_defaults(vector_store=self._store),
            embed_model=self._embedding,
        )
        return int(self._collection.count())

    def add(self) -> int:
        nodes = [
            TextNode(id_=each.id, text=each.text, metadata={"file_name": f"{each.document_id}.md"})
            for each in self.handed
        ]
        # Else it would put the name of the file before every text, which the other contenders do not embed.
        for node in nodes:
            node.excluded_embed_metadata_keys = ["file_name"]
        VectorStoreIndex(
            nodes,
            storage_context=StorageContext.from_defaults(vector_store=self._store),
            embed_model=self._embedding,
        )
        return int(self._collection.count())

    def search(self, question: str) -> list[str]:
        found = self._retriever.retrieve(question)
        return [Path(each.node.metadata["file_name"]).stem for each in found]

    @cached_property
    def _embedding(self) -> HuggingFaceEmbedding:
        return HuggingFaceEmbedding(model_name=str(self.model))

    @cached_property
    def _collection(self) -> chromadb.Collection:
        return chromadb.PersistentClient(path=str(self.index)).get_or_create_collection("quickstart")

    @cached_property
    def _store(self) -> ChromaVectorStore:
        return ChromaVectorStore(chroma_collection=self._collection)

    @cached_property
    def _retriever(self) -> BaseRetriever:
        index = VectorStoreIndex.from_vector_store(self._store, embed_model=self._embedding)
        return index.as_retriever()

"""LangChain as its tutorial on retrieval has it: recursive splitting, `HuggingFaceEmbeddings`, Chroma, a retriever."""

from __future__ import annotations

from functools import cached_property

from langchain_chroma import Chroma
from langchain_core.documents import Document
from langchain_core.vectorstores import VectorStoreRetriever
from langchain_huggingface import HuggingFaceEmbeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter

from eval.benchmarks.peer.contender import Contender, read_files


class Tutorial(Contender):
    """Chunks of 1,000 characters that share 200, as the tutorial cuts; four are retrieved, which is the default."""

    def embed(self, text: str) -> list[float]:
        return list(self._embeddings.embed_query(text))

    def ingest(self, documents: str) -> int:
        loaded = [
            Document(page_content=text, metadata={"source": name}) for name, text in read_files(documents)
        ]
        splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200, add_start_index=True)
        return len(self._store.add_documents(splitter.split_documents(loaded)))

    def add(self) -> int:
        ids = self._store.add_texts(
            [each.text for each in self.handed],
            metadatas=[{"source": each.document_id} for each in self.handed],
            ids=[each.id for each in self.handed],
        )
        return len(ids)

    def search(self, question: str) -> list[str]:
        return [str(found.metadata["source"]) for found in self._retriever.invoke(question)]

    @cached_property
    def _embeddings(self) -> HuggingFaceEmbeddings:
        return HuggingFaceEmbeddings(model_name=str(self.model))

    @cached_property
    def _store(self) -> Chroma:
        return Chroma(
            collection_name="documents",
            embedding_function=self._embeddings,
            persist_directory=str(self.index),
        )

    @cached_property
    def _retriever(self) -> VectorStoreRetriever:
        return self._store.as_retriever()

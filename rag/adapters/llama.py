"""The record for other LlamaIndex programs: an embedding, a retriever, a query engine and the vector store beneath."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any

from llama_index.core import VectorStoreIndex
from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.llms.types import CompletionResponse, CompletionResponseGen, LLMMetadata
from llama_index.core.base.response.schema import RESPONSE_TYPE, Response
from llama_index.core.embeddings import BaseEmbedding
from llama_index.core.llms import CustomLLM
from llama_index.core.prompts.mixin import PromptMixinType
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeRelationship, NodeWithScore, QueryBundle, RelatedNodeInfo, TextNode
from llama_index.vector_stores.chroma import ChromaVectorStore
from pydantic import PrivateAttr

from rag.domain import DEFAULT_TOP_K, Answer, Citation, Filters, Hit, Passage, Question, Segment
from rag.ports import Embedder, LanguageModel, Message
from rag.segments import nearest_alive

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection

# A grade and its reasons, with room for a model that thinks first.
MOST_TOKENS = 2_048

Search = Callable[[str, int, Filters], tuple[Hit, ...]]
Ask = Callable[[Question], Answer]
Alive = Callable[[Segment, Sequence[str]], set[str]]
Row = dict[str, Any]


class RecordEmbedding(BaseEmbedding):
    """The record's embedding model as LlamaIndex's; no network, no torch."""

    _embedder: Embedder = PrivateAttr()

    def __init__(self, embedder: Embedder, **options: Any) -> None:
        super().__init__(model_name=f"mission-record-{embedder.fingerprint}", **options)
        self._embedder = embedder

    @classmethod
    def class_name(cls) -> str:
        """The name that LlamaIndex stores."""
        return "RecordEmbedding"

    def _get_query_embedding(self, query: str) -> list[float]:
        return [float(value) for value in self._embedder.embed_query(query)]

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return [[float(value) for value in vector] for vector in self._embedder.embed_passages(texts)]

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return await asyncio.to_thread(self._get_query_embedding, query)


class RecordRetriever(BaseRetriever):
    """The hybrid search as a retriever: nodes with the passage's text, its place and its document."""

    def __init__(self, search: Search, top_k: int = DEFAULT_TOP_K, filters: Filters = Filters()) -> None:
        self._search = search
        self._top_k = top_k
        self._filters = filters
        super().__init__()

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        hits = self._search(query_bundle.query_str, self._top_k, self._filters)
        return [
            NodeWithScore(node=_node(hit.passage.id, hit.passage.text, hit.passage), score=hit.score)
            for hit in hits
        ]


class RecordQueryEngine(BaseQueryEngine):
    """The whole pipeline as a query engine; `source_nodes` are the cited sentences, in the order of their markers.

    `response.metadata` holds `status`, `confidence` and `short_answer`.
    """

    def __init__(self, ask: Ask, top_k: int = DEFAULT_TOP_K) -> None:
        self._ask = ask
        self._top_k = top_k
        super().__init__(callback_manager=None)

    def _query(self, query_bundle: QueryBundle) -> RESPONSE_TYPE:
        answer = self._ask(Question(query_bundle.query_str, top_k=self._top_k))
        return Response(
            response=answer.answer,
            source_nodes=_cited_nodes(answer),
            metadata={
                "status": answer.status,
                "confidence": answer.confidence,
                "short_answer": answer.short_answer,
            },
        )

    async def _aquery(self, query_bundle: QueryBundle) -> RESPONSE_TYPE:
        return await asyncio.to_thread(self._query, query_bundle)

    def _get_prompt_modules(self) -> PromptMixinType:
        return {}


class RecordCollection:
    """The segments of a record as the one Chroma collection that LlamaIndex's vector store reads from.

    It has Chroma's own `query`, `get` and `count`, with one vector in a query; it cannot be written to. `alive` says
    which ids of a segment are of passages in the record.
    """

    def __init__(self, segments: Sequence[tuple[Segment, Collection]], alive: Alive) -> None:
        self._segments = segments
        self._alive = alive

    def query(
        self,
        query_embeddings: Any,
        n_results: int = 10,
        include: Sequence[str] = ("metadatas", "documents", "distances"),
        **options: Any,
    ) -> dict[str, Any]:
        """The nearest of all segments, in the form of Chroma's results."""
        asked_for = [*{*include, "distances"}]

        def nearest(collection: Collection, limit: int) -> list[Row]:
            found = collection.query(query_embeddings, n_results=limit, include=asked_for, **options)  # type: ignore[arg-type]
            return _rows(found, lambda column: column[0])

        rows = sorted(self._found(nearest, n_results), key=lambda row: (row["distances"], row["ids"]))
        return {name: [column] for name, column in _columns(rows[:n_results], include).items()}

    def get(
        self,
        limit: int | None = None,
        include: Sequence[str] = ("metadatas", "documents"),
        **options: Any,
    ) -> dict[str, Any]:
        """What the options choose of all segments, in the form of Chroma's results."""

        def chosen(collection: Collection, most: int) -> list[Row]:
            found = collection.get(limit=most, include=list(include), **options)  # type: ignore[arg-type]
            return _rows(found, lambda column: column)

        return _columns(self._found(chosen, self.count() if limit is None else limit)[:limit], include)

    def count(self) -> int:
        """The number of passages."""
        return sum(segment.passages for segment, _ in self._segments)

    def _found(self, ask: Callable[[Collection, int], list[Row]], limit: int) -> list[Row]:
        found: list[Row] = []
        for segment, collection in self._segments:
            found += nearest_alive(
                segment, limit, partial(ask, collection), partial(self._alive_rows, segment)
            )
        return found

    def _alive_rows(self, segment: Segment, rows: Sequence[Row]) -> list[Row]:
        ids = self._alive(segment, [row["ids"] for row in rows])
        return [row for row in rows if row["ids"] in ids]


def _rows(found: Any, of_query: Callable[[Any], Any]) -> list[Row]:
    """Chroma's columns as rows."""
    columns = {name: of_query(found[name]) for name in ("ids", *found["included"])}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _columns(rows: Sequence[Row], include: Sequence[str]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in ("ids", *include)}


def vector_store_index(collection: RecordCollection, embedding: RecordEmbedding) -> VectorStoreIndex:
    """A record's vectors as LlamaIndex's own index, to read from."""
    readable = ChromaVectorStore(chroma_collection=collection)
    return VectorStoreIndex.from_vector_store(readable, embed_model=embedding)


def _cited_nodes(answer: Answer) -> list[NodeWithScore]:
    return [
        NodeWithScore(node=_node(citation.url, citation.quote, citation), score=answer.confidence)
        for citation in answer.citations
    ]


def _node(identifier: str, text: str, place: Passage | Citation) -> TextNode:
    return TextNode(
        id_=identifier,
        text=text,
        start_char_idx=place.start,
        end_char_idx=place.end,
        metadata={
            "document_id": place.document_id,
            "title": place.title,
            "section": place.section,
            "kind": place.kind,
            "published": place.published,
            "page": place.page,
        },
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=place.document_id)},
    )


class WritingLLM(CustomLLM):
    """A language model of the settings as LlamaIndex's, with our limits on time and length: for its evaluators."""

    _model: LanguageModel = PrivateAttr()

    def __init__(self, model: LanguageModel) -> None:
        super().__init__()
        self._model = model

    @classmethod
    def class_name(cls) -> str:
        """The name that LlamaIndex shows."""
        return "WritingLLM"

    @property
    def metadata(self) -> LLMMetadata:
        """Its name; before its server was asked for it, as the settings have it."""
        return LLMMetadata(model_name=self._model.name, num_output=MOST_TOKENS)

    def complete(self, prompt: str, formatted: bool = False, **_options: Any) -> CompletionResponse:  # noqa: ARG002
        """All that it writes.

        Raises:
            LanguageModelError: it does not write, or not to its end.
        """
        with closing(self._model.write([Message("user", prompt)], MOST_TOKENS)) as pieces:
            return CompletionResponse(text="".join(piece for piece in pieces if isinstance(piece, str)))

    def stream_complete(
        self,
        prompt: str,
        formatted: bool = False,  # noqa: ARG002
        **_options: Any,
    ) -> CompletionResponseGen:
        """The same, at once."""

        def whole() -> CompletionResponseGen:
            yield self.complete(prompt)

        return whole()

"""The record as other LlamaIndex programs see it."""

from __future__ import annotations

import asyncio

import pytest
from llama_index.core import Settings as LlamaSettings

from rag.errors import IndexEmpty
from rag.llama import LlamaRecord, open_record
from rag.wiring import Application


@pytest.fixture
def record(small_application: Application) -> LlamaRecord:
    return LlamaRecord(small_application)


def test_query_engine_answers_with_cited_sentences(
    record: LlamaRecord, small_application: Application
) -> None:
    response = record.query_engine().query("How much did the quay cost?")
    assert "42 million euros" in str(response)
    node = response.source_nodes[0].node
    text = small_application.catalog.document(node.metadata["document_id"]).text
    assert text[node.start_char_idx : node.end_char_idx] == node.get_content()
    assert response.metadata["status"] == "answered"


def test_query_engine_says_when_the_record_does_not(record: LlamaRecord) -> None:
    response = asyncio.run(record.query_engine().aquery("Who won the chess world championship in Reykjavik?"))
    assert response.metadata["status"] == "not_found"
    assert response.source_nodes == []


def test_retriever_gives_passages_with_their_places(record: LlamaRecord) -> None:
    nodes = record.retriever(top_k=2).retrieve("lamp of the lighthouse")
    assert len(nodes) == 2
    assert nodes[0].node.metadata["document_id"] == "lighthouse"
    assert nodes[0].score >= nodes[1].score


def test_the_collection_is_a_vector_store_index(record: LlamaRecord) -> None:
    nodes = (
        record.vector_store_index()
        .as_retriever(similarity_top_k=1)
        .retrieve("When does the ferry to Varn leave?")
    )
    assert "7:30" in nodes[0].node.get_content()
    assert nodes[0].node.metadata["title"] == "The Elsin ferry"


def test_embedding_is_the_records_own(record: LlamaRecord, small_application: Application) -> None:
    embedding = record.embedding()
    text = "A quay for containers."
    assert embedding.get_text_embedding(text) == pytest.approx(
        small_application.embedder.embed_passages([text])[0].tolist(), abs=1e-6
    )
    assert asyncio.run(embedding.aget_query_embedding(text)) == pytest.approx(
        embedding.get_query_embedding(text)
    )


def test_global_settings_stay_untouched(record: LlamaRecord) -> None:
    record.query_engine().query("Who built the quay?")
    record.vector_store_index()
    assert LlamaSettings._llm is None
    assert LlamaSettings._embed_model is None


def test_a_record_that_was_never_ingested_is_refused(make_settings, tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(IndexEmpty, match="mission-record ingest"):
        open_record(make_settings(tmp_path / "nothing"))

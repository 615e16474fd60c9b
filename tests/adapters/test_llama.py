"""The record as other LlamaIndex programs see it."""

from __future__ import annotations

import asyncio

import pytest
from llama_index.core import Settings as LlamaSettings
from llama_index.core.vector_stores.types import MetadataFilter, MetadataFilters, VectorStoreQueryMode

from rag.domain import Upload
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


def test_the_index_reads_all_segments_and_nothing_that_was_replaced(
    record: LlamaRecord, small_application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.segments.SMALL", 1)
    monkeypatch.setattr("rag.segments.GROWTH", 0)
    monkeypatch.setattr("rag.segments.MOST_DEAD", 1)
    small_application.upload([Upload("pier.md", b"# Pier\n\nThe pier of Orlen is old and closed.")])
    small_application.upload([Upload("pier.md", b"# Pier\n\nThe pier of Orlen is new and open.")])
    small_application.upload(
        [Upload("buoy.md", b"---\nkind: mark\n---\n# Buoy\n\nThe buoy of Orlen is red.")]
    )
    small_application.delete("ferry")
    manifest = small_application.catalog.manifest()
    assert len(manifest.segments) > 2
    assert sum(segment.vectors for segment in manifest.segments) > manifest.passages
    index = record.vector_store_index()
    for mode in (VectorStoreQueryMode.DEFAULT, VectorStoreQueryMode.MMR):
        retriever = index.as_retriever(similarity_top_k=2, vector_store_query_mode=mode)
        found = {node.node.get_content() for node in retriever.retrieve("What is at Orlen: pier, buoy?")}
        assert found == {"The pier of Orlen is new and open.", "The buoy of Orlen is red."}
    every = index.as_retriever(similarity_top_k=100).retrieve("ferry")
    assert len(every) == manifest.passages
    assert [node.score for node in every] == sorted((node.score for node in every), reverse=True)
    (mark,) = index.as_retriever(
        similarity_top_k=100, filters=MetadataFilters(filters=[MetadataFilter(key="kind", value="mark")])
    ).retrieve("ferry")
    assert mark.node.metadata["title"] == "Buoy"
    store = index.vector_store
    texts = {node.get_content() for node in store.get_nodes(None)}
    assert len(texts) == manifest.passages
    assert "The pier of Orlen is old and closed." not in texts
    assert store.client.count() == manifest.passages


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

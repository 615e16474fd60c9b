"""POST /search."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

FIELDS = [
    "passage_id",
    "document_id",
    "title",
    "section",
    "text",
    "start",
    "end",
    "score",
    "retrievers",
    "page",
]


def test_the_whole_body_is_as_the_contract_has_it(client: TestClient) -> None:
    response = client.post("/search", json={"query": "adeno-associated virus", "top_k": 3})
    assert response.status_code == 200
    body = response.json()
    assert list(body) == ["hits", "index_id"]
    assert body["index_id"] == client.get("/readyz").json()["index_id"]
    assert len(body["hits"]) == 3
    for hit in body["hits"]:
        assert list(hit) == FIELDS
        assert set(hit["retrievers"]) <= {"bm25", "dense"}
        assert hit["retrievers"]
        document = client.get(f"/documents/{hit['document_id']}").json()
        assert document["text"][hit["start"] : hit["end"]] == hit["text"]
        assert document["title"] == hit["title"]
    scores = [hit["score"] for hit in body["hits"]]
    assert scores == sorted(scores, reverse=True)


def test_filters_apply(client: TestClient) -> None:
    body = {"query": "virus", "filters": {"kinds": ["glossary"]}}
    hits = client.post("/search", json=body).json()["hits"]
    glossaries = client.get("/documents?kind=glossary").json()["documents"]
    assert {hit["document_id"] for hit in hits} == {document["id"] for document in glossaries}


@pytest.mark.parametrize(
    "body", [{}, {"query": ""}, {"query": "x", "top_k": 0}, {"query": "x", "mode": "auto"}, []]
)
def test_a_request_that_does_not_fit_is_rejected(client: TestClient, body: object) -> None:
    response = client.post("/search", json=body)
    assert response.status_code == 422
    assert response.json()["code"] == "invalid_request"


@pytest.mark.parametrize(
    "query", ['" OR 1=1 --', "NEAR(a b)", "title:x*", "%s %n", "'; DROP TABLE passages", "\u202e"]
)
def test_query_syntax_is_only_text(client: TestClient, query: str) -> None:
    assert client.post("/search", json={"query": query}).status_code == 200

"""GET /documents, /documents/{id}, /healthz and /readyz."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from rag.api.app import create_app
from rag.domain import Block, BlockKind, Document, Section
from rag.settings import Settings
from rag.wiring import Application, build
from tests.api.stand_in import StandIn

SUMMARY_FIELDS = {"id", "title", "kind", "published", "source", "characters", "passages", "sha256"}
HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def plain_document(document_id: str, text: str = "Some text.", title: str = "A title") -> Document:
    block = Block(BlockKind.PARAGRAPH, 0, len(text))
    return Document(
        document_id, title, "note", text, (block,), (Section((), 0, len(text)),), "a.md", "0" * 64
    )


def test_the_list_has_every_document_of_the_record(client: TestClient, application: Application) -> None:
    body = client.get("/documents", params={"limit": 1_000}).json()
    assert list(body) == ["documents", "total"]
    assert body["total"] == len(body["documents"]) == application.check().documents
    for document in body["documents"]:
        assert set(document) >= SUMMARY_FIELDS
        assert document["characters"] > 0
        assert document["passages"] > 0
        assert len(document["sha256"]) == 64
    titles = [document["title"].lower() for document in body["documents"]]
    assert titles == sorted(titles)


def test_pages_of_the_list_join_to_the_whole(client: TestClient) -> None:
    whole = client.get("/documents", params={"limit": 1_000}).json()
    pages = [
        client.get("/documents", params={"limit": 20, "offset": offset}).json()
        for offset in range(0, 100, 20)
    ]
    assert {page["total"] for page in pages} == {whole["total"]}
    assert [document for page in pages for document in page["documents"]] == whole["documents"]


def test_the_list_can_be_narrowed(client: TestClient) -> None:
    glossary = client.get("/documents", params={"kind": "glossary"}).json()
    assert {document["kind"] for document in glossary["documents"]} == {"glossary"}
    assert client.get("/documents", params={"kind": "no such kind"}).json() == {"documents": [], "total": 0}

    found = client.get("/documents", params={"q": "akousist"}).json()
    assert "akousist" in {document["id"] for document in found["documents"]}
    assert found["total"] < client.get("/documents").json()["total"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=ten", "limit"),
        ("offset=-1", "offset"),
        (f"offset={2**64}", "offset"),
        (f"q={'x' * 501}", "q"),
        ("page=2", "page"),
    ],
)
def test_a_query_that_does_not_fit_is_rejected(client: TestClient, query: str, field: str) -> None:
    response = client.get(f"/documents?{query}")
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]


@pytest.mark.parametrize("q", ["%00", "%ff%fe", "%22%20OR%20%22", "%F0%9D%94%98", "*", ""])
def test_odd_queries_are_only_text(client: TestClient, q: str) -> None:
    assert client.get(f"/documents?q={q}").status_code == 200


def test_a_document_is_all_that_the_record_has_of_it(client: TestClient, application: Application) -> None:
    for summary in client.get("/documents").json()["documents"]:
        body = client.get(f"/documents/{summary['id']}").json()
        document = application.catalog.document(summary["id"])
        assert body.items() >= summary.items()
        assert body["text"] == document.text
        assert body["characters"] == len(body["text"])
        assert (body["date"], body["place"]) == (document.date, document.place)
        assert body["people"] == list(document.people)
        assert body["organisations"] == list(document.organisations)
        for section, expected in zip(body["sections"], document.sections, strict=True):
            assert list(section) == ["title", "path", "start", "end"]
            assert section["title"] == " > ".join(section["path"]) == expected.title
            assert body["text"][section["start"] : section["end"]].strip()


@pytest.mark.parametrize(
    "document_id", ["no-such", "", "../catalog.sqlite", "%00", "%ff", "a" * 5_000, "x%0ay"]
)
def test_an_unknown_id_is_not_found(client: TestClient, document_id: str) -> None:
    response = client.get(f"/documents/{document_id}")
    assert response.status_code == 404
    assert response.json()["code"] == "not_found"


def test_an_id_may_hold_any_characters(serving: Callable[[FastAPI], AbstractContextManager[str]]) -> None:
    ids = ["a/b", "a b", "100%", "q?x=1", "f#1", "文件/𝔘", "..%2f", "a//b", "a&b;c=d", "/", ".a", "é+"]
    stand_in = StandIn(documents=[plain_document(document_id) for document_id in ids])
    with serving(create_app(stand_in)) as address:  # type: ignore[arg-type]
        for document_id in ids:
            url = f"{address}/documents/{quote(document_id, safe='')}"
            assert httpx2.get(url).json()["id"] == document_id
            assert httpx2.get(url, headers=HTML).status_code == 200


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (HTML["Accept"], "text/html; charset=utf-8"),
        ("text/html", "text/html; charset=utf-8"),
        ("text/*", "text/html; charset=utf-8"),
        ("text/html;q=0.4, application/json;q=0.5", "application/json"),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("", "application/json"),
        ("text/html;q=nonsense, ;;,", "application/json"),
        ("image/png", "application/json"),
    ],
)
def test_the_client_chooses_between_json_and_page(client: TestClient, accept: str, content_type: str) -> None:
    response = client.get("/documents/akousist", headers={"Accept": accept})
    assert response.status_code == 200
    assert response.headers["content-type"] == content_type
    assert response.headers["vary"] == "Accept"


def test_a_person_gets_errors_as_a_page(client: TestClient) -> None:
    response = client.get("/documents/<script>alert(1)<%2fscript>", headers=HTML)
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/html")
    assert "script-src 'self'" in response.headers["content-security-policy"]
    assert "<script>alert" not in response.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in response.text


@pytest.fixture
def empty(make_settings: Callable[..., Settings], tmp_path: Path) -> TestClient:
    """An application that nothing was ingested for."""
    return TestClient(create_app(build(make_settings(tmp_path / "data"))), raise_server_exceptions=False)


def test_without_an_index_everything_says_what_to_run(empty: TestClient) -> None:
    responses = [
        empty.get("/readyz"),
        empty.get("/documents"),
        empty.get("/documents/x"),
        empty.post("/search", json={"query": "x"}),
        empty.post("/ask", json={"question": "x"}),
        empty.post("/ask", json={"question": "x", "stream": True}),
    ]
    for response in responses:
        assert response.status_code == 503
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["code"] == "index_empty"
        assert "`mission-record ingest`" in response.json()["detail"]
    page = empty.get("/documents/x", headers=HTML)
    assert page.status_code == 503
    assert "mission-record ingest" in page.text
    assert empty.get("/healthz").status_code == 200


def test_an_index_made_otherwise_says_what_to_run(
    make_settings: Callable[..., Settings], small_application: Application, small_corpus: Path
) -> None:
    settings = small_application.settings
    other = make_settings(settings.data_dir, corpus_dir=small_corpus, passage_tokens=64)
    client = TestClient(create_app(build(other)), raise_server_exceptions=False)
    for response in (client.get("/readyz"), client.post("/ask", json={"question": "Where is the harbour?"})):
        assert response.status_code == 503
        assert response.json()["code"] == "index_mismatch"
        assert "`mission-record ingest`" in response.json()["detail"]


def test_readiness_tells_what_is_there(client: TestClient, application: Application) -> None:
    manifest = application.check()
    assert client.get("/readyz").json() == {
        "status": "ready",
        "index_id": manifest.index_id,
        "documents": manifest.documents,
        "passages": manifest.passages,
    }
    assert client.get("/healthz").json() == {"status": "ok"}

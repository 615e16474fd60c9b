"""POST /documents, DELETE /documents/{id} and POST /feedback, over a socket to a real server."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from select import select
from urllib.parse import urlsplit

import httpx2
import pytest
from fastapi import FastAPI

from rag.api.app import create_app
from rag.feedback import FeedbackFile
from rag.settings import Settings
from rag.wiring import Application, build
from tests.api.test_errors import assert_problem
from tests.conftest import SMALL_CORPUS

Place = tuple[httpx2.Client, Application]
Serve = Callable[[FastAPI], AbstractContextManager[str]]
BEACON = b"# The beacon of Varn\n\nThe beacon of Varn stands 17 metres tall.\n"


@pytest.fixture(scope="module")
def place(
    tmp_path_factory: pytest.TempPathFactory, make_settings: Callable[..., Settings], serving: Serve
) -> Iterator[Place]:
    """A server over a small record, with small limits. Tests add documents of their own, and leave the others."""
    folder = tmp_path_factory.mktemp("uploads")
    corpus = folder / "corpus"
    corpus.mkdir()
    for name, text in SMALL_CORPUS.items():
        (corpus / name).write_text(text, encoding="utf-8")
    settings = make_settings(folder / "data", corpus_dir=corpus, upload_files=4, upload_mb=2, read_file_mb=1)
    application = build(settings)
    application.synchronise()
    with serving(create_app(application)) as address, httpx2.Client(base_url=address, timeout=120) as client:
        yield client, application
    application.close()


def send(client: httpx2.Client, *files: tuple[str, bytes]) -> httpx2.Response:
    return client.post("/documents", files=[("files", file) for file in files])


def answer(client: httpx2.Client, question: str) -> str:
    return str(client.post("/ask", json={"question": question}).json()["answer"])


def test_a_document_is_added_asked_updated_and_deleted(place: Place) -> None:
    client, application = place
    response = send(client, ("beacon.md", BEACON))
    assert response.status_code == 200, response.text
    body = response.json()
    assert set(body) >= {"added", "updated", "unchanged", "removed", "failed"}
    assert (body["added"], body["failed"]) == (["uploads-beacon"], [])
    assert (application.settings.data_dir / "documents" / "beacon.md").read_bytes() == BEACON
    assert "17 metres" in answer(client, "How tall is the beacon of Varn?")

    assert send(client, ("beacon.md", BEACON)).json()["unchanged"] == ["uploads-beacon"]
    changed = send(client, ("beacon.md", BEACON.replace(b"17", b"19"))).json()
    assert changed["updated"] == ["uploads-beacon"]
    assert changed["index_id"] != body["index_id"]
    found = answer(client, "How tall is the beacon of Varn?")
    assert "19 metres" in found
    assert "17 metres" not in found

    assert client.delete("/documents/uploads-beacon").status_code == 204
    assert_problem(client.delete("/documents/uploads-beacon"), 404, "not_found")
    assert_problem(client.get("/documents/uploads-beacon"), 404, "not_found")
    assert client.get("/documents", params={"q": "beacon"}).json()["total"] == 0
    assert not (application.settings.data_dir / "documents" / "beacon.md").exists()
    application.synchronise(rebuild=True)
    hits = client.post("/search", json={"query": "beacon of Varn"}).json()["hits"]
    assert all("beacon" not in hit["text"] for hit in hits)


def test_what_cannot_be_used_is_named_and_the_rest_taken(place: Place) -> None:
    client, _ = place
    files = (("pier.md", b"The pier is old."), ("broken.pdf", b"no PDF"), ("../../etc/passwd.md", b"x"))
    body = send(client, *files).json()
    assert body["added"] == ["uploads-pier"]
    assert [failure["name"] for failure in body["failed"]] == ["../../etc/passwd.md", "broken.pdf"]
    assert all(failure["reason"] for failure in body["failed"])


@pytest.mark.parametrize(
    ("name", "content", "status", "code"),
    [
        ("picture.exe", b"MZ", 415, "unsupported_type"),
        ("picture.png", b"\x89PNG", 415, "unsupported_type"),
        ("broken.md", b"caf\xe9\x00", 422, "invalid_document"),
        ("empty.md", b"", 422, "invalid_document"),
        ("..", b"x", 422, "invalid_request"),
        (".hidden.md", b"x", 422, "invalid_request"),
        ("large.txt", b"x" * (2**20 + 1), 413, "too_large"),
    ],
)
def test_a_file_that_cannot_be_used_is_an_error(
    place: Place, name: str, content: bytes, status: int, code: str
) -> None:
    client, application = place
    before = application.check().index_id
    response = send(client, (name, content))
    assert response.status_code == status, response.text
    assert response.json()["code"] == code
    assert name in response.json()["detail"]
    assert application.check().index_id == before
    assert not (application.settings.data_dir / "documents" / name).is_file()


def test_bodies_that_are_no_upload(place: Place) -> None:
    client, _ = place
    assert_problem(client.post("/documents", json={"files": []}), 422, "invalid_request")
    assert_problem(client.post("/documents", files={"other": ("a.md", BEACON)}), 422, "invalid_request")
    too_many = [(f"{number}.md", BEACON) for number in range(5)]
    assert "RAG_UPLOAD_FILES" in assert_problem(send(client, *too_many), 422, "invalid_request")["detail"]
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    assert_problem(client.post("/documents", content=b"nonsense", headers=broken), 422, "invalid_request")
    large = [(f"{number}.txt", b"x" * 2**20) for number in range(3)]
    assert "RAG_UPLOAD_MB" in assert_problem(send(client, *large), 413, "too_large")["detail"]


def test_a_body_in_chunks_cannot_avoid_the_limit(place: Place) -> None:
    client, _ = place
    address = urlsplit(str(client.base_url))
    head = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n'
    with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
        connection.sendall(
            b"POST /documents HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        connection.sendall(b"%x\r\n%b\r\n" % (len(head), head))
        sent = 0
        while sent < 64 * 2**20 and not select([connection], [], [], 0)[0]:
            connection.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
            sent += 0x10000
        assert sent < 64 * 2**20
        assert b" 413 " in connection.recv(65_536)


def test_uploads_at_the_same_time_are_all_taken_while_questions_are_answered(
    place: Place,
) -> None:
    client, _ = place
    files = [
        (f"buoy{number}.md", f"Buoy {number} of Elsin is painted {colour}.".encode())
        for number, colour in enumerate(("red", "green", "white", "black"))
    ]
    with ThreadPoolExecutor(6) as threads:
        uploads = [threads.submit(send, client, file) for file in files]
        answers = []
        while not all(upload.done() for upload in uploads):
            answers.append(answer(client, "How tall is the lighthouse of Elsin?"))
    assert [upload.result().status_code for upload in uploads] == [200] * 4
    assert sorted(key for upload in uploads for key in upload.result().json()["added"]) == [
        f"uploads-buoy{number}" for number in range(4)
    ]
    assert answers
    assert all("61 metres" in found for found in answers)
    assert "green" in answer(client, "What colour is buoy 1 of Elsin painted?")


def test_a_record_that_is_being_written_is_told_of(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    client, application = place
    monkeypatch.setattr("rag.intake.WAIT_SECONDS", 0.2)
    other = build(application.settings)
    with other.catalog.writing():
        assert_problem(send(client, ("beacon.md", BEACON)), 409, "index_busy")
        assert_problem(client.delete("/documents/ferry"), 409, "index_busy")
    other.close()
    assert client.get("/documents/ferry").status_code == 200
    assert send(client, ("beacon.md", BEACON)).status_code == 200


def test_a_copy_is_listed_with_the_document_that_it_is_one_of(
    place: Place,
) -> None:
    client, application = place
    content = (application.settings.corpus_dir / "ferry.html").read_bytes()
    body = send(client, ("boat.html", content)).json()
    assert body["added"] == []
    assert body["duplicates"] == [{"path": "uploads/boat.html", "document_id": "ferry"}]
    (copy,) = client.get("/documents/ferry").json()["also_in"]
    assert (copy["id"], copy["path"]) == ("uploads-boat", "uploads/boat.html")
    page = client.get("/documents/ferry", headers={"Accept": "text/html"}).text
    assert "<dt>Also in</dt>" in page
    assert 'href="/documents/uploads-boat"' in page
    listed = {found["id"]: found["also_in"] for found in client.get("/documents").json()["documents"]}
    assert {key for key, also_in in listed.items() if also_in} == {"ferry"}
    assert client.delete("/documents/ferry").status_code == 204
    assert client.get("/documents/uploads-boat").status_code == 404


def test_feedback_is_kept(place: Place) -> None:
    client, application = place
    asked = client.post("/ask", json={"question": "How tall is the lighthouse of Elsin?"}).json()
    rating = {"answer_id": asked["id"], "rating": "down", "comment": " It has shrunk. "}
    response = client.post("/feedback", json=rating)
    assert (response.status_code, response.content) == (204, b"")
    assert client.post("/feedback", json={"answer_id": asked["id"], "rating": "up"}).status_code == 204
    application.synchronise(rebuild=True)
    kept = list(FeedbackFile(application.settings.data_dir).all())
    assert [(found.answer_id, found.rating, found.comment) for found in kept] == [
        (asked["id"], "down", "It has shrunk."),
        (asked["id"], "up", None),
    ]


@pytest.mark.parametrize(
    "body",
    [
        {"answer_id": "a"},
        {"answer_id": "a", "rating": "sideways"},
        {"answer_id": "a b", "rating": "up"},
        {"answer_id": "a\n", "rating": "up"},
        {"answer_id": "a" * 65, "rating": "up"},
        {"answer_id": "a", "rating": "up", "comment": "x" * 4_001},
        {"answer_id": "a", "rating": "up", "other": 1},
    ],
)
def test_feedback_that_does_not_fit(place: Place, body: dict[str, object]) -> None:
    assert_problem(place[0].post("/feedback", json=body), 422, "invalid_request")

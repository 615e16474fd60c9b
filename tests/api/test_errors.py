"""Errors: every one a problem, none of them telling more than it should; and request ids."""

from __future__ import annotations

import inspect
import json
import logging
import socket
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from fastapi import FastAPI, HTTPException
from fastapi.testclient import TestClient

import rag.errors
from rag.api.app import create_app
from rag.api.errors import NOT_OF_A_REQUEST, PROBLEMS
from rag.api.requests import MAX_JSON_BYTES
from rag.errors import RagError
from rag.wiring import Application
from tests.api.stand_in import StandIn
from ui.window import mount

JSON = {"Content-Type": "application/json"}
RAG_ERRORS = [
    error for _, error in inspect.getmembers(rag.errors, inspect.isclass) if issubclass(error, RagError)
]


def assert_problem(response: Any, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    members = ["type", "title", "status", "detail", "code", "request_id"]
    assert list(problem) == members + (["errors"] if code == "invalid_request" else [])
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["request_id"] == response.headers["X-Request-ID"]
    assert "Traceback" not in response.text
    return problem


def test_every_error_of_the_program_has_its_place_in_the_table() -> None:
    assert {error.code for error in RAG_ERRORS} <= PROBLEMS.keys() | NOT_OF_A_REQUEST


def test_the_table_has_the_statuses_of_the_contract() -> None:
    contract = {
        "not_found": 404,
        "no_llm": 409,
        "index_busy": 409,
        "too_large": 413,
        "unsupported_type": 415,
        "invalid_request": 422,
        "index_empty": 503,
        "index_mismatch": 503,
        "not_ready": 503,
        "internal": 500,
    }
    assert {code: PROBLEMS[code][0] for code in contract} == contract


@pytest.mark.parametrize("error", RAG_ERRORS, ids=lambda error: error.__name__)
def test_an_error_raised_on_purpose_is_told_and_a_defect_is_not(
    error: type[RagError], scripted: Callable[..., TestClient]
) -> None:
    text = "What is wrong, and what to do."
    response = scripted([error(text)]).post("/ask", json={"question": "Who?"})
    internal = error.code == "internal" or error.code in NOT_OF_A_REQUEST
    code = "internal" if internal else error.code
    assert response.status_code == PROBLEMS[code][0]
    assert response.json()["code"] == code
    assert (text in response.text) is not internal


def test_a_defect_is_logged_under_the_id_that_the_client_gets(
    scripted: Callable[..., TestClient], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        response = scripted([KeyError("secret path")]).post("/ask", json={"question": "Who?"})
    problem = assert_problem(response, 500, "internal")
    assert "secret" not in response.text
    assert "KeyError" not in response.text
    (record,) = [record for record in caplog.records if problem["request_id"] in record.getMessage()]
    assert record.exc_info
    assert "secret path" in caplog.text


def test_a_response_that_does_not_fit_its_own_schema_is_a_defect(scripted: Callable[..., TestClient]) -> None:
    client = scripted(unready=TypeError("secret"))
    assert "secret" not in client.get("/readyz").text
    assert_problem(client.get("/readyz"), 500, "internal")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"question"',
        b"null",
        b"\xff\xfe{",
        b'{"question": "\xff"}',
        b'{"question": "Who?", "top_k": NaN}',
        b'{"question": "Who?", "top_k": 1e999}',
        b'{"question": "Who?", "top_k": ' + b"9" * 10_000 + b"}",
        b'{"question": "\\ud800"}',
        b'{"question": "Who?", "\\ud800": 1}',
        b'{"question": "Who?", "mode": "\\udfff"}',
        b'{"question": "Who?", "history": [{"role": "user", "content": "\\ud800"}]}',
        b'{"question": "Who?", "filters": {"kinds": ["\\ud800"]}}',
        b'{"question": ' + b"[" * 100_000,
        b'{"question": "Who?", "history": ' + b"[" * 900 + b"]" * 900 + b"}",
    ],
    ids=lambda body: repr(body[:40]),
)
def test_a_body_that_cannot_be_used_is_a_clean_error(client: TestClient, body: bytes) -> None:
    problem = assert_problem(client.post("/ask", content=body, headers=JSON), 422, "invalid_request")
    assert problem["errors"]
    assert problem["detail"]


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "nonsense"])
def test_a_body_of_another_type_is_told_what_to_send(client: TestClient, content_type: str) -> None:
    response = client.post("/ask", content=b'{"question": "Who?"}', headers={"Content-Type": content_type})
    problem = assert_problem(response, 422, "invalid_request")
    assert problem["errors"] == [
        {"field": "body", "message": "Send a JSON object, with Content-Type: application/json."}
    ]


def test_a_thousand_wrong_fields_are_answered_in_few_words(client: TestClient) -> None:
    body = {"question": "Who?"} | {f"{number}" * 50: 1 for number in range(5_000)}
    response = client.post("/ask", json=body)
    assert len(assert_problem(response, 422, "invalid_request")["errors"]) == 20
    assert len(response.content) < 10_000


def test_a_body_over_the_limit_is_too_large(client: TestClient) -> None:
    fits = json.dumps({"question": "Who?"}).encode().ljust(MAX_JSON_BYTES)
    assert client.post("/ask", content=fits, headers=JSON).status_code == 200
    assert_problem(client.post("/ask", content=fits + b" ", headers=JSON), 413, "too_large")


def test_a_chunked_body_cannot_avoid_the_limit(address: str) -> None:
    def chunks() -> Iterator[bytes]:
        yield b'{"question": "Who?'
        for _ in range(64):
            yield b" " * 65_536

    assert_problem(httpx2.post(f"{address}/ask", content=chunks(), headers=JSON), 413, "too_large")


def test_a_declared_length_over_the_limit_is_not_waited_for(address: str) -> None:
    place = urlsplit(address)
    with socket.create_connection((place.hostname, place.port), timeout=30) as connection:
        head = ["POST /ask HTTP/1.1", "Host: x", "Content-Type: application/json", "Content-Length: 99999999"]
        connection.sendall("\r\n".join([*head, "", ""]).encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "path", ["/nothing", "/ask/", "/metrics/", "/feedback/", "/page-assets/nothing", "/redoc"]
)
def test_a_path_that_is_not_there(client: TestClient, path: str) -> None:
    assert_problem(client.get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/ask", "POST"),
        ("PUT", "/ask", "POST"),
        ("DELETE", "/documents", "GET, POST"),
        ("PUT", "/documents/akousist", "DELETE, GET"),
        ("POST", "/readyz", "GET"),
        ("PUT", "/sign-in", "GET, POST"),
        ("POST", "/openapi.json", "GET, HEAD"),
        ("POST", "/page-assets/page.css", "GET, HEAD"),
    ],
)
def test_a_method_that_a_path_does_not_take(client: TestClient, method: str, path: str, allowed: str) -> None:
    response = client.request(method, path)
    assert_problem(response, 405, "method_not_allowed")
    assert set(response.headers["Allow"].split(", ")) == set(allowed.split(", "))


@pytest.mark.parametrize("sent", ["abc-123", "A.b_c-9", "x" * 64])
def test_a_sane_request_id_is_kept(client: TestClient, sent: str) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": sent}).headers["X-Request-ID"] == sent
    problem = client.get("/nothing", headers={"X-Request-ID": sent}).json()
    assert problem["request_id"] == sent


@pytest.mark.parametrize(
    "sent", ["", "x" * 65, "a b", "a\tb", 'a"b', "<script>", "../x", "a;b", "é".encode("latin-1")]
)
def test_any_other_request_id_is_replaced(client: TestClient, sent: str | bytes) -> None:
    first, second = (client.get("/healthz", headers={"X-Request-ID": sent}) for _ in range(2))  # type: ignore[dict-item]
    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]
    assert len(first.headers["X-Request-ID"]) == 32


def test_the_chat_window_is_part_of_the_whole(application: Application) -> None:
    client = TestClient(mount(create_app(application), application))
    window = client.get("/", headers={"X-Request-ID": "window-1"})
    assert window.status_code == 200
    assert window.headers["content-type"].startswith("text/html")
    assert window.headers["X-Request-ID"] == "window-1"
    assert client.get("/healthz").json() == {"status": "ok"}
    assert_problem(client.get("/nothing"), 404, "not_found")
    assert_problem(client.get("/assets/nothing"), 404, "not_found")
    assert_problem(client.put("/ask"), 405, "method_not_allowed")


@pytest.fixture
def mounted() -> TestClient:
    """The API with another application mounted at the root, as the chat window is."""
    other = FastAPI()

    @other.get("/page")
    def page() -> str:
        return "fine"

    @other.get("/explained")
    def explained() -> None:
        raise HTTPException(404, "This one has its own words.")

    @other.get("/broken")
    def broken() -> None:
        raise RuntimeError("secret")

    app = create_app(StandIn())  # type: ignore[arg-type]
    app.mount("/", other)
    return TestClient(app, raise_server_exceptions=False)


def test_a_mounted_application_is_part_of_the_whole(mounted: TestClient) -> None:
    assert mounted.get("/page").text == '"fine"'
    assert len(mounted.get("/page").headers["X-Request-ID"]) == 32
    assert_problem(mounted.get("/nothing"), 404, "not_found")
    problem = mounted.post("/page")
    assert_problem(problem, 405, "method_not_allowed")
    assert problem.headers["Allow"] == "GET"
    assert mounted.get("/explained").json() == {"detail": "This one has its own words."}
    assert "secret" not in mounted.get("/broken").text
    assert mounted.get("/broken").status_code == 500

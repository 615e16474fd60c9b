"""What a server writes down about requests."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from rag.api.app import create_app
from rag.keys import KeyFile, Scope
from rag.logs import JsonLines
from rag.wiring import Application
from tests.api.stand_in import StandIn

SECRET = "Is Ada Moreau ill?"


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [
        json.loads(JsonLines().format(record)) for record in caplog.records if record.name.startswith("rag")
    ]


def test_a_question_leaves_a_line_for_the_request_and_one_for_each_stage(
    small_application: Application, caplog: pytest.LogCaptureFixture
) -> None:
    client = TestClient(create_app(small_application))
    with caplog.at_level(logging.INFO, "rag"):
        client.post("/ask", json={"question": SECRET}, headers={"X-Request-ID": "request-1"})
    found = lines(caplog)
    assert [line["event"] for line in found] == ["asked", *["stage"] * 7, "request"]
    assert [line["stage"] for line in found[1:-1]] == [
        "wait",
        "converse",
        "catalog",
        "retrieve",
        "read",
        "answer",
        "cite",
    ]
    assert {key: found[-1][key] for key in ("request_id", "method", "route", "status", "key")} == {
        "request_id": "request-1",
        "method": "POST",
        "route": "/ask",
        "status": 200,
        "key": None,
    }
    assert "Moreau" not in caplog.text
    assert "Moreau" not in json.dumps(found)


def test_the_work_knows_in_its_thread_which_request_it_is_for(caplog: pytest.LogCaptureFixture) -> None:
    """As text, since a record is formatted where it is written."""
    written: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(JsonLines().format(record))

    application = StandIn()
    application.pipeline.observers.append(lambda outcome: logging.getLogger("rag.x").info(outcome.status))
    logger, handler = logging.getLogger("rag.x"), Collect()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        client = TestClient(create_app(application))  # type: ignore[arg-type]
        client.post("/ask", json={"question": SECRET}, headers={"X-Request-ID": "request-1"})
    finally:
        logger.removeHandler(handler)
    (line,) = [json.loads(line) for line in written]
    assert (line["event"], line["request_id"]) == ("answered", "request-1")


def test_a_line_names_the_key_and_the_template_and_nothing_that_was_sent(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    token = KeyFile(tmp_path / "keys.json").add("ada", Scope.ADMIN)
    client = TestClient(create_app(StandIn(data_dir=tmp_path)))  # type: ignore[arg-type]
    client.headers["Authorization"] = f"Bearer {token}"
    with caplog.at_level(logging.DEBUG, "rag"):
        client.get("/documents/secret?q=secret")
        client.get("/secret/path")
        client.get("/page-assets/page.css?secret")
        client.get("/documents", headers={"Authorization": "Bearer secret"})
        client.request("SECRET", "/ask")
    found = [(line["level"], line["route"], line["status"], line["key"]) for line in lines(caplog)]
    assert found == [
        ("info", "/documents/{document_id:path}", 404, "ada"),
        ("info", "unmatched", 404, "ada"),
        ("debug", "/page-assets/*", 200, "ada"),
        ("info", "unmatched", 401, None),
        ("info", "/ask", 405, "ada"),
    ]
    text = json.dumps(lines(caplog))
    assert token not in text
    assert "secret" not in text


def test_a_request_cannot_forge_a_line(caplog: pytest.LogCaptureFixture) -> None:
    client = TestClient(create_app(StandIn([ZeroDivisionError("a\n{}")])), raise_server_exceptions=False)  # type: ignore[arg-type]
    forged = "x%0a%7b%22event%22"
    with caplog.at_level(logging.DEBUG, "rag"):
        client.get(f"/documents/{forged}")
        client.get(f"/{forged}")
        client.post("/ask", json={"question": "a\n{}"})
        client.get("/healthz", headers={"X-Request-ID": "x\\n{}"})
    formatted = [JsonLines().format(record) for record in caplog.records]
    assert len(formatted) >= 5
    for line in formatted:
        assert line.isprintable()
        assert json.loads(line)["event"] != "forged"

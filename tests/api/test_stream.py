"""POST /ask as server-sent events."""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from rag.api.app import create_app
from rag.domain import Working
from rag.errors import IndexCorrupt, IndexEmpty
from tests.api.stand_in import COMPLETED, DELTA, RETRIEVED, StandIn

QUESTION = "Who founded the International Society of Regenerative Medicine for Literacy Education?"
EVENT_STREAM = "text/event-stream"


def events(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Name and data of each event; one line of data each."""
    parsed = []
    assert text.endswith("\n\n")
    for block in text.removesuffix("\n\n").split("\n\n"):
        name, data = block.split("\n")
        parsed.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return parsed


def streamed(client: TestClient, **body: Any) -> list[tuple[str, dict[str, Any]]]:
    response = client.post("/ask", json={"question": QUESTION, "stream": True, **body})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith(EVENT_STREAM)
    assert response.headers["cache-control"] == "no-cache"
    return events(response.text)


def test_the_events_come_in_order_and_end_with_the_plain_response(client: TestClient) -> None:
    plain = client.post("/ask", json={"question": QUESTION}).json()
    (first, retrieved), *deltas, (last, final) = streamed(client)
    assert (first, last) == ("retrieved", "final")
    assert deltas
    assert {name for name, _ in deltas} == {"delta"}
    assert all(list(data) == ["text"] for _, data in deltas)

    assert retrieved["standalone_question"] == plain["standalone_question"]
    unused = [passage | {"used": False} for passage in plain["retrieved"]]
    assert retrieved == {"retrieved": unused, "standalone_question": QUESTION}

    assert final.pop("id") != plain.pop("id")
    assert final.pop("timings_ms").keys() == plain.pop("timings_ms").keys()
    assert final == plain


@pytest.mark.parametrize(
    ("accept", "streams"),
    [
        (EVENT_STREAM, True),
        (f"{EVENT_STREAM}, application/json;q=0.5", True),
        (f"application/json, {EVENT_STREAM};q=0.5", False),
        ("*/*", False),
        ("application/json", False),
    ],
)
def test_the_accept_header_asks_for_events_too(client: TestClient, accept: str, streams: bool) -> None:
    response = client.post("/ask", json={"question": QUESTION}, headers={"Accept": accept})
    assert response.headers["content-type"].startswith(EVENT_STREAM if streams else "application/json")


def test_what_fails_at_the_start_is_an_ordinary_error(
    client: TestClient, scripted: Callable[..., TestClient]
) -> None:
    response = client.post("/ask", json={"question": QUESTION, "stream": True, "mode": "generative"})
    assert (response.status_code, response.json()["code"]) == (409, "no_llm")
    assert response.headers["content-type"] == "application/problem+json"

    response = scripted([IndexEmpty("Run `mission-record ingest`.")]).post(
        "/ask", json={"question": QUESTION, "stream": True}
    )
    assert (response.status_code, response.json()["detail"]) == (503, "Run `mission-record ingest`.")

    response = client.post("/ask", json={"question": "", "stream": True})
    assert response.status_code == 422


def test_an_error_on_the_way_is_the_last_event(scripted: Callable[..., TestClient]) -> None:
    client = scripted([RETRIEVED, DELTA, IndexCorrupt("Run `mission-record rebuild`."), COMPLETED])
    found = streamed(client)
    assert [name for name, _ in found] == ["retrieved", "delta", "error"]
    problem = found[-1][1]
    assert (problem["status"], problem["code"]) == (503, "not_ready")
    assert problem["detail"] == "Run `mission-record rebuild`."


def test_a_defect_on_the_way_is_logged_and_not_told(
    scripted: Callable[..., TestClient], caplog: pytest.LogCaptureFixture
) -> None:
    client = scripted([RETRIEVED, ZeroDivisionError("secret"), COMPLETED])
    with caplog.at_level(logging.ERROR):
        response = client.post("/ask", json={"question": QUESTION, "stream": True})
    assert "secret" not in response.text
    name, problem = events(response.text)[-1]
    assert (name, problem["code"]) == ("error", "internal")
    assert problem["request_id"] == response.headers["X-Request-ID"]
    assert problem["request_id"] in caplog.text
    assert "secret" in caplog.text


def test_the_pipeline_stays_in_one_thread() -> None:
    application = StandIn([RETRIEVED, *[DELTA] * 50, COMPLETED])
    client = TestClient(create_app(application))  # type: ignore[arg-type]
    assert len(streamed(client)) == 52
    assert len(application.scripted.threads) == 1


def test_the_work_ends_when_the_client_goes_away(
    serving: Callable[[FastAPI], AbstractContextManager[str]],
) -> None:
    application = StandIn(itertools.chain([RETRIEVED], itertools.repeat(DELTA)))
    body = {"question": QUESTION, "stream": True}
    with serving(create_app(application)) as address:  # type: ignore[arg-type]
        with httpx2.stream("POST", f"{address}/ask", json=body) as response:
            lines = response.iter_lines()
            assert next(lines) == "event: retrieved"
            assert not application.scripted.ended.is_set()
        assert application.scripted.ended.wait(30)
        assert httpx2.get(f"{address}/healthz").status_code == 200


def test_the_work_ends_though_there_is_nothing_to_send(
    serving: Callable[[FastAPI], AbstractContextManager[str]],
) -> None:
    """A language model may write for long before a sentence is complete."""
    application = StandIn(itertools.chain([RETRIEVED], itertools.repeat(Working())))
    body = {"question": QUESTION, "stream": True}
    with serving(create_app(application)) as address:  # type: ignore[arg-type]
        with httpx2.stream("POST", f"{address}/ask", json=body) as response:
            assert next(response.iter_lines()) == "event: retrieved"
        assert application.scripted.ended.wait(30)


def test_work_without_anything_to_show_is_not_sent(scripted: Callable[..., TestClient]) -> None:
    found = streamed(scripted([RETRIEVED, Working(), DELTA, Working(), COMPLETED]))
    assert [name for name, _ in found] == ["retrieved", "delta", "final"]


def test_text_in_events_is_one_line_of_json(scripted: Callable[..., TestClient]) -> None:
    text = "one\ntwo\r\n\r\ndata: three\u2028四𝔘"
    (_, _), (name, data), *_ = streamed(scripted([RETRIEVED, type(DELTA)(text), COMPLETED]))
    assert (name, data["text"]) == ("delta", text)

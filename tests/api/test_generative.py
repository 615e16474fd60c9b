"""`POST /ask` with a language model behind a real server on this machine, streamed and not."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from rag.api.app import create_app
from rag.settings import LanguageModelSettings, Settings
from rag.wiring import Application, build
from tests.llm_server import LLMServer, Reply

ASKED = "How far is MediNet's facility from Haneda Airport?"
WRITTEN = "Haneda Airport is 10 minutes away from MediNet's Shinagawa facility."
KEY = "sk-a-secret-that-nobody-may-see"


@pytest.fixture
def server() -> Iterator[LLMServer]:
    with LLMServer("openai") as started:
        yield started


@pytest.fixture
def client(server: LLMServer, application: Application) -> Iterator[TestClient]:
    """The bundled record, answered with a model by the settings that a user would make."""
    llm = LanguageModelSettings(base_url=server.url, model="scripted", api_key=KEY, retries=0, seconds=20)
    settings: Settings = application.settings.model_copy(update={"llm": llm})
    own = build(settings)
    yield TestClient(create_app(own))
    own.close()


def ask(client: TestClient, **more: Any) -> dict[str, Any]:
    response = client.post("/ask", json={"question": ASKED, **more})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def test_two_settings_are_enough_to_have_answers_written(client: TestClient, server: LLMServer) -> None:
    server.script(Reply.text(WRITTEN))
    body = ask(client)
    assert (body["answerer"], body["model"], body["status"]) == ("generative", "scripted", "answered")
    assert body["answer"] == f"{WRITTEN} [1]"
    assert body["citations"][0]["quote"].startswith("The Shinagawa facility of MediNet")
    assert body["prompt"]
    assert set(body["tokens"]) == {"read", "written"}
    (request,) = server.requests
    assert ASKED in request.messages[-1].content


def test_the_stream_ends_with_the_plain_response(client: TestClient, server: LLMServer) -> None:
    server.script(Reply.text(WRITTEN), Reply.text(WRITTEN))
    plain = ask(client)
    response = client.post("/ask", json={"question": ASKED, "stream": True})
    found = [
        (
            block.split("\n")[0].removeprefix("event: "),
            json.loads(block.split("\n")[1].removeprefix("data: ")),
        )
        for block in response.text.strip().split("\n\n")
    ]
    assert [name for name, _ in found][:1] + [name for name, _ in found][-1:] == ["retrieved", "final"]
    final = found[-1][1]
    assert "".join(data["text"] for name, data in found if name == "delta") == final["answer"]
    for body in (plain, final):
        del body["id"], body["timings_ms"]
    assert final == plain


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply.status(401), "key"),
        (Reply.status(500), "500"),
        (Reply.status(429, retry_after=60), "limit"),
        (Reply.cut_off("Haneda Airport is"), ""),
        (Reply.garbage(), ""),
    ],
)
def test_where_the_model_fails_the_answer_is_extractive(
    client: TestClient, server: LLMServer, reply: Reply, said: str
) -> None:
    server.script(reply)
    body = ask(client)
    assert (body["answerer"], body["status"], body["model"]) == ("extractive", "answered", None)
    assert said in body["fallback_reason"]
    assert KEY not in json.dumps(body)
    assert str(server.url) not in json.dumps(body)


def test_extractive_mode_leaves_the_model_alone(client: TestClient, server: LLMServer) -> None:
    body = ask(client, mode="extractive")
    assert (body["answerer"], body["fallback_reason"]) == ("extractive", None)
    assert not server.requests


def test_the_model_is_let_go_when_the_client_goes_away(
    server: LLMServer, application: Application, serving: Callable[[FastAPI], AbstractContextManager[str]]
) -> None:
    llm = LanguageModelSettings(base_url=server.url, model="scripted", retries=0)
    own = build(application.settings.model_copy(update={"llm": llm}))
    server.script(Reply.endless(between=0.05))
    with serving(create_app(own)) as address:
        body = {"question": ASKED, "stream": True}
        with httpx2.stream("POST", f"{address}/ask", json=body) as response:
            lines = response.iter_lines()
            assert next(lines) == "event: retrieved"
            while not server.requests:
                time.sleep(0.01)
        assert server.requests[0].ended.wait(20)
    own.close()


def test_debug_tells_that_the_model_rewrote_the_question(client: TestClient, server: LLMServer) -> None:
    server.script(Reply.text(ASKED), Reply.text(WRITTEN))
    history = [
        {"role": "user", "content": "Where is MediNet's facility?"},
        {"role": "assistant", "content": "It is in Shinagawa, not far from Haneda Airport."},
    ]
    response = client.post(
        "/ask", json={"question": "How far is it from there?", "history": history, "debug": True}
    )
    body = response.json()
    assert body["answerer"] == "generative"
    assert (body["debug"]["standalone"], body["debug"]["rewritten_by"]) == (ASKED, "model")
    chosen = [sentence["text"] for sentence in body["debug"]["sentences"] if sentence["chosen"]]
    assert body["citations"][0]["quote"] in chosen

"""What the server offers once the window is mounted: the API as before, the window, and nothing else of Gradio."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from rag.api.app import create_app
from rag.wiring import Application
from ui.window import mount

Serve = Callable[[Application], AbstractContextManager[str]]


@pytest.fixture(scope="module")
def app(application: Application) -> FastAPI:
    return mount(create_app(application), application)


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", "/documents", "/documents/medinet", "/docs", "/openapi.json"]
)
def test_api_answers_as_before(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 200


def test_questions_are_answered_by_the_api(client: TestClient) -> None:
    answer = client.post("/ask", json={"question": "Who is Michael Huang?"})
    assert answer.json()["status"] == "answered"


def test_specification_says_nothing_of_the_window(client: TestClient) -> None:
    assert not [
        path for path in client.get("/openapi.json").json()["paths"] if "gradio" in path or path == "/"
    ]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing/here", 404),
        ("GET", "/documents/no-such-document", 404),
        ("GET", "/ask", 405),
        ("PUT", "/", 405),
        ("GET", "/gradio_api", 404),
    ],
)
def test_errors_are_problems_of_the_api(client: TestClient, method: str, path: str, status: int) -> None:
    response = client.request(method, path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["request_id"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/gradio_api/info"),
        ("GET", "/gradio_api/openapi.json"),
        ("GET", "/gradio_api/proxy=https://example.com/"),
        ("GET", "/gradio_api/file=https://example.com/"),
        ("GET", "/gradio_api/file=/etc/passwd"),
        ("GET", "/gradio_api/file/etc/passwd"),
        ("POST", "/gradio_api/upload"),
        ("POST", "/gradio_api/process_recording"),
        ("POST", "/gradio_api/component_server"),
        ("POST", "/gradio_api/run/ask"),
        ("POST", "/gradio_api/api/ask"),
        ("POST", "/gradio_api/call/ask"),
        ("POST", "/gradio_api/call/v2/ask"),
        ("GET", "/gradio_api/deep_link?session_hash=1"),
        ("GET", "/gradio_api/runs"),
        ("GET", "/gradio_api/app_id"),
        ("GET", "/gradio_api/token"),
        ("GET", "/monitoring"),
        ("GET", "/monitoring/summary"),
        ("GET", "/config"),
        ("POST", "/login"),
        ("GET", "/svelte/index.js"),
        ("GET", "/ja/config"),
        ("POST", "/ja/gradio_api/upload"),
        ("GET", "/zh-Hant/gradio_api/file=/etc/passwd"),
        ("GET", "/xx/"),
    ],
)
def test_nothing_else_of_gradio_can_be_reached(client: TestClient, method: str, path: str) -> None:
    assert client.request(method, path).status_code == 404


@pytest.mark.parametrize(
    "path", ["/assets/../../routes.py", "/assets/%2e%2e/%2e%2e/routes.py", "/static/..%2f..%2froutes.py"]
)
def test_no_path_leads_out_of_the_assets(client: TestClient, path: str) -> None:
    assert client.get(path).status_code in (403, 404)


def test_events_are_not_published(client: TestClient) -> None:
    page = client.get("/").text
    assert '"named_endpoints":{}' in page.replace(" ", "")


def test_page_tells_nothing_of_the_machine(client: TestClient, application: Application) -> None:
    page = client.get("/").text
    assert str(application.settings.data_dir) not in page
    assert str(Path.cwd()) not in page


def test_page_may_load_from_here_alone(client: TestClient) -> None:
    for path in ("/", "/theme.css", "/ja/", "/zh-Hant/"):
        policy = client.get(path).headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "http" not in policy
    assert client.get("/").headers["x-content-type-options"] == "nosniff"


def test_fonts_are_those_of_the_reader(client: TestClient) -> None:
    theme = client.get("/theme.css").text
    assert "@font-face" not in theme
    assert not re.search(r"""url\((?!["']?data:)|@import""", theme)


def test_icon_is_our_own(client: TestClient) -> None:
    icon = client.get("/favicon.ico")
    assert icon.headers["content-type"].startswith("image/svg+xml")


def test_long_text_is_refused_like_any_question(application: Application, serve: Serve) -> None:
    with serve(application) as address, httpx.Client(base_url=address, timeout=30) as client:
        _, _, after = client.get("/").text.partition("window.gradio_config = ")
        config, _ = json.JSONDecoder().raw_decode(after)
        asking = next(event["id"] for event in config["dependencies"] if "submit" in str(event["targets"]))
        body = {"data": ["x" * 10_000, None, None, None], "fn_index": asking, "session_hash": "abc"}
        client.post("/gradio_api/queue/join", json=body).raise_for_status()
        with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": "abc"}) as events:
            told = "".join(events.iter_text())
    assert "at most 2,000 are read" in told
    assert "Traceback" not in told


def test_server_can_stop_while_windows_are_open(application: Application, serve: Serve) -> None:
    with httpx.Client(timeout=30) as client:
        with serve(application) as address:
            request = client.build_request("GET", f"{address}/gradio_api/heartbeat/abc")
            lines = client.send(request, stream=True).iter_lines()
            assert next(lines) == "data: ALIVE"
        # A connection that was broken off instead would raise here.
        assert list(lines) == [""]


def test_gradio_is_loaded_only_with_the_window() -> None:
    program = "import sys, ui.window, ui.render, ui.examples; sys.exit('gradio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

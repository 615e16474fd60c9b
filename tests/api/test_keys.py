"""Signing in: what a key opens, what is closed without one, over the API and in the chat window."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx2
import pytest
from fastapi import APIRouter, FastAPI, Request
from fastapi.testclient import TestClient
from starlette.routing import Route

from rag.api.app import create_app
from rag.api.guard import COOKIE, Rules, scope_needed
from rag.keys import KeyFile, Scope
from rag.wiring import Application
from tests.api.stand_in import StandIn
from tests.api.test_errors import assert_problem
from ui.window import mount

QUESTION = {"question": "How many?"}


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys.json")


@pytest.fixture
def closed(keys: KeyFile, tmp_path: Path) -> TestClient:
    """A server with one key, of somebody else."""
    keys.add("somebody", Scope.ADMIN)
    return client_of(StandIn(data_dir=tmp_path))


def client_of(application: StandIn, rules: Rules = Rules()) -> TestClient:
    app = create_app(application, rules)  # type: ignore[arg-type]
    return TestClient(app, raise_server_exceptions=False, follow_redirects=False)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_without_any_key_everybody_may_come_in(tmp_path: Path) -> None:
    client = client_of(StandIn(data_dir=tmp_path))
    assert client.post("/ask", json=QUESTION).status_code == 200


def test_every_route_but_one_needs_a_key(closed: TestClient) -> None:
    """Also the routes that are yet to be written: one is added here."""
    router = APIRouter()

    @router.api_route("/new", methods=["GET", "POST", "PUT", "DELETE", "PATCH"])
    def new() -> str:
        return "secret"

    app = closed.app
    assert isinstance(app, FastAPI)
    app.include_router(router)
    tried = 0
    for path in {
        path
        for route in _flat(app)
        if (path := getattr(route, "path", "")) and not path.startswith("/sign-in")
    }:
        for method in ("GET", "POST", "DELETE"):
            response = closed.request(method, path.replace("{document_id:path}", "a"))
            if path == "/healthz":
                assert response.status_code in (200, 405)
            elif path not in ("/page-assets",):
                assert_problem(response, 401, "unauthorized")
                assert response.headers["WWW-Authenticate"] == 'Bearer realm="mission-record"'
            tried += 1
    assert tried > 30


def _flat(app: FastAPI) -> Iterator[Route]:
    for route in app.routes:
        inner = getattr(getattr(route, "original_router", None), "routes", None)
        yield from inner if inner is not None else [route]  # type: ignore[misc]


@pytest.mark.parametrize(
    "path", ["/nothing", "/openapi.json", "/docs", "/", "/swagger-assets/swagger-ui.css"]
)
def test_not_even_what_is_there_is_told(closed: TestClient, path: str) -> None:
    assert_problem(closed.get(path), 401, "unauthorized")


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Basic eDp4",
        "Bearer mrk_" + "A" * 43,
        "bearer \xff",
        "Bearer a b c",
    ],
)
def test_what_is_no_key_lets_nobody_in(closed: TestClient, authorization: str) -> None:
    response = closed.post("/ask", json=QUESTION, headers={"Authorization": authorization.encode("latin-1")})
    assert_problem(response, 401, "unauthorized")
    assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]


def test_a_key_opens_what_it_is_for(closed: TestClient, keys: KeyFile) -> None:
    token = keys.add("ada", Scope.ASK)
    assert closed.post("/ask", json=QUESTION, headers=bearer(token)).status_code == 200
    assert closed.get("/documents/none", headers=bearer(token)).status_code == 404
    problem = assert_problem(closed.delete("/documents/none", headers=bearer(token)), 403, "forbidden")
    assert problem["detail"] == "The key ada is for ask; this needs one for ingest."
    assert_problem(closed.get("/metrics", headers=bearer(token)), 403, "forbidden")
    more = keys.add("ines", Scope.INGEST)
    assert closed.delete("/documents/none", headers=bearer(more)).status_code == 404
    assert_problem(closed.get("/metrics", headers=bearer(more)), 403, "forbidden")


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("GET", "/documents", Scope.ASK),
        ("POST", "/ask", Scope.ASK),
        ("POST", "/feedback", Scope.ASK),
        ("POST", "/gradio_api/queue/join", Scope.ASK),
        ("POST", "/documents", Scope.INGEST),
        ("DELETE", "/documents/a", Scope.INGEST),
        ("POST", "/of/tomorrow", Scope.INGEST),
        ("PATCH", "/ask/settings", Scope.INGEST),
        ("GET", "/metrics", Scope.ADMIN),
        ("HEAD", "/metrics", Scope.ADMIN),
    ],
)
def test_what_each_call_needs(method: str, path: str, needed: Scope) -> None:
    assert scope_needed(method, path) is needed


def test_a_revoked_key_opens_nothing_any_more(closed: TestClient, keys: KeyFile) -> None:
    token = keys.add("ada", Scope.ASK)
    assert closed.post("/ask", json=QUESTION, headers=bearer(token)).status_code == 200
    keys.revoke("ada")
    assert_problem(closed.post("/ask", json=QUESTION, headers=bearer(token)), 401, "unauthorized")


def test_a_server_stays_closed_when_its_file_of_keys_is_deleted(closed: TestClient, tmp_path: Path) -> None:
    assert closed.post("/ask", json=QUESTION).status_code == 401
    (tmp_path / "keys.json").unlink()
    assert closed.post("/ask", json=QUESTION).status_code == 401


def test_a_damaged_file_of_keys_lets_nobody_in_and_is_not_told_of(closed: TestClient, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{")
    response = closed.post("/ask", json=QUESTION)
    assert_problem(response, 500, "internal")
    assert "keys.json" not in response.text


def test_beyond_this_machine_nobody_comes_in_without_a_key(tmp_path: Path) -> None:
    client = client_of(StandIn(data_dir=tmp_path), Rules(open_allowed=False))
    assert_problem(client.post("/ask", json=QUESTION), 401, "unauthorized")


def test_a_browser_gets_a_page_to_sign_in_and_goes_on_from_there(closed: TestClient, keys: KeyFile) -> None:
    token = keys.add("ada", Scope.ASK)
    page = closed.get("/documents/none?a=1&b=2", headers={"Accept": "text/html,*/*;q=0.8"})
    assert page.status_code == 401
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["Cache-Control"] == "no-store"
    assert 'value="/documents/none?a=1&amp;b=2"' in page.text
    assert closed.get("/page-assets/page.css").status_code == 200

    refused = closed.post("/sign-in", data={"key": "mrk_wrong", "next": "/docs"})
    assert (refused.status_code, "not a key of this server" in refused.text) == (401, True)
    assert "set-cookie" not in refused.headers
    assert "mrk_wrong" not in refused.text

    accepted = closed.post("/sign-in", data={"key": f" {token}\n", "next": "/documents/none?a=1"})
    assert (accepted.status_code, accepted.headers["Location"]) == (303, "/documents/none?a=1")
    cookie = accepted.headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}={token}; HttpOnly; Max-Age=")
    assert "SameSite=strict" in cookie
    assert closed.get("/documents/none").status_code == 404
    assert "ada" in closed.get("/sign-in").text

    left = closed.post("/sign-out")
    assert (left.status_code, left.headers["Location"]) == (303, "/sign-in")
    assert closed.get("/documents/none").status_code == 401


def test_over_https_the_cookie_goes_nowhere_else(tmp_path: Path, keys: KeyFile) -> None:
    token = keys.add("ada", Scope.ASK)
    app = create_app(StandIn(data_dir=tmp_path))  # type: ignore[arg-type]
    client = TestClient(app, base_url="https://record.example", follow_redirects=False)
    assert "; Secure" in client.post("/sign-in", data={"key": token}).headers["Set-Cookie"]


@pytest.mark.parametrize(
    "following",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "evil",
        "",
        "/a\r\nX: y",
    ],
)
def test_signing_in_leads_to_no_other_site(closed: TestClient, keys: KeyFile, following: str) -> None:
    token = keys.add("ada", Scope.ASK)
    response = closed.post("/sign-in", data={"key": token, "next": following})
    assert (response.status_code, response.headers["Location"]) == (303, "/")
    assert "x" not in response.headers


def test_what_was_asked_for_is_escaped_in_the_page(closed: TestClient) -> None:
    page = closed.get('/"><script>alert(1)</script>?"><b>', headers={"Accept": "text/html"})
    assert page.status_code == 401
    assert "<script>" not in page.text
    assert "<b>" not in page.text


def test_a_cookie_that_cannot_be_read_is_no_key(closed: TestClient) -> None:
    for cookie in (f"{COOKIE}=", f"{COOKIE}=x; {COOKIE}=y", "=;=", '"', f'{COOKIE}="\\377"', "a" * 9_000):
        assert_problem(closed.get("/documents", headers={"Cookie": cookie}), 401, "unauthorized")


def test_no_cache_on_the_way_keeps_what_was_shown_to_the_holder_of_a_key(
    closed: TestClient, keys: KeyFile, tmp_path: Path
) -> None:
    token = keys.add("ada", Scope.ASK)
    for path in ("/documents/none", "/openapi.json", "/page-assets/page.css"):
        assert closed.get(path, headers=bearer(token)).headers["Cache-Control"] == "private, no-cache"
    stream = closed.post("/ask", json=QUESTION | {"stream": True}, headers=bearer(token))
    assert stream.headers["Cache-Control"] == "no-cache"


def test_a_mounted_application_can_see_what_is_permitted(tmp_path: Path, keys: KeyFile) -> None:
    seen: list[Scope] = []
    other = FastAPI()

    @other.post("/gradio_api/queue/join")
    def join(request: Request) -> None:
        seen.append(request.state.scope)

    app = create_app(StandIn(data_dir=tmp_path))  # type: ignore[arg-type]
    app.mount("/", other)
    client = TestClient(app)
    client.post("/gradio_api/queue/join")
    for scope in (Scope.ASK, Scope.INGEST):
        client.post("/gradio_api/queue/join", headers=bearer(keys.add(scope.label, scope)))
    assert seen == [Scope.ADMIN, Scope.ASK, Scope.INGEST]


def test_the_window_needs_a_key_and_works_with_one(
    application: Application, tmp_path: Path, serving: Callable[[FastAPI], AbstractContextManager[str]]
) -> None:
    keys = KeyFile(tmp_path / "keys.json")
    token = keys.add("ada", Scope.ASK)
    app = create_app(application, key_file=keys)
    with serving(mount(app, application)) as address, httpx2.Client(base_url=address) as browser:
        assert browser.get("/", headers={"Accept": "text/html"}).status_code == 401
        assert browser.get("/theme.css").status_code == 401
        assert browser.post("/gradio_api/queue/join", json={}).status_code == 401
        assert browser.post("/sign-in", data={"key": token}).status_code == 303
        window = browser.get("/", headers={"Accept": "text/html"})
        assert (window.status_code, "gradio" in window.text) == (200, True)

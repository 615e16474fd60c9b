"""How fast one may ask, from where, under which name, and what every response carries."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from rag.api.app import create_app, rules_of
from rag.api.guard import Rules
from rag.api.rate import MOST_CLIENTS, RateLimit, network_of
from rag.api.requests import MAX_JSON_BYTES
from rag.errors import OpenToAll
from rag.keys import KeyFile, Scope
from rag.serving import require_guarded
from rag.settings import Settings, load_settings
from tests.api.stand_in import StandIn
from tests.api.test_errors import assert_problem

QUESTION = {"question": "How many?"}
JSON = {"Content-Type": "application/json"}


def client_of(rules: Rules, data_dir: Path = Path("/nowhere")) -> TestClient:
    app = create_app(StandIn(data_dir=data_dir), rules)  # type: ignore[arg-type]
    return TestClient(app, raise_server_exceptions=False, follow_redirects=False)


# --- rate ---


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_fills_steadily_and_never_above_its_size() -> None:
    clock = Clock()
    limit = RateLimit(30, clock)
    assert [limit.take("a") for _ in range(31)] == [0] * 30 + [2]
    assert limit.take("b") == 0
    clock.now += 1
    assert limit.take("a") == 1
    clock.now += 1
    assert limit.take("a") == 0
    clock.now += 3_600
    assert [limit.take("a") for _ in range(31)] == [0] * 30 + [2]


def test_no_crowd_of_addresses_fills_the_memory() -> None:
    limit = RateLimit(1, Clock())
    for number in range(MOST_CLIENTS + 500):
        limit.take(f"address {number}")
    assert len(limit._buckets) == MOST_CLIENTS


def test_no_limit_remembers_nobody() -> None:
    limit = RateLimit(0)
    assert [limit.take("a") for _ in range(1_000)] == [0] * 1_000
    assert not limit._buckets


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "::ffff:192.0.2.7"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_all_addresses_of_one_network_of_six_are_one_client(address: str, network: str) -> None:
    assert network_of(address) == network


def test_who_asks_too_fast_is_told_when_to_come_again() -> None:
    client = client_of(Rules(per_minute=3))
    assert [client.post("/ask", json=QUESTION).status_code for _ in range(3)] == [200] * 3
    response = client.post("/ask", json=QUESTION)
    problem = assert_problem_429(response)
    assert problem["retry_after"] == int(response.headers["Retry-After"]) <= 20
    assert client.get("/healthz").status_code == 200


def assert_problem_429(response: httpx2.Response) -> dict[str, int]:
    problem: dict[str, int] = response.json()
    assert (response.status_code, problem["code"]) == (429, "rate_limited")
    return problem


def test_each_key_has_a_rate_of_its_own_and_guesses_share_that_of_their_address(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "keys.json")
    ada, ines = keys.add("ada", Scope.ASK), keys.add("ines", Scope.ASK)
    client = client_of(Rules(per_minute=3), tmp_path)

    def ask(token: str) -> int:
        return client.post("/ask", json=QUESTION, headers={"Authorization": f"Bearer {token}"}).status_code

    assert [ask(ada) for _ in range(4)] == [200, 200, 200, 429]
    assert ask(ines) == 200
    assert [ask(f"mrk_guess-{number}") for number in range(4)] == [401, 401, 401, 429]
    assert client.post("/sign-in", data={"key": "guess"}).status_code == 429
    assert ask(ines) == 200


# --- sizes ---


@pytest.mark.parametrize("path", ["/ask", "/search", "/sign-in"])
def test_a_chunked_body_avoids_no_limit(
    path: str, serving: Callable[[FastAPI], AbstractContextManager[str]]
) -> None:
    sent = 0

    def chunks() -> Iterator[bytes]:
        nonlocal sent
        yield b'{"question": "Who?", "query": "'
        for _ in range(100):
            sent += 65_536
            yield b"a" * 65_536
        yield b'"}'

    headers = JSON if path != "/sign-in" else {"Content-Type": "application/x-www-form-urlencoded"}
    with serving(create_app(StandIn())) as address:  # type: ignore[arg-type]
        response = httpx2.post(f"{address}{path}", content=chunks(), headers=headers)
        assert_problem(response, 413, "too_large")


@pytest.mark.parametrize(
    "body",
    [
        {"question": "a" * 2_001},
        {"question": "Who?", "history": [{"role": "user", "content": "x"}] * 51},
        {"question": "Who?", "filters": {"kinds": ["a"] * 1_001}},
        {"question": "Who?", "filters": {"document_ids": ["a" * 501]}},
        {"question": "Who?", "top_k": 21},
    ],
    ids=", ".join,
)
def test_no_part_of_a_question_is_longer_than_it_may_be_however_it_is_sent(
    body: dict[str, object], serving: Callable[[FastAPI], AbstractContextManager[str]]
) -> None:
    content = httpx2.Request("POST", "http://x", json=body).read()
    assert len(content) < MAX_JSON_BYTES
    with serving(create_app(StandIn())) as address:  # type: ignore[arg-type]
        for sent in (content, (content[at : at + 100] for at in range(0, len(content), 100))):
            response = httpx2.post(f"{address}/ask", content=sent, headers=JSON)
            assert_problem(response, 422, "invalid_request")


def test_a_head_without_end_is_cut_off(serving: Callable[[FastAPI], AbstractContextManager[str]]) -> None:
    with serving(create_app(StandIn())) as address:  # type: ignore[arg-type]
        place = urlsplit(address)
        with socket.create_connection((place.hostname, place.port), timeout=30) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: ")
            answer = b""
            try:
                for _ in range(100):
                    connection.sendall(b"a" * 65_536)
                answer = connection.recv(100)
            except OSError:
                pass
            assert answer.startswith(b"HTTP/1.1 4") or answer == b""
        assert httpx2.get(f"{address}/healthz").status_code == 200


# --- where from ---

LOCAL = rules_of(Settings())


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8000", "127.0.0.1", "127.0.0.1:8000", "[::1]", "[::1]:8000"]
)
def test_a_server_of_this_machine_answers_to_its_names(host: str) -> None:
    assert client_of(LOCAL).get("/docs", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "127.0.0.1.evil.example",
        "localhost@evil.example",
        "",
        "[::1",
        "a b",
    ],
)
def test_and_to_no_other(host: str) -> None:
    client = client_of(LOCAL)
    for method, path in (("GET", "/docs"), ("POST", "/ask"), ("GET", "/nothing")):
        assert_problem(client.request(method, path, headers={"Host": host}), 421, "misdirected")
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


def test_the_names_can_be_set_and_beyond_this_machine_are_not_checked() -> None:
    named = rules_of(load_settings(host="0.0.0.0", allowed_hosts="record.example, Other.example"))
    assert client_of(named).post("/ask", json=QUESTION, headers={"Host": "evil.example"}).status_code == 421
    assert client_of(named).get("/docs", headers={"Host": "other.example:80"}).status_code == 401
    assert rules_of(load_settings(host="0.0.0.0")).hosts == {"*"}
    six = rules_of(load_settings(allowed_hosts="[::1]"))
    assert client_of(six).get("/docs", headers={"Host": "[::1]:8000"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://testserver:8001"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://testserver", "Sec-Fetch-Site": "cross-site"},
    ],
    ids=str,
)
def test_a_page_of_another_site_may_change_nothing_and_ask_nothing(headers: dict[str, str]) -> None:
    client = client_of(Rules())
    for method, path in (
        ("POST", "/ask"),
        ("POST", "/documents"),
        ("DELETE", "/documents/a"),
        ("POST", "/new"),
    ):
        assert_problem(client.request(method, path, json=QUESTION, headers=headers), 403, "forbidden")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://testserver"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        # Behind a proxy that calls this server by another name.
        {"Origin": "https://record.example", "Sec-Fetch-Site": "same-origin"},
    ],
    ids=str,
)
def test_its_own_pages_and_programs_may(headers: dict[str, str]) -> None:
    assert client_of(Rules()).post("/ask", json=QUESTION, headers=headers).status_code == 200


def test_other_sites_may_read_nothing_unless_they_are_named() -> None:
    origin = {"Origin": "https://friend.example"}
    preflight = origin | {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,authorization",
    }
    closed = client_of(Rules())
    assert "access-control-allow-origin" not in closed.options("/ask", headers=preflight).headers
    assert "access-control-allow-origin" not in closed.get("/openapi.json", headers=origin).headers

    client = client_of(rules_of(load_settings(cors_origins="https://friend.example, https://other.example")))
    allowed = client.options("/ask", headers=preflight | {"Host": "localhost"})
    assert allowed.status_code == 200
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://friend.example"
    assert "access-control-allow-credentials" not in allowed.headers
    asked = client.post("/ask", json=QUESTION, headers=origin | {"Host": "localhost"})
    assert (asked.status_code, asked.headers["Access-Control-Allow-Origin"]) == (
        200,
        "https://friend.example",
    )
    evil = {"Origin": "https://evil.example", "Host": "localhost"}
    assert client.post("/ask", json=QUESTION, headers=evil).status_code == 403


# --- what every response carries ---


def test_every_response_tells_the_browser_to_be_careful(
    client: TestClient, serving: Callable[[FastAPI], AbstractContextManager[str]]
) -> None:
    for response in (
        client.get("/healthz"),
        client.get("/nothing"),
        client.put("/ask"),
        client.post("/ask", json={}),
        client.post("/ask", json={"question": "Who?"}),
        client.get("/docs"),
        client.get("/openapi.json"),
        client.get("/page-assets/page.css"),
        client.get("/documents/medinet", headers={"Accept": "text/html"}),
        client.get("/sign-in"),
        client.post("/ask", content=b" " * (MAX_JSON_BYTES + 1), headers=JSON),
    ):
        headers = response.headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] in ("same-origin", "no-referrer")
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "server" not in headers


def test_nothing_that_a_client_sends_becomes_a_header(client: TestClient) -> None:
    evil = "x\r\nSet-Cookie: a=b\r\n\r\n<script>"
    responses = [
        client.get("/documents/" + "x%0d%0aSet-Cookie:%20a=b", headers={"Accept": "text/html"}),
        client.get("/documents", params={"q": evil, "kind": evil}),
        client.post("/ask", json={"question": evil}),
        client.post("/ask", json={"question": "Who?", evil: 1}),
        client.get("/%0d%0aSet-Cookie:%20a=b"),
        client.get("/healthz", headers={"X-Request-ID": "x%0d%0aSet-Cookie: a=b"}),
        client.get("/healthz", headers={"X-Request-ID": "x\tSet-Cookie: a=b"}),
    ]
    for response in responses:
        assert response.status_code in (200, 404, 422)
        assert "set-cookie" not in response.headers
        assert "a=b" not in str(response.headers)


# --- beyond this machine ---


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "record.example"])
def test_serving_beyond_this_machine_needs_a_key_or_the_word_that_it_is_meant(
    host: str, tmp_path: Path
) -> None:
    settings = load_settings(host=host, data_dir=tmp_path)
    with pytest.raises(OpenToAll, match=r"keys add NAME.*RAG_ALLOW_OPEN=true"):
        require_guarded(settings)
    assert not rules_of(settings).open_allowed
    assert rules_of(settings).per_minute > 0
    meant = load_settings(host=host, data_dir=tmp_path, allow_open=True)
    assert "Everybody who can reach" in str(require_guarded(meant))
    KeyFile(settings.keys_file).add("ada", Scope.ASK)
    assert require_guarded(settings) is None
    assert require_guarded(meant) is None


def test_a_name_that_others_use_tells_of_a_proxy(tmp_path: Path) -> None:
    """A server behind a proxy listens on this machine alone, and yet everybody comes."""
    behind = load_settings(data_dir=tmp_path, allowed_hosts="record.example")
    with pytest.raises(OpenToAll, match=r"At record\.example"):
        require_guarded(behind)
    assert not rules_of(behind).open_allowed
    assert rules_of(behind).per_minute > 0
    assert require_guarded(load_settings(data_dir=tmp_path, allowed_hosts="localhost, [::1]")) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_on_this_machine_nothing_more_is_needed(host: str, tmp_path: Path) -> None:
    settings = load_settings(host=host, data_dir=tmp_path)
    assert require_guarded(settings) is None
    assert rules_of(settings).open_allowed
    assert rules_of(settings).per_minute == 0

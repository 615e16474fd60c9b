"""Whatever a client writes into a header, a path or a filter is understood or refused, and breaks nothing."""

from __future__ import annotations

import json
import socket
import string
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from starlette.datastructures import Headers

from rag.api.app import create_app, rules_of
from rag.api.guard import Guard, address_of, token_of
from rag.api.negotiation import prefers
from rag.api.rate import network_of
from rag.api.requests import Filters
from rag.api.sign_in import _is_local
from rag.dates import days
from rag.keys import KeyFile
from rag.settings import Settings
from rag.wiring import Application
from tests.api.stand_in import StandIn
from tests.api.test_errors import assert_problem

JSON, HTML, EVENTS = "application/json", "text/html", "text/event-stream"

# A server gives header values as Latin-1.
header_values = st.text(st.characters(max_codepoint=255), max_size=100)
media_ranges = st.sampled_from(
    [JSON, HTML, EVENTS, "*/*", "text/*", "application/*", "TEXT/HTML", "image/png"]
)
weights = st.floats(0, 1).map(lambda weight: f"{weight:.3f}")
accepts = st.lists(st.tuples(media_ranges, weights).map(";q=".join), max_size=6).map(", ".join)
over_http = settings(max_examples=60, suppress_health_check=list(HealthCheck))


@given(header_values | accepts)
@example("text/html;q=nan")
@example("text/html;q=-1, */*;q=1e999")
@example(";;;,,,===q=q;q=;q")
def test_no_client_prefers_two_things_to_each_other(accept: str) -> None:
    assert not (prefers(accept, HTML, JSON) and prefers(accept, JSON, HTML))
    assert not prefers(accept, HTML, HTML)


@given(accepts)
def test_neither_order_nor_case_nor_space_matters_in_what_is_accepted(accept: str) -> None:
    entries = accept.split(", ")
    if len({entry.partition(";")[0].lower() for entry in entries}) < len(entries):
        return  # the same range twice: which of the two weights is meant, nobody says
    other = " , ".join(reversed(entries)).upper().replace(";Q=", " ; q=")
    assert prefers(other, HTML) == prefers(accept, HTML)


@given(st.dictionaries(st.sampled_from(["Authorization", "Cookie", "Host", "Origin"]), header_values))
def test_whatever_headers_say_the_guard_reads_them(sent: dict[str, str]) -> None:
    headers = Headers(sent)
    assert isinstance(token_of(headers), str)
    guard = Guard(create_app(StandIn()), KeyFile(Settings().keys_file), rules_of(Settings()))  # type: ignore[arg-type]
    assert guard._is_called_by_its_name(headers) in (True, False)
    assert guard._comes_from_here("POST", headers) in (True, False)


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_address_can_be_gone_on_to(path: bytes, query: bytes) -> None:
    address = address_of({"raw_path": path, "query_string": query, "path": "/"})
    assert isinstance(_is_local(address), bool)


@given(header_values)
@example("::1%")
@example("fe80::%eth0%")
def test_any_address_stands_for_some_client(address: str) -> None:
    assert isinstance(network_of(address), str)


dates = st.text(string.digits + "-/ T", max_size=12) | st.dates().map(str)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "document_ids": st.lists(st.text(max_size=20), max_size=5) | anything,
            "kinds": st.lists(st.text(max_size=20), max_size=5) | anything,
            "published_from": dates | anything,
            "published_to": dates | anything,
            "other": anything,
        },
    )
)
def test_filters_are_taken_as_they_are_or_refused(sent: dict[str, Any]) -> None:
    try:
        filters = Filters.model_validate_json(json.dumps(sent)).to_domain()
    except ValidationError:
        return
    assert "other" not in sent
    earliest, latest = days(filters.published_from), days(filters.published_to)
    assert earliest is None or latest is None or earliest[0] <= latest[1]


@pytest.fixture(scope="module")
def served(record: Application) -> TestClient:
    return TestClient(create_app(record), raise_server_exceptions=False)


@over_http
@given(st.text(max_size=40), st.sampled_from([JSON, HTML]))
@example("../../../../etc/passwd", JSON)
@example("..\\..\\windows", HTML)
@example("/etc/passwd", JSON)
@example("harbour/../ferry", JSON)
@example("harbour\0", JSON)
@example("file:///etc/passwd", HTML)
@example("%2e%2e%2f", JSON)
@example("harbour" * 1_000, HTML)
def test_no_id_leads_to_anything_but_a_document(served: TestClient, document_id: str, accept: str) -> None:
    if document_id in ("", ".", ".."):
        return  # the client itself takes these out of a path
    response = served.get(f"/documents/{quote(document_id, safe='')}", headers={"Accept": accept})
    known = document_id in ("harbour", "ferry", "lighthouse")
    assert response.status_code == (200 if known else 404)
    assert response.headers["content-type"].startswith(
        accept if known or (accept == HTML and "\n" not in document_id) else "application/problem+json"
    )
    assert "root:" not in response.text


@over_http
@given(st.dictionaries(st.sampled_from(["q", "kind", "limit", "offset", "x"]), st.text(max_size=40)))
@example({"q": '"'})
@example({"q": "AND OR NOT NEAR(", "kind": "%"})
@example({"limit": "1e3"})
@example({"offset": "-1"})
@example({"offset": "99999999999999999999"})
def test_any_query_for_documents_is_answered_or_refused(served: TestClient, query: dict[str, str]) -> None:
    response = served.get("/documents", params=query)
    if response.status_code == 200:
        assert "x" not in query
        assert len(response.json()["documents"]) <= 3
    else:
        assert_problem(response, 422, "invalid_request")


@pytest.mark.parametrize(
    "target",
    [
        b"/documents/../../../../etc/passwd",
        b"/documents/..%2f..%2f..%2fetc%2fpasswd",
        b"/documents/%2e%2e/%2e%2e/etc/passwd",
        b"/page-assets/../templates/base.html",
        b"/page-assets/..%2ftemplates%2fbase.html",
        b"/page-assets/%2e%2e/app.py",
        b"/page-assets//etc/passwd",
        b"/swagger-assets/..%2f..%2f__init__.py",
        b"/documents/%00",
        b"/documents/%ff%fe",
        b"/documents/%zz",
        b"//documents",
        b"/./documents/x",
        b"/documents/;x",
        b"/documents/a%0d%0aSet-Cookie:%20a=b",
        b"/" + b"a" * 30_000,
        b"*",
        b"documents",
        b"http://other.example/documents/x",
    ],
    ids=lambda target: target[:40].decode(),
)
def test_tricks_with_paths_as_no_client_library_would_send_them(
    target: bytes, serving: Callable[[FastAPI], AbstractContextManager[str]]
) -> None:
    with serving(create_app(StandIn())) as address:  # type: ignore[arg-type]
        place = urlsplit(address)
        with socket.create_connection((place.hostname, place.port), timeout=30) as connection:
            connection.sendall(
                b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            )
            response = b""
            while received := connection.recv(65_536):
                response += received
    head, _, body = response.partition(b"\r\n\r\n")
    assert head.split(b" ", 2)[1] in (b"400", b"404"), response[:200]
    assert b"set-cookie" not in head.lower()
    assert b"root:" not in body
    assert b"import" not in body

"""/openapi.json and /docs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser
from selectolax.lexbor import LexborHTMLParser

from rag import __version__


@pytest.fixture(scope="module")
def specification(client: TestClient) -> dict[str, Any]:
    response = client.get("/openapi.json")
    assert response.status_code == 200
    found: dict[str, Any] = response.json()
    return found


def operations(specification: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in specification["paths"].values():
        yield from path.values()


def test_it_has_the_routes_that_are_there_and_no_others(specification: dict[str, Any]) -> None:
    routes = {
        f"{method.upper()} {path}" for path, found in specification["paths"].items() for method in found
    }
    assert routes == {
        "POST /ask",
        "POST /search",
        "GET /documents",
        "POST /documents",
        "GET /documents/{document_id}",
        "DELETE /documents/{document_id}",
        "POST /feedback",
        "GET /healthz",
        "GET /metrics",
        "GET /readyz",
    }
    assert specification["info"]["version"] == __version__
    names = [operation["operationId"] for operation in operations(specification)]
    assert len(set(names)) == len(names)


def test_it_promises_errors_as_they_are(specification: dict[str, Any]) -> None:
    for operation in operations(specification):
        assert operation["summary"]
        assert operation["description"]
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"]
                content = response["content"]["application/problem+json"]
                assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
                assert {example["value"]["status"] for example in content["examples"].values()} == {
                    int(status)
                }
    assert "ValidationError" not in json.dumps(specification)
    described = {
        operation["operationId"]: [int(status) for status in operation["responses"]]
        for operation in operations(specification)
    }
    everywhere = {401, 403, 421, 429, 500}
    assert set(described["ask"]) == {200, 409, 413, 422, 503, 504} | everywhere
    assert set(described["read_document"]) == {200, 404, 503} | everywhere
    assert set(described["add_documents"]) == {200, 409, 413, 415, 422, 503} | everywhere
    assert set(described["delete_document"]) == {204, 404, 409, 503} | everywhere
    assert set(described["feedback"]) == {204, 413, 422, 503} | everywhere
    assert described["healthz"] == [200]


def test_every_reference_leads_somewhere(specification: dict[str, Any]) -> None:
    def references(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            yield from [value["$ref"]] if "$ref" in value else []
            value = list(value.values())
        if isinstance(value, list):
            for item in value:
                yield from references(item)

    schemas = specification["components"]["schemas"]
    used = {reference.removeprefix("#/components/schemas/") for reference in references(specification)}
    assert used == schemas.keys()


def test_unknown_fields_are_ruled_out_in_requests(specification: dict[str, Any]) -> None:
    schemas = specification["components"]["schemas"]
    for name in ("AskRequest", "SearchRequest", "Filters", "Turn", "FeedbackRequest", "UploadForm"):
        assert schemas[name]["additionalProperties"] is False
    assert schemas["AskRequest"]["required"] == ["question"]
    question = schemas["AskRequest"]["properties"]["question"]
    assert (question["minLength"], question["maxLength"]) == (1, 2_000)


def test_the_page_and_all_it_names_come_from_this_server(client: TestClient) -> None:
    response = client.get("/docs")
    assert response.status_code == 200
    assert "default-src 'none'" in response.headers["content-security-policy"]
    page = LexborHTMLParser(response.text)
    addresses = [element.attributes[name] for name in ("src", "href") for element in page.css(f"[{name}]")]
    assert len(addresses) >= 4
    for address in addresses:
        assert address
        assert address.startswith("/")
        assert client.get(address).status_code == 200


def test_the_page_works_in_a_browser_with_no_other_network(address: str, browser: Browser) -> None:
    page = browser.new_page()
    messages: list[str] = []
    hosts: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith("data:") else hosts.append(request.url))
    page.goto(f"{address}/docs")
    page.locator(".opblock").first.wait_for()
    assert page.locator(".opblock").count() == 10
    page.locator("#operations-Service-readyz .opblock-summary-control").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    page.locator(".live-responses-table .response-col_status", has_text="200").wait_for()
    assert messages == []
    assert {url for url in hosts if not url.startswith(address)} == set()
    page.close()

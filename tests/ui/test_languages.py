"""Which language a visitor's window is in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from rag.api.app import create_app
from rag.wiring import Application
from ui.languages import COOKIE, preferred
from ui.window import mount


@pytest.fixture(scope="module")
def client(application: Application) -> Iterator[TestClient]:
    with TestClient(mount(create_app(application), application), follow_redirects=False) as client:
        yield client


@pytest.fixture(autouse=True)
def without_cookies(client: TestClient) -> None:
    client.cookies.clear()


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("ja", "ja"),
        ("ja-JP,ja;q=0.9,en;q=0.8", "ja"),
        ("zh-TW,zh;q=0.9,en-US;q=0.8", "zh-Hant"),
        ("zh-CN", "zh-Hant"),
        ("en-GB,ja;q=0.5", "en"),
        ("fr,de;q=0.9", "en"),
        ("fr,ja;q=0.3", "ja"),
        ("en;q=0.2,ja;q=0.7", "ja"),
        ("ja;q=0", "en"),
        ("ja;q=nonsense,,;;=", "en"),
        ("*", "en"),
    ],
)
def test_what_the_browser_asks_for(header: str, language: str) -> None:
    assert preferred(header) == language


@pytest.mark.parametrize(("language", "path"), [("ja", "./ja/"), ("zh-TW", "./zh-Hant/")])
def test_first_visit_leads_to_the_language_of_the_browser(
    client: TestClient, language: str, path: str
) -> None:
    response = client.get("/", headers={"Accept-Language": language})
    assert (response.status_code, response.headers["location"]) == (307, path)
    assert "Accept-Language" in response.headers["vary"]


def test_who_reads_english_stays(client: TestClient) -> None:
    response = client.get("/", headers={"Accept-Language": "en-GB"})
    assert response.status_code == 200
    assert "Accept-Language" in response.headers["vary"]


def test_choice_is_remembered_against_the_browser(client: TestClient) -> None:
    chosen = client.get("/?language=ja", headers={"Accept-Language": "en"})
    assert (chosen.status_code, chosen.headers["location"]) == (303, "./ja/")
    assert client.cookies[COOKIE] == "ja"
    assert client.get("/", headers={"Accept-Language": "en"}).headers["location"] == "./ja/"
    client.get("/?language=en")
    assert client.get("/", headers={"Accept-Language": "ja"}).status_code == 200


@pytest.mark.parametrize("language", ["xx", "../evil", "//example.com", "ja%0d%0aSet-Cookie:x=1", ""])
def test_unknown_language_is_no_choice(client: TestClient, language: str) -> None:
    response = client.get(f"/?language={language}")
    assert response.status_code == 200
    assert "set-cookie" not in response.headers


def test_spoiled_cookie_is_no_choice(client: TestClient) -> None:
    assert client.get("/", headers={"Cookie": f"{COOKIE}=//example.com"}).status_code == 200


def test_address_without_its_slash_leads_to_the_window(client: TestClient) -> None:
    response = client.get("/ja")
    assert (response.status_code, response.headers["location"]) == (308, "./ja/")

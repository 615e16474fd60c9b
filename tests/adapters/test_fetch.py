"""Documents from the web, from a real server on this machine; what is inside is refused unless it is named."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from rag.adapters.fetch import Fetch
from rag.domain import FetchLimits
from rag.errors import FetchRefused, InvalidSettings
from rag.settings import Settings, load_settings
from rag.wiring import Application, build

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
PAGE = b"<title>Mole</title><p>The mole of Elsin has nine bollards."
ORIGINAL = socket.getaddrinfo


class Handler(BaseHTTPRequestHandler):
    """Answers by path."""

    asked: ClassVar[list[dict[str, str]]] = []

    def do_GET(self) -> None:
        self.asked.append(dict(self.headers))
        path = self.path.partition("?")[0]
        answers: dict[str, tuple[int, bytes, dict[str, str]]] = {
            "/round": (302, b"", {"Location": "/round"}),
            "/large": (200, b"x" * 5_000, {"Content-Type": "text/plain"}),
            "/packed": (200, b"x", {"Content-Encoding": "gzip"}),
            "/missing": (404, b"", {}),
        }
        if path.startswith("/to/"):
            self._answer(302, b"", {"Location": path.removeprefix("/to/").replace("_", "/")})
        elif path == "/slow":
            self._drip()
        else:
            self._answer(*answers.get(path, (200, PAGE, {"Content-Type": "text/html; charset=utf-8"})))

    def _drip(self) -> None:
        self.send_response(200)
        self.end_headers()
        with suppress(OSError):  # nobody listens any more
            for _ in range(100):
                self.wfile.write(b"x")
                time.sleep(0.02)

    def _answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def fetch(address: str, **limits: Any) -> Any:
    return Fetch(FetchLimits(**{"hosts": ("127.0.0.1", "localhost"), "networks": LOOPBACK} | limits))(address)


def test_a_page_is_fetched_under_a_name_that_says_where_from(port: int) -> None:
    upload = fetch(f"http://127.0.0.1:{port}/works/the%20mole?year=2023")
    assert upload.content == PAGE
    assert upload.name == "127.0.0.1-works-the-mole-year-2023.html"
    assert Handler.asked[-1]["Accept-Encoding"] == "identity"


def test_a_redirect_is_followed_and_each_is_checked(port: int) -> None:
    assert fetch(f"http://127.0.0.1:{port}/to/_page").content == PAGE
    with pytest.raises(FetchRefused, match="more than 5 redirects"):
        fetch(f"http://127.0.0.1:{port}/round")
    with pytest.raises(FetchRefused, match=r"Nothing is fetched from 169\.254\.169\.254"):
        fetch(f"http://127.0.0.1:{port}/to/http:__169.254.169.254_latest")
    with pytest.raises(FetchRefused, match="no address that begins with http"):
        fetch(f"http://127.0.0.1:{port}/to/file:___etc_passwd")


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "http://",
        "//127.0.0.1/x",
        "http://name:word@127.0.0.1/",
        "http://example.org/",
        "http://127.0.0.1.example.org/",
    ],
)
def test_what_is_not_allowed_is_never_asked_for(address: str) -> None:
    before = len(Handler.asked)
    with pytest.raises(FetchRefused):
        fetch(address)
    assert len(Handler.asked) == before


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[64:ff9b::7f00:1]",
     "[2002:7f00:0001::]", "169.254.169.254", "10.0.0.1", "224.0.0.1"],
)  # fmt: skip
def test_addresses_inside_are_refused_however_they_are_written(port: int, host: str) -> None:
    before = len(Handler.asked)
    with pytest.raises(FetchRefused):
        fetch(f"http://{host}:{port}/", hosts=("*",), networks=())
    assert len(Handler.asked) == before


def test_a_name_that_points_inside_is_refused(port: int, resolved: Callable[..., list[str]]) -> None:
    resolved("127.0.0.1")
    with pytest.raises(FetchRefused, match=r"is at 127\.0\.0\.1, inside"):
        fetch(f"http://harmless.example:{port}/", hosts=("*",), networks=())


def test_one_address_inside_among_others_is_enough_to_refuse(
    port: int, resolved: Callable[..., list[str]]
) -> None:
    resolved("93.184.216.34", "192.168.1.4")
    with pytest.raises(FetchRefused, match=r"is at 192\.168\.1\.4, inside"):
        fetch(f"http://mixed.example:{port}/", hosts=("*",), networks=())


def test_a_name_is_looked_up_once_for_a_connection(port: int, resolved: Callable[..., list[str]]) -> None:
    asked = resolved("127.0.0.1")
    assert fetch(f"http://rebinding.example:{port}/", hosts=("*.example",)).content == PAGE
    assert asked == ["rebinding.example"]


@pytest.fixture
def resolved(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Makes names point to addresses; gives the names that were looked up."""
    asked: list[str] = []

    def point(*addresses: str) -> list[str]:
        def getaddrinfo(host: str, port: int, *rest: Any, **more: Any) -> Any:
            if host in addresses:  # what was checked is connected to as it is
                return ORIGINAL(host, port, *rest, **more)
            asked.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        return asked

    return point


@pytest.mark.parametrize(
    ("path", "limits", "said"),
    [
        ("large", {"most_bytes": 1_000}, "more than 1,000 bytes"),
        ("slow", {"seconds": 0.2}, "within 0.2 seconds"),
        ("packed", {}, "compressed"),
        ("missing", {}, "answers 404"),
    ],
)
def test_what_is_too_much_is_named(port: int, path: str, limits: dict[str, Any], said: str) -> None:
    with pytest.raises(FetchRefused, match=said):
        fetch(f"http://127.0.0.1:{port}/{path}", **limits)


def test_nothing_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(FetchRefused, match="cannot be fetched"):
        fetch(f"http://127.0.0.1:{port}/")


def test_it_is_off_unless_hosts_are_named(small_application: Application, port: int) -> None:
    with pytest.raises(FetchRefused, match="RAG_FETCH_HOSTS"):
        small_application.fetch([f"http://127.0.0.1:{port}/mole"])


def test_what_was_fetched_is_in_the_record(
    make_settings: Callable[..., Settings], small_application: Application, port: int
) -> None:
    settings = small_application.settings.model_copy(
        update={"fetch_hosts": "127.0.0.1", "fetch_networks": "127.0.0.0/8"}
    )
    application = build(settings)
    report = application.fetch([f"http://127.0.0.1:{port}/mole"])
    assert len(report.added) == 1
    assert application.catalog.document(report.added[0]).title == "Mole"
    application.close()


def test_networks_that_are_none_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_FETCH_NETWORKS", "10.0.0.0/8, everything")
    with pytest.raises(InvalidSettings, match="RAG_FETCH_NETWORKS"):
        load_settings()

"""Documents from the web: off unless hosts are named, and never from an address inside.

What a name points to is looked up once, every address that it has is checked, and the connection goes to one that
was checked: a name that points elsewhere a moment later (DNS rebinding) gains nothing. A redirect is checked as the
address that was asked for.
"""

from __future__ import annotations

import ipaddress
import mimetypes
import re
import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import httpcore

from rag.domain import FetchLimits, Network, Upload
from rag.errors import FetchRefused

MOST_REDIRECTS = 5
PORTS = {"http": 80, "https": 443}
USER_AGENT = "mission-record"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NO_NAME = re.compile(r"[^\w.-]+")
# As the readers know them, where Python's table says otherwise or nothing.
_ENDINGS = {
    "text/plain": ".txt",
    "text/html": ".html",
    "application/xhtml+xml": ".xhtml",
    "text/markdown": ".md",
}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Fetch:
    """Fetches one document at a time."""

    def __init__(self, limits: FetchLimits) -> None:
        self._limits = limits

    def __call__(self, address: str) -> Upload:
        """The document at an address (URL), under a name made of it.

        Raises:
            FetchRefused: it may not be fetched, or cannot; the message says which and what to do.
        """
        deadline = time.monotonic() + self._limits.seconds
        for _ in range(MOST_REDIRECTS + 1):
            self._require_allowed(address)
            with self._get(address, deadline) as response:
                if response.status not in _REDIRECTS:
                    return self._document(address, response, deadline)
                location = _header(response, b"location")
                if not location:
                    raise FetchRefused(f"{address} redirects to nowhere.")
                target = urljoin(address, location)
                if urlsplit(address).scheme == "https" and urlsplit(target).scheme != "https":
                    raise FetchRefused(f"{address} redirects to an address without encryption.")
                address = target
        raise FetchRefused(f"{address} is the end of more than {MOST_REDIRECTS} redirects.")

    def _require_allowed(self, address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme not in PORTS or not parts.hostname:
            raise FetchRefused(f"{address} is no address that begins with http:// or https://.")
        if parts.username or parts.password:
            raise FetchRefused(f"{parts.scheme}://{parts.hostname} was given with a password. Leave it out.")
        if not any(_is_of(parts.hostname, host) for host in self._limits.hosts):
            allowed = ", ".join(self._limits.hosts) or "none"
            raise FetchRefused(
                f"Nothing is fetched from {parts.hostname}. RAG_FETCH_HOSTS names what may be ({allowed})."
            )

    @contextmanager
    def _get(self, address: str, deadline: float) -> Iterator[httpcore.Response]:
        headers: dict[bytes | str, bytes | str] = {
            "User-Agent": USER_AGENT,
            "Accept-Encoding": "identity",
            "Host": urlsplit(address).netloc,
        }
        left = max(deadline - time.monotonic(), 0.01)
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), left)
        backend = _CheckedBackend(self._limits.networks)
        try:
            with (
                httpcore.ConnectionPool(
                    ssl_context=ssl.create_default_context(), network_backend=backend, max_connections=1
                ) as pool,
                pool.stream("GET", address, headers=headers, extensions={"timeout": timeouts}) as response,
            ):
                yield response
        except (httpcore.TimeoutException, TimeoutError) as error:
            raise FetchRefused(
                f"{address} did not come within {self._limits.seconds:g} seconds (RAG_FETCH_SECONDS)."
            ) from error
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError, UnicodeError) as error:
            raise FetchRefused(f"{address} cannot be fetched: {error or type(error).__name__}.") from error

    def _document(self, address: str, response: httpcore.Response, deadline: float) -> Upload:
        if response.status != 200:
            raise FetchRefused(f"{address} cannot be fetched: the server answers {response.status}.")
        if _header(response, b"content-encoding").lower() not in ("", "identity"):
            raise FetchRefused(f"{address} comes compressed, though that was not asked for.")
        content = bytearray()
        for chunk in response.iter_stream():
            content += chunk
            if len(content) > self._limits.most_bytes:
                raise FetchRefused(
                    f"{address} has more than {self._limits.most_bytes:,} bytes (RAG_READ_FILE_MB)."
                )
            if time.monotonic() > deadline:
                raise TimeoutError
        return Upload(_name(address, _header(response, b"content-type")), bytes(content))


class _CheckedBackend(httpcore.NetworkBackend):
    """Connects to addresses outside alone."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = networks
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
        addresses = sorted(map(ipaddress.ip_address, map(str, found)), key=lambda each: each.version)
        inside = [str(each) for each in addresses if not self._may_connect(each)]
        if inside or not addresses:
            raise FetchRefused(
                f"{host} is at {', '.join(inside) or 'no address'}, inside a network that nothing is fetched from."
            )
        return self._backend.connect_tcp(str(addresses[0]), port, timeout, local_address, socket_options)

    def _may_connect(self, address: Address) -> bool:
        address = getattr(address, "ipv4_mapped", None) or address
        if any(address.version == network.version and address in network for network in self._networks):
            return True
        return address.is_global and not address.is_multicast and not _embeds_inside(address)


def _embeds_inside(address: Address) -> bool:
    """Whether an IPv6 address stands for an IPv4 one that is inside: 6to4 (RFC 3056), Teredo, NAT64 (RFC 6052)."""
    if not isinstance(address, ipaddress.IPv6Address):
        return False
    within = [address.sixtofour, *(address.teredo or ())]
    if address in ipaddress.ip_network("64:ff9b::/96"):
        within.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return any(each is not None and not each.is_global for each in within)


def _is_of(host: str, pattern: str) -> bool:
    host, pattern = host.lower().rstrip("."), pattern.lower().rstrip(".")
    return pattern in ("*", host) or (pattern.startswith("*.") and host.endswith(pattern[1:]))


def _header(response: httpcore.Response, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in response.headers if key.lower() == name), "")


def _name(address: str, content_type: str) -> str:
    """A file name made of host and path, with the ending that the kind of content has."""
    parts = urlsplit(address)
    path = PurePosixPath(unquote(parts.path))
    kind = content_type.partition(";")[0].strip().lower()
    ending = _ENDINGS.get(kind) or mimetypes.guess_extension(kind) or path.suffix.lower() or ".html"
    if kind in ("", "application/octet-stream", "binary/octet-stream"):
        ending = path.suffix.lower() or ".html"
    stem = "-".join((parts.hostname or "", *path.parts[1:-1], path.stem, parts.query))
    return f"{_NO_NAME.sub('-', stem).strip('-.')[:150]}{ending}"

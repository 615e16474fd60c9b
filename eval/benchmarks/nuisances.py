"""Clients that hold others up where they can: slow ones, and huge uploads."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice
from urllib.parse import urlsplit

import httpx

from eval.benchmarks.processes import meanwhile
from eval.benchmarks.texts import texts

SLOW_CLIENTS = 32
# Between two bytes.
_PAUSE_SECONDS = 0.1
_TIMEOUT_SECONDS = 600.0
_PIECE = b"x" * 2**16

# Done over and over, to the server of an address, until the event is set.
Nuisance = Callable[[str, threading.Event], None]


@contextmanager
def going_on(nuisance: Nuisance, address: str, at_once: int = 1) -> Iterator[None]:
    """So many do it at once until the block is left."""
    with meanwhile(partial(nuisance, address), at_once):
        time.sleep(0.5)  # until they have begun
        yield


def read_slowly(address: str, over: threading.Event) -> None:
    """Ask for a stream, and read it a byte at a time."""
    body = json.dumps({"question": "Who took part in the mission?", "stream": True}).encode()
    while not over.is_set():
        with _connected(address) as connection:
            connection.sendall(_head(address, len(body)) + body)
            while not over.wait(_PAUSE_SECONDS) and connection.recv(1):
                pass


def send_slowly(address: str, over: threading.Event) -> None:
    """Announce a question, and send it a byte at a time."""
    body = json.dumps({"question": "Who took part in the mission?" * 10}).encode()
    while not over.is_set():
        with _connected(address) as connection, suppress(ConnectionError):
            connection.sendall(_head(address, len(body)))
            for byte in body:
                if over.wait(_PAUSE_SECONDS):
                    return
                connection.sendall(bytes([byte]))


def upload_too_much(address: str, over: threading.Event) -> None:
    """Send a body without end, in chunks that do not say how long it is, until the server has had enough."""
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="huge.txt"\r\n\r\n'

    def pieces() -> Iterator[bytes]:
        yield head
        while not over.is_set():
            yield _PIECE

    while not over.is_set():
        with (
            httpx.Client(base_url=address, timeout=_TIMEOUT_SECONDS) as client,
            suppress(httpx.TransportError),
        ):
            client.post(
                "/documents", content=pieces(), headers={"Content-Type": "multipart/form-data; boundary=x"}
            )


def upload_much(passages: int, seed: int) -> Nuisance:
    """Hand in a document of so many passages, which the server takes in, and delete it again."""
    text = "\n\n".join(text.markdown.split("---", 2)[-1] for text in islice(texts(passages, seed), None))

    def upload(address: str, over: threading.Event) -> None:
        with httpx.Client(base_url=address, timeout=_TIMEOUT_SECONDS) as client:
            while not over.is_set():
                client.post("/documents", files=[("files", ("huge.md", text))]).raise_for_status()
                client.delete("/documents/uploads-huge").raise_for_status()

    return upload


def nuisances(quick: bool, seed: int) -> Mapping[str, tuple[Nuisance, int]]:
    """Each with how many do it at once."""
    return {
        "streams read a byte at a time": (read_slowly, SLOW_CLIENTS),
        "questions sent a byte at a time": (send_slowly, SLOW_CLIENTS),
        "an upload without end": (upload_too_much, 1),
        "an upload that is much to take in": (upload_much(20 if quick else 500, seed), 1),
    }


def _connected(address: str) -> socket.socket:
    parts = urlsplit(address)
    assert parts.hostname
    assert parts.port
    return socket.create_connection((parts.hostname, parts.port), _TIMEOUT_SECONDS)


def _head(address: str, length: int) -> bytes:
    return (
        f"POST /ask HTTP/1.1\r\nHost: {urlsplit(address).netloc}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()

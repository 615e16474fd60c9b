"""A real HTTP server on loopback that speaks as servers of language models do, and says what a test has scripted.

    with LLMServer("openai") as server:
        server.script(Reply.status(500), Reply.text("The quay cost 42 million euros. [1]"))
        ...  # point the program at server.url
    assert server.requests[-1].messages[-1].content == "What did the quay cost?"

A reply may also be made from the request that it answers, for what cannot be known beforehand:

    server.always(lambda request: Reply.text(request.messages[-1].content.upper()))

What was not scripted is answered with 501, which no client tries again in the hope of better.
"""

from __future__ import annotations

import itertools
import json
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from tests.llm_protocols import FOREVER, SPEECH, Protocol, Reply, Request, Scripted

__all__ = ["LLMServer", "Reply", "Request", "Scripted", "unused_url"]


class LLMServer:
    """Serves while its `with` block lasts.

    `requests` holds what was asked for text, in order; `connections` is how many are open. `models` are those that it
    says it has; None for a server that cannot say. With `key`, all who do not bring it get 401.
    """

    def __init__(
        self,
        protocol: Protocol = "openai",
        models: Sequence[str] | None = ("scripted",),
        key: str | None = None,
    ) -> None:
        self.protocol: Protocol = protocol
        self.models = models
        self.key = key
        self.requests: list[Request] = []
        self.speech = SPEECH[protocol]
        self.connections = 0
        self.closing = threading.Event()
        self._script: deque[Scripted] = deque()
        self._always: Scripted = Reply.status(501, message="nothing was scripted")
        self._guard = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """What a client is given as the base of its addresses."""
        return f"http://127.0.0.1:{self._server.server_port}{self.speech.base}"

    def script(self, *replies: Scripted) -> None:
        """Add replies to those that are to come, one a request."""
        self._script.extend(replies)

    def always(self, reply: Scripted) -> None:
        """What to reply once the script has run out."""
        self._always = reply

    def connected(self, change: int) -> None:
        """Count connections as they come and go."""
        with self._guard:
            self.connections += change

    def next_reply(self, request: Request) -> Reply:
        """Note the request and take what is scripted for it."""
        with self._guard:
            self.requests.append(request)
            scripted = self._script.popleft() if self._script else self._always
        return scripted if isinstance(scripted, Reply) else scripted(request)


def unused_url() -> str:
    """An address on loopback that refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


class _Gone(Exception):
    """The client has gone away, or the server is closing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    owner: LLMServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that go away in the middle are what is tested; no need to print them."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def handle(self) -> None:
        self.server.owner.connected(1)
        try:
            super().handle()
        finally:
            self.server.owner.connected(-1)

    def do_GET(self) -> None:
        owner = self.server.owner
        if self._refuse(owner.speech.lists):
            return
        if owner.models is None:
            self._send(404, owner.speech.error(404, "This server does not list its models."))
        else:
            self._send(200, owner.speech.listing(owner.models))

    def do_POST(self) -> None:
        owner = self.server.owner
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
        if self._refuse(owner.speech.asks):
            return
        stream = bool(body.get("stream", owner.speech.streams_unasked))
        request = Request(self.path, self._lowered(), body, stream)
        reply = owner.next_reply(request)
        try:
            self._reply(request, reply)
        except (_Gone, OSError):
            self.close_connection = True
            if not owner.closing.is_set():
                request.ended.set()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing is printed."""

    def _lowered(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers.items()}

    def _refuse(self, path: str) -> bool:
        """Refuse another path and a wrong key; whether that was done."""
        owner = self.server.owner
        if owner.key is not None and not owner.speech.allows(owner.key, self._lowered()):
            self._send(401, owner.speech.error(401, f"Wrong key: {self._lowered().get('authorization')}"))
        elif self.path.partition("?")[0] != path:
            self._send(404, owner.speech.error(404, f"No {self.path} here."))
        else:
            return False
        return True

    def _reply(self, request: Request, reply: Reply) -> None:
        speech = self.server.owner.speech
        self._wait(reply.before)
        if reply.code != 200:
            extra = {"Retry-After": reply.retry_after} if reply.retry_after is not None else {}
            self._send(reply.code, speech.error(reply.code, "".join(reply.pieces)), extra)
        elif reply.raw is not None:
            self._send_bytes(200, reply.raw, {"Content-Type": speech.content_type})
        elif not request.stream:
            self._wait(FOREVER if reply.after in ("hang", "repeat") else 0.0)
            self._send(200, speech.whole(request, reply), cut=reply.after == "drop")
        else:
            self._stream(request, reply)

    def _stream(self, request: Request, reply: Reply) -> None:
        speech = self.server.owner.speech
        self.send_response(200)
        self.send_header("Content-Type", speech.content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for data in speech.start(request, reply):
            self._chunk(data)
        for piece in itertools.cycle(reply.pieces) if reply.after == "repeat" else reply.pieces:
            self._chunk(speech.piece(request, piece))
            self._wait(reply.between)
        if reply.after == "hang":
            self._wait(FOREVER)
        if reply.after == "drop":
            self.close_connection = True
            return
        for data in speech.end(request, reply.usage):
            self._chunk(data)
        self._chunk(b"")

    def _chunk(self, data: bytes) -> None:
        self._wait(0.0)
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _wait(self, seconds: float) -> None:
        """Wait so long, unless the client goes away or the server closes.

        A client sends nothing while it is answered, so that what can be read then is the end of the connection.
        """
        until = time.monotonic() + seconds
        while True:
            left = min(until - time.monotonic(), 0.02)
            readable, _, _ = select.select([self.connection], [], [], max(left, 0.0))
            if readable or self.server.owner.closing.is_set():
                raise _Gone
            if left <= 0:
                return

    def _send(
        self, code: int, content: object, headers: Mapping[str, str] | None = None, cut: bool = False
    ) -> None:
        content_type = {"Content-Type": "application/json"}
        self._send_bytes(code, json.dumps(content).encode(), content_type | dict(headers or {}), cut)

    def _send_bytes(self, code: int, content: bytes, headers: Mapping[str, str], cut: bool = False) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if cut else content)
        self.close_connection = self.close_connection or cut

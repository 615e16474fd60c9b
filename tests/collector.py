"""A collector of OpenTelemetry on loopback: takes spans as OTLP over HTTP, as protobuf, and keeps them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Received:
    """A span as it came over the wire; ids in hexadecimal, `parent` empty where there is none. Times in nanoseconds."""

    name: str
    trace: str
    id: str
    parent: str
    began: int
    ended: int
    failed: bool
    attributes: dict[str, Any]
    service: dict[str, Any] = field(repr=False)


class Collector:
    """Listens while the block lasts. `hold` lets it take requests and answer none until the block ends."""

    def __init__(self, hold: bool = False, status: int = 200) -> None:
        self._free = threading.Event()
        if not hold:
            self._free.set()
        self.status = status
        self.held = threading.Event()
        self.bodies: list[bytes] = []
        self.paths: list[str] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.held.set()
                collector._free.wait()
                collector.bodies.append(body)
                collector.paths.append(self.path)
                self.send_response(collector.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._free.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def spans(self) -> list[Received]:
        """All that came, by when they began; of those that began together the longest first."""
        found = [
            _received(span, {each.key: _value(each.value) for each in resource.resource.attributes})
            for body in self.bodies
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        return sorted(found, key=lambda span: (span.began, -span.ended))

    def children(self, parent: Received) -> list[Received]:
        """The spans within a span, by when they began."""
        return [span for span in self.spans if span.parent == parent.id and span.trace == parent.trace]


def _received(span: Any, service: dict[str, Any]) -> Received:
    return Received(
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        span.status.code == span.status.STATUS_CODE_ERROR,
        {each.key: _value(each.value) for each in span.attributes},
        service,
    )


def _value(value: Any) -> Any:
    return getattr(value, value.WhichOneof("value"))

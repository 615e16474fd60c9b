"""Spans for OpenTelemetry: of each HTTP request, of the question or search in it, and of the stages of that.

Needs the extra `telemetry`, and is imported only where `RAG_TELEMETRY_ENDPOINT` is set. Spans wait in a queue, which
drops what it cannot hold, for a thread that sends them: whatever becomes of them, no answer waits for it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from rag import __version__
from rag.admission import Outcome

# The longest that closing waits for what has not been sent yet.
FLUSH_SECONDS = 5.0
_PATH = "/v1/traces"
# What may become of a question without anything having gone wrong.
_IN_ORDER = frozenset({"answered", "not_found", "found", "cancelled"})
# A method of its own for each that somebody makes up would make as many names of spans.
_METHODS = frozenset({"GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"})


class Telemetry:
    """Makes spans and has them sent. Threads may share it.

    The provider is its own, not OpenTelemetry's global one, so that libraries that make spans send none with it.
    """

    def __init__(self, endpoint: str, with_text: bool) -> None:
        """`endpoint` is the address of a collector, as `http://127.0.0.1:4318`; `with_text` puts questions into spans.

        How it is spoken to (headers, certificates, time limit) and how much is sent (sampling, attributes of the
        resource) is told by the `OTEL_` variables, which OpenTelemetry's SDK reads itself.
        """
        self._with_text = with_text
        self._provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint if endpoint.endswith(_PATH) else endpoint + _PATH)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("mission-record", __version__)
        self._callers = TraceContextTextMapPropagator()

    @contextmanager
    def request(self, headers: Mapping[str, str]) -> Iterator[None]:
        """The span of a request, the current one inside. Its parent is what `traceparent` names (W3C Trace Context)."""
        parent = self._callers.extract(headers)
        span = self._tracer.start_span("request", parent, SpanKind.SERVER)
        with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            yield

    def answered(self, method: str, route: str, status: int, request_id: str) -> None:
        """Say of the current request how it was answered; `route` is the template of the path, never the path."""
        span = trace.get_current_span()
        method = method if method in _METHODS else "_OTHER"
        span.update_name(f"{method} {route}")
        span.set_attributes(
            {
                "http.request.method": method,
                "http.route": route,
                "http.response.status_code": status,
                "rag.request_id": request_id,
            }
        )
        if status >= 500:
            _fail(span, str(status))

    def outcome(self, outcome: Outcome) -> None:
        """A question or a search as a span within that of the request, if there is one, and its stages within it.

        Stages that take turns, as an LLM's writing and the checking of it, overlap: `rag.ms` is what each was at work.
        """
        epoch = time.time_ns() - time.perf_counter_ns()
        began = outcome.stages[0].began if outcome.stages else time.perf_counter()
        span = self._tracer.start_span(
            outcome.kind, start_time=_since_epoch(epoch, began), attributes=self._told(outcome)
        )
        inside = trace.set_span_in_context(span)
        for stage in outcome.stages:
            child = self._tracer.start_span(
                stage.name,
                inside,
                start_time=_since_epoch(epoch, stage.began),
                attributes={"rag.ms": stage.milliseconds},
            )
            if stage.failed:
                _fail(child, outcome.status)
            child.end(_since_epoch(epoch, stage.ended))
        if outcome.status not in _IN_ORDER:
            _fail(span, outcome.status)
        span.end()

    def close(self) -> None:
        """Send what is left, for at most `FLUSH_SECONDS`; what cannot be sent by then is lost."""
        # The SDK itself would wait for half a minute.
        closing = threading.Thread(target=self._provider.shutdown, name="telemetry", daemon=True)
        closing.start()
        closing.join(FLUSH_SECONDS)

    def _told(self, outcome: Outcome) -> dict[str, str | bool]:
        told: dict[str, str | bool] = {"rag.outcome": outcome.status, "rag.fallback": outcome.fallback}
        if self._with_text:
            told["rag.text"] = outcome.text
        return told


def _resource() -> Resource:
    """Who sends: `mission-record`, unless `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` say otherwise."""
    ours = Resource({"service.name": "mission-record", "service.version": __version__})
    return Resource.create().merge(ours).merge(OTELResourceDetector().detect())


def _fail(span: Span, code: str) -> None:
    """Marks what went wrong by its code; what the error says may hold what was asked."""
    span.set_attribute("error.type", code)
    span.set_status(StatusCode.ERROR)


def _since_epoch(epoch: int, moment: float) -> int:
    """A moment of `time.perf_counter`, whose zero is `epoch`, in nanoseconds since 1970."""
    return epoch + round(moment * 1e9)

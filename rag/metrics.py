"""What a server counts and times, for Prometheus. Every label has few values, whatever clients send."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from rag.admission import Admission, Outcome
from rag.domain import Manifest
from rag.errors import RagError

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second number for each: when it was first counted

MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_METHODS = frozenset({"GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"})
# From a search that finds everything in memory to an answer that a language model takes its time for (seconds).
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    """The numbers of one application. Threads may share it."""

    def __init__(self, admission: Admission, manifest: Callable[[], Manifest]) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "rag_http_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._request_seconds = Histogram(
            "rag_http_request_seconds",
            "Time from a request to the end of its response.",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._outcomes = Counter(
            "rag_outcomes",
            "What became of questions and searches: answered, not_found, found, or the code of an error.",
            ("kind", "outcome"),
            registry=self._registry,
        )
        self._fallbacks = Counter(
            "rag_fallbacks",
            "Answers given without the language model that is configured.",
            registry=self._registry,
        )
        self._stage_seconds = Histogram(
            "rag_stage_seconds",
            "Time of each stage of a question; `wait` is before the first of them.",
            ("stage",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._registry.register(_Gauges(admission, manifest))
        ProcessCollector(registry=self._registry)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request; `route` is the template of the path, never the path."""
        method = method if method in _METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)

    def outcome(self, outcome: Outcome) -> None:
        """Count what became of a question or a search, and the time of its stages."""
        self._outcomes.labels(outcome.kind, outcome.status).inc()
        if outcome.fallback:
            self._fallbacks.inc()
        for stage, milliseconds in outcome.stages_ms.items():
            self._stage_seconds.labels(stage).observe(milliseconds / 1_000)

    def text(self) -> bytes:
        """All of it, in the text format of Prometheus."""
        return generate_latest(self._registry)


class _Gauges(Collector):
    """What is read off the moment it is asked for."""

    def __init__(self, admission: Admission, manifest: Callable[[], Manifest]) -> None:
        self._admission = admission
        self._manifest = manifest

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily("rag_working", "Questions being answered.", self._admission.working)
        yield GaugeMetricFamily("rag_waiting", "Questions waiting for a worker.", self._admission.waiting)
        try:
            manifest = self._manifest()
            documents, passages = manifest.documents, manifest.passages
        except RagError:  # the server is not ready, which is no reason to hide all other numbers
            documents = passages = 0
        yield GaugeMetricFamily("rag_index_documents", "Documents in the index.", documents)
        yield GaugeMetricFamily("rag_index_passages", "Passages in the index.", passages)

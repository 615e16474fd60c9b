"""Spans of requests, as a collector of OpenTelemetry gets them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from rag import telemetry
from rag.api.app import create_app
from rag.domain import WorkLimits
from rag.settings import Settings
from rag.telemetry import Telemetry
from rag.wiring import Application, build
from tests.api.stand_in import RETRIEVED, StandIn
from tests.collector import Collector, Received
from ui.conversation import follow

ASKED = "How tall is the lighthouse of Elsin?"
TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
STAGES = ["wait", "converse", "catalog", "retrieve", "read", "answer", "cite"]
LONG = "3600"  # seconds: whoever waits for a collector that does not answer, waits for longer than a test may take

MakeSettings = Callable[..., Settings]
Traced = Callable[..., Application]


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


@pytest.fixture
def traced(make_settings: MakeSettings, small_corpus: Path, tmp_path: Path) -> Iterator[Traced]:
    """The three small documents, with spans sent to an address; settings as given."""
    made: list[Application] = []

    def make(endpoint: str, **values: object) -> Application:
        settings = make_settings(
            tmp_path / "data", corpus_dir=small_corpus, telemetry_endpoint=endpoint, **values
        )
        application = build(settings)
        application.synchronise()
        made.append(application)
        return application

    yield make
    for application in made:
        application.close()


def scripted(collector: Collector, *script: object, limits: WorkLimits = WorkLimits(2, 4, 30, 30)) -> StandIn:
    application = StandIn(script, limits=limits)  # type: ignore[arg-type]
    application.telemetry = Telemetry(collector.address, with_text=False)  # type: ignore[assignment]
    application.pipeline.observers.append(application.telemetry.outcome)  # type: ignore[attr-defined]
    return application


def only(spans: list[Received], name: str) -> Received:
    (found,) = [span for span in spans if span.name == name]
    return found


def test_a_request_its_question_and_the_stages_are_spans_within_each_other(
    collector: Collector, traced: Traced, serving: Callable[[FastAPI], AbstractContextManager[str]]
) -> None:
    """Served as `mission-record serve` does; what has not been sent when the server is stopped is sent then."""
    application = traced(collector.address)
    caller = {"traceparent": f"00-{TRACE}-{CALLER}-01", "X-Request-ID": "request-1"}
    with serving(create_app(application)) as address:
        response = httpx2.post(f"{address}/ask", json={"question": ASKED}, headers=caller, timeout=60)
    application.close()
    assert response.status_code == 200
    assert set(collector.paths) == {"/v1/traces"}
    request = only(collector.spans, "POST /ask")
    assert (request.trace, request.parent) == (TRACE, CALLER)
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": "/ask",
        "http.response.status_code": 200,
        "rag.request_id": "request-1",
    }
    assert request.service["service.name"] == "mission-record"
    (question,) = collector.children(request)
    assert question.name == "question"
    assert question.attributes == {"rag.outcome": "answered", "rag.fallback": False}
    stages = collector.children(question)
    assert [stage.name for stage in stages] == STAGES
    assert {span.trace for span in collector.spans} == {TRACE}
    assert not any(span.failed for span in collector.spans)
    # Each within the one around it, and one after the other.
    assert request.began <= question.began <= question.ended <= request.ended
    moments = [moment for stage in stages for moment in (stage.began, stage.ended)]
    assert moments == sorted(moments)
    assert question.began <= moments[0] <= moments[-1] <= question.ended
    timings = response.json()["timings_ms"]
    assert {stage.name: stage.attributes["rag.ms"] for stage in stages[1:]} == {
        name: timings[name] for name in STAGES[1:]
    }


def test_no_question_and_no_answer_is_in_a_span_unless_that_is_wanted(
    collector: Collector, traced: Traced
) -> None:
    application = traced(collector.address)
    client = TestClient(create_app(application))
    client.post("/ask", json={"question": ASKED, "history": [{"role": "user", "content": "secret"}]})
    client.post("/search", json={"query": "lighthouse secret"})
    client.get("/documents/secret", params={"q": "secret"}, headers={"X-Secret": "secret"})
    client.request("SECRET", "/secret")
    application.close()
    assert len(collector.spans) == 4 + 2 + len(STAGES) + 2
    sent = b"".join(collector.bodies).lower()
    assert b"secret" not in sent
    assert b"lighthouse" not in sent
    assert b"metres" not in sent


def test_the_text_of_a_question_is_in_its_span_where_that_is_wanted(
    collector: Collector, traced: Traced
) -> None:
    application = traced(collector.address, log_questions=True)
    TestClient(create_app(application)).post("/ask", json={"question": ASKED})
    application.close()
    assert only(collector.spans, "question").attributes["rag.text"] == ASKED


def test_a_stream_is_a_request_until_its_end(collector: Collector, traced: Traced) -> None:
    application = traced(collector.address)
    client = TestClient(create_app(application))
    client.post("/ask", json={"question": ASKED, "stream": True})
    application.close()
    request, question = only(collector.spans, "POST /ask"), only(collector.spans, "question")
    assert question.parent == request.id
    assert question.ended <= request.ended
    assert [stage.name for stage in collector.children(question)] == STAGES


def test_a_question_in_the_window_is_a_trace_of_its_own(collector: Collector, traced: Traced) -> None:
    application = traced(collector.address)
    create_app(application)
    *_, last = follow(application, ASKED, ())
    application.close()
    assert last.answer is not None
    assert only(collector.spans, "question").parent == ""


def test_what_fails_is_marked_at_the_stage_where_it_did_and_says_nothing_of_what_was_asked(
    collector: Collector, traced: Traced, monkeypatch: pytest.MonkeyPatch
) -> None:
    application = traced(collector.address)
    application.load()

    def fail(*args: object, **kwargs: object) -> None:
        raise ZeroDivisionError(ASKED)

    monkeypatch.setattr("rag.read.Read.__call__", fail)
    response = TestClient(create_app(application), raise_server_exceptions=False).post(
        "/ask", json={"question": ASKED}
    )
    application.close()
    assert response.status_code == 500
    question = only(collector.spans, "question")
    assert [(stage.name, stage.failed) for stage in collector.children(question)] == [
        *((name, False) for name in STAGES[: STAGES.index("read")]),
        ("read", True),
    ]
    assert question.attributes["rag.outcome"] == question.attributes["error.type"] == "internal"
    request = only(collector.spans, "POST /ask")
    assert request.failed
    assert request.attributes["error.type"] == "500"
    assert b"Elsin" not in b"".join(collector.bodies)


def test_who_is_sent_away_is_seen_too(collector: Collector) -> None:
    application = scripted(collector, RETRIEVED, limits=WorkLimits(1, 0, 30, 30))
    application.admission.waiting = 1  # as if somebody were
    client = TestClient(create_app(application))  # type: ignore[arg-type]
    assert client.post("/ask", json={"question": ASKED}).status_code == 429
    application.telemetry.close()  # type: ignore[attr-defined]
    question = only(collector.spans, "question")
    assert (question.attributes["rag.outcome"], question.failed) == ("too_busy", True)
    assert not only(collector.spans, "POST /ask").failed  # the server did as it should


@pytest.mark.parametrize(
    "traceparent",
    ["", "00", f"00-{TRACE}-{CALLER}", f"00-{'0' * 32}-{CALLER}-01", f"ff-{TRACE}-{CALLER}-01", "\xff" * 55],
)
def test_a_caller_that_names_no_trace_gets_one(collector: Collector, traceparent: str) -> None:
    application = scripted(collector, RETRIEVED)
    client = TestClient(create_app(application))  # type: ignore[arg-type]
    headers = [(b"traceparent", traceparent.encode("latin-1")), (b"tracestate", b"\xff=,,=" * 99)]
    assert client.get("/healthz", headers=headers).status_code == 200  # type: ignore[arg-type]
    application.telemetry.close()  # type: ignore[attr-defined]
    request = only(collector.spans, "GET /healthz")
    assert request.parent == ""
    assert request.trace not in (TRACE, "0" * 32)


def test_what_the_caller_does_not_sample_is_not_sent(collector: Collector, traced: Traced) -> None:
    application = traced(collector.address)
    client = TestClient(create_app(application))
    client.post("/ask", json={"question": ASKED}, headers={"traceparent": f"00-{TRACE}-{CALLER}-00"})
    application.close()
    assert collector.bodies == []


def test_a_collector_that_never_answers_holds_up_neither_answers_nor_the_end(
    traced: Traced, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", LONG)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
    monkeypatch.setattr(telemetry, "FLUSH_SECONDS", 0.1)
    with ThreadPoolExecutor(1) as asking, Collector(hold=True) as collector:
        application = traced(collector.address)
        client = TestClient(create_app(application))

        def ask() -> str:
            return str(client.post("/ask", json={"question": ASKED}).json()["answer"])

        first = asking.submit(ask).result(60)
        assert collector.held.wait(60)  # the collector has spans, and sits on them
        assert "61 metres" in first
        assert asking.submit(ask).result(60) == first
        closing = threading.Thread(target=application.close, daemon=True)
        closing.start()
        closing.join(25)  # the SDK by itself would wait for 30 seconds
        assert not closing.is_alive()
        assert collector.bodies == []


@pytest.mark.parametrize("status", [400, 503])
def test_a_collector_that_refuses_changes_no_answer(
    status: int, traced: Traced, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(telemetry, "FLUSH_SECONDS", 0.5)
    with Collector(status=status) as collector, caplog.at_level(logging.WARNING):
        application = traced(collector.address)
        assert TestClient(create_app(application)).post("/ask", json={"question": ASKED}).status_code == 200
        application.close()
        assert collector.bodies
    assert "lighthouse" not in caplog.text


def test_where_nobody_listens_answers_are_as_ever(traced: Traced, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "8")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "8")
    monkeypatch.setattr(telemetry, "FLUSH_SECONDS", 0.1)
    with Collector() as gone:
        pass
    application = traced(gone.address)
    client = TestClient(create_app(application))
    answers = {client.post("/ask", json={"question": ASKED}).json()["answer"] for _ in range(5)}
    application.close()
    assert len(answers) == 1
    assert "61 metres" in answers.pop()

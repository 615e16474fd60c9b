"""GET /metrics: what is counted and timed, in the text format of Prometheus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from rag.api.app import create_app
from rag.domain import WorkLimits
from rag.wiring import Application
from tests.api.stand_in import COMPLETED, RETRIEVED, StandIn
from ui.conversation import follow

Sample = tuple[str, frozenset[tuple[str, str]]]


def read(client: TestClient) -> dict[Sample, float]:
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def value(samples: dict[Sample, float], name: str, **labels: str) -> float:
    return samples.get((name, frozenset(labels.items())), 0.0)


def test_questions_are_counted_by_what_became_of_them_and_timed_by_stage(
    small_application: Application,
) -> None:
    client = TestClient(create_app(small_application))
    for question in ("How tall is the lighthouse of Elsin?", "Who is the king of France?"):
        client.post("/ask", json={"question": question})
    client.post("/ask", json={"question": "How tall is the lighthouse of Elsin?", "stream": True})
    client.post("/search", json={"query": "ferry"})
    client.post("/ask", json={})
    found = read(client)
    assert value(found, "rag_outcomes_total", kind="question", outcome="answered") == 2
    assert value(found, "rag_outcomes_total", kind="question", outcome="not_found") == 1
    assert value(found, "rag_outcomes_total", kind="search", outcome="found") == 1
    assert value(found, "rag_http_requests_total", method="POST", route="/ask", status="200") == 3
    assert value(found, "rag_http_requests_total", method="POST", route="/ask", status="422") == 1
    for stage, times in {"wait": 4, "retrieve": 3, "read": 3, "answer": 3, "search": 1}.items():
        assert value(found, "rag_stage_seconds_count", stage=stage) == times
    assert 0 < value(found, "rag_stage_seconds_sum", stage="retrieve") < 60
    assert value(found, "rag_index_documents") == 3
    assert value(found, "rag_index_passages") == small_application.check().passages
    assert value(found, "rag_working") == value(found, "rag_waiting") == 0
    assert value(found, "process_resident_memory_bytes") > 0


def test_the_window_counts_too(small_application: Application) -> None:
    client = TestClient(create_app(small_application))
    *_, last = follow(small_application, "How tall is the lighthouse of Elsin?", ())
    assert last.answer is not None
    assert value(read(client), "rag_outcomes_total", kind="question", outcome="answered") == 1


def test_what_is_refused_fails_or_falls_back_is_counted() -> None:
    fallen_back = replace(COMPLETED, answer=replace(COMPLETED.answer, fallback_reason="no reply"))
    application = StandIn([RETRIEVED, fallen_back], limits=WorkLimits(1, 0, 30, 30))
    client = TestClient(create_app(application))  # type: ignore[arg-type]
    client.post("/ask", json={"question": "How many?"})
    assert value(read(client), "rag_fallbacks_total") == 1

    application.scripted.script = [RETRIEVED, ZeroDivisionError()]
    TestClient(client.app, raise_server_exceptions=False).post("/ask", json={"question": "How many?"})
    assert value(read(client), "rag_outcomes_total", kind="question", outcome="internal") == 1

    application.admission.waiting = 1  # as if somebody were
    assert client.post("/ask", json={"question": "How many?"}).status_code == 429
    found = read(client)
    assert value(found, "rag_outcomes_total", kind="question", outcome="too_busy") == 1
    assert value(found, "rag_waiting") == 1


@pytest.mark.parametrize("path", ["/nothing/{}", "/documents/{}", "/page-assets/{}", "/docs?{}"])
def test_no_client_makes_labels_of_its_own(path: str, scripted: Callable[..., TestClient]) -> None:
    client = scripted()
    read(client)

    def series_after(numbers: range) -> set[Sample]:
        for number in numbers:
            client.get(path.format(f"x{number}"))
            client.request(f"METHOD{number}", path.format(number))
        return set(read(client))

    assert series_after(range(1)) == series_after(range(1, 20))
    assert "METHOD" not in client.get("/metrics").text


def test_an_index_that_is_not_there_hides_no_other_number(scripted: Callable[..., TestClient]) -> None:
    found = read(scripted())
    assert value(found, "rag_index_documents") == 0
    assert value(found, "process_start_time_seconds") > 0

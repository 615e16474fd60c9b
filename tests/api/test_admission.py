"""Many clients, slow clients and clients that go away, against a real server."""

from __future__ import annotations

import itertools
import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from urllib.parse import urlsplit

import httpx2
import pytest
from fastapi import FastAPI

from rag.api.app import create_app
from rag.domain import Event, WorkLimits
from rag.wiring import Application
from tests.api.stand_in import COMPLETED, DELTA, RETRIEVED, StandIn
from ui.conversation import follow

Serving = Callable[[FastAPI], AbstractContextManager[str]]

QUESTION = {"question": "How many?"}
LIMITS = WorkLimits(workers=2, waiting=3, wait_seconds=30, work_seconds=30)
PATIENCE = 30


class Gate:
    """A script whose questions all wait until the gate is opened."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.reached = threading.Semaphore(0)

    def __iter__(self) -> Iterator[Event]:
        yield RETRIEVED
        self.reached.release()
        assert self.open.wait(PATIENCE)
        yield DELTA
        yield COMPLETED


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open.set()


@contextmanager
def crowded(gate: Gate, serving: Serving) -> Iterator[tuple[StandIn, str, ThreadPoolExecutor]]:
    """A server with both workers busy, and threads to ask from."""
    application = StandIn(gate, limits=LIMITS)  # type: ignore[arg-type]
    with serving(create_app(application)) as address, ThreadPoolExecutor(64) as clients:  # type: ignore[arg-type]
        for _ in range(LIMITS.workers):
            clients.submit(httpx2.post, f"{address}/ask", json=QUESTION, timeout=PATIENCE)
        for _ in range(LIMITS.workers):
            assert gate.reached.acquire(timeout=PATIENCE)
        try:
            yield application, address, clients
        finally:
            gate.open.set()


def until(condition: Callable[[], bool]) -> None:
    for _ in range(PATIENCE * 100):
        if condition():
            return
        threading.Event().wait(0.01)
    pytest.fail("waited in vain")


def send(address: str, body: dict[str, object]) -> socket.socket:
    """A connection on which the question has been asked, and nothing is read."""
    place = urlsplit(address)
    connection = socket.create_connection((place.hostname, place.port), timeout=PATIENCE)
    content = json.dumps(body).encode()
    head = [
        "POST /ask HTTP/1.1",
        f"Host: {place.netloc}",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
    ]
    connection.sendall("\r\n".join([*head, "", ""]).encode() + content)
    return connection


def test_past_the_queue_a_question_is_refused_at_once(gate: Gate, serving: Serving) -> None:
    with crowded(gate, serving) as (application, address, clients):
        crowd = [clients.submit(httpx2.post, f"{address}/ask", json=QUESTION, timeout=60) for _ in range(40)]
        until(lambda: sum(asked.done() for asked in crowd) == 40 - LIMITS.waiting)
        refused = [asked.result() for asked in crowd if asked.done()]
        assert {response.status_code for response in refused} == {429}
        problem = refused[0].json()
        assert (problem["code"], problem["retry_after"]) == ("too_busy", 1)
        assert {response.headers["Retry-After"] for response in refused} == {"1"}
        assert (application.admission.working, application.admission.waiting) == (2, 3)

        stream = httpx2.post(f"{address}/ask", json=QUESTION | {"stream": True})
        assert (stream.status_code, stream.headers["Retry-After"]) == (429, "1")
        assert httpx2.post(f"{address}/search", json={"query": "x"}).status_code == 429

        gate.open.set()
        assert sorted(asked.result().status_code for asked in crowd) == [200] * 3 + [429] * 37
        assert httpx2.post(f"{address}/ask", json=QUESTION).status_code == 200
        assert (application.admission.working, application.admission.waiting) == (0, 0)


def test_the_window_stands_in_the_same_queue_and_says_so(gate: Gate, serving: Serving) -> None:
    with crowded(gate, serving) as (application, address, clients):
        for _ in range(LIMITS.waiting):
            clients.submit(httpx2.post, f"{address}/ask", json=QUESTION, timeout=60)
        until(lambda: application.admission.waiting == LIMITS.waiting)
        *_, shown = follow(application, "How many?", ())  # type: ignore[arg-type]
        assert shown.problem
        assert shown.problem.text.endswith("Please try again in 1 second.")


def test_other_routes_answer_however_many_questions_wait(gate: Gate, serving: Serving) -> None:
    application = StandIn(gate, limits=WorkLimits(1, 100, 60, 60))  # type: ignore[arg-type]
    with serving(create_app(application)) as address, ThreadPoolExecutor(100) as clients:  # type: ignore[arg-type]
        for _ in range(80):
            clients.submit(httpx2.post, f"{address}/ask", json=QUESTION, timeout=60)
        until(lambda: application.admission.waiting == 79)
        assert (
            httpx2.get(f"{address}/documents/none").status_code == 404
        )  # a plain function in a shared thread
        gate.open.set()


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_goes_away_while_it_waits_frees_its_place(
    gate: Gate, serving: Serving, stream: bool
) -> None:
    with crowded(gate, serving) as (application, address, _):
        connections = [send(address, QUESTION | {"stream": stream}) for _ in range(LIMITS.waiting)]
        until(lambda: application.admission.waiting == LIMITS.waiting)
        for connection in connections:
            connection.close()
        until(lambda: application.admission.waiting == 0)
        assert application.admission.working == 2


def test_a_client_that_goes_away_while_its_question_is_answered_ends_the_work(serving: Serving) -> None:
    """Without streaming too: between two steps nobody would notice that there is nobody to answer."""
    application = StandIn(itertools.chain([RETRIEVED], itertools.repeat(DELTA)))
    with serving(create_app(application)) as address:  # type: ignore[arg-type]
        connection = send(address, dict(QUESTION))
        until(lambda: application.admission.working == 1)
        connection.close()
        assert application.scripted.ended.wait(PATIENCE)
        until(lambda: application.admission.working == 0)


def test_a_client_that_reads_slowly_holds_no_worker(serving: Serving) -> None:
    long = type(DELTA)("word " * 200_000)
    application = StandIn([RETRIEVED, *[long] * 20, COMPLETED], limits=LIMITS)
    with serving(create_app(application)) as address:  # type: ignore[arg-type]
        connections = [send(address, QUESTION | {"stream": True}) for _ in range(5)]
        until(lambda: application.admission.working + application.admission.waiting == 0)
        assert httpx2.post(f"{address}/ask", json=QUESTION).status_code == 200
        for connection in connections:
            connection.close()


def test_a_body_that_is_never_finished_holds_no_place(gate: Gate, serving: Serving) -> None:
    application = StandIn(limits=WorkLimits(1, 0, 30, 30))
    with serving(create_app(application)) as address:  # type: ignore[arg-type]
        place = urlsplit(address)
        with socket.create_connection((place.hostname, place.port)) as connection:
            head = f"POST /ask HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Type: application/json\r\n"
            connection.sendall(f'{head}Content-Length: 1000\r\n\r\n{{"question": "H'.encode())
            assert httpx2.post(f"{address}/ask", json=QUESTION).status_code == 200


def test_an_answer_that_takes_too_long_is_a_timeout(gate: Gate, serving: Serving) -> None:
    application = StandIn(gate, limits=WorkLimits(1, 0, 30, 0.05))  # type: ignore[arg-type]
    with serving(create_app(application)) as address:  # type: ignore[arg-type]
        response = httpx2.post(f"{address}/ask", json=QUESTION)
        assert (response.status_code, response.json()["code"]) == (504, "timed_out")
        gate.open.set()
        until(lambda: application.admission.working == 0)


def test_a_stop_finishes_what_is_under_way_and_closes_the_record(
    small_application: Application, serving: Serving
) -> None:
    with ThreadPoolExecutor(8) as clients:
        with serving(create_app(small_application)) as address:
            body = {"question": "How tall is the lighthouse of Elsin?"}
            asked = [clients.submit(httpx2.post, f"{address}/ask", json=body, timeout=60) for _ in range(6)]
            until(lambda: small_application.admission.working > 0 or any(one.done() for one in asked))
            # Left here: the server stops accepting, and ends when it has answered.
        statuses = {one.result().status_code for one in asked if one.exception() is None}
        assert statuses == {200}
    small_application.close()
    assert small_application.admission.working == 0
    assert small_application.vectors._client is None

"""Lines of the log: always one JSON object each."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from rag.admission import Outcome
from rag.logs import JsonLines, log_outcome, request_id
from rag.stopwatch import Stage

HOSTILE = 'a\r\n{"level": "info", "event": "forged"}\u2028\x1b[2J\x00\x85"\\'


def line(record: logging.LogRecord) -> dict[str, object]:
    formatted = JsonLines().format(record)
    assert formatted.isascii()
    assert formatted.isprintable()
    parsed: dict[str, object] = json.loads(formatted)
    return parsed


def record(message: str, *args: object, **extra: object) -> logging.LogRecord:
    return logging.getLogger("rag.x").makeRecord(
        "rag.x", logging.INFO, "x.py", 1, message, args, None, extra=extra
    )


def test_a_line_says_when_how_grave_where_from_and_what() -> None:
    found = line(record("read %d files", 3, route="/ask", ms=1.5, key=None))
    assert str(found.pop("time")).endswith("+00:00")
    assert found == {
        "level": "info",
        "logger": "rag.x",
        "event": "read 3 files",
        "route": "/ask",
        "ms": 1.5,
        "key": None,
    }


def test_nothing_that_is_sent_begins_a_line_of_its_own() -> None:
    found = line(record(HOSTILE, route=HOSTILE, other=object()))
    assert (found["event"], found["route"]) == (HOSTILE, HOSTILE)
    assert line(record("\ud800"))["event"] == "\ud800"


def test_an_exception_stays_in_its_line() -> None:
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        raised = record("failed")
        raised.exc_info = sys.exc_info()
    assert "ValueError" in str(line(raised)["exception"])


def test_a_line_belongs_to_the_request_that_is_being_answered() -> None:
    token = request_id.set("request-1")
    try:
        assert line(record("x"))["request_id"] == "request-1"
        assert line(record("x", request_id="request-2"))["request_id"] == "request-2"
    finally:
        request_id.reset(token)
    assert "request_id" not in line(record("x"))


def test_the_text_of_a_question_is_written_only_where_that_is_wanted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stages = (Stage("wait", 0, 0.0001, 0.0001), Stage("read", 0, 0.0042, 0.0042))
    outcome = Outcome("question", "Who is ill?", "answered", stages)
    with caplog.at_level(logging.INFO, "rag"):
        log_outcome(outcome, with_text=False)
    lines = [line(found) for found in caplog.records]
    assert [found["event"] for found in lines] == ["asked", "stage", "stage"]
    assert (lines[0]["kind"], lines[0]["outcome"]) == ("question", "answered")
    assert (lines[2]["stage"], lines[2]["ms"]) == ("read", 4.2)
    assert "ill" not in str(lines)
    caplog.clear()
    with caplog.at_level(logging.INFO, "rag"):
        log_outcome(outcome, with_text=True)
    assert line(caplog.records[0])["text"] == "Who is ill?"

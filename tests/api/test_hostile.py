"""What the specification promises, held against requests made to break it; and questions that nobody would ask."""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from rag.api.app import create_app
from rag.wiring import Application
from tests.api.odd_questions import COUNT, odd_questions
from tests.api.stand_in import StandIn
from tests.api.test_errors import assert_problem

schema = schemathesis.openapi.from_asgi("/openapi.json", create_app(StandIn()))  # type: ignore[arg-type]

_ABOUT_DATES = re.compile("is not a date|is after published_to")


@pytest.fixture(scope="module")
def served(record: Application) -> FastAPI:
    return create_app(record)


@schema.parametrize()
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
def test_the_server_keeps_to_its_specification(case: schemathesis.Case, served: FastAPI) -> None:
    response = case.call(app=served)
    # A schema cannot say that there is no 30 February, nor that one date is not after the other, nor what can be read.
    beyond_a_schema = response.status_code == 422 and _ABOUT_DATES.search(response.text)
    beyond_a_schema = beyond_a_schema or (
        (case.method, case.path) == ("POST", "/documents") and response.status_code in (415, 422)
    )
    case.validate_response(response, excluded_checks=[positive_data_acceptance] if beyond_a_schema else [])


def test_every_general_category_is_among_the_odd_questions() -> None:
    found = {unicodedata.category(letter) for odd in odd_questions() for letter in json.loads(odd)}
    every = {unicodedata.category(chr(code)) for code in range(sys.maxunicode + 1)}
    assert found == every
    assert len(set(odd_questions())) == COUNT


def test_odd_questions_are_answered_or_refused(served: FastAPI, record: Application) -> None:
    # These hold all edges, every general category, and something of all else.
    # Two of the record's four passages are read; what is odd is in the question.
    ask_all(islice(odd_questions(), 150), TestClient(served), record, top_k=2)


@pytest.mark.exhaustive
def test_a_thousand_odd_questions_are_answered_or_refused(
    client: TestClient, application: Application
) -> None:
    ask_all(odd_questions(), client, application)


def ask_all(questions: Iterable[str], client: TestClient, application: Application, top_k: int = 6) -> None:
    statuses = Counter[int]()
    for odd in questions:
        body = f'{{"question": {odd}, "top_k": {top_k}}}'.encode()
        response = client.post("/ask", content=body, headers={"Content-Type": "application/json"})
        assert response.status_code in (200, 422), (odd, response.text)
        statuses[response.status_code] += 1
        if response.status_code == 200:
            check_answer(response.json(), application)
        else:
            assert_problem(response, 422, "invalid_request")
    assert statuses[200] > statuses[422] > 0


def check_answer(answer: dict[str, Any], application: Application) -> None:
    assert answer["status"] in ("answered", "not_found")
    assert bool(answer["citations"]) == (answer["status"] == "answered")
    for citation in answer["citations"]:
        text = application.catalog.document(citation["document_id"]).text
        assert text[citation["start"] : citation["end"]] == citation["quote"]

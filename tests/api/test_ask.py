"""POST /ask, against the contract and the real record."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from rag.wiring import Application

QUESTION = "Where did the first Taiwan-Japan Investment and Industry Networking Event take place?"
NONSENSE = "What is the airspeed velocity of an unladen swallow?"

# The contract, field by field. `float` takes whole numbers too, as JSON does.
ANSWER_FIELDS: dict[str, tuple[type, ...]] = {
    "id": (str,),
    "status": (str,),
    "reason": (str, type(None)),
    "answer": (str,),
    "answer_plain": (str,),
    "short_answer": (str, type(None)),
    "confidence": (float, int),
    "standalone_question": (str,),
    "citations": (list,),
    "unsupported": (list,),
    "retrieved": (list,),
    "answerer": (str,),
    "model": (str, type(None)),
    "fallback_reason": (str, type(None)),
    "index_id": (str,),
    "timings_ms": (dict,),
    "prompt": (str, type(None)),
    "tokens": (dict, type(None)),
    "basis": (str,),
    "disagreement": (list,),
}
CITATION_FIELDS: dict[str, tuple[type, ...]] = {
    "marker": (int,),
    "document_id": (str,),
    "title": (str,),
    "section": (str, type(None)),
    "kind": (str,),
    "published": (str, type(None)),
    "source": (str, type(None)),
    "quote": (str,),
    "start": (int,),
    "end": (int,),
    "url": (str,),
    "page": (int, type(None)),
}
RETRIEVED_FIELDS: dict[str, tuple[type, ...]] = {
    "passage_id": (str,),
    "document_id": (str,),
    "title": (str,),
    "section": (str,),
    "text": (str,),
    "score": (float, int),
    "used": (bool,),
    "page": (int, type(None)),
}


def ask(client: TestClient, question: str = QUESTION, **fields: Any) -> dict[str, Any]:
    response = client.post("/ask", json={"question": question, **fields})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    body: dict[str, Any] = response.json()
    return body


def rejected(client: TestClient, **body: Any) -> list[str]:
    """The fields that a 422 names."""
    response = client.post("/ask", json=body)
    assert response.status_code == 422, response.text
    assert response.json()["code"] == "invalid_request"
    return [error["field"] for error in response.json()["errors"]]


def assert_fields(value: dict[str, Any], fields: dict[str, tuple[type, ...]]) -> None:
    assert list(value) == list(fields)
    assert {name: type(value[name]) for name in fields if type(value[name]) not in fields[name]} == {}


def test_the_whole_body_is_as_the_contract_has_it(client: TestClient) -> None:
    body = ask(client)
    assert_fields(body, ANSWER_FIELDS)
    assert body["status"] == "answered"
    assert body["reason"] is None
    assert 0 <= body["confidence"] <= 1
    assert body["standalone_question"] == QUESTION
    assert body["unsupported"] == []
    assert (body["basis"], body["disagreement"]) == ("documents", [])
    assert (body["answerer"], body["model"], body["fallback_reason"]) == ("extractive", None, None)
    assert body["timings_ms"]["total"] >= max(body["timings_ms"].values())
    assert all(isinstance(value, float | int) for value in body["timings_ms"].values())

    assert [citation["marker"] for citation in body["citations"]] == list(
        range(1, len(body["citations"]) + 1)
    )
    for citation in body["citations"]:
        assert_fields(citation, CITATION_FIELDS)
        assert f"[{citation['marker']}]" in body["answer"]
        assert "[" not in body["answer_plain"]
        place = f"#c={citation['start']}-{citation['end']}"
        assert citation["url"] == f"/documents/{citation['document_id']}{place}"
        document = client.get(citation["url"]).json()
        assert document["text"][citation["start"] : citation["end"]] == citation["quote"]
        assert document["kind"] == citation["kind"]

    for passage in body["retrieved"]:
        assert_fields(passage, RETRIEVED_FIELDS)
    scores = [passage["score"] for passage in body["retrieved"]]
    assert scores == sorted(scores, reverse=True)
    used = {passage["document_id"] for passage in body["retrieved"] if passage["used"]}
    assert used == {citation["document_id"] for citation in body["citations"]}


def test_what_the_record_does_not_say_is_an_answer_without_citations(client: TestClient) -> None:
    body = ask(client, NONSENSE)
    assert_fields(body, ANSWER_FIELDS)
    assert body["status"] == "not_found"
    assert body["reason"]
    assert body["answer"] == body["answer_plain"]
    assert body["citations"] == []
    assert body["retrieved"]
    assert not any(passage["used"] for passage in body["retrieved"])


def test_what_is_asked_of_the_record_itself_needs_no_citation(client: TestClient) -> None:
    body = ask(client, "How many documents are there?")
    assert_fields(body, ANSWER_FIELDS)
    assert (body["status"], body["basis"], body["short_answer"]) == ("answered", "catalog", "61")
    assert body["citations"] == body["retrieved"] == []
    assert set(body["timings_ms"]) == {"converse", "catalog", "total"}


def test_filters_hold_for_the_record_itself(client: TestClient) -> None:
    body = ask(client, "How many documents are there?", filters={"kinds": ["visit", "clinic"]})
    assert body["short_answer"] == "6"
    streamed = client.post(
        "/ask",
        json={"question": "Which documents mention Takeda?", "filters": {"kinds": ["visit"]}, "stream": True},
    )
    assert "None of the 4 documents that the filters let through mentions Takeda." in streamed.text


def test_asking_again_gives_the_same_but_for_id_and_timings(client: TestClient) -> None:
    first, second = ask(client), ask(client)
    assert first.pop("id") != second.pop("id")
    del first["timings_ms"], second["timings_ms"]
    assert first == second


@pytest.mark.parametrize(
    "question", [f"  {QUESTION}\n", f"\x00{QUESTION}\x7f", QUESTION.replace(" ", "\x01")]
)
def test_white_space_and_control_characters_do_not_matter(client: TestClient, question: str) -> None:
    assert ask(client, question)["answer"] == ask(client)["answer"]


def test_two_thousand_characters_are_read_and_one_more_is_not(client: TestClient) -> None:
    assert ask(client, " " * 500 + "𝔘" * 2_000)["standalone_question"] == "𝔘" * 2_000
    assert rejected(client, question="x" * 2_001) == ["question"]


@pytest.mark.parametrize("question", ["", " \n\t", "\x00\x1f", "\u3000\u00a0"])
def test_an_empty_question_is_rejected(client: TestClient, question: str) -> None:
    assert rejected(client, question=question) == ["question"]


def test_unknown_fields_are_rejected_at_every_depth(client: TestClient) -> None:
    body = {
        "question": QUESTION,
        "temperature": 0,
        "history": [{"role": "user", "content": "Hello", "name": "x"}],
        "filters": {"kind": "event"},
    }
    assert sorted(rejected(client, **body)) == ["filters.kind", "history.0.name", "temperature"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("question", 5),
        ("question", None),
        ("question", ["x"]),
        ("top_k", 0),
        ("top_k", 21),
        ("top_k", "6"),
        ("top_k", True),
        ("top_k", 6.5),
        ("mode", "guess"),
        ("stream", "yes"),
        ("history", None),
        ("history", [{"role": "user", "content": "x"}] * 51),
        ("history.0.role", [{"role": "system", "content": "x"}]),
        ("history.0.content", [{"role": "user", "content": 1}]),
        ("history.0.content", [{"role": "user"}]),
        ("filters.kinds", {"kinds": "event"}),
        ("filters.kinds.1", {"kinds": ["event", ""]}),
        ("filters.document_ids", {"document_ids": ["x"] * 1_001}),
        ("filters.published_from", {"published_from": "yesterday"}),
        ("filters.published_from", {"published_from": "2025-02-30"}),
        ("filters.published_to", {"published_to": 2025}),
        ("filters", {"published_from": "2025-05", "published_to": "2025-04-30"}),
    ],
)
def test_a_value_that_does_not_fit_is_rejected_by_name(client: TestClient, field: str, value: Any) -> None:
    body = {"question": QUESTION, field.partition(".")[0]: value}
    assert rejected(client, **body) == [field]


def test_the_message_says_what_is_allowed(client: TestClient) -> None:
    problem = client.post("/ask", json={"question": QUESTION, "filters": {"published_from": "soon"}}).json()
    message = "'soon' is not a date. Write YYYY-MM-DD, YYYY-MM or YYYY."
    assert problem["errors"] == [{"field": "filters.published_from", "message": message}]
    assert problem["detail"] == f"filters.published_from: {message}"


def test_filters_reach_the_retrievers(client: TestClient) -> None:
    everywhere = ask(client)["retrieved"]
    chosen = everywhere[-1]["document_id"]
    only = ask(client, filters={"document_ids": [chosen]})["retrieved"]
    assert {passage["document_id"] for passage in only} == {chosen}

    kinds = {document["id"]: document["kind"] for document in client.get("/documents").json()["documents"]}
    of_kind = ask(client, filters={"kinds": [kinds[chosen]]})["retrieved"]
    assert {kinds[passage["document_id"]] for passage in of_kind} == {kinds[chosen]}

    assert ask(client, filters={"published_from": "2100"})["retrieved"] == []
    assert ask(client, filters={"published_from": "2025", "published_to": "2025-12-31"})["retrieved"]


def test_top_k_bounds_the_passages(client: TestClient) -> None:
    assert len(ask(client, top_k=1)["retrieved"]) == 1
    assert len(ask(client, top_k=20)["retrieved"]) > len(ask(client)["retrieved"])


def test_fifty_turns_of_history_are_taken(client: TestClient) -> None:
    turns = [{"role": role, "content": "Thank you.\x00"} for role in ("user", "assistant")] * 25
    assert ask(client, history=turns)["status"] == "answered"


def test_a_follow_up_says_what_was_searched_for(client: TestClient) -> None:
    turns = [
        {"role": "user", "content": "Who is Hiroaki Ueno?"},
        {"role": "assistant", "content": "He is with JPMA. [1]"},
    ]
    answer = ask(client, "What did he call for?", history=turns)
    assert answer["standalone_question"] == "What did Hiroaki Ueno call for?"
    assert ask(client, "What did he call for?")["standalone_question"] == "What did he call for?"


def test_a_question_in_a_language_that_is_not_read(client: TestClient) -> None:
    answer = ask(client, "再生医療とは何ですか？")
    assert (answer["status"], answer["reason"]) == ("not_found", "unsupported_language")
    assert "RAG_EMBEDDING_MODEL" in answer["answer_plain"]


def test_generative_mode_without_a_language_model_is_a_conflict(client: TestClient) -> None:
    response = client.post("/ask", json={"question": QUESTION, "mode": "generative"})
    assert response.status_code == 409
    assert response.json()["code"] == "no_llm"
    assert ask(client, mode="extractive")["answer"] == ask(client, mode="auto")["answer"]


def test_many_at_once_get_the_answers_that_each_gets_alone(
    client: TestClient, address: str, application: Application
) -> None:
    titles = [document.title for document in application.catalog.documents().documents[:12]]
    questions = [f"What is {title}?" for title in titles]
    alone = [ask(client, question) for question in questions]

    def over_http(question: str) -> dict[str, Any]:
        response = httpx2.post(f"{address}/ask", json={"question": question}, timeout=60)
        assert response.status_code == 200
        body: dict[str, Any] = response.json()
        return body

    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(over_http, questions))
    for one, other in zip(alone, together, strict=True):
        assert one.pop("id") != other.pop("id")
        del one["timings_ms"], other["timings_ms"]
        assert one == other

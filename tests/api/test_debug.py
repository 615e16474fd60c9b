"""`debug` of POST /ask: a question followed from its words to its answer."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from rag.api.app import create_app
from rag.read import stored_calibration
from rag.wiring import Application
from tests.api.test_stream import events

ASKED = "How tall is the lighthouse of Elsin?"
HISTORY = [
    {"role": "user", "content": "Who led the building of the quay?"},
    {"role": "assistant", "content": "Ada Moreau led the building of the quay. [1]"},
]


@pytest.fixture(scope="module")
def small(record: Application) -> TestClient:
    return TestClient(create_app(record))


def ask(client: TestClient, question: str, **fields: Any) -> dict[str, Any]:
    response = client.post("/ask", json={"question": question, "debug": True, **fields})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    assert body["debug"]["request_id"] == response.headers["X-Request-ID"]
    return body


def test_debug_is_there_only_where_it_is_asked_for_and_changes_nothing_else(small: TestClient) -> None:
    plain = small.post("/ask", json={"question": ASKED}).json()
    body = ask(small, ASKED)
    assert "debug" not in plain
    del body["debug"]
    for answer in (plain, body):
        answer.pop("id")
        answer.pop("timings_ms")
    assert body == plain


def test_every_candidate_has_what_each_retriever_made_of_it(small: TestClient) -> None:
    body = ask(small, ASKED)
    (search,) = body["debug"]["searches"]
    assert search["query"] == ASKED == body["standalone_question"]
    candidates = search["candidates"]
    # All passages of three documents are nearest in meaning; few have the words.
    assert {each["document_id"] for each in candidates} == {"ferry", "harbour", "lighthouse"}
    assert [each["rank"] for each in candidates] == list(range(1, len(candidates) + 1))
    for score, rank in (("score", "rank"), ("dense_score", "dense_rank"), ("bm25_score", "bm25_rank")):
        found = sorted((each for each in candidates if each[rank]), key=lambda each: each[rank])
        assert [each[rank] for each in found] == list(range(1, len(found) + 1))
        assert [each[score] for each in found] == sorted((each[score] for each in found), reverse=True)
    assert all(-1 <= each["dense_score"] <= 1 for each in candidates)
    assert any(each["bm25_rank"] is None and each["bm25_score"] is None for each in candidates)
    hits = small.post("/search", json={"query": ASKED, "top_k": 3}).json()["hits"]
    assert [(hit["passage_id"], hit["score"]) for hit in hits] == [
        (each["passage_id"], each["score"]) for each in candidates[:3]
    ]
    assert [hit["retrievers"] for hit in hits] == [
        [name for name in ("bm25", "dense") if each[f"{name}_rank"]] for each in candidates[:3]
    ]


def test_the_sentences_that_were_read_say_why_one_was_chosen(small: TestClient) -> None:
    body = ask(small, ASKED)
    debug = body["debug"]
    best, *others = debug["sentences"]
    assert best["text"] == "The lighthouse of Elsin stands 61 metres tall."
    assert best["chosen"]
    assert best["span"] == "61 metres"
    assert best["probability"] == debug["probability"] >= debug["threshold"]
    assert not any(other["chosen"] for other in others)
    calibration = stored_calibration()
    for sentence in debug["sentences"]:
        assert sentence["signals"].keys() >= {"coverage", "span", "answerable", "rank"}
        assert sentence["probability"] == pytest.approx(calibration.probability(sentence["signals"]))
        text = small.get(f"/documents/{sentence['document_id']}").json()["text"]
        assert text[sentence["start"] : sentence["end"]] == sentence["text"]
    probabilities = [sentence["probability"] for sentence in debug["sentences"]]
    assert probabilities == sorted(probabilities, reverse=True)
    read = {sentence["passage_id"] for sentence in debug["sentences"]}
    retrieved = [passage["passage_id"] for passage in body["retrieved"]]
    # The answer is sure, so what lies behind it was passed over.
    assert debug["not_read"] == [passage for passage in retrieved if passage not in read] != []


def test_a_refusal_says_how_near_the_record_came(small: TestClient) -> None:
    body = ask(small, "What colour is the lamp of the lighthouse?")
    assert (body["status"], body["reason"]) == ("not_found", "no_evidence")
    debug = body["debug"]
    assert 0 < debug["probability"] == debug["sentences"][0]["probability"] < debug["threshold"]
    assert not any(sentence["chosen"] for sentence in debug["sentences"])
    assert debug["not_read"] == debug["unknown_names"] == []


def test_a_refusal_names_what_the_record_does_not_know(small: TestClient) -> None:
    body = ask(small, "When did Zebulon Quist visit Elsin?")
    assert (body["status"], body["reason"]) == ("not_found", "unknown_name")
    assert body["debug"]["unknown_names"] == ["Zebulon Quist"]


def test_what_was_searched_for_is_told_step_by_step(small: TestClient) -> None:
    debug = ask(small, "What did she build, and how tall is the lighthuose?", history=HISTORY)["debug"]
    assert debug["standalone"] == "What did Ada Moreau build, and how tall is the lighthuose?"
    assert debug["rewritten_by"] == "rules"
    assert debug["corrections"] == [{"written": "lighthuose", "corrected": "lighthouse"}]
    assert debug["leans_on"] == [turn["content"].removesuffix(" [1]") for turn in HISTORY]
    whole = "What did Ada Moreau build, and how tall is the lighthouse?"
    assert len(debug["parts"]) == 2
    assert [search["query"] for search in debug["searches"]] == [whole, *debug["parts"]]
    assert {sentence["part"] for sentence in debug["sentences"]} == {0, 1}


def test_a_question_that_stands_alone_was_rewritten_by_nobody(small: TestClient) -> None:
    debug = ask(small, ASKED)["debug"]
    assert (debug["standalone"], debug["rewritten_by"], debug["corrections"]) == (ASKED, None, [])
    assert (debug["parts"], debug["leans_on"]) == ([ASKED], [])


def test_what_the_catalog_answers_was_not_searched_for(small: TestClient) -> None:
    body = ask(small, "How many documents are there?")
    assert body["basis"] == "catalog"
    debug = body["debug"]
    assert (debug["searches"], debug["sentences"], debug["probability"]) == ([], [], None)


def test_a_question_that_is_not_read_says_so(small: TestClient) -> None:
    body = ask(small, "Wie hoch ist der Leuchtturm von Elsin und wer hat ihn gebaut?")
    assert body["reason"] == "unsupported_language"
    debug = body["debug"]
    assert debug["sentences"] == []
    assert debug["not_read"] == [passage["passage_id"] for passage in body["retrieved"]]


def test_a_stream_has_it_at_its_end(small: TestClient) -> None:
    response = small.post("/ask", json={"question": ASKED, "debug": True, "stream": True})
    *_, (name, final) = events(response.text)
    assert name == "final"
    plain = ask(small, ASKED)["debug"]
    assert final["debug"].pop("request_id") == response.headers["X-Request-ID"] != plain.pop("request_id")
    assert final["debug"] == plain


def test_filters_hold_for_the_candidates_too(small: TestClient) -> None:
    body = ask(small, ASKED, filters={"document_ids": ["ferry"]})
    for search in body["debug"]["searches"]:
        assert {each["document_id"] for each in search["candidates"]} == {"ferry"}

"""Searching with a history: a small folder of conversations, indexed and searched for real."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.cases import InvalidCases
from eval.conversation_search import last_turns
from rag.settings import Settings

CORPUS = {
    "quay": "The quay of Elsin cost 42 million euros. Brandt Marine built the quay of Elsin.",
    "lamp": "The lighthouse of Varn was built by monks. Its lamp is bright.",
    "bread": "Bread is made of flour and water.",
    "ferry": "The ferry of Port Carrow leaves at noon and carries cars.",
}
TURNS = [
    ("quay", "What did the quay of Elsin cost?", "What did the quay of Elsin cost?", []),
    (
        "quay",
        "Who built it?",
        "Who built the quay of Elsin?",
        [("user", "What did the quay of Elsin cost?"), ("agent", "42 million euros.")],
    ),
    ("bread", "What is bread made of?", "What is bread made of?", []),
    (
        "ferry",
        "What does it carry?",
        "What does the ferry of Port Carrow carry?",
        [("user", "When does the ferry of Port Carrow leave?"), ("agent", "At noon.")],
    ),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "qrels").mkdir()
    entries = [json.dumps({"_id": name, "title": "", "text": text}) for name, text in CORPUS.items()]
    (tmp_path / "corpus.jsonl").write_text("\n".join(entries))
    queries = [
        {
            "_id": f"q{number}",
            "text": text,
            "rewritten": rewritten,
            "history": [{"role": role, "content": content} for role, content in history],
        }
        for number, (_, text, rewritten, history) in enumerate(TURNS)
    ]
    (tmp_path / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)))
    judged = [f"q{number}\t{name}\t1" for number, (name, *_) in enumerate(TURNS)]
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + "\n".join(judged) + "\n")
    return tmp_path


def test_each_way_to_ask_has_its_figure(
    folder: Path, make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eval.conversation_search.MEASURE", "documents_recall@1")
    figures = last_turns(folder, make_settings(folder / "data"))
    found = {figure.name: figure.columns["all"].value for figure in figures}
    assert found["rewritten by a person"] == found["with the history"] == 1.0
    assert found["last turn alone"] < 1.0
    assert found["opening question, after others"] == found["opening question without turns"] == 1.0
    assert found["  the same first five"] == 1.0
    assert {figure.columns["all"].n for figure in figures} >= {4}


def test_a_folder_without_rewritten_turns_is_refused(
    folder: Path, make_settings: Callable[..., Settings]
) -> None:
    (folder / "queries.jsonl").write_text('{"_id": "q0", "text": "Who?"}')
    with pytest.raises(InvalidCases, match="rewritten"):
        last_turns(folder, make_settings(folder / "data"))

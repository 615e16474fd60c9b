"""Documents and measurements to draw, made up for the tests."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from rag.domain import Document, DocumentSummary, Section

HOSTILE = '<img src=x onerror="alert(1)"> \'"><script>alert(2)</script> &amp; [a](http://evil.example)'


def summary(document_id: str, **values: Any) -> DocumentSummary:
    """A document as lists have it."""
    plain = DocumentSummary(
        id=document_id,
        title=document_id.title(),
        kind="report",
        published=None,
        source=None,
        characters=100,
        passages=2,
        sha256="0" * 64,
        date=None,
        path=f"{document_id}.md",
    )
    return replace(plain, **values)


def document(document_id: str, *sections: str, **values: Any) -> Document:
    """A document of these sections."""
    text, places = "", []
    for section in sections:
        places.append(Section((), len(text), len(text) + len(section)))
        text += section + "\n"
    return Document(
        id=document_id,
        title=values.pop("title", document_id.title()),
        kind=values.pop("kind", "report"),
        text=text,
        blocks=(),
        sections=tuple(places),
        path=f"{document_id}.md",
        sha256="0" * 64,
        **values,
    )


def write_run(folder: Path, **report: Any) -> None:
    """A run of four questions, one of them of the test split."""
    figure = {"value": 0.5, "low": 0.25, "high": 0.75, "n": 4, "clusters": 4}
    content = {
        "name": "harbours",
        "created": "2026-03-04T05:06:07+00:00",
        "index_id": "measured",
        "documents": 3,
        "passages": 9,
        "cases": 4,
        "figures": {
            "all": {"right_answerable": figure, "answered_unanswerable": figure, "unheard_of": figure}
        },
        "knowing": {
            "risk_coverage": [
                {"threshold": 0.9, "coverage": 0.5, "risk": 0.1},
                {"coverage": 1.0, "risk": 0.4},
            ],
            "calibration": [{"low": 0.8, "high": 0.9, "n": 2, "confidence": 0.85, "accuracy": 0.5}],
            "coverage": 0.75,
            "risk": 0.3333,
        },
    } | report
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(json.dumps(content))
    cases = [
        _case("Who built the quay?", "answered", 1.0, 0.9),
        _case(HOSTILE, "answered", 0.0, 0.8, answer=HOSTILE),
        _case("What does gold cost?", "not_found", 1.0, 0.1),
        _case("What was kept for the test?", "answered", 0.0, 0.99, split="test"),
    ]
    (folder / "cases.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases))


def _case(
    question: str,
    status: str,
    right: float,
    confidence: float,
    split: str = "development",
    answer: str = "Ada.",
) -> dict[str, Any]:
    return {
        "id": question,
        "type": "who",
        "turns": [question],
        "split": split,
        "outcome": {
            "status": status,
            "answer_plain": answer,
            "confidence": confidence,
            "citations": [{"marker": 1, "title": HOSTILE, "quote": HOSTILE}] if status == "answered" else [],
            "measures": {"right": right},
        },
    }

"""The question before, asked of another subject, time or place."""

from __future__ import annotations

import pytest

from rag.substitution import of_another, replaced


@pytest.mark.parametrize(
    ("before", "another", "asked"),
    [
        ("What did the quay of Elsin cost?", "the lighthouse", "What did the lighthouse cost?"),
        ("When did the Tolland line open?", "the Merrow line", "When did the Merrow line open?"),
        (
            "How many nurses work at the Halden Clinic?",
            "doctors",
            "How many doctors work at the Halden Clinic?",
        ),
        ("How much copper does the Ruvo mine produce?", "gold", "How much gold does the Ruvo mine produce?"),
        ("What did Elsin earn in 2023?", "in 2024", "What did Elsin earn in 2024?"),
        ("How many nurses work there?", "in 2024", "How many nurses work there in 2024?"),
        ("What are the symptoms of type 2 diabetes?", "type 1", "What are the symptoms of type 1 diabetes?"),
        ("Who was the youngest champion?", "the oldest", "Who was the oldest champion?"),
        ("What is a fixed-rate mortgage?", "an adjustable one", "What is an adjustable mortgage?"),
    ],
)
def test_what_is_like_it_gives_its_place(before: str, another: str, asked: str) -> None:
    assert of_another(before, another) == asked


def test_where_nothing_is_like_it_there_is_no_such_question() -> None:
    assert of_another("Why?", "the lighthouse") is None
    assert of_another("Is it open?", "Varn") is None


def test_what_is_replaced_is_between_start_and_end() -> None:
    assert replaced("Who leads it?", 10, 12, "Elsin") == "Who leads Elsin?"

"""What questions ask of a record, told from their words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.record_question import Period, RecordQuestion, Selection, Topic, Wants, is_topic, record_question
from tests.record_questions import CASES

KINDS = ("visit", "news article", "policy", "letter", "licence", "document")
EVAL_CASES = sorted((Path(__file__).parents[1] / "eval" / "cases").glob("*/*.jsonl"))


def of_documents(**selection: object) -> Selection:
    return Selection(**selection)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("question", "wants", "selection"),
    [
        ("How many documents are in the record?", Wants.COUNT, Selection()),
        ("how many news articles do you have", Wants.COUNT, of_documents(kind="news article")),
        ("How many visit documents does the record hold?", Wants.COUNT, of_documents(kind="visit")),
        ("Which documents are policies?", Wants.LIST, of_documents(kind="policy")),
        ("Which documents are of the type license?", Wants.LIST, of_documents(kind="licence")),
        ("Which documents are of the kind poem?", Wants.LIST, of_documents(kind="poem")),
        ("Which documents mention Ada Moreau?", Wants.LIST, of_documents(topic=Topic("Ada Moreau"))),
        ("Which documents mention the word “quay”?", Wants.LIST, of_documents(topic=Topic("quay"))),
        ("Which documents don't mention Elsin?", Wants.LIST, of_documents(topic=Topic("Elsin", absent=True))),
        ("List all documents about the ferry", Wants.LIST, of_documents(topic=Topic("ferry", about=True))),
        ("Are there any documents from Elsin Press?", Wants.WHETHER, of_documents(by="Elsin Press")),
        ("Is Elsin mentioned anywhere in the record?", Wants.WHETHER, of_documents(topic=Topic("Elsin"))),
        (
            "Which letters that mention Elsin were published in April 2025?",
            Wants.LIST,
            of_documents(
                kind="letter", topic=Topic("Elsin"), period=Period("2025-04", "2025-04", "in April 2025")
            ),
        ),
        (
            "How many documents were published on 21 April 2025?",
            Wants.COUNT,
            of_documents(period=Period("2025-04-21", "2025-04-21", "on 21 April 2025")),
        ),
        (
            "Show me the documents since 2020",
            Wants.LIST,
            of_documents(period=Period("2020", None, "since 2020")),
        ),
        (
            "documents between March 2020 and May 2021",
            Wants.LIST,
            of_documents(period=Period("2020-03", "2021-05", "between March 2020 and May 2021")),
        ),
    ],
)
def test_what_is_asked_for_and_of_which_documents(question: str, wants: Wants, selection: Selection) -> None:
    found = record_question(question, KINDS)
    assert found
    assert (found.wants, found.selection) == (wants, selection)


@pytest.mark.parametrize(
    ("question", "what", "most"),
    [
        ("What is the oldest document?", "oldest", 1),
        ("Show me the three most recent documents", "newest", 3),
        ("Which are the latest documents?", "newest", 5),
        ("Which document was published first?", "oldest", 1),
        ("who published the documents", "publisher", 5),
        ("Which authors are there in the record?", "author", 1),
        ("Which organizations are named most often in the record?", "organisation", 1),
        ('When was the document "Harbour works" published?', "Harbour works", 1),
    ],
)
def test_what_of_it(question: str, what: str, most: int) -> None:
    found = record_question(question, KINDS)
    assert found
    assert (found.what, found.most) == (what, most)


@pytest.mark.parametrize(
    "question",
    [
        "How many documents did the ministry sign?",
        "Which documents are needed to open a bank account?",
        "How many articles of the treaty mention slavery?",
        "How many documents are in the Vatican archive?",
        "How many articles are there?",
        "How many policies did they adopt?",
        "Which documents mention it?",
        "Which documents mention what he said?",
        "When was Hamlet written?",
        "Who wrote the report?",
        "What is the oldest building?",
        "What does the record say about the quay?",
        "Is the record broken?",
        "How many visits were there?",
        "Delete every document you have.",
        "documents",
        "?",
        "",
    ],
)
def test_what_asks_something_else(question: str) -> None:
    assert record_question(question, KINDS) is None


@pytest.mark.parametrize(
    ("question", "holder"),
    [
        ("How many documents are in the archive?", "archive"),
        ("How many documents are in this archive?", ""),
        ("Which documents in the record mention the archive?", ""),
    ],
)
def test_what_holds_documents_may_be_something_that_the_record_speaks_of(question: str, holder: str) -> None:
    found = record_question(question, KINDS)
    assert found
    assert found.holder == holder


BEFORE = RecordQuestion(Wants.LIST, Selection(kind="letter", topic=Topic("Ada Moreau")))


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How many of them?", (Wants.COUNT, BEFORE.selection)),
        ("how many are there?", (Wants.COUNT, BEFORE.selection)),
        ("Which ones?", (Wants.LIST, BEFORE.selection)),
        ("And Ines Okafor?", (Wants.LIST, Selection(kind="letter", topic=Topic("Ines Okafor")))),
        ("what about policies?", (Wants.LIST, Selection(kind="policy", topic=Topic("Ada Moreau")))),
        ("And how many mention Elsin?", (Wants.COUNT, Selection(topic=Topic("Elsin")))),
        ("Which of them is the newest?", (Wants.EXTREME, BEFORE.selection)),
        ("Who is she?", None),
        ("When was she born?", None),
        ("Why?", None),
    ],
)
def test_a_question_that_goes_on_from_the_one_before(
    question: str, expected: tuple[Wants, Selection] | None
) -> None:
    found = record_question(question, KINDS, BEFORE)
    assert (found and (found.wants, found.selection)) == expected


@pytest.mark.parametrize("file", EVAL_CASES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_no_question_of_the_cases_for_measuring_is_taken_for_one(file: Path) -> None:
    """They all ask what documents say. So does none of some 17,000 other questions, when that was last looked at."""
    kinds = (*KINDS, "article", "report", "paper", "statement", "story", "book")
    for line in file.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        turns = [turn["content"] for turn in case.get("history", [])]
        for question in [*case.get("turns", ()), *turns, *filter(None, [case.get("question")])]:
            assert record_question(question, kinds) is None, question


@given(st.text())
def test_any_text_can_be_asked(text: str) -> None:
    record_question(text, KINDS, BEFORE)


@given(
    st.lists(st.sampled_from(sorted({word for case in CASES for word in case.question.split()})), max_size=12)
)
def test_any_words_of_such_questions_in_any_order(words: list[str]) -> None:
    record_question(" ".join(words), KINDS, BEFORE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Will Smith", True),
        ("May 2024", True),
        ("cell therapy", True),
        ("the WHO", True),
        ("Why", False),
        ("what he said", False),
        ("it", False),
        ("-", False),
    ],
)
def test_names_and_topics_are_no_clauses(text: str, expected: bool) -> None:
    assert is_topic(text) is expected

import threading

import pytest

from eval.runner import Conditions, run_cases
from rag.domain import Answer, Citation, Question, Turn
from rag.errors import IndexEmpty
from tests.eval.examples import HARBOUR, make_case


def answer_to(question: Question, text: str = "42 million", start: int = 0) -> Answer:
    quote = HARBOUR[:10]
    citation = Citation(
        1, "harbour", "Harbour works", "", "project", None, None, quote, start, start + len(quote)
    )
    return Answer(
        id="1",
        status="answered",
        reason=None,
        answer=f"{text} [1]",
        answer_plain=text,
        short_answer=None,
        confidence=0.5,
        standalone_question=question.text,
        citations=(citation,),
        unsupported=(),
        retrieved=(),
        used=frozenset(),
        answerer="extractive",
        model=None,
        fallback_reason=None,
        index_id="index",
        timings_ms={"total": 1.23456},
    )


def text_of(document_id: str) -> str:
    return {"harbour": HARBOUR}[document_id]


def test_earlier_turns_are_asked_and_their_answers_are_the_history() -> None:
    asked: list[Question] = []

    def ask(question: Question) -> Answer:
        asked.append(question)
        return answer_to(question, f"answer {len(asked)}")

    case = make_case("x", "y", turns=("What is new?", "What did it cost?", "Who led it?"))
    (outcome,) = run_cases([case], ask, text_of, Conditions(top_k=3))
    assert [question.text for question in asked] == list(case.turns)
    assert asked[2].history == (
        Turn("user", "What is new?"),
        Turn("assistant", "answer 1 [1]"),
        Turn("user", "What did it cost?"),
        Turn("assistant", "answer 2 [1]"),
    )
    assert asked[2].top_k == 3
    assert outcome.answer_plain == "answer 3"


def test_a_ready_history_is_sent_as_it_is() -> None:
    asked: list[Question] = []

    def ask(question: Question) -> Answer:
        asked.append(question)
        return answer_to(question)

    history = (Turn("user", "What is new?"), Turn("assistant", "A quay."))
    run_cases([make_case("x", "y", history=history)], ask, text_of)
    assert [question.history for question in asked] == [history]


def test_a_case_of_some_documents_asks_those_alone() -> None:
    asked: list[Question] = []

    def ask(question: Question) -> Answer:
        asked.append(question)
        return answer_to(question)

    case = make_case("x", "y", turns=("What is new?", "Who led it?"), document_ids=("harbour",))
    run_cases([case], ask, text_of)
    assert [question.filters.document_ids for question in asked] == [("harbour",)] * 2


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (IndexEmpty("Nothing is ingested."), "IndexEmpty: Nothing is ingested."),
        (ZeroDivisionError("division"), "crashed with ZeroDivisionError: division"),
    ],
)
def test_a_crash_is_an_outcome_and_the_next_question_is_asked(error: Exception, expected: str) -> None:
    def ask(question: Question) -> Answer:
        if question.text == "crash":
            raise error
        return answer_to(question)

    first, second = run_cases([make_case("a", "y", turns=("crash",)), make_case("b", "y")], ask, text_of)
    assert (first.status, first.error) == ("error", expected)
    assert second.status == "answered"


def test_a_question_too_long_to_be_asked_is_an_outcome() -> None:
    (outcome,) = run_cases([make_case("a", "y", turns=("x" * 3_000,))], answer_to, text_of)
    assert outcome.error is not None
    assert "InvalidQuestion" in outcome.error


def test_a_question_that_hangs_is_left_behind() -> None:
    released = threading.Event()

    def ask(question: Question) -> Answer:
        if question.text == "hang":
            released.wait(30)
        return answer_to(question)

    cases = [make_case("a", "y", turns=("hang",)), make_case("b", "y")]
    first, second = run_cases(cases, ask, text_of, Conditions(timeout=0.05))
    released.set()
    assert first.error == "no answer within 0.05 s"
    assert second.status == "answered"


def test_a_quote_is_checked_against_the_document_at_its_offsets() -> None:
    (right,) = run_cases([make_case("a", "y")], answer_to, text_of)
    (off_by_one,) = run_cases([make_case("a", "y")], lambda question: answer_to(question, start=1), text_of)
    assert [citation.intact for citation in right.citations + off_by_one.citations] == [True, False]


def test_progress_is_told_after_each_case() -> None:
    done: list[str] = []
    run_cases(
        [make_case("a", "y"), make_case("b", "y")], answer_to, text_of, done=lambda o: done.append(o.case_id)
    )
    assert done == ["a", "b"]

import pytest

from eval.cases import CaseType
from eval.matching import parse_form
from eval.outcomes import Outcome, ReadSentence, RetrievedPassage, TokenCount, failed
from eval.scoring import cause, scored, would_be_right
from rag.domain import Passage
from tests.eval.examples import COST, HARBOUR, make_answer, make_case, make_gold, make_quote, make_refusal

LEADER = "Ada Moreau led the building of the quay."
CASE = make_case("quay", {"number": 42_000_000}, gold=(make_gold(COST),), short=("42 million euros",))
GOLD_PASSAGE = Passage("p1", "harbour", "", "", "", None, None, HARBOUR, 0, len(HARBOUR), ())


def passages_of(document_id: str) -> list[Passage]:
    return [GOLD_PASSAGE] if document_id == "harbour" else []


def with_retrieved(outcome: Outcome, *passage_ids: str) -> Outcome:
    found = tuple(
        RetrievedPassage(passage_id=name, document_id="harbour", start=0, end=9, score=1, used=False)
        for name in passage_ids
    )
    return outcome.model_copy(update={"retrieved": found})


def judged(outcome: Outcome, case: object = CASE) -> Outcome:
    (found,) = scored([case], [outcome], passages_of)  # type: ignore[list-item]
    return found


def test_an_answer_has_every_measure() -> None:
    outcome = judged(with_retrieved(make_answer(f"{COST} [1]", make_quote(COST)), "p0", "p1"))
    measures = outcome.measures
    assert measures["right"] == measures["right_answerable"] == measures["gold_quote_hit"] == 1.0
    assert measures["refused_answerable"] == 0.0
    assert (measures["citation_integrity"], measures["citation_recall"], measures["citation_precision"]) == (
        1,
        1,
        1,
    )
    assert (measures["passages_success@1"], measures["passages_mrr@5"]) == (0.0, 0.5)
    assert measures["documents_success@1"] == 1.0
    assert measures["answer_characters"] == len(COST)
    assert "answered_unanswerable" not in measures


def test_of_what_a_model_wrote_it_is_told_how_much_could_be_shown() -> None:
    written = {"answerer": "generative", "tokens": TokenCount(read=900, written=30)}
    answer = make_answer(f"{COST} [1]", make_quote(COST)).model_copy(update=written)
    measures = judged(answer).measures
    assert (measures["supported_sentences"], measures["faithful"], measures["fell_back"]) == (1, 1, 0)
    assert (measures["tokens_read"], measures["tokens_written"]) == (900, 30)
    half = judged(answer.model_copy(update={"unsupported": ("It leaks.",)})).measures
    assert (half["supported_sentences"], half["faithful"]) == (0.5, 0)
    nothing_left = make_refusal().model_copy(update=written | {"unsupported": ("It leaks.",)})
    assert judged(nothing_left).measures["supported_sentences"] == 0


def test_a_refusal_of_the_model_wrote_no_sentence() -> None:
    measures = judged(make_refusal().model_copy(update={"answerer": "generative"})).measures
    assert not {"supported_sentences", "faithful"} & measures.keys()


def test_an_answer_without_the_model_says_whether_that_was_meant() -> None:
    extractive = make_answer(f"{COST} [1]", make_quote(COST)).model_copy(update={"answerer": "extractive"})
    assert "fell_back" not in judged(extractive).measures
    assert judged(extractive.model_copy(update={"fallback_reason": "It failed."})).measures["fell_back"] == 1


def test_a_refusal_of_the_answerable_cites_nothing_that_could_be_judged() -> None:
    measures = judged(make_refusal()).measures
    assert (measures["right_answerable"], measures["refused_answerable"], measures["nugget_recall"]) == (
        0,
        1,
        0,
    )
    assert (measures["exact_match"], measures["token_f1"]) == (0, 0)
    assert not {"citation_recall", "gold_quote_hit", "answer_characters"} & measures.keys()


def test_a_crash_has_the_worst_of_each() -> None:
    answerable = judged(failed("quay", "crashed")).measures
    assert (answerable["right"], answerable["refused_answerable"], answerable["passages_recall@5"]) == (
        0,
        1,
        0,
    )
    unanswerable = judged(failed("quay", "crashed"), make_case("quay")).measures
    assert (unanswerable["right"], unanswerable["answered_unanswerable"]) == (0, 1)


def test_a_crash_says_no_text_that_could_hold_a_nugget() -> None:
    outcome = failed("quay", "crashed").model_copy(update={"answer_plain": COST})
    assert judged(outcome).measures["nugget_recall"] == 0.0


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (with_retrieved(make_answer(COST), "p1"), "right"),
        (failed("quay", "x"), "crashed or timed out"),
        (with_retrieved(make_refusal(), "p0"), "not retrieved"),
        (with_retrieved(make_refusal(), "p1"), "refused, though retrieved"),
        (with_retrieved(make_answer(LEADER), "p1"), "another sentence chosen"),
        (with_retrieved(make_answer(COST + "x" * 400), "p1"), "too long"),
    ],
)
def test_the_cause_is_the_first_stage_that_went_wrong(outcome: Outcome, expected: str) -> None:
    assert cause(CASE, judged(outcome)) == expected


def test_further_causes() -> None:
    two = make_case("quay", {"number": 42_000_000}, "Ada Moreau", type=CaseType.MULTI_FACT)
    assert cause(two, judged(make_answer(COST), two)) == "part of it missing"
    strict = make_case("quay", {"number": 42_000_000}, forbidden=(parse_form("Ada Moreau"),))
    assert cause(strict, judged(make_answer(f"{COST} {LEADER}"), strict)) == "states what is forbidden"
    unanswerable = make_case("quay")
    assert cause(unanswerable, judged(make_answer(COST), unanswerable)) == "answered the unanswerable"
    assert cause(unanswerable, judged(make_refusal(), unanswerable)) == "right"


def test_a_refusal_would_be_right_if_its_best_evidence_is() -> None:
    def refusal_after(text: str) -> Outcome:
        read = ReadSentence(document_id="harbour", start=0, end=1, text=text, score=0.3, signals={})
        return make_refusal().model_copy(update={"evidence": (read,)})

    assert would_be_right(CASE, refusal_after(COST)) == 1.0
    assert would_be_right(CASE, refusal_after(LEADER)) == 0.0
    assert would_be_right(CASE, make_refusal()) == 0.0
    assert would_be_right(make_case("quay"), refusal_after(COST)) == 0.0
    assert would_be_right(make_case("quay"), make_refusal()) == 0.0
    assert would_be_right(CASE, make_answer(COST)) == 1.0

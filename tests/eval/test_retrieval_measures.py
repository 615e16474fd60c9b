"""Every expected value is worked out by hand in the test."""

import math

import pytest

from eval.retrieval_measures import (
    first_places,
    ndcg_at,
    recall_at,
    reciprocal_rank_at,
    relevant_passages,
    retrieval_measures,
    success_at,
)
from rag.domain import Passage
from tests.eval.examples import HARBOUR, make_case, make_gold

RANKING = ["a", "b", "c", "d"]


def test_success_asks_for_any() -> None:
    assert success_at(2, RANKING, {"b", "x"}) == 1.0
    assert success_at(1, RANKING, {"b", "x"}) == 0.0


def test_recall_asks_for_all() -> None:
    assert recall_at(2, RANKING, {"b", "x"}) == 1 / 2
    assert recall_at(4, RANKING, {"b", "d", "x"}) == 2 / 3


def test_reciprocal_rank_is_of_the_first_that_is_relevant() -> None:
    assert reciprocal_rank_at(4, RANKING, {"c", "d"}) == 1 / 3
    assert reciprocal_rank_at(2, RANKING, {"c", "d"}) == 0.0


def test_ndcg_discounts_by_rank_and_divides_by_the_ideal() -> None:
    gains = {"b": 2.0, "d": 1.0, "x": 1.0}
    got = 2 / math.log2(3) + 1 / math.log2(5)
    ideal = 2 / math.log2(2) + 1 / math.log2(3) + 1 / math.log2(4)
    assert ndcg_at(4, RANKING, gains) == pytest.approx(got / ideal)
    assert ndcg_at(1, RANKING, gains) == 0.0
    assert ndcg_at(4, ["b", "x", "d"], gains) == pytest.approx(1.0)


def test_a_query_that_found_nothing_counts_as_zero() -> None:
    assert set(retrieval_measures([], {"a": 1.0}, (1, 5)).values()) == {0.0}


def test_a_query_for_which_nothing_is_relevant_is_not_judged() -> None:
    assert retrieval_measures(RANKING, {"a": 0.0}, (1, 5)) == {}


def test_a_passage_is_relevant_if_it_holds_half_of_a_gold_quote() -> None:
    case = make_case("quay", "x", gold=(make_gold("The quay cost 42 million euros."),))
    gold = case.gold[0]

    def passage(name: str, start: int, end: int, document_id: str = "harbour") -> Passage:
        return Passage(name, document_id, "", "", "", None, None, HARBOUR[start:end], start, end, ())

    middle = (gold.start + gold.end) // 2
    passages = [
        passage("all", 0, len(HARBOUR)),
        passage("first half", 0, middle + 1),
        passage("a little", 0, gold.start + 5),
        passage("elsewhere", 0, len(HARBOUR), "echo"),
    ]
    assert relevant_passages(case, passages) == {"all": 1.0, "first half": 1.0}


def test_a_document_stands_at_the_place_of_its_first_passage() -> None:
    assert first_places(["b", "a", "b", "c", "a"]) == ["b", "a", "c"]

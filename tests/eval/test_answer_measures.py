"""Every expected value is worked out by hand in the test."""

import pytest

from eval.answer_measures import (
    Statement,
    citation_integrity,
    citation_precision,
    citation_recall,
    exact_match,
    gold_quote_hit,
    nugget_recall,
    right,
    statements_of,
    supported,
    token_f1,
)
from eval.cases import LENGTH_BOUND, CaseType
from eval.matching import parse_form
from eval.outcomes import failed
from tests.eval.examples import COST, make_answer, make_case, make_gold, make_quote, make_refusal

LEADER = "Ada Moreau led the building of the quay."


def test_nugget_recall_is_the_share_that_is_stated() -> None:
    case = make_case("quay", "Ada Moreau", {"number": 42_000_000}, "Port of Elsin")
    assert nugget_recall(case, make_answer(COST)) == pytest.approx(1 / 3)
    assert nugget_recall(case, make_answer(f"{COST} {LEADER}")) == pytest.approx(2 / 3)


def test_a_nugget_may_be_in_the_short_answer_alone() -> None:
    case = make_case("quay", {"number": 42_000_000})
    answer = make_answer("That much.").model_copy(update={"short_answer": "42 million"})
    assert nugget_recall(case, answer) == 1.0


def test_right_needs_every_nugget() -> None:
    case = make_case("quay", "Ada Moreau", {"number": 42_000_000})
    assert right(case, make_answer(f"{COST} {LEADER}"))
    assert not right(case, make_answer(COST))


def test_right_needs_the_absence_of_what_is_forbidden() -> None:
    case = make_case("quay", "quay", forbidden=(parse_form("Ada Moreau"),))
    assert right(case, make_answer(COST))
    assert not right(case, make_answer(f"{COST} {LEADER}"))


def test_a_dump_is_not_right_though_it_holds_the_answer() -> None:
    text = f"{COST} {'x' * LENGTH_BOUND}"
    assert not right(make_case("quay", {"number": 42_000_000}), make_answer(text))
    assert right(make_case("quay", {"number": 42_000_000}, type=CaseType.LIST), make_answer(text))


def test_only_a_refusal_is_right_where_there_is_no_answer() -> None:
    case = make_case("quay")
    assert right(case, make_refusal())
    assert not right(case, make_answer(COST))
    assert not right(case, failed("quay", "crashed"))


def test_a_refusal_or_a_crash_is_wrong_where_there_is_an_answer() -> None:
    case = make_case("quay", "record")
    assert not right(case, make_refusal())
    assert not right(case, failed("quay", "crashed"))


def test_exact_match_forgives_case_articles_and_punctuation() -> None:
    assert exact_match("The Ada Moreau.", ["ada moreau"]) == 1.0
    assert exact_match("Ada", ["ada moreau"]) == 0.0


def test_token_f1_is_the_harmonic_mean_of_the_best_accepted() -> None:
    # said: 4 words, accepted: 2 words, shared: 2; precision 2/4, recall 2/2
    assert token_f1("Ada Moreau of Elsin", ["Ines", "Ada Moreau"]) == pytest.approx(2 / 3)
    assert token_f1("", ["Ada"]) == 0.0


def test_citation_integrity_is_the_share_of_intact_quotes() -> None:
    assert citation_integrity([make_quote(COST), make_quote(LEADER, 2, intact=False)]) == 0.5


def test_markers_belong_to_the_sentence_before_them() -> None:
    answer = (
        "The quay cost a lot [1][2]. Ada Moreau led it. [3]\n- Dr. Okafor helped. [4]\n\nNobody knows why."
    )
    assert statements_of(answer) == [
        Statement("The quay cost a lot.", (1, 2)),
        Statement("Ada Moreau led it.", (3,)),
        Statement("Dr. Okafor helped.", (4,)),
        Statement("Nobody knows why.", ()),
    ]


@pytest.mark.parametrize(
    ("statement", "is_supported"),
    [
        ("the quay cost 42 million euros", True),
        ("The new quay of Elsin cost 42 million euros.", True),
        ("Elsin's container quay cost 43 million euros.", False),
        ("The container quay did not cost 42 million euros.", False),
        ("The container quay of Varn cost 42 million euros.", False),
        ("The container quay opened on 5 May 2023.", False),
        ("The container quay opened on May 4.", False),
        ("Lorries bring freight to warehouses.", False),
    ],
)
def test_support_asks_for_numbers_dates_names_negations_and_most_words(
    statement: str, is_supported: bool
) -> None:
    quotes = [COST, "The Port of Elsin opened a new container quay on 4 May 2023."]
    assert supported(statement, quotes) == is_supported


def test_citation_recall_is_the_share_of_supported_sentences() -> None:
    statements = [Statement(COST, (1,)), Statement(LEADER, (1,)), Statement(COST, ())]
    assert citation_recall(statements, {1: COST, 2: LEADER}) == pytest.approx(1 / 3)


def test_citation_precision_counts_idle_citations_as_wrong() -> None:
    # [1] supports alone; [2] neither supports nor is needed; [1] of the second sentence supports nothing
    statements = [Statement(COST, (1, 2)), Statement(LEADER, (1,))]
    assert citation_precision(statements, {1: COST, 2: LEADER}) == pytest.approx(1 / 3)


def test_citations_that_only_support_together_are_both_needed() -> None:
    both = Statement("The quay cost 42 million euros and Ada Moreau led the building.", (1, 2))
    assert citation_precision([both], {1: COST, 2: LEADER}) == 1.0
    assert citation_precision([Statement(COST, ())], {}) == 0.0


def test_a_gold_quote_is_hit_by_half_of_the_shorter() -> None:
    gold = [make_gold(f"{COST} {LEADER}")]
    assert gold_quote_hit([make_quote(COST)], gold) == 1.0
    assert gold_quote_hit([make_quote("on 4 May 2023. The quay")], gold) == 0.0
    assert gold_quote_hit([make_quote(COST, document_id="echo")], gold) == 0.0
    assert gold_quote_hit([], gold) == 0.0

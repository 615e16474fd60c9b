from eval.answer_measures import right
from eval.controls import CONTROLS
from eval.outcomes import Outcome, RetrievedPassage
from tests.eval.examples import HARBOUR, make_case, make_gold, make_refusal

FOUND = tuple(
    RetrievedPassage(passage_id=name, document_id="harbour", start=0, end=1, score=1, used=False, text=text)
    for name, text in (("p1", HARBOUR + " It rained."), ("p2", "The ferry is white."))
)
OUTCOME = make_refusal().model_copy(update={"retrieved": FOUND})
CASE = make_case(
    "quay",
    {"number": 42_000_000},
    "Ada Moreau",
    gold=(
        make_gold("The quay cost 42 million euros."),
        make_gold("42 million euros"),
        make_gold("Ada Moreau led the building of the quay."),
    ),
)


def said(name: str, outcome: Outcome = OUTCOME) -> str:
    return CONTROLS[name](CASE, outcome).answer_plain


def test_the_passages_are_said_as_they_are() -> None:
    assert said("first passage") == HARBOUR + " It rained."
    assert said("whole passages") == f"{HARBOUR} It rained.\n\nThe ferry is white."


def test_the_first_sentences_are_of_the_first_passage() -> None:
    assert said("first 3 sentences") == HARBOUR


def test_the_gold_sentences_are_as_few_as_hold_the_nuggets() -> None:
    assert (
        said("gold sentences") == "The quay cost 42 million euros. Ada Moreau led the building of the quay."
    )
    assert right(CASE, CONTROLS["gold sentences"](CASE, OUTCOME))
    assert right(make_case("none"), CONTROLS["gold sentences"](make_case("none"), OUTCOME))


def test_refusing_is_right_only_where_there_is_no_answer() -> None:
    assert not right(CASE, CONTROLS["always refuse"](CASE, OUTCOME))
    assert right(make_case("none"), CONTROLS["always refuse"](make_case("none"), OUTCOME))


def test_where_nothing_was_retrieved_nothing_can_be_said() -> None:
    for name in ("first passage", "first 3 sentences", "whole passages"):
        assert CONTROLS[name](CASE, make_refusal()).status == "not_found"

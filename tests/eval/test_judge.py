from collections.abc import Iterator
from typing import Any

import pytest
from llama_index.core.base.llms.types import CompletionResponse, CompletionResponseGen, LLMMetadata
from llama_index.core.llms import CustomLLM

from eval.judge import Judge, judge_answers, read_score, read_verdict
from eval.outcomes import Outcome
from eval.statistics import Estimate
from rag.adapters.llama import WritingLLM
from rag.errors import LanguageModelError
from tests.eval.examples import COST, make_answer, make_case, make_quote, make_refusal
from tests.fakes import ScriptedLanguageModel


class ScriptedLLM(CustomLLM):
    """Gives its replies one after the other; an exception among them is raised."""

    replies: list[Any]

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(model_name="scripted")

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return CompletionResponse(text=reply)

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        def once() -> Iterator[CompletionResponse]:
            yield self.complete(prompt)

        return once()


def answered(right: float, citation_recall: float = 1.0) -> Outcome:
    outcome = make_answer(f"{COST} [1]", make_quote(COST))
    return outcome.model_copy(update={"measures": {"right": right, "citation_recall": citation_recall}})


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ("4.5\nFine.", 4.5),
        ("Score: 3", 3.0),
        ("5", 5.0),
        ("6", None),
        ("4 of 5", None),
        ("Good: 4\n", None),
        ("", None),
    ],
)
def test_a_score_is_a_number_alone_on_the_first_line(reply: str, score: float | None) -> None:
    assert read_score(reply)[0] == score


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("YES", 1.0),
        (" no. ", 0.0),
        ("Yes, but no", None),
        ("I cannot say yes", None),
        ("", None),
        (None, None),
    ],
)
def test_a_verdict_is_yes_or_no_and_nothing_else(reply: str | None, verdict: float | None) -> None:
    assert read_verdict(reply) == verdict


def test_grades_are_shares_of_what_was_graded() -> None:
    cases = [make_case("a", "x"), make_case("b", "x"), make_case("c", "x")]
    replies = [
        "5\nRight.",
        "2\nWrong.",
        "rather good",
        "YES",
        "NO",
        "Yes and no",
        "YES",
        "YES",
        RuntimeError("timed out"),
    ]
    found = judge_answers([(case, answered(1.0)) for case in cases], Judge(ScriptedLLM(replies=replies)))
    correctness, agreement = found["correctness"], found["correctness_agreement"]
    assert isinstance(correctness, Estimate)
    assert isinstance(agreement, Estimate)
    assert (correctness.value, correctness.n, found["correctness_unscored"]) == (0.5, 2, 1)
    assert agreement.value == 0.5
    assert found["faithfulness_unscored"] == found["relevancy_unscored"] == 1
    assert found["model"] == "scripted"


def test_only_answers_that_were_given_are_graded() -> None:
    found = judge_answers([(make_case("a", "x"), make_refusal())], Judge(ScriptedLLM(replies=[])))
    assert (found["answers"], found["correctness_unscored"]) == (0, 0)
    assert "correctness" not in found


def test_the_prompts_are_named_by_a_hash_of_their_words() -> None:
    first, second = Judge(ScriptedLLM(replies=[])), Judge(ScriptedLLM(replies=[]))
    assert first.prompt_sha256 == second.prompt_sha256
    prompt = second._faithfulness.get_prompts()["eval_template"]
    second._faithfulness.update_prompts(
        {"eval_template": type(prompt)("Is it so? {query_str} {context_str}")}
    )
    assert first.prompt_sha256 != second.prompt_sha256


def test_the_language_model_of_the_settings_grades() -> None:
    model = ScriptedLanguageModel("4.5\nFine.", "YES", "no", LanguageModelError("It timed out."))
    judge = Judge(WritingLLM(model))
    case, outcome = make_case("quay", {"number": 42_000_000}), answered(1.0)
    assert judge.model == "scripted"
    assert judge.correctness(case, outcome) == 1.0
    assert judge.faithfulness(case, outcome) == 1.0
    assert judge.relevancy(case, outcome) == 0.0
    figures = judge_answers([(case, outcome)], judge)
    assert figures["correctness_unscored"] == 1
    assert COST in model.requests[0][-1].content

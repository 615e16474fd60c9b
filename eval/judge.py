"""An LLM's opinion of the answers, through LlamaIndex's evaluators: optional, beside the deterministic measures.

A grade is read strictly. The evaluators take any reply with "yes" in it for a yes, and any other for a no; here a
reply that is not exactly a grade leaves the answer *unscored*: never wrong, never right.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from eval.cases import Case
from eval.outcomes import Outcome
from eval.statistics import Estimate, estimate_mean

if TYPE_CHECKING:
    from llama_index.core.evaluation import BaseEvaluator, EvaluationResult
    from llama_index.core.llms import LLM

# CorrectnessEvaluator's own scale and threshold.
LOWEST, HIGHEST, PASSING = 1.0, 5.0, 4.0

_SCORE = re.compile(r"\s*(?:score\s*:\s*)?([1-5](?:\.\d+)?)\s*(?:\n(.*))?", re.IGNORECASE | re.DOTALL)
_VERDICT = re.compile(r"\s*(yes|no)\s*[.!]?\s*", re.IGNORECASE)

Grade = float | None
Figure = Estimate | str | int
Grader = Callable[[Case, Outcome], Grade]


def read_score(reply: str) -> tuple[Grade, str | None]:
    """The score of a reply whose first line is a number from 1 to 5 and nothing else, with its reasoning."""
    match = _SCORE.fullmatch(reply)
    if match is None or not LOWEST <= float(match[1]) <= HIGHEST:
        return None, None
    return float(match[1]), match[2]


def read_verdict(reply: str | None) -> Grade:
    """1 for a reply that is "yes", 0 for one that is "no", None for any other."""
    match = _VERDICT.fullmatch(reply or "")
    return None if match is None else float(match[1].lower() == "yes")


class Judge:
    """Three graders that share an LLM: correctness (against the gold), faithfulness and relevancy (to the quotes)."""

    def __init__(self, llm: LLM) -> None:
        from llama_index.core.evaluation import (
            CorrectnessEvaluator,
            FaithfulnessEvaluator,
            RelevancyEvaluator,
        )

        self.model = llm.metadata.model_name
        self._correctness = CorrectnessEvaluator(llm=llm, score_threshold=PASSING, parser_function=read_score)
        self._faithfulness = FaithfulnessEvaluator(llm=llm)
        self._relevancy = RelevancyEvaluator(llm=llm)

    @property
    def prompt_sha256(self) -> str:
        """Changes with any word of the prompts: grades of other prompts are not comparable."""
        evaluators: tuple[BaseEvaluator, ...] = (self._correctness, self._faithfulness, self._relevancy)
        prompts = [
            str(prompt.format_messages())
            for evaluator in evaluators
            for _, prompt in sorted(evaluator.get_prompts().items())
        ]
        return hashlib.sha256("\n".join(prompts).encode()).hexdigest()

    def correctness(self, case: Case, outcome: Outcome) -> Grade:
        """1 if the score against the gold sentences is at least 4 of 5, else 0."""
        reference = " ".join(gold.quote for gold in case.gold) or None
        result = _run(
            self._correctness, query=case.question, response=outcome.answer_plain, reference=reference
        )
        return None if result.score is None else float(result.score >= PASSING)

    def faithfulness(self, case: Case, outcome: Outcome) -> Grade:
        """1 if the answer is supported by what it cites."""
        quotes = [citation.quote for citation in outcome.citations]
        result = _run(self._faithfulness, query=case.question, response=outcome.answer_plain, contexts=quotes)
        return read_verdict(result.feedback)

    def relevancy(self, case: Case, outcome: Outcome) -> Grade:
        """1 if answer and citations fit the question."""
        quotes = [citation.quote for citation in outcome.citations]
        result = _run(self._relevancy, query=case.question, response=outcome.answer_plain, contexts=quotes)
        return read_verdict(result.feedback)


def _run(evaluator: BaseEvaluator, **arguments: Any) -> EvaluationResult:
    """In an event loop of its own, closed afterwards: the evaluator's own way leaves one open."""
    return asyncio.run(evaluator.aevaluate(**arguments))


def judge_answers(pairs: Sequence[tuple[Case, Outcome]], judge: Judge) -> dict[str, Figure]:
    """Grade every answer that was given; shares of those graded, how many could not be, and how far the judge agrees.

    Agreement: correctness against `right`, faithfulness against full citation recall (`eval.answer_measures`).
    """
    given = [(case, outcome) for case, outcome in pairs if outcome.answered]
    figures: dict[str, Figure] = {
        "model": judge.model,
        "prompt_sha256": judge.prompt_sha256,
        "answers": len(given),
    }
    graders: tuple[tuple[str, Grader, str | None], ...] = (
        ("correctness", judge.correctness, "right"),
        ("faithfulness", judge.faithfulness, "citation_recall"),
        ("relevancy", judge.relevancy, None),
    )
    for name, grader, measure in graders:
        graded = [
            (case, outcome, grade)
            for case, outcome in given
            if (grade := _graded(grader, case, outcome)) is not None
        ]
        figures[f"{name}_unscored"] = len(given) - len(graded)
        if not graded:
            continue
        clusters = [case.cluster for case, _, _ in graded]
        figures[name] = estimate_mean([grade for _, _, grade in graded], clusters)
        if measure is not None:
            agrees = [
                float((outcome.measures[measure] == 1.0) == (grade == 1.0)) for _, outcome, grade in graded
            ]
            figures[f"{name}_agreement"] = estimate_mean(agrees, clusters)
    return figures


def _graded(grader: Grader, case: Case, outcome: Outcome) -> Grade:
    try:
        return grader(case, outcome)
    except Exception:  # an LLM that fails leaves the answer unscored; the answer is not to blame
        return None

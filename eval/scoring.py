"""What one outcome is worth: every measure that applies to its case, by name.

A measure that does not apply (the nuggets of an unanswerable question, the citations of a refusal) is absent.
A question that crashed has the worst value of each measure that its case is judged by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from eval.answer_measures import (
    citation_integrity,
    citation_precision,
    citation_recall,
    exact_match,
    gold_quote_hit,
    holds_answer,
    nugget_recall,
    right,
    statements_of,
    token_f1,
)
from eval.cases import Case
from eval.matching import found
from eval.outcomes import Outcome
from eval.retrieval_measures import first_places, relevant_passages, retrieval_measures
from rag.domain import Passage

CUTOFFS = (1, 5)

PassagesOf = Callable[[str], Sequence[Passage]]


def scored(cases: Iterable[Case], outcomes: Iterable[Outcome], passages_of: PassagesOf) -> list[Outcome]:
    """The outcomes with their measures; `passages_of` gives the passages of a document."""
    return [
        outcome.model_copy(update={"measures": measures_of(case, outcome, passages_of)})
        for case, outcome in zip(cases, outcomes, strict=True)
    ]


def measures_of(case: Case, outcome: Outcome, passages_of: PassagesOf) -> dict[str, float]:
    """All measures of one outcome."""
    measures = judged(case, outcome)
    if outcome.answered:
        measures |= _citation_measures(case, outcome)
    if case.gold:
        measures |= _retrieval_measures(case, outcome, passages_of)
    return measures


def judged(case: Case, outcome: Outcome) -> dict[str, float]:
    """The measures of what was said alone: those that even an answer without sources has."""
    measures = {"right": float(right(case, outcome))}
    if case.answerable:
        measures |= _answerable_measures(case, outcome)
    else:
        measures["answered_unanswerable"] = float(outcome.status != "not_found")
    if outcome.answered:
        measures["answer_characters"] = float(len(outcome.answer_plain))
    return measures | _writing_measures(outcome)


def _writing_measures(outcome: Outcome) -> dict[str, float]:
    """How far what a language model wrote could be shown, and what it took; nothing where none was asked."""
    if not outcome.written:
        return {"fell_back": 1.0} if outcome.fallback_reason else {}
    measures = {"fell_back": 0.0}
    kept = len(statements_of(outcome.answer)) if outcome.answered else 0
    if kept or outcome.unsupported:
        measures["supported_sentences"] = kept / (kept + len(outcome.unsupported))
        measures["faithful"] = float(not outcome.unsupported)
    if outcome.tokens:
        measures["tokens_read"] = float(outcome.tokens.read)
        measures["tokens_written"] = float(outcome.tokens.written)
    return measures


def would_be_right(case: Case, outcome: Outcome) -> float:
    """Whether the answer is right or, where the question was refused, its best evidence would have been.

    Only with it a risk at coverages beyond those of the answers given can be told; an unanswerable question
    cannot be answered right.
    """
    if outcome.answered or not outcome.evidence:
        return float(case.answerable and right(case, outcome))
    return float(holds_answer(case, outcome.evidence[0].text))


def cause(case: Case, outcome: Outcome) -> str:
    """Why an outcome is wrong: the first stage that went wrong; "right" if none did."""
    measures = outcome.measures
    causes = {
        "right": measures["right"] == 1.0,
        "crashed or timed out": outcome.status == "error",
        "answered the unanswerable": not case.answerable,
        "not retrieved": measures.get("passages_success@all") == 0.0,
        "refused, though retrieved": not outcome.answered,
        "states what is forbidden": found(case.forbidden, outcome.answer_plain),
        "another sentence chosen": measures.get("nugget_recall") == 0.0,
        "part of it missing": measures.get("nugget_recall", 0.0) < 1.0,
        "too long": True,
    }
    return next(name for name, applies in causes.items() if applies)


def _answerable_measures(case: Case, outcome: Outcome) -> dict[str, float]:
    measures = {
        "right_answerable": float(right(case, outcome)),
        "refused_answerable": float(not outcome.answered),
        "nugget_recall": nugget_recall(case, outcome) if outcome.answered else 0.0,
    }
    if case.short:
        said = (outcome.short_answer or "") if outcome.answered else ""
        measures |= {"exact_match": exact_match(said, case.short), "token_f1": token_f1(said, case.short)}
    return measures


def _citation_measures(case: Case, outcome: Outcome) -> dict[str, float]:
    statements = statements_of(outcome.answer)
    quotes = {citation.marker: citation.quote for citation in outcome.citations if citation.intact}
    measures = {
        "citation_recall": citation_recall(statements, quotes) if statements else 0.0,
        "citation_precision": citation_precision(statements, quotes),
    }
    if outcome.citations:
        measures["citation_integrity"] = citation_integrity(outcome.citations)
    if case.gold:
        measures["gold_quote_hit"] = gold_quote_hit(outcome.citations, case.gold)
    return measures


def _retrieval_measures(case: Case, outcome: Outcome, passages_of: PassagesOf) -> dict[str, float]:
    documents = dict.fromkeys(gold.document_id for gold in case.gold)
    gains = relevant_passages(case, (passage for name in documents for passage in passages_of(name)))
    passages = [found.passage_id for found in outcome.retrieved]
    ranked = first_places(found.document_id for found in outcome.retrieved)
    by_passage = retrieval_measures(passages, gains, CUTOFFS)
    by_document = retrieval_measures(ranked, dict.fromkeys(documents, 1.0), CUTOFFS)
    return (
        {f"passages_{name}": value for name, value in by_passage.items()}
        | {f"documents_{name}": value for name, value in by_document.items()}
        | {"passages_success@all": float(any(passage in gains for passage in passages))}
    )

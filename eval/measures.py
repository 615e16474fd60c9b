"""The measures by name: what each is called in a report, what it means, and which way is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["share", "score", "count"]


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure of a report. A `share` is shown as a percentage; a `score` also lies between 0 and 1."""

    name: str
    title: str
    meaning: str
    higher_is_better: bool = True
    unit: Unit = "share"


ANSWERS = (
    Measure("right", "right", "answerable and answered right, or unanswerable and refused"),
    Measure(
        "right_answerable",
        "answerable right",
        "every nugget, nothing forbidden, within the length bound, of the answerable questions",
    ),
    Measure("refused_answerable", "answerable refused", "of the answerable, those that got no answer", False),
    Measure(
        "answered_unanswerable", "unanswerable answered", "of the unanswerable, those not refused", False
    ),
    Measure("nugget_recall", "nugget recall", "share of the facts asked for that the answer states"),
    Measure("exact_match", "exact match", "short answer, SQuAD normalisation, where a span is gold"),
    Measure("token_f1", "token F1", "short answer, SQuAD normalisation, where a span is gold", unit="score"),
    Measure("answer_characters", "answer length", "characters, mean of the answers given", False, "count"),
)
KNOWING = (
    Measure("auroc", "AUROC of confidence", "answerable against unanswerable questions", unit="score"),
    Measure(
        "auroc_right", "AUROC, right or wrong", "right against wrong answers, of those given", unit="score"
    ),
    Measure("aurc", "area under risk-coverage", "mean risk over all coverages", False, "score"),
    Measure("ece", "expected calibration error", "of the answers given, ten bins", False, "score"),
)
CITATIONS = (
    Measure("citation_integrity", "quote integrity", "quotes that stand in their document at their offsets"),
    Measure("citation_recall", "citation recall", "sentences of the answer that their citations support"),
    Measure("citation_precision", "citation precision", "citations that support their sentence"),
    Measure("gold_quote_hit", "gold quote cited", "answers that cite a sentence known to answer"),
)
# Of answers that a language model was asked for; see `eval.outcomes.Outcome.written`.
WRITING = (
    Measure(
        "supported_sentences", "sentences supported", "of those the model wrote, those that a source supports"
    ),
    Measure("faithful", "wholly faithful", "replies of the model with no sentence that had to be taken out"),
    Measure("fell_back", "fell back", "questions that the model failed, answered without it", False),
    Measure("tokens_read", "tokens read", "by the model, mean of its replies", False, "count"),
    Measure("tokens_written", "tokens written", "by the model, mean of its replies", False, "count"),
)


def _retrieval(level: str) -> tuple[Measure, ...]:
    kinds = (
        ("success", "any of what is relevant among the first {k}"),
        ("recall", "share of what is relevant among the first {k}"),
        ("mrr", "reciprocal rank of the first relevant, up to {k}"),
        ("ndcg", "discounted gain, up to {k}"),
    )
    return tuple(
        Measure(f"{level}_{kind}@{k}", f"{level[:-1]} {kind}@{k}", meaning.format(k=k), unit="score")
        for kind, meaning in kinds
        for k in (1, 5, 10)
    )


RETRIEVAL = (
    Measure("passages_success@all", "passage in what was read", "a relevant passage among all retrieved"),
    *_retrieval("passages"),
    *_retrieval("documents"),
)
GROUPS = {
    "Answers": ANSWERS,
    "Knowing": KNOWING,
    "Citations": CITATIONS,
    "Writing": WRITING,
    "Retrieval": RETRIEVAL,
}
MEASURES = {measure.name: measure for group in GROUPS.values() for measure in group}

# What a reader must see side by side: accuracy never stands without the refusals, nor an answer's worth
# without its length.
HEADLINE = (
    "right_answerable",
    "refused_answerable",
    "answered_unanswerable",
    "nugget_recall",
    "answer_characters",
    "auroc",
    "ece",
    "citation_integrity",
    "citation_recall",
    "gold_quote_hit",
    "passages_success@5",
)


def shown(value: float, measure: Measure) -> str:
    """A value as its unit is written."""
    match measure.unit:
        case "share":
            return f"{100 * value:.1f} %"
        case "count":
            return f"{value:.0f}"
        case "score":
            return f"{value:.3f}"

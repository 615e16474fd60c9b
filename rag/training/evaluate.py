"""What a reader does on articles that it was never trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rag.training.examples import plain_unanswerable
from rag.training.features import Featurizer
from rag.training.measures import Floats, auroc, exact_match, logistic_weights, token_f1
from rag.training.negatives import hard_negatives
from rag.training.predict import Prediction, Scorer, predict
from rag.training.sentences import sentence_spans
from rag.training.sources import Collection, Question
from rag.training.variants import keywords

OTHERS = 4
"""Other passages that retrieval brings beside the one that answers."""
LIMIT = 240
"""Questions taken of each collection and kind, evenly spaced."""


@dataclass(frozen=True)
class Case:
    """One question to one passage. `group` says what for; `answers` are the accepted texts."""

    group: str
    question_id: str
    question: str
    passage: str
    answers: tuple[str, ...] = ()
    sentence: tuple[int, int] | None = None


def cases_of(collection: Collection, seed: int = 5) -> list[Case]:
    """The cases of one held-out collection."""
    answerable = _spread([question for question in collection.questions if question.answers])
    misleading = _spread([question for question in collection.questions if not question.answers])
    cases = []
    for question in answerable:
        cases.append(_case("answered", collection, question))
        cases.append(_case("answered, lower case", collection, question, question.text.lower().rstrip("? ")))
        cases.append(_case("answered, key words", collection, question, keywords(question.text)))
    cases += [_case("misleading", collection, question) for question in misleading]
    if collection.name == "policyqa":
        return cases
    chosen = {question.id for question in answerable}
    negatives = hard_negatives(collection, OTHERS)
    cases += [
        Case("other passage", question.id, question.text, _shown(collection, number))
        for question in answerable
        for number in negatives[question.id]
    ]
    cases += [
        _case("made up", collection, Question(question.id, changed, question.paragraph, ()))
        for question, changed in plain_unanswerable(collection, seed)
        if question.id in chosen
    ]
    return cases


def _spread(questions: list[Question]) -> list[Question]:
    step = max(1.0, len(questions) / LIMIT)
    return [questions[int(n * step)] for n in range(int(len(questions) / step))]


def _shown(collection: Collection, number: int) -> str:
    paragraph = collection.paragraphs[number]
    return f"{paragraph.title}. {paragraph.text}"


def _case(group: str, collection: Collection, question: Question, wording: str | None = None) -> Case:
    paragraph = collection.paragraphs[question.paragraph]
    passage = _shown(collection, question.paragraph)
    shift = len(passage) - len(paragraph.text)
    sentence = None
    if question.answers:
        at = question.answers[0][0]
        sentence = next(
            ((a + shift, b + shift) for a, b in sentence_spans(paragraph.text) if a <= at < b), None
        )
    answers = tuple(paragraph.text[start:end] for start, end in question.answers)
    return Case(group, question.id, wording or question.text, passage, answers, sentence)


def predicted(cases: list[Case], scorer: Scorer, featurizer: Featurizer) -> list[tuple[Case, Prediction]]:
    """Each case with the reader's prediction."""
    return list(
        zip(
            cases, predict(scorer, featurizer, [(case.question, case.passage) for case in cases]), strict=True
        )
    )


Results = list[tuple[Case, Prediction]]


def span_figures(results: Results) -> dict[str, float]:
    """Exact match, F1 and the share in the right sentence of the answerable questions, for each wording."""
    figures: dict[str, float] = {}
    for group in ("answered", "answered, lower case", "answered, key words"):
        its = [(case, p) for case, p in results if case.group == group]
        texts = [case.passage[p.span[0] : p.span[1]] for case, p in its]
        accepted = [list(case.answers) for case, _ in its]
        figures[f"{group}: questions"] = len(its)
        figures[f"{group}: exact match"] = _mean(
            [exact_match(t, a) for t, a in zip(texts, accepted, strict=True)]
        )
        figures[f"{group}: F1"] = _mean([token_f1(t, a) for t, a in zip(texts, accepted, strict=True)])
        figures[f"{group}: right sentence"] = _mean([_in_sentence(case, p) for case, p in its])
    return figures


def _in_sentence(case: Case, prediction: Prediction) -> float:
    return float(case.sentence is not None and case.sentence[0] <= prediction.span[0] < case.sentence[1])


def _mean(values: list[float]) -> float:
    return round(sum(values) / len(values), 4) if values else float("nan")


def combination(results: Results) -> Floats:
    """Weights of margin and answerable logit (and an intercept) that best tell answered cases from all
    others.
    """
    rows = [(p.margin, p.answerable) for _, p in results]
    labels = [float(case.group.startswith("answered")) for case, _ in results]
    return logistic_weights(np.array(rows), np.array(labels))


def answerability_figures(results: Results, weights: Floats) -> dict[str, float]:
    """AUROC of answered against each kind of unanswered question, by margin, by the head, and by both
    combined.

    `retrieved` compares the best score of the answering passage and three others with the best of four
    others.
    """
    scored = [
        (case, np.array([p.margin, p.answerable, p.margin * weights[0] + p.answerable * weights[1]]))
        for case, p in results
    ]
    answered = {case.question_id: scores for case, scores in scored if case.group == "answered"}
    figures: dict[str, float] = {}
    for group in ("misleading", "made up", "other passage"):
        its = [scores for case, scores in scored if case.group == group]
        if its:
            figures |= _aurocs(group, np.array(list(answered.values())), np.array(its))
    others: dict[str, list[Floats]] = {}
    for case, scores in scored:
        if case.group == "other passage":
            others.setdefault(case.question_id, []).append(scores)
    full = {identity: its for identity, its in others.items() if len(its) == OTHERS}
    if full:
        present = np.array(
            [np.max([answered[identity], *its[:-1]], axis=0) for identity, its in full.items()]
        )
        absent = np.array([np.max(its, axis=0) for its in full.values()])
        figures |= _aurocs("retrieved", present, absent)
        best = [float((answered[identity] > np.max(its[:-1], axis=0))[2]) for identity, its in full.items()]
        figures["best of four passages is the answering one"] = _mean(best)
    return figures


def _aurocs(group: str, positive: Floats, negative: Floats) -> dict[str, float]:
    names = ("margin", "head", "combined")
    return {
        f"{group}: AUROC of {name}": round(auroc(positive[:, n], negative[:, n]), 4)
        for n, name in enumerate(names)
    } | {f"{group}: unanswerable": len(negative)}


def figures_of(results_by_collection: dict[str, Results], weights: Floats) -> dict[str, dict[str, float]]:
    """All figures of each collection."""
    return {
        name: span_figures(results) | answerability_figures(results, weights)
        for name, results in results_by_collection.items()
    }

"""Signals of what was read -> the probability that it answers -> the threshold from which on it is an answer.

Two steps, both of one logistic model, so that what comes out is a weight a signal and a bias:

1. Every case gives its best sentences and those known to answer; the weights learn which sentence answers. Few
   cases teach little, so the weights are pulled to prior ones.
2. What is shown is the best sentence of each question, and the best of many is flattered by chance. A slope and an
   intercept (Platt 1999) make its probability that of being right.

Error rates and threshold come from cases that were left out of the fit, whole clusters at a time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.cases import InvalidCases
from eval.knowing import auroc, expected_calibration_error
from eval.logistic import Array, Logistic, fit_logistic

FOLDS = 5
# Sentences of a case that take part in the first step, beside those known to answer.
CANDIDATES = 10
# Of those tried (1 to 300) the one of least cross-validated cost on the mission record.
PENALTY = 10.0
# A wrong answer is the worst outcome, a refusal of what the record says the second worst.
COST_RATIO = 2.0
NEARBY = 0.06


@dataclass(frozen=True, slots=True)
class Example:
    """What was read for one case: `features` of shape (sentences, signals), `answers` 0 or 1 for each sentence.

    `weight` is how much the case counts beside others.
    """

    cluster: str
    answerable: bool
    features: Array
    answers: Array
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """What a threshold would do, told from cases that were left out of the fit. `cost` is a mean over all cases.

    All are shares of the cases' weights.
    """

    threshold: float
    refused_answerable: float
    answered_unanswerable: float
    wrong_of_answered: float
    coverage: float
    cost: float


@dataclass(frozen=True, slots=True)
class Fit:
    """The decision and how sure it is. `auroc` and `calibration_error` are cross-validated.

    `confidence` and `right` hold, for each example, the probability of its best sentence and whether that answers,
    both from a fit without its cluster.
    """

    feature_names: tuple[str, ...]
    prior: Array
    model: Logistic
    threshold: float
    error_rates: tuple[ErrorRates, ...]
    auroc: float
    calibration_error: float
    cases: int
    confidence: Array
    right: Array


def fit(
    examples: Sequence[Example],
    names: Sequence[str],
    prior: Array,
    cost_ratio: float = COST_RATIO,
    penalty: float = PENALTY,
) -> Fit:
    """Fit on all examples; the threshold that costs least, where a wrong answer costs `cost_ratio` refusals.

    Raises:
        InvalidCases: the examples are all answerable, or all not.
    """
    if len({bool(found.answers.any()) for found in examples}) < 2:
        raise InvalidCases("To fit when to answer takes questions that can be answered and some that cannot.")
    folds = np.array([_fold(found.cluster) for found in examples])
    confidence, right = np.zeros(len(examples)), np.zeros(len(examples))
    for fold in range(FOLDS):
        model = _fit_model(
            [found for found, own in zip(examples, folds, strict=True) if own != fold], prior, penalty
        )
        for place in np.flatnonzero(folds == fold).tolist():
            confidence[place], right[place] = best_sentence(model, examples[place])
    answerable = np.array([found.answerable for found in examples], bool)
    weights = np.array([found.weight for found in examples])
    rates = tuple(_error_rates(t, confidence, right, answerable, weights, cost_ratio) for t in _thresholds())
    best = min(
        rates, key=lambda rate: (round(_cost_around(rate.threshold, rates), 6), abs(rate.threshold - 0.5))
    )
    given = confidence >= best.threshold
    return Fit(
        feature_names=tuple(names),
        prior=prior,
        model=_fit_model(examples, prior, penalty),
        threshold=best.threshold,
        error_rates=rates,
        auroc=auroc(confidence, answerable),
        calibration_error=expected_calibration_error(confidence[given], right[given]),
        cases=len(examples),
        confidence=confidence,
        right=right,
    )


def _fit_model(examples: Sequence[Example], prior: Array, penalty: float) -> Logistic:
    chosen = [_candidates(found, prior) for found in examples]
    features = np.concatenate([found.features[rows] for found, rows in zip(examples, chosen, strict=True)])
    answers = np.concatenate([found.answers[rows] for found, rows in zip(examples, chosen, strict=True)])
    each = np.concatenate(  # a case counts once, however many sentences it has
        [np.full(len(rows), found.weight / len(rows)) for found, rows in zip(examples, chosen, strict=True)]
    )
    model = fit_logistic(features, answers, penalty, each, prior)
    best = np.array(
        [(model.logit(found.features).max(), best_sentence(model, found)[1]) for found in examples]
    )
    weights = np.array([found.weight for found in examples])
    platt = fit_logistic(best[:, :1], _smoothed(best[:, 1], weights), penalty=0.0, sample_weights=weights)
    return model.rescaled(float(platt.weights[0]), platt.bias)


def _smoothed(truth: Array, weights: Array) -> Array:
    """Platt's targets: a little short of 0 and 1, so that cases which separate do not mean certainty."""
    positives, negatives = (weights * truth).sum(), (weights * (1 - truth)).sum()
    return np.asarray(np.where(truth > 0, (positives + 1) / (positives + 2), 1 / (negatives + 2)))


def _candidates(found: Example, prior: Array) -> list[int]:
    """The best sentences by the prior weights, and all that answer.

    Not by the decision in use: what is fitted next would depend on what was fitted last.
    """
    best = np.argsort(-(found.features @ prior), kind="stable")[:CANDIDATES]
    return sorted({*best.tolist(), *np.flatnonzero(found.answers).tolist()})


def best_sentence(model: Logistic, found: Example) -> tuple[float, float]:
    """The probability of the best sentence, and whether it answers."""
    probability = model.probability(found.features)
    place = int(probability.argmax())
    return float(probability[place]), float(found.answers[place])


def _fold(cluster: str) -> int:
    return int(hashlib.sha256(f"fold {cluster}".encode()).hexdigest(), 16) % FOLDS


def _cost_around(threshold: float, rates: Sequence[ErrorRates]) -> float:
    """The mean cost of nearby thresholds: a dip that a few cases make by chance is not worth following."""
    return float(np.mean([rate.cost for rate in rates if abs(rate.threshold - threshold) <= NEARBY + 1e-9]))


def _thresholds() -> list[float]:
    return [round(step / 50, 2) for step in range(1, 50)]


def _error_rates(
    threshold: float,
    confidence: Array,
    right: Array,
    answerable: NDArray[np.bool_],
    weights: Array,
    cost_ratio: float,
) -> ErrorRates:
    given = confidence >= threshold
    wrong = given & (right == 0)
    refused = ~given & answerable

    def share(which: NDArray[np.bool_], of: NDArray[np.bool_]) -> float:
        return float(weights[which].sum() / max(1e-9, weights[of].sum()))

    everything = np.ones_like(given)
    return ErrorRates(
        threshold=threshold,
        refused_answerable=share(refused, answerable),
        answered_unanswerable=share(given & ~answerable, ~answerable),
        wrong_of_answered=share(wrong, given),
        coverage=share(given, everything),
        cost=cost_ratio * share(wrong, everything) + share(refused, everything),
    )

"""Logistic regression in a few lines: fitted by Newton's method, held back by an L2 penalty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MOST_STEPS = 100
CONVERGED = 1e-9


@dataclass(frozen=True, slots=True)
class Logistic:
    """P(1 | x) = 1 / (1 + exp(-(bias + weights . x))), for x as it is measured: no scaling is left to be done."""

    weights: Array
    bias: float

    def logit(self, features: Array) -> Array:
        """Shape (n,) for features of shape (n, d)."""
        return np.asarray(features @ self.weights + self.bias)

    def probability(self, features: Array) -> Array:
        """Shape (n,), between 0 and 1."""
        return sigmoid(self.logit(features))

    def rescaled(self, slope: float, intercept: float) -> Logistic:
        """The model whose logit is `slope` x this one's + `intercept`."""
        return Logistic(slope * self.weights, slope * self.bias + intercept)


def sigmoid(logits: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -60, 60))))


def fit_logistic(
    features: Array,
    truth: Array,
    penalty: float,
    sample_weights: Array | None = None,
    prior: Array | None = None,
) -> Logistic:
    """Iteratively reweighted least squares (Newton's method; McCullagh and Nelder 1989, section 4.4).

    Args:
        features: shape (n, d). Each is standardised first, so that one penalty fits all, and the result is
            brought back to their own units. A feature that never varies gets weight 0.
        truth: shape (n,), 0 or 1.
        penalty: of the squared standardised weights; the bias is free (Le Cessie and van Houwelingen 1992).
        sample_weights: shape (n,); 1 each if not given.
        prior: shape (d,), the weights (in the features' own units) that the penalty pulls to; 0 if not given.
    """
    weights = np.ones(len(truth)) if sample_weights is None else sample_weights
    mean = np.average(features, axis=0, weights=weights)
    spread = np.sqrt(np.average((features - mean) ** 2, axis=0, weights=weights))
    varies = spread > 1e-12
    standard = np.where(varies, (features - mean) / np.where(varies, spread, 1.0), 0.0)
    design = np.hstack([standard, np.ones((len(standard), 1))])
    # A feature that never varies must not make it singular.
    ridge = np.diag([max(penalty, 1e-9)] * features.shape[1] + [1e-9])
    centre = np.zeros(design.shape[1])
    if prior is not None:
        centre[:-1] = prior * spread
    coefficients = centre.copy()

    def loss(at: Array) -> float:
        logits = design @ at
        likelihood = weights * (np.logaddexp(0.0, logits) - truth * logits)
        return float(likelihood.sum() + 0.5 * (at - centre) @ ridge @ (at - centre))

    for _ in range(MOST_STEPS):
        probability = sigmoid(design @ coefficients)
        gradient = design.T @ (weights * (truth - probability)) - ridge @ (coefficients - centre)
        curvature = (design * (weights * probability * (1 - probability))[:, None]).T @ design + ridge
        step = np.linalg.solve(curvature, gradient)
        # Far from the optimum a whole step may lead away from it.
        while loss(coefficients + step) > loss(coefficients) + CONVERGED and np.abs(step).max() > CONVERGED:
            step /= 2
        coefficients += step
        if np.abs(step).max() < CONVERGED:
            break
    own = np.where(varies, coefficients[:-1] / np.where(varies, spread, 1.0), 0.0)
    return Logistic(own, float(coefficients[-1] - own @ mean))

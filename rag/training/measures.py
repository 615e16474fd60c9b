"""The measures by which a reader is judged."""

from __future__ import annotations

import re
import string
from collections import Counter
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]


def normalised(answer: str) -> str:
    """Lower case, without articles, punctuation and repeated spaces (SQuAD's official evaluation)."""
    plain = "".join(character for character in answer.lower() if character not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", plain).split())


def exact_match(answer: str, accepted: list[str]) -> float:
    """1.0 when the answer is one of those accepted, after normalisation."""
    return float(any(normalised(answer) == normalised(one) for one in accepted))


def token_f1(answer: str, accepted: list[str]) -> float:
    """The best F1 of shared words with any accepted answer, after normalisation (Rajpurkar et al., 2016)."""
    return max((_f1(normalised(answer).split(), normalised(one).split()) for one in accepted), default=0.0)


def _f1(ours: list[str], theirs: list[str]) -> float:
    shared = sum((Counter(ours) & Counter(theirs)).values())
    return 2 * shared / (len(ours) + len(theirs)) if shared else float(ours == theirs)


def auroc(positive: Floats, negative: Floats) -> float:
    """The probability that a positive scores above a negative, ties counting half (Mann and Whitney, 1947)."""
    values = np.concatenate([positive, negative])
    order = np.argsort(values, kind="stable")
    ranks = np.empty(len(values))
    ranks[order] = np.arange(1, len(values) + 1)
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.bincount(inverse, weights=ranks) / counts)[inverse]
    total = ranks[: len(positive)].sum() - len(positive) * (len(positive) + 1) / 2
    return float(total / (len(positive) * len(negative)))


def logistic_weights(inputs: Floats, labels: Floats, ridge: float = 1e-3, steps: int = 30) -> Floats:
    """Logistic regression by Newton's method: `inputs` is `(rows, features)`, the last weight is the
    intercept.
    """
    rows = np.column_stack([inputs, np.ones(len(inputs))])
    weights = np.zeros(rows.shape[1])
    for _ in range(steps):
        probability = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        gradient = rows.T @ (probability - labels) + ridge * weights
        curvature = (rows * (probability * (1 - probability))[:, None]).T @ rows + ridge * np.eye(
            rows.shape[1]
        )
        weights -= np.linalg.solve(curvature, gradient)
    return weights

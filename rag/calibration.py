"""A fitted decision: how signals become a probability, and from where on it is enough."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Calibration:
    """P = 1 / (1 + exp(-(bias + sum of weight x signal))), and it is enough from `threshold` on."""

    weights: Mapping[str, float]
    bias: float
    threshold: float

    def probability(self, signals: Mapping[str, float]) -> float:
        """Between 0 and 1; a signal without a weight does not count."""
        logit = self.bias + sum(weight * signals.get(name, 0.0) for name, weight in self.weights.items())
        return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, logit))))

"""How sure is a figure, and is a difference real? Resampled by cluster, since questions of one conversation,
article or document succeed and fail together.

All is deterministic: the seed is fixed. Clusters are given as one label a value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 2_000
FLIPS = 10_000
LEVEL = 0.95
SEED = 20_250_421

Indices = NDArray[np.intp]
Statistic = Callable[[Indices], float]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval, the number of values it was made of, and of clusters among them."""

    value: float
    low: float
    high: float
    n: int
    clusters: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def estimate_mean(values: ArrayLike, clusters: Sequence[Hashable], bounded: bool = True) -> Estimate:
    """The mean with a percentile interval of the cluster bootstrap (Efron 1979; Field and Welsh 2007).

    With `bounded`, values lie between 0 and 1. Where all are 0, or all 1, resampling cannot say how sure that
    is; the far end of the interval is then the exact one (Clopper and Pearson 1934) for that many clusters.

    Raises:
        ValueError: there are no values.
    """
    array = np.asarray(values, float)
    if array.size == 0:
        raise ValueError("There is no mean of no values.")
    sums, counts = _by_cluster(array, clusters)
    weights = _resampling_weights(len(sums))
    means = (weights @ sums) / (weights @ counts)
    value = float(array.mean())
    low, high = _percentiles(means)
    if bounded and value in (0.0, 1.0):
        farthest = 1 - ((1 - LEVEL) / 2) ** (1 / len(sums))
        low, high = (0.0, farthest) if value == 0.0 else (1 - farthest, 1.0)
    return Estimate(value, low, high, array.size, len(sums))


def estimate_share(successes: int, number: int) -> Estimate:
    """A share of independent trials with its score interval (Wilson 1927).

    Raises:
        ValueError: there are no trials.
    """
    if number <= 0:
        raise ValueError("There is no share of no trials.")
    share, quantile = successes / number, 1.959964
    spread = quantile**2 / number
    centre = (share + spread / 2) / (1 + spread)
    half = quantile * math.sqrt(share * (1 - share) / number + spread / (4 * number)) / (1 + spread)
    return Estimate(share, max(0.0, centre - half), min(1.0, centre + half), number, number)


def estimate(statistic: Statistic, clusters: Sequence[Hashable]) -> Estimate | None:
    """Any statistic of a set of cases, given their indices, with its percentile bootstrap interval.

    A resample on which the statistic does not exist (NaN: an AUROC of one class) is left out; None if it does
    not exist on the cases themselves.
    """
    members = _members(clusters)
    value = statistic(np.arange(len(clusters)))
    if math.isnan(value):
        return None
    generator = np.random.default_rng(SEED)
    draws = (generator.integers(len(members), size=len(members)) for _ in range(RESAMPLES // 2))
    resampled = np.array([statistic(np.concatenate([members[i] for i in draw])) for draw in draws])
    low, high = _percentiles(resampled[~np.isnan(resampled)])
    return Estimate(value, low, high, len(clusters), len(members))


def estimate_difference(first: ArrayLike, second: ArrayLike, clusters: Sequence[Hashable]) -> Estimate:
    """The mean of `second - first` over the same cases, with its paired cluster bootstrap interval."""
    return estimate_mean(np.asarray(second, float) - np.asarray(first, float), clusters, bounded=False)


def mcnemar_exact(losses: int, wins: int) -> float:
    """Two-sided p of right/wrong pairs that changed (McNemar 1947), exact: binomial with one half."""
    changed = losses + wins
    tail = sum(math.comb(changed, k) for k in range(min(losses, wins) + 1))
    return min(1.0, 2 * tail / (1 << changed))


def sign_flip(differences: ArrayLike, clusters: Sequence[Hashable]) -> float:
    """Two-sided p that the mean difference is chance: the signs of whole clusters are flipped (Fisher 1935).

    Exact up to 12 clusters, else of `FLIPS` random flips, counting the data itself (Phipson and Smyth 2010).
    """
    sums, _ = _by_cluster(np.asarray(differences, float), clusters)
    sums = sums[sums != 0]
    observed = abs(float(sums.sum())) - 1e-9
    if len(sums) <= 12:
        bits = (np.arange(2 ** len(sums))[:, None] >> np.arange(len(sums))) & 1
        return float(np.mean(np.abs((1 - 2 * bits) @ sums) >= observed))
    signs = np.random.default_rng(SEED).choice((-1.0, 1.0), size=(FLIPS, len(sums)))
    return float((1 + np.sum(np.abs(signs @ sums) >= observed)) / (FLIPS + 1))


def _members(clusters: Sequence[Hashable]) -> list[Indices]:
    members: dict[Hashable, list[int]] = {}
    for index, cluster in enumerate(clusters):
        members.setdefault(cluster, []).append(index)
    return [np.array(indices) for indices in members.values()]


def _by_cluster(
    values: NDArray[np.float64], clusters: Sequence[Hashable]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The sum and the number of the values of each cluster."""
    members = _members(clusters)
    return np.array([values[m].sum() for m in members]), np.array([float(len(m)) for m in members])


def _resampling_weights(clusters: int) -> NDArray[np.float64]:
    """Shape (RESAMPLES, clusters): how often each cluster is drawn in each resample."""
    generator = np.random.default_rng(SEED)
    return generator.multinomial(clusters, np.full(clusters, 1 / clusters), size=RESAMPLES).astype(float)


def _percentiles(values: NDArray[np.float64]) -> tuple[float, float]:
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(values, [tail, 100 - tail])
    return float(low), float(high)

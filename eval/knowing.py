"""Does it know when it knows? Measures over arrays of confidence and truth, one of each a case."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

CALIBRATION_BINS = 10


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """The answers given with a confidence from `low` to `high`: how many, how sure, how right."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """What a threshold on confidence would do: the share of cases answered, and the share of those wrong."""

    threshold: float
    coverage: float
    risk: float


def auroc(confidence: ArrayLike, positive: ArrayLike) -> float:
    """The chance that of a pair the positive case has the higher confidence, ties half; NaN without pairs.

    Area under the ROC curve by the Mann-Whitney statistic (Hanley and McNeil 1982).
    """
    scores, truth = np.asarray(confidence, float), np.asarray(positive, bool)
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return float("nan")
    rank_sum = _mean_ranks(scores)[truth].sum()
    return float((rank_sum - positives * (positives + 1) / 2) / (positives * negatives))


def risk_coverage(confidence: ArrayLike, right: ArrayLike) -> list[OperatingPoint]:
    """The risk-coverage curve (El-Yaniv and Wiener 2010): a point for each confidence, highest first."""
    scores, truth = np.asarray(confidence, float), np.asarray(right, float)
    points = []
    for threshold in np.unique(scores)[::-1]:
        answered = scores >= threshold
        points.append(
            OperatingPoint(float(threshold), float(answered.mean()), float(1 - truth[answered].mean()))
        )
    return points


def area_under_risk_coverage(confidence: ArrayLike, right: ArrayLike) -> float:
    """The mean risk over all coverages (Geifman, Uziel and El-Yaniv 2019), lower better; NaN without cases.

    Cases with the same confidence are answered together: each of them has the risk at the end of its group.
    """
    scores, truth = np.asarray(confidence, float), np.asarray(right, float)
    if not scores.size:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    risks = 1 - np.cumsum(truth[order]) / np.arange(1, scores.size + 1)
    ranked = -scores[order]
    return float(risks[np.searchsorted(ranked, ranked, side="right") - 1].mean())


def calibration_bins(confidence: ArrayLike, right: ArrayLike) -> list[CalibrationBin]:
    """The reliability diagram (DeGroot and Fienberg 1983): ten bins of equal width, empty ones left out."""
    scores, truth = np.asarray(confidence, float), np.asarray(right, float)
    places = _bin_places(scores)
    return [
        CalibrationBin(
            low=place / CALIBRATION_BINS,
            high=(place + 1) / CALIBRATION_BINS,
            n=int((places == place).sum()),
            confidence=float(scores[places == place].mean()),
            accuracy=float(truth[places == place].mean()),
        )
        for place in range(CALIBRATION_BINS)
        if (places == place).any()
    ]


def expected_calibration_error(confidence: ArrayLike, right: ArrayLike) -> float:
    """The mean distance between how sure and how right, over the bins above, weighted by their size.

    Naeini, Cooper and Hauskrecht 2015; Guo et al. 2017. NaN without cases.
    """
    scores, truth = np.asarray(confidence, float), np.asarray(right, float)
    if not scores.size:
        return float("nan")
    gaps = np.bincount(_bin_places(scores), weights=truth - scores, minlength=CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / scores.size)


def _bin_places(scores: NDArray[np.float64]) -> NDArray[np.intp]:
    return np.clip((scores * CALIBRATION_BINS).astype(np.intp), 0, CALIBRATION_BINS - 1)


def _mean_ranks(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1, lowest first; ties share the mean of their ranks."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    mean_rank: NDArray[np.float64] = (last - (counts - 1) / 2)[inverse]
    return mean_rank

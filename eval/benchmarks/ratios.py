"""How many times more: ratios of medians, and how fast something grows, each with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from eval.statistics import LEVEL, RESAMPLES, SEED, Estimate


def ratio_of_medians(above: Sequence[float], below: Sequence[float]) -> Estimate:
    """The median of one set of samples over that of another, with its percentile bootstrap interval (Efron 1979).

    Sets of the same length are taken to be measured in turns: the pairs are resampled, so that what disturbed the
    machine for a while disturbs both.

    Raises:
        ValueError: one of them is empty.
    """
    first, second = np.asarray(above, float), np.asarray(below, float)
    if not first.size or not second.size:
        raise ValueError("There is no ratio of no samples.")
    generator = np.random.default_rng(SEED)
    drawn = generator.integers(first.size, size=(RESAMPLES, first.size))
    also = (
        drawn if first.size == second.size else generator.integers(second.size, size=(RESAMPLES, second.size))
    )
    ratios = np.median(first[drawn], axis=1) / np.median(second[also], axis=1)
    return _estimate(float(np.median(first) / np.median(second)), ratios, first.size)


def times(ratio: Estimate) -> str:
    """A ratio as it is printed, with its interval."""
    return f"{_digits(ratio.value)} × [{_digits(ratio.low)}, {_digits(ratio.high)}]"


def spread(samples: Sequence[float]) -> tuple[float, float, float]:
    """The median, the 95th and the 99th percentile."""
    median, most, nearly_all = np.percentile(np.asarray(samples, float), [50, 95, 99])
    return float(median), float(most), float(nearly_all)


def exponent(samples: Mapping[int, Sequence[float]]) -> Estimate:
    """The slope of log median over log size, least squares, the samples of each size resampled.

    Raises:
        ValueError: there are fewer than two sizes, or a size has no samples.
    """
    sizes = sorted(samples)
    if len(sizes) < 2 or not all(samples[size] for size in sizes):
        raise ValueError("An exponent needs samples of two sizes at least.")
    generator = np.random.default_rng(SEED)
    medians = []
    for size in sizes:
        values = np.asarray(samples[size], float)
        drawn = generator.integers(values.size, size=(RESAMPLES, values.size))
        medians.append(np.log(np.append(np.median(values[drawn], axis=1), np.median(values))))
    slopes = np.polyfit(np.log(sizes), np.array(medians), 1)[0]
    return _estimate(float(slopes[-1]), slopes[:-1], sum(len(samples[size]) for size in sizes))


def slope(places: Sequence[float], values: Sequence[float]) -> Estimate:
    """How much values change with each step of places, by least squares, as a line through samples of one thing.

    What one sample is off the line the next is too, so the interval resamples blocks of residuals (Kuensch 1989, "The
    jackknife and the bootstrap for general stationary observations"), each as long as the square root of their number.

    Raises:
        ValueError: there are fewer than three samples.
    """
    at, found = np.asarray(places, float), np.asarray(values, float)
    if at.size < 3:
        raise ValueError("A slope needs three samples at least.")
    line = np.polyfit(at, found, 1)
    fitted = np.polyval(line, at)
    block = max(1, round(at.size**0.5))
    generator = np.random.default_rng(SEED)
    starts = generator.integers(at.size - block + 1, size=(RESAMPLES, -(-at.size // block)))
    drawn = (starts[:, :, None] + np.arange(block)).reshape(RESAMPLES, -1)[:, : at.size]
    resampled = np.polyfit(at, (fitted + (found - fitted)[drawn]).T, 1)[0]
    return _estimate(float(line[0]), resampled, at.size)


def scaled(estimate: Estimate, factor: float) -> Estimate:
    """The same in another unit."""
    return replace(
        estimate, value=estimate.value * factor, low=estimate.low * factor, high=estimate.high * factor
    )


def gain(share: Estimate) -> str:
    """A share that something grows by as it is printed, with its interval."""
    return f"{share.value:+.1%} [{share.low:+.1%}, {share.high:+.1%}]"


def _digits(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def _estimate(value: float, resampled: np.ndarray, number: int) -> Estimate:
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(resampled, [tail, 100 - tail])
    return Estimate(value, float(low), float(high), number, number)

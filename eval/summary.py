"""From outcomes to figures: every measure with its interval, over all cases and over each slice of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eval.cases import Case
from eval.controls import CONTROLS, Control
from eval.knowing import (
    CalibrationBin,
    OperatingPoint,
    area_under_risk_coverage,
    auroc,
    calibration_bins,
    expected_calibration_error,
    risk_coverage,
)
from eval.measures import MEASURES
from eval.outcomes import Outcome
from eval.scoring import cause, judged, would_be_right
from eval.statistics import Estimate, Indices, Statistic, estimate, estimate_mean

Figures = dict[str, Estimate]
Pair = tuple[Case, Outcome]


@dataclass(frozen=True, slots=True)
class Knowing:
    """The curves behind the measures of confidence, and where the run stands on the first."""

    risk_coverage: tuple[OperatingPoint, ...]
    calibration: tuple[CalibrationBin, ...]
    coverage: float
    risk: float


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of one stage over all questions of a run."""

    n: int
    median: float
    p95: float
    p99: float
    mean: float


def slices(pairs: Sequence[Pair]) -> dict[str, list[Pair]]:
    """The cases cut every way that is reported: `all`, `split:test`, `type:who`, `difficulty:hard`."""
    cut: dict[str, list[Pair]] = {"all": list(pairs)}
    for pair in pairs:
        case = pair[0]
        for dimension, value in (
            ("split", case.split),
            ("type", case.type.value),
            ("difficulty", case.difficulty),
        ):
            if value:
                cut.setdefault(f"{dimension}:{value}", []).append(pair)
    return cut


def figures(pairs: Sequence[Pair]) -> dict[str, Figures]:
    """Every measure of each slice; those of confidence where it holds answerable and unanswerable cases."""
    found = {}
    for name, members in slices(pairs).items():
        found[name] = mean_figures([outcome for _, outcome in members], [case.cluster for case, _ in members])
        if len({case.answerable for case, _ in members}) == 2:
            found[name] |= _confidence_figures(members)
    return found


def mean_figures(outcomes: Sequence[Outcome], clusters: Sequence[str]) -> Figures:
    """The mean of each measure over the outcomes that have it, in the order of `eval.measures`."""
    found: Figures = {}
    for name, measure in MEASURES.items():
        having = [
            (o.measures[name], c) for o, c in zip(outcomes, clusters, strict=True) if name in o.measures
        ]
        if having:
            values, labels = zip(*having, strict=True)
            found[name] = estimate_mean(values, labels, bounded=measure.unit != "count")
    return found


def control_figures(pairs: Sequence[Pair]) -> dict[str, Figures]:
    """What trivial answerers reach on the same cases, judged in the same way."""
    clusters = [case.cluster for case, _ in pairs]
    return {
        name: mean_figures([_controlled(control, case, outcome) for case, outcome in pairs], clusters)
        for name, control in CONTROLS.items()
    }


def knowing(pairs: Sequence[Pair]) -> Knowing:
    """The curves over all cases of a run."""
    confidence = [outcome.confidence for _, outcome in pairs]
    potential = [would_be_right(case, outcome) for case, outcome in pairs]
    given = [(o.confidence, o.measures["right"]) for _, o in pairs if o.answered]
    return Knowing(
        risk_coverage=tuple(risk_coverage(confidence, potential)),
        calibration=tuple(calibration_bins([c for c, _ in given], [r for _, r in given])),
        coverage=len(given) / len(pairs),
        risk=float(1 - np.mean([r for _, r in given])) if given else 0.0,
    )


def latency(outcomes: Iterable[Outcome]) -> dict[str, Latency]:
    """The distribution of the time of each stage, in the order of the stages, `total` last."""
    times: dict[str, list[float]] = {}
    for outcome in outcomes:
        for stage, milliseconds in outcome.timings_ms.items():
            times.setdefault(stage, []).append(milliseconds)
    return {
        stage: _latency(values)
        for stage, values in sorted(times.items(), key=lambda item: item[0] == "total")
    }


def causes(pairs: Iterable[Pair]) -> dict[str, int]:
    """How many outcomes went wrong for each cause, most frequent first."""
    counted = Counter(cause(case, outcome) for case, outcome in pairs)
    return {name: count for name, count in counted.most_common() if name != "right"}


def _controlled(control: Control, case: Case, outcome: Outcome) -> Outcome:
    said = control(case, outcome)
    return said.model_copy(update={"measures": judged(case, said)})


def _latency(values: Sequence[float]) -> Latency:
    median, p95, p99 = np.percentile(values, [50, 95, 99])
    return Latency(len(values), float(median), float(p95), float(p99), float(np.mean(values)))


def _confidence_figures(pairs: Sequence[Pair]) -> Figures:
    """Measures of a whole set of cases, resampled with the set."""
    given = [pair for pair in pairs if pair[1].answered]
    potential = np.array([would_be_right(case, outcome) for case, outcome in pairs])
    confidence = np.array([outcome.confidence for _, outcome in pairs])
    answerable = np.array([case.answerable for case, _ in pairs])
    right = np.array([outcome.measures["right"] for _, outcome in given])
    sure = np.array([outcome.confidence for _, outcome in given])

    def over(statistic: Statistic, chosen: Sequence[Pair]) -> Estimate | None:
        return estimate(statistic, [case.cluster for case, _ in chosen]) if chosen else None

    def separates_answerable(at: Indices) -> float:
        return auroc(confidence[at], answerable[at])

    def separates_right(at: Indices) -> float:
        return auroc(sure[at], right[at])

    def mean_risk(at: Indices) -> float:
        return area_under_risk_coverage(confidence[at], potential[at])

    def miscalibration(at: Indices) -> float:
        return expected_calibration_error(sure[at], right[at])

    found = {
        "auroc": over(separates_answerable, pairs),
        "auroc_right": over(separates_right, given),
        "aurc": over(mean_risk, pairs),
        "ece": over(miscalibration, given),
    }
    return {name: figure for name, figure in found.items() if figure is not None}


def split_columns(figures_by_slice: Mapping[str, Figures]) -> dict[str, Figures]:
    """The columns of a table of figures: all cases and each split, or the one split there is."""
    splits = by_dimension(figures_by_slice, "split")
    return splits if len(splits) == 1 else {"all": figures_by_slice["all"]} | splits


def by_dimension(figures_by_slice: Mapping[str, Figures], dimension: str) -> dict[str, Figures]:
    """The slices of one dimension, by their value."""
    prefix = f"{dimension}:"
    return {
        name.removeprefix(prefix): found
        for name, found in figures_by_slice.items()
        if name.startswith(prefix)
    }

"""Is another run better? Paired: the same cases, each against itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from eval.measures import MEASURES, Measure
from eval.report import InvalidRun, Record, Run
from eval.statistics import Estimate, estimate_difference, mcnemar_exact, sign_flip

# A change passes when the interval of its difference excludes a drop of more than this.
TOLERATED_DROP = 0.01
GATED = ("right", "documents_ndcg@10")

Verdict = Literal["no worse", "worse", "not shown to be no worse"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One measure over the cases that have it in both runs. `wins`: the cases where the second is better."""

    measure: Measure
    first: float
    second: float
    change: Estimate
    p: float
    test: Literal["McNemar", "sign flip"]
    wins: tuple[str, ...]
    losses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that two runs share. `unpaired`: questions that only one of them asked, or asked otherwise."""

    differences: tuple[Difference, ...]
    paired: int
    unpaired: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        """Whether the second run may replace the first: by the interval, not by the point estimate."""
        by_name = {found.measure.name: found for found in self.differences}
        gated = next(by_name[name] for name in GATED if name in by_name)
        if gated.change.low >= -TOLERATED_DROP:
            return "no worse"
        return "worse" if gated.change.high < 0 else "not shown to be no worse"


def compare(first: Run, second: Run) -> Comparison:
    """Every measure of both runs, over the questions that both asked in the same way.

    Raises:
        InvalidRun: they have no question in common.
    """
    before = {record.id: record for record in first.records}
    after = {record.id: record for record in second.records}
    shared = [key for key in before if key in after and _same_question(before[key], after[key])]
    if not shared:
        raise InvalidRun(
            f"The runs {first.report.name!r} and {second.report.name!r} have no question in common."
        )
    pairs = [(before[key], after[key]) for key in shared]
    found = (_difference(measure, pairs) for measure in MEASURES.values())
    unpaired = (before.keys() | after.keys()) - set(shared)
    return Comparison(tuple(entry for entry in found if entry), len(pairs), tuple(sorted(unpaired)))


def _difference(measure: Measure, pairs: list[tuple[Record, Record]]) -> Difference | None:
    name = measure.name
    having = [(a, b) for a, b in pairs if name in a.outcome.measures and name in b.outcome.measures]
    if not having:
        return None
    before = np.array([a.outcome.measures[name] for a, _ in having])
    after = np.array([b.outcome.measures[name] for _, b in having])
    clusters = [a.cluster for a, _ in having]
    better = (after - before) * (1 if measure.higher_is_better else -1)
    wins = tuple(a.id for (a, _), gain in zip(having, better, strict=True) if gain > 0)
    losses = tuple(a.id for (a, _), gain in zip(having, better, strict=True) if gain < 0)
    yes_or_no = bool(np.isin(np.concatenate([before, after]), (0.0, 1.0)).all())
    return Difference(
        measure=measure,
        first=float(before.mean()),
        second=float(after.mean()),
        change=estimate_difference(before, after, clusters),
        p=mcnemar_exact(len(losses), len(wins)) if yes_or_no else sign_flip(after - before, clusters),
        test="McNemar" if yes_or_no else "sign flip",
        wins=wins,
        losses=losses,
    )


def _same_question(first: Record, second: Record) -> bool:
    """Whether both runs asked the same and expected the same; a query may be asked in another form."""
    if first.type == second.type == "query":
        return first.gold == second.gold
    return (first.turns, first.expect, first.nuggets, first.forbidden) == (
        second.turns,
        second.expect,
        second.nuggets,
        second.forbidden,
    )

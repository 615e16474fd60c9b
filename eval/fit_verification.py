"""Fits when a written sentence counts as supported, on development cases alone, and stores it for `rag.answer.verify`.

A sentence of a right answer with the passages that it cites is supported; the same with the passage beside them that
has most words in common, and a sentence with a planted error, are not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from eval.cases import InvalidCases
from eval.logistic import Array, Logistic, fit_logistic
from eval.verification import Progress, Shelf, Trial, VerificationCase, trials, wrong_sentences, wrongly_cited
from rag.answer.facts import unread
from rag.answer.verify import Labelled, Verify
from rag.calibration import Calibration
from rag.domain import Hit

FOLDS = 5
PENALTY = 10.0
# So many right sentences may be flagged.
FLAGGED = 0.05
# A passage that was not cited is easily told; how many there are must not decide.
ELSEWHERE_WEIGHT = 0.3
# What contradicts to the letter must outweigh all else, however few cases have it.
PRIOR = {
    "facts_missing": -6.0,
    "names_elsewhere": -5.0,
    "opposed": -5.0,
    "denial": -5.0,
    "gap": -5.0,
    "swapped": -10.0,
    "turned_round": -4.0,
    "coverage": 2.0,
    "similarity": 3.0,
}


@dataclass(frozen=True, slots=True)
class Example:
    """The signals of a sentence held against passages, and whether these support it."""

    cluster: str
    signals: dict[str, float]
    supported: bool
    weight: float = 1.0


def stored_path() -> Path:
    """Where `rag.answer.verify` reads it."""
    return Path(str(files("rag.answer"))) / "verification.json"


def fit_decision(
    cases: Sequence[VerificationCase],
    shelf: Shelf,
    verify: Verify,
    progress: Progress | None = None,
) -> Calibration:
    """Fit on the development cases; the threshold flags `FLAGGED` of the right sentences of folds that were left out.

    Raises:
        InvalidCases: there are no development cases, or none with an error.
    """
    chosen = [case for case in cases if case.split == "development"]
    examples: list[Example] = []
    for number, case in enumerate(chosen, 1):
        examples += examples_of(case, shelf.sources(case), verify)
        if progress:
            progress("reading cases", number, len(chosen))
    return decide(examples)


def examples_of(case: VerificationCase, sources: Sequence[Labelled], verify: Verify) -> Iterator[Example]:
    """What a case teaches. Of scripts that are not read only the facts count, which need no fit."""
    shown = [source.hit for source in sources]
    for trial in trials(case, [source.label for source in sources]):
        wrong = _wrong(trial, sources, verify)
        for written in verify.sentences(case.question, trial.text, sources):
            if unread(written.text) or (trial.kind and written.text not in wrong):
                continue
            claim = verify.claim(written)
            cited = written.cited or tuple(shown)
            signals = dict(verify.support(claim, cited, shown).signals)
            yield Example(case.cluster, signals, trial.kind is None)
            others = [hit for hit in shown if hit not in cited]
            if trial.kind is None and others:
                nearest: Hit = max(others, key=lambda hit: verify.judge.overlap(claim, hit))
                elsewhere = dict(verify.support(claim, [nearest], shown).signals)
                yield Example(case.cluster, elsewhere, False, ELSEWHERE_WEIGHT)


def _wrong(trial: Trial, sources: Sequence[Labelled], verify: Verify) -> set[str]:
    if trial.kind in (None, "invented_marker"):
        return set()
    if trial.kind == "citation":
        return {text for text, _ in wrongly_cited(trial, sources, verify)}
    return set(wrong_sentences(trial, sources, verify))


def decide(examples: Sequence[Example]) -> Calibration:
    """Weights from all examples; the threshold from folds of whole clusters that were left out."""
    if len({example.supported for example in examples}) < 2:
        raise InvalidCases(
            "To fit what is supported takes right answers and errors in the development split."
        )
    names = list(dict.fromkeys(name for example in examples for name in example.signals))
    features = np.array([[example.signals.get(name, 0.0) for name in names] for example in examples])
    truth = np.array([float(example.supported) for example in examples])
    weights = np.array([example.weight for example in examples])
    prior = np.array([PRIOR.get(name, 0.0) for name in names])
    folds = np.array(
        [int(hashlib.sha256(example.cluster.encode()).hexdigest(), 16) % FOLDS for example in examples]
    )

    def model(rows: Array) -> Logistic:
        return fit_logistic(features[rows], truth[rows], PENALTY, weights[rows], prior)

    probability = np.zeros(len(examples))
    for fold in set(folds.tolist()):
        probability[folds == fold] = model(folds != fold).probability(features[folds == fold])
    whole = model(np.ones(len(examples), dtype=bool))
    threshold = float(np.quantile(probability[truth == 1.0], FLAGGED))
    fitted = {name: round(float(weight), 4) for name, weight in zip(names, whole.weights, strict=True)}
    return Calibration(fitted, round(whole.bias, 4), round(threshold, 4))


def store(decision: Calibration) -> None:
    """Write it where the program reads it."""
    content = {
        "weights": dict(decision.weights),
        "bias": decision.bias,
        "threshold": decision.threshold,
        "fitted_on": {"split": "development", "penalty": PENALTY, "flagged": FLAGGED, "prior": PRIOR},
    }
    stored_path().write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

"""Fits when to answer and when to refuse, on development cases alone, and stores it for `rag.read`."""

from __future__ import annotations

import hashlib
import inspect
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.resources import files
from math import inf
from pathlib import Path

import numpy as np

import rag.read
from eval.answer_measures import holds_answer
from eval.cases import Case, InvalidCases, Split
from eval.evaluate import Advance, Plan, bundled_cases, chosen_cases, digest, external, silent
from eval.fitting import COST_RATIO, FOLDS, PENALTY, ErrorRates, Example, Fit, fit
from eval.knowing import auroc, expected_calibration_error
from eval.logistic import Array
from eval.runner import ask_case
from eval.workspace import opened, prepared
from rag.domain import Answer, Evidence
from rag.settings import Settings
from rag.wiring import BUNDLED_READER

VERSION = 2


@dataclass(frozen=True, slots=True)
class Fitted:
    """How the decision does on one of the collections that it was fitted on, cross-validated; hashes name it."""

    collection: str
    cases: int
    cases_sha256: str
    index_id: str
    auroc: float
    expected_calibration_error: float


@dataclass(frozen=True, slots=True)
class Decision:
    """A fit with hashes of all that it was made from: it is stale when any of them is another."""

    fit: Fit
    collections: tuple[Fitted, ...]
    inputs: Mapping[str, str | float]


@dataclass(frozen=True, slots=True)
class Asked:
    """The development cases of one collection with what the pipeline made of them."""

    name: str
    cases: tuple[Case, ...]
    answers: tuple[Answer, ...]
    index_id: str


def example(case: Case, answer: Answer, names: Sequence[str]) -> Example | None:
    """What a case teaches; None where nothing was retrieved to read."""
    # In the order of the text: that of the reading is the decision's that is in use.
    evidence = sorted(
        answer.reading.evidence if answer.reading else (),
        key=lambda found: (found.part, found.hit.rank, found.sentence.start),
    )
    if not evidence:
        return None
    features = [[found.signals.get(name, 0.0) for name in names] for found in evidence]
    answers = [float(_answers(case, found)) for found in evidence]
    return Example(case.cluster, case.answerable, np.array(features, float), np.array(answers))


def examples_of(asked: Asked, names: Sequence[str]) -> list[Example]:
    """What the cases of a collection teach; those for which nothing was retrieved teach nothing."""
    made = (example(case, answer, names) for case, answer in zip(asked.cases, asked.answers, strict=True))
    return [found for found in made if found]


def signal_names(answers: Iterable[Answer]) -> tuple[str, ...]:
    """Every signal that any evidence has, in the order of first sight.

    Raises:
        InvalidCases: no answer has evidence with signals: nothing can be fitted.
    """
    names = dict.fromkeys(
        name
        for answer in answers
        if answer.reading
        for found in answer.reading.evidence
        for name in found.signals
    )
    if not names:
        raise InvalidCases(
            "No question of the development split found anything to read: nothing can be fitted."
        )
    return tuple(names)


def stored_calibration() -> Path:
    """Where `rag.read` reads it."""
    return Path(str(files("rag"))) / "calibration.json"


def prior_weights(path: Path, names: Sequence[str]) -> Array:
    """The weights to start from: those kept as prior in a stored fit, else its weights; 0 for a new signal."""
    if not path.is_file():
        return np.zeros(len(names))
    stored = json.loads(path.read_text(encoding="utf-8"))
    known = dict(zip(stored["feature_names"], stored.get("prior", stored["weights"]), strict=True))
    return np.array([known.get(name, 0.0) for name in names])


def fit_decision(
    paths: tuple[Path, ...],
    settings: Settings,
    cost_ratio: float = COST_RATIO,
    penalty: float = PENALTY,
    advance: Advance = silent,
) -> Decision:
    """Ask the development cases of every collection and fit; each path is one, and counts as much as any other.

    The prior comes from what the program has stored.

    Raises:
        InvalidCases: nothing can be fitted on them.
    """
    asked = [ask(path, settings, "development", advance) for path in paths or (bundled_cases(),)]
    names = signal_names(answer for its in asked for answer in its.answers)
    most = max(len(its.cases) for its in asked)
    examples: list[Example] = []
    places: list[slice] = []
    for its in asked:
        weight = most / len(its.cases)
        made = [
            replace(found, cluster=f"{its.name}: {found.cluster}", weight=weight)
            for found in examples_of(its, names)
        ]
        places.append(slice(len(examples), len(examples) + len(made)))
        examples += made
    fitted = fit(examples, names, prior_weights(stored_calibration(), names), cost_ratio, penalty)
    collections = tuple(
        _fitted(its, fitted, examples[place], place) for its, place in zip(asked, places, strict=True)
    )
    inputs: dict[str, str | float] = {
        "reader_sha256": reader_sha256(),
        "cost_ratio": cost_ratio,
        "penalty": penalty,
    }
    return Decision(fitted, collections, inputs)


def ask(path: Path, settings: Settings, split: Split, advance: Advance = silent) -> Asked:
    """Ask the cases of one collection that are of the split.

    Raises:
        InvalidCases: they cannot be used, or there are none.
    """
    plan = Plan((path,), split=split)
    collection = external(plan)
    everything = {"certain": inf}  # what would not be read depends on the decision that is to be fitted
    with prepared(collection, settings) as place, opened(place, advance, everything) as application:
        cases = chosen_cases(plan, collection, application)
        answers = []
        for case in cases:
            answers.append(ask_case(case, application.pipeline.ask, plan.conditions))
            advance(f"asking {path.stem}, {split}", len(answers), len(cases))
        return Asked(path.stem, cases, tuple(answers), application.catalog.manifest().index_id)


def _fitted(its: Asked, fitted: Fit, examples: Sequence[Example], place: slice) -> Fitted:
    confidence, right = fitted.confidence[place], fitted.right[place]
    given = confidence >= fitted.threshold
    return Fitted(
        collection=its.name,
        cases=len(its.cases),
        cases_sha256=digest(its.cases),
        index_id=its.index_id,
        auroc=auroc(confidence, [found.answerable for found in examples]),
        expected_calibration_error=expected_calibration_error(confidence[given], right[given]),
    )


def write(decision: Decision, path: Path) -> None:
    """Store what was fitted with what it was fitted on, for `rag.read`."""
    fitted = decision.fit
    content = {
        "version": VERSION,
        "feature_names": fitted.feature_names,
        "weights": [round(float(weight), 6) for weight in fitted.model.weights],
        "bias": round(fitted.model.bias, 6),
        "threshold": fitted.threshold,
        "prior": [round(float(weight), 6) for weight in fitted.prior],
        "fitted_on": {
            "split": "development",
            "cases": fitted.cases,
            "collections": [_rounded(its) for its in decision.collections],
            **decision.inputs,
        },
        "cross_validated": {
            "folds": FOLDS,
            "auroc": round(fitted.auroc, 4),
            "expected_calibration_error": round(fitted.calibration_error, 4),
        },
        "error_rates": [_rounded(rate) for rate in fitted.error_rates],
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _rounded(values: Fitted | ErrorRates) -> dict[str, str | int | float]:
    return {
        name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(values).items()
    }


def reader_sha256() -> str:
    """Changes with what makes the signals: `rag.read`, what it calls, and the reader's model. Then the fit is stale."""
    called = (value for value in vars(rag.read).values() if callable(value) and not inspect.isclass(value))
    names = {value.__module__ for value in called if value.__module__.startswith("rag.")}
    sources = (inspect.getsource(sys.modules[name]) for name in sorted({rag.read.__name__, *names}))
    model = (BUNDLED_READER / "reader.onnx").read_bytes()
    return hashlib.sha256("\n".join(sources).encode() + model).hexdigest()


def _answers(case: Case, found: Evidence) -> bool:
    """Whether a sentence answers: it is (half of) a gold quote, or states all that is asked for."""
    sentence, document_id = found.sentence, found.hit.passage.document_id
    return holds_answer(case, sentence.text) or any(
        gold.document_id == document_id
        and 2 * (min(gold.end, sentence.end) - max(gold.start, sentence.start))
        >= min(gold.end - gold.start, sentence.end - sentence.start)
        for gold in case.gold
    )

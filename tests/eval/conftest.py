"""What tests of the suite share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.cases import CaseType
from eval.outcomes import failed
from eval.report import Report, Run, records_of
from eval.scoring import scored
from eval.summary import causes, control_figures, figures, knowing, latency
from tests.eval.examples import (
    COST,
    IN_DEVELOPMENT,
    IN_TEST,
    make_answer,
    make_case,
    make_gold,
    make_quote,
    make_refusal,
)


@pytest.fixture
def write_lines(tmp_path: Path) -> Callable[..., Path]:
    """Writes values as lines of JSON to a new file."""

    def write(*lines: object, name: str = "cases.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
        return path

    return write


@pytest.fixture
def run() -> Run:
    """A small run: a right answer, a wrong one in each split, a refusal and a crash."""
    gold = (make_gold(COST),)
    cases = [
        make_case("right", {"number": 42_000_000}, gold=gold),
        make_case(
            IN_DEVELOPMENT, "Ada <Moreau>", turns=("Tell me about the quay.", "Who led it, <b>really</b>?")
        ),
        make_case(IN_TEST, "Ines Okafor", turns=("Who restored the lamp?",)),
        make_case("weather", type=CaseType.OTHER_SUBJECT, turns=("Will it rain?",)),
        make_case("crash", "x", turns=("Crash?",)),
    ]
    outcomes = [
        make_answer(f"{COST} [1]", make_quote(COST)),
        make_answer(f"{COST} [1]", make_quote(COST), case_id=IN_DEVELOPMENT),
        make_answer("Someone did.", case_id=IN_TEST),
        make_refusal("weather").model_copy(update={"timings_ms": {"read": 1.5, "total": 3.25}}),
        failed("crash", "no answer within 60 s"),
    ]
    pairs = list(zip(cases, scored(cases, outcomes, lambda _: []), strict=True))
    report = Report(
        name="harbour",
        created="2025-04-21T00:00:00+00:00",
        seconds=1.0,
        configuration={"mode": "extractive", "split": None},
        versions={"python": "3.11"},
        index_id="index-1",
        documents=1,
        passages=1,
        cases_sha256="0" * 64,
        cases=len(pairs),
        figures=figures(pairs),
        controls=control_figures(pairs),
        knowing=knowing(pairs),
        latency=latency([outcome for _, outcome in pairs]),
        causes=causes(pairs),
        failed={"crash": "no answer within 60 s"},
    )
    return Run(report, records_of(pairs))

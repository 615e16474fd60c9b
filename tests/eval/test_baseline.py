"""Quality does not silently regress: the development questions are asked and held against the committed baseline."""

from pathlib import Path

import pytest

import eval as eval_package
from eval.compare import compare
from eval.evaluate import Plan, bundled_cases, evaluate_application
from eval.markdown_report import figures_table
from eval.marked import insert
from eval.report import Run, load
from rag.wiring import Application

ROOT = Path(eval_package.__file__).resolve().parent
BASELINE = ROOT / "baseline"
README = ROOT.parent / "README.md"

# How far a figure may fall below the baseline, which the same code reproduces: room for other arithmetic on
# another processor, not for another behaviour.
TOLERANCES = {
    "right_answerable": 0.02,
    "refused_answerable": 0.02,
    "answered_unanswerable": 0.03,
    "nugget_recall": 0.02,
    "auroc": 0.02,
    "ece": 0.03,
    "citation_integrity": 0.0,
    "citation_recall": 0.01,
    "gold_quote_hit": 0.02,
    "passages_success@5": 0.02,
    "answer_characters": 10.0,
}
LOWER_IS_BETTER = {"refused_answerable", "answered_unanswerable", "ece", "answer_characters"}


@pytest.fixture(scope="module")
def baseline() -> Run:
    return load(BASELINE)


@pytest.fixture(scope="module")
def development(application: Application) -> Run:
    """The development questions, asked of the bundled record now."""
    return evaluate_application(application, Plan((bundled_cases(),), "development"))


def test_no_figure_falls_below_the_baseline(baseline: Run, development: Run) -> None:
    before = baseline.report.figures["split:development"]
    after = development.report.figures["all"]
    fallen = []
    for name, tolerance in TOLERANCES.items():
        drop = after[name].value - before[name].value
        drop = drop if name in LOWER_IS_BETTER else -drop
        if drop > tolerance:
            fallen.append(f"{name}: {before[name].value:.3f} -> {after[name].value:.3f}")
    assert not fallen, f"{'; '.join(fallen)}. Turned wrong: {', '.join(_turned_wrong(baseline, development))}"


def test_every_development_question_of_the_baseline_is_still_asked(baseline: Run, development: Run) -> None:
    before = {record.id for record in baseline.records if record.split == "development"}
    assert before == {record.id for record in development.records}


def test_no_question_crashes(development: Run) -> None:
    assert development.report.failed == {}


def test_the_figures_in_the_readme_are_those_of_the_baseline(baseline: Run) -> None:
    text = README.read_text(encoding="utf-8")
    assert insert(text, "eval", figures_table(baseline.report)) == text, "Run `mission-record eval figures`."


def _turned_wrong(baseline: Run, development: Run) -> tuple[str, ...]:
    return next(
        found.losses for found in compare(baseline, development).differences if found.measure.name == "right"
    )

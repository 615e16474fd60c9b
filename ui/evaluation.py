"""A measurement of the answers as `mission-record eval run` leaves it: `report.json` and `cases.jsonl`.

Only what the page shows is read, so that reports of other versions can be read too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from rag.errors import InvalidInput

REPORT_FILE, CASES_FILE = "report.json", "cases.jsonl"
# The run that comes with a checkout and with the installed package.
BASELINE = Path(__file__).resolve().parent.parent / "eval" / "baseline"


class InvalidReport(InvalidInput):
    """A folder whose files are no measurement that can be shown."""


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Figure(_Read):
    """A figure with the ends of its 95 % interval, from `n` questions."""

    value: float
    low: float
    high: float
    n: int


class Point(_Read):
    """If the surest `coverage` of all questions were answered, `risk` of those would be wrong."""

    coverage: float
    risk: float


class Bin(_Read):
    """Answers of like confidence: their number, mean confidence and the share of them that is right."""

    n: int
    confidence: float
    accuracy: float


class Curves(_Read):
    """What the confidence is worth; `coverage` and `risk` are where the run stands."""

    risk_coverage: tuple[Point, ...]
    calibration: tuple[Bin, ...]
    coverage: float
    risk: float


class Report(_Read):
    """The figures of a run, those of all questions under `figures["all"]`, and what was measured."""

    name: str
    created: str
    index_id: str
    documents: int
    passages: int
    cases: int
    figures: dict[str, dict[str, Figure]]
    knowing: Curves | None = None


class Cited(_Read):
    """A source of an answer."""

    title: str = ""
    quote: str = ""


class Outcome(_Read):
    """What was said to a question, and how it was judged."""

    status: str = ""
    answer_plain: str = ""
    confidence: float = 0.0
    citations: tuple[Cited, ...] = ()
    measures: dict[str, float] = {}


class Case(_Read):
    """A question of a run."""

    type: str = ""
    turns: tuple[str, ...]
    split: str = ""
    expect: str = ""
    cause: str = ""
    outcome: Outcome

    @property
    def right(self) -> bool:
        """Whether it was judged right."""
        return self.outcome.measures.get("right", 0.0) >= 1.0

    @property
    def answered(self) -> bool:
        """Whether it got an answer."""
        return self.outcome.status == "answered"


class Evaluation(_Read):
    """A report and its questions."""

    report: Report
    cases: tuple[Case, ...]


def own_folder(data_dir: Path) -> Path:
    """Where a run of this record's own is looked for."""
    return data_dir / "eval" / "latest"


def latest(data_dir: Path, baseline: Path = BASELINE) -> Evaluation | None:
    """The run in the data folder, else the one that comes with the program; None where there is neither.

    Raises:
        InvalidReport: the files cannot be read as a run.
    """
    for folder in (own_folder(data_dir), baseline):
        if (folder / REPORT_FILE).is_file():
            return _read(folder)
    return None


def _read(folder: Path) -> Evaluation:
    try:
        report = Report.model_validate_json((folder / REPORT_FILE).read_bytes())
        lines = (folder / CASES_FILE).read_bytes().splitlines() if (folder / CASES_FILE).is_file() else []
        return Evaluation(
            report=report, cases=tuple(Case.model_validate_json(line) for line in lines if line)
        )
    except OSError as error:
        raise InvalidReport(
            f"{folder} cannot be read: {error.strerror}. Measure again, or remove it."
        ) from error
    except ValidationError as error:
        raise InvalidReport(
            f"{folder} holds no measurement that this version can show. Measure again, or remove it."
        ) from error


def examples(cases: Sequence[Case], most: int = 3) -> dict[str, list[Case]]:
    """Some questions answered `right`, some `wrong`, and some rightly `refused`, of as many types as there are.

    None of the test split: whoever reads those can no longer be measured by them. The wrong ones are the surest.
    """
    shown = [case for case in cases if case.split != "test" and len(case.turns) == 1]
    return {
        "right": _varied([case for case in shown if case.answered and case.right], most),
        "wrong": _varied([case for case in shown if case.answered and not case.right], most),
        "refused": _varied([case for case in shown if not case.answered and case.right], most),
    }


def _varied(cases: Sequence[Case], most: int) -> list[Case]:
    ordered = sorted(cases, key=lambda case: (-case.outcome.confidence, case.turns))
    first = list({case.type: case for case in reversed(ordered)}.values())[::-1]
    rest = [case for case in ordered if case not in first]
    return (first + rest)[:most]

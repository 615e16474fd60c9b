"""A run as it is kept: `report.json` holds every figure, `cases.jsonl` every question and its answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from eval.cases import Case
from eval.formats import Query
from eval.matching import describe
from eval.outcomes import Outcome
from eval.scoring import cause
from eval.statistics import Estimate
from eval.summary import Figures, Knowing, Latency, Pair
from rag.errors import InvalidInput

REPORT_FILE = "report.json"
RECORDS_FILE = "cases.jsonl"
FORMAT = 1


class InvalidRun(InvalidInput):
    """A folder that holds no run that can be read."""


class Record(BaseModel):
    """One question of a run: what was asked, expected (for a reader) and said, and why it is wrong."""

    model_config = ConfigDict(frozen=True)

    id: str
    type: str
    cluster: str
    turns: tuple[str, ...]
    split: str = ""
    expect: str = ""
    nuggets: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    gold: tuple[str, ...] = ()
    cause: str = ""
    outcome: Outcome

    @property
    def wrong(self) -> bool:
        """Whether it was judged, and not right."""
        return self.outcome.measures.get("right", 1.0) < 1.0


class Report(BaseModel):
    """Every figure of a run and all that is needed to make it again.

    `figures` holds those of each slice ("all", "split:test", "type:who"); `controls` what trivial answerers
    reach on the same cases; `causes` how many went wrong by each cause; `failed` the questions that crashed.
    """

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    name: str
    created: str
    seconds: float
    configuration: dict[str, str | int | float | bool | None]
    versions: dict[str, str]
    index_id: str
    documents: int
    passages: int
    cases_sha256: str
    cases: int
    figures: dict[str, Figures]
    controls: dict[str, Figures] = {}
    knowing: Knowing | None = None
    latency: dict[str, Latency] = {}
    causes: dict[str, int] = {}
    failed: dict[str, str] = {}
    judge: dict[str, Estimate | str | int] = {}


@dataclass(frozen=True, slots=True)
class Run:
    """A report with the questions it is about."""

    report: Report
    records: tuple[Record, ...]


def records_of(pairs: Sequence[Pair]) -> tuple[Record, ...]:
    """What is kept of each case and its outcome."""
    return tuple(_record(case, outcome) for case, outcome in pairs)


def query_records(queries: Sequence[Query], outcomes: Sequence[Outcome]) -> tuple[Record, ...]:
    """What is kept of each query and its outcome."""
    return tuple(
        Record(
            id=query.id,
            type="query",
            cluster=query.cluster,
            turns=(*(turn.content for turn in query.history if turn.role == "user"), query.text),
            gold=tuple(query.gains),
            outcome=outcome,
        )
        for query, outcome in zip(queries, outcomes, strict=True)
    )


def save(run: Run, folder: Path) -> None:
    """Write both files; what another run left there is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    rounded = _rounded(run.report.model_dump(mode="json"))
    text = json.dumps(rounded, indent=1, ensure_ascii=False)
    (folder / REPORT_FILE).write_text(text + "\n", encoding="utf-8")
    lines = (record.model_dump_json(exclude_defaults=True) for record in run.records)
    (folder / RECORDS_FILE).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def load(folder: Path) -> Run:
    """Read a run back.

    Raises:
        InvalidRun: the folder holds none, or one of another format.
    """
    try:
        report = Report.model_validate_json((folder / REPORT_FILE).read_text(encoding="utf-8"))
        lines = (folder / RECORDS_FILE).read_text(encoding="utf-8").split("\n")
        records = tuple(Record.model_validate_json(line) for line in lines if line)
    except OSError as error:
        raise InvalidRun(
            f"{folder} holds no run ({error.strerror}): give the folder of `eval run --out`."
        ) from error
    except ValidationError as error:
        raise InvalidRun(f"{folder} holds a run that cannot be read: {error.errors()[0]['msg']}") from error
    if report.format != FORMAT:
        raise InvalidRun(
            f"{folder} holds a run of format {report.format}; this program reads format {FORMAT}."
        )
    return Run(report, records)


def _record(case: Case, outcome: Outcome) -> Record:
    return Record(
        id=case.id,
        type=case.type.value,
        cluster=case.cluster,
        turns=(*(turn.content for turn in case.history if turn.role == "user"), *case.turns),
        split=case.split,
        expect=case.expect,
        nuggets=tuple(describe(nugget) for nugget in case.nuggets),
        forbidden=tuple(str(form) for form in case.forbidden),
        gold=tuple(f"{gold.document_id}: {gold.quote}" for gold in case.gold),
        cause=cause(case, outcome),
        outcome=outcome,
    )


def _rounded(value: object) -> object:
    """Figures to six places: no more is meant, and files of two runs can be compared by eye."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: _rounded(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_rounded(entry) for entry in value]
    return value

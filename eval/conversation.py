"""How well follow-ups are understood: by cases that say what each must become.

A case is one line of JSON: a `history` of turns, the `question` after them and what it must become.

    {"id": "harbour-02", "split": "development", "cluster": "harbour", "kind": "pronoun", "question": "Who leads it?",
     "names": [["Brandt Marine"]], "without": ["Elsin"], "history": [{"role": "user", "content": "..."}, ...]}

Standing alone, a follow-up holds one form of each of `names` and none of `without`; a question of kind "fresh" stays as
it is, and may lean on the history only where the search finds the two related.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eval.cases import SPLITS, InvalidCases, Split, split_of
from eval.statistics import Estimate, estimate_mean
from rag.converse import standalone
from rag.domain import Turn

FRESH = "fresh"

Columns = Mapping[str, Estimate]


class _Turn(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Literal["user", "assistant"]
    content: str


class ConversationCase(BaseModel):
    """A question after a history, and what it must become to stand alone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1)
    split: Split
    cluster: str = Field(min_length=1)
    kind: str = Field(min_length=1)
    question: str = Field(min_length=1)
    names: tuple[tuple[str, ...], ...] = ()
    without: tuple[str, ...] = ()
    history: tuple[_Turn, ...] = Field(min_length=1)

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The history in the program's words."""
        return tuple(Turn(turn.role, turn.content) for turn in self.history)


@dataclass(frozen=True, slots=True)
class ShareFigure:
    """One measure, a share between 0 and 1 or a difference of two, for each split and for all."""

    name: str
    columns: Columns


def bundled_conversations() -> Path:
    """The cases that come with the program."""
    return Path(str(files("eval"))) / "cases" / "conversation"


def load_conversations(folder: Path) -> tuple[ConversationCase, ...]:
    """Every case in the `*.jsonl` files of a folder.

    Raises:
        InvalidCases: names file, line and what is wrong with it.
    """
    cases = tuple(case for path in sorted(folder.glob("*.jsonl")) for case in _read(path))
    if not cases:
        raise InvalidCases(f"{folder} has no *.jsonl file with cases.")
    return cases


def is_right(case: ConversationCase) -> bool:
    """Whether a follow-up names what it is about and nothing else, or a fresh question is left alone."""
    found = standalone(case.question, case.turns)
    if case.kind == FRESH:
        return found.text == case.question and (found.perhaps or not found.leans_on)
    text = found.text.lower()
    named = all(any(form.lower() in text for form in forms) for forms in case.names)
    return named and not any(form.lower() in text for form in case.without)


def understood(cases: Sequence[ConversationCase]) -> list[ShareFigure]:
    """The share of follow-ups that are resolved, in all and by kind, and of fresh questions that are left alone."""
    kinds = sorted({case.kind for case in cases} - {FRESH})
    chosen = {
        "follow-ups resolved": [case for case in cases if case.kind != FRESH],
        **{f"  {kind}": [case for case in cases if case.kind == kind] for kind in kinds},
        "fresh questions left alone": [case for case in cases if case.kind == FRESH],
    }
    return [
        ShareFigure(name, means([float(is_right(case)) for case in some], [case.cluster for case in some]))
        for name, some in chosen.items()
    ]


def _read(path: Path) -> Iterator[ConversationCase]:
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not line.strip():
            continue
        try:
            case = ConversationCase.model_validate(json.loads(line))
        except (ValidationError, ValueError) as error:
            raise InvalidCases(f"{path}:{number}: {error}") from error
        if case.split != split_of(case.cluster):
            raise InvalidCases(
                f"{path}:{number}: the hash of {case.cluster!r} says {split_of(case.cluster)!r}."
            )
        if (case.kind == FRESH) == bool(case.names):
            raise InvalidCases(f"{path}:{number}: a follow-up has `names`, a fresh question has none.")
        yield case


def by_split(clusters: Sequence[str]) -> dict[str, list[int]]:
    """The places of each split's values, by its name, and of all."""
    places: dict[str, list[int]] = {
        split: [at for at, cluster in enumerate(clusters) if split_of(cluster) == split] for split in SPLITS
    }
    return {name: some for name, some in (places | {"all": list(range(len(clusters)))}).items() if some}


def means(values: Sequence[float], clusters: Sequence[str]) -> Columns:
    """The mean of each split, resampled by cluster."""
    return {
        name: estimate_mean([values[at] for at in places], [clusters[at] for at in places])
        for name, places in by_split(clusters).items()
    }

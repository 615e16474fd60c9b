"""Are questions in other languages told from English ones? Cases are lines of JSON: id, split, language, question."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from eval.cases import Split, load_folder
from eval.conversation import ShareFigure
from eval.statistics import Estimate, estimate_mean
from rag.foreign import LanguageGate

ENGLISH = "en"


class LanguageCase(BaseModel):
    """A question and its language, as ISO 639-1 has it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1)
    split: Split
    language: str = Field(min_length=2, max_length=2)
    question: str = Field(min_length=1)


def bundled_languages() -> Path:
    """The cases that come with the program."""
    return Path(str(files("eval"))) / "cases" / "languages"


def load_languages(folder: Path) -> tuple[LanguageCase, ...]:
    """Every case in the `*.jsonl` files of a folder.

    Raises:
        InvalidCases: names file, line and what is wrong with it.
    """
    return load_folder(folder, LanguageCase)


def told_apart(cases: Sequence[LanguageCase], gate: LanguageGate) -> list[ShareFigure]:
    """The share of English questions that are let through, and of others that are refused."""
    english = [case for case in cases if case.language == ENGLISH]
    others = [case for case in cases if case.language != ENGLISH]
    return [
        _figure("English let through", english, [not gate.is_foreign(case.question) for case in english]),
        _figure("others refused", others, [gate.is_foreign(case.question) for case in others]),
    ]


def _figure(name: str, cases: Sequence[LanguageCase], right: Sequence[bool]) -> ShareFigure:
    columns: dict[str, Estimate] = {}
    for split in dict.fromkeys(case.split for case in cases):
        places = [place for place, case in enumerate(cases) if case.split == split]
        columns[split] = estimate_mean([float(right[place]) for place in places], places)
    return ShareFigure(name, columns)

"""What a part of the benchmarks measures, and what it shows of that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Called with what is being done, how much of it is done, and of how much; 0 where that is not known.
Tell = Callable[[str, int, int], None]
Draw = Callable[["Axes"], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured. `quick` is for seeing that it runs: its figures say little.

    `workspace` is a folder for indexes and documents, empty unless it was named to be kept; `seed` decides all that is
    generated or drawn. `growth` goes up to a record of `largest` passages.
    """

    workspace: Path
    quick: bool = False
    seed: int = 1
    largest: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Target:
    """What was aimed at, and what was reached."""

    what: str
    aim: str
    reached: str
    met: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it is printed: every cell is text."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """What the report shows of one part. `plots` draw on axes of their own, by the name of their file."""

    title: str
    text: str
    tables: Sequence[Table]
    plots: Mapping[str, Draw] = field(default_factory=dict)
    targets: Sequence[Target] = ()


class Part(Protocol):
    """A module of this package that measures one thing."""

    Measured: type[BaseModel]

    def measure(self, plan: Plan, tell: Tell) -> Any:
        """Measure, and return a `Measured`: the samples themselves, not what is made of them."""
        ...

    def section(self, measured: Any) -> Section:
        """What a `Measured` shows; pure, so that a report can be made again without measuring."""
        ...

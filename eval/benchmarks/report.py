"""From samples to the report: tables, plots, targets reached and missed, and the lines that the README quotes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from eval.benchmarks.machine import Machine
from eval.benchmarks.section import Draw, Part, Section, Table, Target

REPORT = "README.md"


class Kept(BaseModel):
    """What one run of one part measured, as it is kept in a file."""

    part: str
    quick: bool
    seed: int
    machine: Machine
    measured: dict[str, Any]

    def write(self, folder: Path) -> None:
        """Into the folder, under the name of the part."""
        folder.mkdir(parents=True, exist_ok=True)
        content = json.dumps(self.model_dump(), indent=1, ensure_ascii=False)
        (folder / f"{self.part}.json").write_text(content + "\n", encoding="utf-8")


def read_kept(folder: Path, names: Sequence[str]) -> list[Kept]:
    """What has been kept of these parts, in their order; parts that were never measured are left out."""
    files = (folder / f"{name}.json" for name in names)
    return [Kept.model_validate_json(file.read_text(encoding="utf-8")) for file in files if file.is_file()]


def write_report(kept: Sequence[Kept], part: Callable[[str], Part], folder: Path) -> str:
    """Write the tables and plots of all that has been kept; returns where to."""
    made = _sections(kept, part)
    for section in made:
        for name, draw in section.plots.items():
            _plot(draw, folder / f"{name}.svg")
    (folder / REPORT).write_text(_markdown(kept, made), encoding="utf-8")
    return str(folder / REPORT)


def targets_reached(kept: Sequence[Kept], part: Callable[[str], Part]) -> str:
    """The table of targets over all parts, as Markdown."""
    return _target_table([target for section in _sections(kept, part) for target in section.targets])


def _sections(kept: Sequence[Kept], part: Callable[[str], Part]) -> list[Section]:
    modules = [(each, part(each.part)) for each in kept]
    return [module.section(module.Measured.model_validate(each.measured)) for each, module in modules]


def _markdown(kept: Sequence[Kept], sections: Sequence[Section]) -> str:
    targets = [target for section in sections for target in section.targets]
    blocks = [
        "# How fast, how large, how steady",
        "Made by `make bench`; the samples are in the files beside this one, and `python -m eval.benchmarks report` "
        "makes this page of them again. Ratios are of medians; in brackets their 95 % intervals.",
        *(
            ["Some of this is of a quick run, whose figures say little."]
            if any(k.quick for k in kept)
            else []
        ),
        _machines(kept),
        "## Targets",
        _target_table(targets),
    ]
    for section in sections:
        blocks += [f"## {section.title}", section.text]
        blocks += [markdown_table(table) for table in section.tables]
        blocks += [f"![{section.title}]({name}.svg)" for name in section.plots]
    return "\n\n".join(blocks) + "\n"


def _target_table(targets: Sequence[Target]) -> str:
    rows = [
        (target.what, target.aim, target.reached, "yes" if target.met else "**no**") for target in targets
    ]
    return markdown_table(Table(("", "aim", "reached", "met"), rows))


def markdown_table(table: Table) -> str:
    """A table as Markdown; all but the first column to the right."""
    lines = [table.columns, ["---", *["---:"] * (len(table.columns) - 1)], *table.rows]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{text}\n\n{table.note}" if table.note else text


def _machines(kept: Sequence[Kept]) -> str:
    """Each machine once, with what was measured on it."""
    said: dict[str, list[str]] = {}
    for each in kept:
        found = each.machine
        packages = ", ".join(f"{name} {version}" for name, version in found.packages.items())
        described = (
            f"{found.processor}, {found.cores} cores, {found.memory_gib:g} GiB; {found.system}, Python {found.python}; "
            f"{packages}"
        )
        said.setdefault(described, []).append(each.part)
    if len(said) == 1:
        return f"Machine: {next(iter(said))}."
    return "\n".join(f"- {', '.join(parts)}: {described}." for described, parts in said.items())


def _plot(draw: Draw, file: Path) -> None:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    # Text stays text, and the same samples give the same bytes.
    with mpl.rc_context(
        {"svg.fonttype": "none", "svg.hashsalt": "benchmarks", "axes.grid": True, "grid.alpha": 0.3}
    ):
        figure = Figure(figsize=(7, 4), layout="constrained", facecolor="white")
        draw(figure.subplots())
        figure.savefig(file, format="svg", metadata={"Date": None})

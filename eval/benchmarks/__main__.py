"""`python -m eval.benchmarks run`: measure, keep the samples, and write the report. `report` writes it again."""

from __future__ import annotations

import tempfile
from importlib import import_module
from pathlib import Path
from typing import Annotated, cast

import typer

from eval.benchmarks.machine import machine
from eval.benchmarks.report import Kept, read_kept, targets_reached, write_report
from eval.benchmarks.section import Part, Plan
from eval.marked import insert
from rag.terminal import progress_bar

# In the order of the report.
PARTS = ("peers", "stages", "throughput", "load", "endurance", "growth")
RESULTS = Path("eval/benchmarks/results")

benchmarks = typer.Typer(
    help="Measure speed, memory and steadiness beside what else there is.", no_args_is_help=True
)

Out = Annotated[Path, typer.Option("--out", help="Folder of samples, tables and plots.")]


@benchmarks.command()
def run(
    parts: Annotated[
        list[str] | None, typer.Argument(help=f"Some of: {', '.join(PARTS)}. Default: all.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Little of everything, to see that it runs.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Decides what is generated and drawn.")] = 1,
    largest: Annotated[
        int,
        typer.Option(help="Passages of the largest record of `growth`; a million takes hours, and 13 GB."),
    ] = 1_000_000,
    workspace: Annotated[
        Path | None,
        typer.Option(help="A folder that is kept, from which `growth` goes on where it was stopped."),
    ] = None,
    out: Out = RESULTS,
) -> None:
    """Measure parts, one after the other, and write the report of all that has been measured."""
    chosen = parts or list(PARTS)
    unknown = [name for name in chosen if name not in PARTS]
    if unknown:
        raise typer.BadParameter(f"There is no part {unknown[0]!r}. Choose from: {', '.join(PARTS)}.")
    for name in chosen:
        with progress_bar() as advance, tempfile.TemporaryDirectory(prefix="mission-record-bench-") as folder:
            plan = Plan(workspace or Path(folder), quick, seed, largest)
            measured = part(name).measure(plan, advance)
        Kept(part=name, quick=quick, seed=seed, machine=machine(), measured=measured.model_dump()).write(out)
    typer.echo(write_report(read_kept(out, PARTS), part, out))


@benchmarks.command()
def report(
    out: Out = RESULTS,
    quoted_in: Annotated[
        Path | None, typer.Option("--quoted-in", help="A file with the marks that the targets go between.")
    ] = None,
) -> None:
    """Write the report anew from the samples; with `--quoted-in README.md`, quote the targets there."""
    kept = read_kept(out, PARTS)
    if quoted_in:
        text = quoted_in.read_text(encoding="utf-8")
        quoted_in.write_text(insert(text, "bench", targets_reached(kept, part)), encoding="utf-8")
    typer.echo(write_report(kept, part, out))


def part(name: str) -> Part:
    """The module of that name."""
    return cast(Part, import_module(f"eval.benchmarks.{name}"))


if __name__ == "__main__":
    benchmarks()

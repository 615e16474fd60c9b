"""What the command line prints, on a terminal or into a pipe."""

from __future__ import annotations

import json
import re
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

from rag.domain import Answer, Citation, Hit, IngestReport, Passage, Question

if TYPE_CHECKING:
    from rag.catalog import DocumentList
    from rag.doctor import Finding
    from rag.verify import Check

_LONGEST_LIST = 10
# In a pipe a line is as long as it is: other programs read it.
_UNBOUNDED = 100_000
INDENT = (0, 0, 0, 4)


def _console(stderr: bool = False) -> Console:
    # What is printed comes from documents: it is never read as markup, and nothing in it is turned into an emoji.
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _UNBOUNDED
    return Console(file=stream, width=width, markup=False, emoji=False, highlight=False, soft_wrap=False)


def questions() -> Iterator[str]:
    """What is typed or piped in, line by line, until it ends; on a terminal each is asked for with a mark."""
    while True:
        try:
            yield input("\n> " if sys.stdin.isatty() else "")
        except EOFError:
            return


def print_answer(answer: Answer, asked: Question) -> None:
    """The answer, then each source with its quote; before it what was searched for, where that is another text."""
    console = _console()
    if answer.standalone_question != asked.text:
        console.print(f"Searched for: {answer.standalone_question}", style="dim")
    console.print(_with_markers(answer), style="bold" if answer.status == "answered" else "")
    for citation in answer.citations:
        place = _place(citation, citation.published)
        console.print()
        console.print(f"[{citation.marker}] {place}", style="cyan")
        console.print(_indented(f"“{citation.quote}”"))
        if citation.source:
            console.print(_indented(citation.source), style="dim")
    if answer.status == "not_found" and answer.retrieved:
        console.print("\nThe closest passages:", style="dim")
        for hit in answer.retrieved[:3]:
            console.print(f"  {_place(hit.passage)}", style="cyan")
            console.print(_indented(textwrap.shorten(hit.passage.text, 200, placeholder=" …")))
    if answer.unsupported:
        console.print("\nWritten by the language model, but supported by no source:", style="dim")
        for sentence in answer.unsupported:
            console.print(_indented(sentence), style="dim")
    if answer.fallback_reason:
        console.print(f"\nAnswered without the language model: {answer.fallback_reason}", style="dim")
    written = f" · written by {answer.model}" if answer.model else ""
    console.print(f"\nConfidence {answer.confidence:.0%}{written}", style="dim")


def _with_markers(answer: Answer) -> str:
    # Markdown's escapes are for Markdown; a terminal shows the text as it is in the record.
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", answer.answer)


def _indented(text: str) -> Padding:
    return Padding(Text(text), INDENT, expand=False)


def print_hits(hits: Sequence[Hit]) -> None:
    """Passages, best first."""
    console = _console()
    if not hits:
        console.print("Nothing found.")
    for hit in hits:
        console.print(
            f"{hit.rank}. {_place(hit.passage)}  ({', '.join(hit.retrievers)}; {hit.score:.4f})", style="cyan"
        )
        console.print(_indented(hit.passage.text))
        console.print()


def _place(found: Passage | Citation, *more: str | None) -> str:
    page = f"page {found.page}" if found.page else None
    return " · ".join(part for part in (found.title, found.section, page, *more) if part)


def print_documents(found: DocumentList) -> None:
    """A table of documents."""
    console = _console()
    columns = ("id", "title", "kind", "published", Column("passages", justify="right"))
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for document in found.documents:
        cells = (document.id, document.title, document.kind, document.published or "", str(document.passages))
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)
    console.print(f"{len(found.documents)} of {found.total} documents", style="dim")


def print_report(report: IngestReport, corpus: Sequence[Path]) -> None:
    """What an ingest did; failures by name and reason."""
    console = _console(stderr=True)
    if report.anew:
        console.print(f"The index was made anew. {report.anew.rstrip('.')}.", style="yellow")
    for name, ids in (("added", report.added), ("updated", report.updated), ("removed", report.removed)):
        if ids:
            listed = ", ".join(ids[:_LONGEST_LIST]) + (" …" if len(ids) > _LONGEST_LIST else "")
            console.print(f"{name:>9}: {len(ids):,}  ({listed})")
    console.print(f"unchanged: {len(report.unchanged):,}")
    for duplicate in report.duplicates[:_LONGEST_LIST]:
        console.print(f"   folded: {duplicate.path} says the same as {duplicate.document_id}")
    if len(report.duplicates) > _LONGEST_LIST:
        console.print(f"   folded: {len(report.duplicates):,} in all")
    for failure in report.failed:
        console.print(f"   failed: {failure.name}: {failure.reason}", style="red")
    console.print(
        f"Index {report.index_id} of {', '.join(map(str, corpus))}: {report.embedded:,} passages embedded.",
        style="dim",
    )


def print_outcome(outcome: IngestReport | Exception) -> None:
    """What came of one synchronisation of many, in a line with the time."""
    console = _console(stderr=True)
    now = time.strftime("%H:%M:%S")
    if isinstance(outcome, Exception):
        console.print(f"{now} not in step: {outcome}", style="red")
        return
    parts = [f"{len(ids):,} {name}{_some(ids)}" for name, ids in _by_outcome(outcome) if ids]
    parts += [f"{len(outcome.duplicates):,} folded"] if outcome.duplicates else []
    parts += [f"failed: {failure.name}: {failure.reason}" for failure in outcome.failed]
    console.print(f"{now} " + "; ".join((*parts, f"index {outcome.index_id}")))


def _by_outcome(report: IngestReport) -> tuple[tuple[str, Sequence[str]], ...]:
    return (
        ("added", report.added),
        ("updated", report.updated),
        ("removed", report.removed),
        ("unchanged", report.unchanged),
    )


def _some(ids: Sequence[str]) -> str:
    return f" ({', '.join(ids)})" if len(ids) <= 3 else ""


def print_findings(findings: Sequence[Finding]) -> None:
    """One line for each thing examined, with what to do where something is wrong."""
    console = _console()
    for finding in findings:
        console.print(
            f"{'ok  ' if finding.well else 'FAIL'}  {finding.subject}: {finding.detail}",
            style="" if finding.well else "red",
        )


def print_checks(checks: Sequence[Check], as_json: bool) -> None:
    """One line for each check, or one JSON object of them all."""
    from rag.doctor import Finding  # an answer needs nothing of it

    if as_json:
        found = {"well": all(check.well for check in checks), "checks": [asdict(check) for check in checks]}
        sys.stdout.write(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    else:
        print_findings([Finding(check.subject, check.well, check.detail) for check in checks])


@contextmanager
def progress_bar() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on standard error for long work; it gets what is being done, how much of it is done and of how much."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = _console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("starting", total=None)

        def report(stage: str, done: int, total: int) -> None:
            progress.update(task, description=stage, completed=done, total=total or None)

        yield report

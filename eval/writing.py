"""A run's folder: the figures and the questions for programs, the page and the Markdown for people."""

from __future__ import annotations

from pathlib import Path

from eval.compare import Comparison, compare
from eval.html_report import html_report
from eval.markdown_report import markdown_report
from eval.report import REPORT_FILE, InvalidRun, Run, load, save

PAGE_FILE = "report.html"
MARKDOWN_FILE = "report.md"


def write_run(run: Run, folder: Path, baseline: Path | None, reveal_test: bool = False) -> Comparison | None:
    """Write all four files; with the comparison, which is returned, where the baseline asked the same questions."""
    comparison = _against(baseline, run)
    save(run, folder)
    (folder / PAGE_FILE).write_text(html_report(run, comparison, reveal_test), encoding="utf-8")
    (folder / MARKDOWN_FILE).write_text(markdown_report(run, comparison), encoding="utf-8")
    return comparison


def _against(baseline: Path | None, run: Run) -> Comparison | None:
    if baseline is None or not (baseline / REPORT_FILE).is_file():
        return None
    try:
        return compare(load(baseline), run)
    except InvalidRun:  # of other questions
        return None

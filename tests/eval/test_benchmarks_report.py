"""The report that is committed is that of the samples beside it, and the README quotes it."""

from pathlib import Path

import pytest

import eval.benchmarks
from eval.benchmarks.__main__ import PARTS, part
from eval.benchmarks.report import Kept, markdown_table, read_kept, targets_reached, write_report
from eval.benchmarks.section import Table
from eval.marked import insert

RESULTS = Path(eval.benchmarks.__file__).parent / "results"
README = Path(eval.benchmarks.__file__).parents[2] / "README.md"


@pytest.fixture(scope="module")
def kept() -> list[Kept]:
    return read_kept(RESULTS, PARTS)


def test_the_report_is_that_of_the_samples(kept: list[Kept], tmp_path: Path) -> None:
    write_report(kept, part, tmp_path)
    assert (tmp_path / "README.md").read_text() == (RESULTS / "README.md").read_text(), (
        "Run `python -m eval.benchmarks report`."
    )
    drawn = {file.name for file in tmp_path.glob("*.svg")}
    assert drawn == {file.name for file in RESULTS.glob("*.svg")}


def test_the_readme_quotes_the_targets(kept: list[Kept]) -> None:
    text = README.read_text(encoding="utf-8")
    assert insert(text, "bench", targets_reached(kept, part)) == text, (
        "Run `python -m eval.benchmarks report --quoted-in README.md`."
    )


def test_nothing_that_is_quoted_is_of_a_quick_run(kept: list[Kept]) -> None:
    assert kept
    assert not any(each.quick for each in kept)


def test_samples_that_are_kept_are_read_again(kept: list[Kept], tmp_path: Path) -> None:
    kept[0].write(tmp_path)
    assert read_kept(tmp_path, PARTS) == [kept[0]]


def test_a_table_stands_to_the_right_but_for_its_first_column() -> None:
    table = Table(("size", "ms"), [("10", "1.5"), ("100", "2.0")], "Medians.")
    assert markdown_table(table) == "| size | ms |\n| --- | ---: |\n| 10 | 1.5 |\n| 100 | 2.0 |\n\nMedians."

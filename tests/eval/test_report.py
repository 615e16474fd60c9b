import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from eval.compare import compare
from eval.html_report import html_report
from eval.markdown_report import figures_table, markdown_report
from eval.report import RECORDS_FILE, REPORT_FILE, InvalidRun, Run, load, save
from eval.statistics import Estimate
from eval.writing import write_run
from tests.eval.examples import IN_DEVELOPMENT


def test_a_run_is_read_back_as_it_was_saved(run: Run, tmp_path: Path) -> None:
    save(run, tmp_path)
    again = load(tmp_path)
    assert again.records == run.records
    assert again.report.figures["all"]["right"].value == pytest.approx(
        run.report.figures["all"]["right"].value
    )
    assert again.report.knowing is not None
    save(again, tmp_path / "again")
    for name in (REPORT_FILE, RECORDS_FILE):
        assert (tmp_path / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        (REPORT_FILE, None, "holds no run"),
        (REPORT_FILE, "{}", "cannot be read: Field required"),
        (RECORDS_FILE, "nonsense\n", "cannot be read: Invalid JSON"),
    ],
)
def test_a_folder_without_a_readable_run_is_an_error(
    run: Run, tmp_path: Path, name: str, content: str | None, problem: str
) -> None:
    save(run, tmp_path)
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text(content)
    with pytest.raises(InvalidRun, match=problem):
        load(tmp_path)


def test_a_run_of_another_format_is_an_error(run: Run, tmp_path: Path) -> None:
    save(Run(run.report.model_copy(update={"format": 99}), run.records), tmp_path)
    with pytest.raises(InvalidRun, match="format 99"):
        load(tmp_path)


class Page(HTMLParser):
    """What a page loads from elsewhere, and the tags left open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.loaded += [value or "" for name, value in attributes if name in ("src", "href", "xlink:href")]
        if tag not in ("meta", "input", "br", "circle", "line", "path", "rect"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            assert self.open.pop() == tag


def test_the_page_needs_nothing_beside_it(run: Run) -> None:
    page = Page(html_report(run))
    assert page.open == []
    assert all(link.startswith("#") for link in page.loaded)
    text = html_report(run)
    assert not re.search(r"@import|url\(|fetch\(|https?://", text)


def test_the_page_shows_what_was_said_escaped(run: Run) -> None:
    text = html_report(run)
    assert "Who led it, &lt;b&gt;really&lt;/b&gt;?" in text
    assert "Ada &lt;Moreau&gt;" in text
    assert "<b>really</b>" not in text
    assert "no answer within 60 s" in text


def test_the_page_counts_wrong_answers_of_the_test_split_without_showing_them(run: Run) -> None:
    assert "Who restored the lamp?" not in html_report(run)
    hidden = sum(record.wrong and record.split == "test" for record in run.records)
    assert f"{hidden} wrong answers of the test split are not shown" in html_report(run)
    assert "Who restored the lamp?" in html_report(run, reveal_test=True)


def test_the_links_of_the_page_lead_to_its_sections(run: Run) -> None:
    text = html_report(run)
    for link in Page(text).loaded:
        assert f'id="{link[1:]}"' in text


def test_the_surest_wrong_answer_stands_first(run: Run) -> None:
    text = html_report(run, reveal_test=True)
    surest = text.index("Who led it")
    assert surest < text.index("Crash?")
    assert text.index('id="wrong"') < surest


def test_a_comparison_names_the_cases_that_turned_wrong(run: Run) -> None:
    better = [
        record.model_copy(update={"outcome": record.outcome.model_copy(update={"measures": {"right": 1.0}})})
        for record in run.records
    ]
    text = html_report(run, compare(Run(run.report, tuple(better)), run))
    assert "Turned wrong: " in text
    assert f"<code>{IN_DEVELOPMENT}</code>" in text


def test_the_markdown_holds_figures_slices_and_causes(run: Run) -> None:
    text = markdown_report(run, compare(run, run))
    for heading in ("## Controls", "## By type", "## Milliseconds", "## Wrong, by cause", "## Change"):
        assert heading in text
    assert "| other-subject | 1 | 100.0 %" in text
    assert "- `crash`: no answer within 60 s" in text


def test_accuracy_never_stands_without_the_refusals(run: Run) -> None:
    for table in figures_table(run.report), markdown_report(run), html_report(run):
        assert "answerable right" in table
        assert "answerable refused" in table


def test_a_run_folder_has_four_files_and_a_comparison_where_it_can(run: Run, tmp_path: Path) -> None:
    assert write_run(run, tmp_path / "first", tmp_path / "nothing") is None
    comparison = write_run(run, tmp_path / "second", tmp_path / "first")
    assert comparison is not None
    assert comparison.paired == 5
    names = {path.name for path in (tmp_path / "second").iterdir()}
    assert names == {"report.json", "cases.jsonl", "report.html", "report.md"}


def test_a_baseline_of_other_questions_is_passed_over(run: Run, tmp_path: Path) -> None:
    others = tuple(record.model_copy(update={"id": f"other {record.id}"}) for record in run.records)
    save(Run(run.report, others), tmp_path / "baseline")
    assert write_run(run, tmp_path / "run", tmp_path / "baseline") is None


def test_what_the_judge_said_is_shown(run: Run) -> None:
    judged = run.report.model_copy(
        update={"judge": {"model": "m-1", "correctness": Estimate(0.5, 0.2, 0.8, 9, 9)}}
    )
    for text in html_report(Run(judged, run.records)), markdown_report(Run(judged, run.records)):
        assert "m-1" in text
        assert "0.500 [0.200, 0.800]" in text

"""The commands as they are typed, on a small record."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from eval.cases import split_of
from eval.commands import eval_app
from rag.errors import InvalidInput
from rag.settings import Settings
from tests.eval.test_evaluate import CASES, line

Write = Callable[..., Path]

SQUAD = [
    {
        "data": [
            {
                "title": title,
                "paragraphs": [
                    {
                        "context": f"The {thing} of {title} is {height} metres high.",
                        "qas": [
                            {
                                "id": f"{title}-{thing}",
                                "question": f"How high is the {thing} of {title}?",
                                "answers": [{"text": f"{height} metres", "answer_start": 0}],
                            }
                        ],
                    }
                    for thing, height in (("tower", 61), ("bridge", 40))
                ],
            }
            for title in ("Elsin", "Varn")
        ]
    }
]


@pytest.fixture
def invoke(
    monkeypatch: pytest.MonkeyPatch,
    make_settings: Callable[..., Settings],
    small_corpus: Path,
    tmp_path: Path,
) -> Callable[..., Result]:
    """Runs a command in a folder of its own, against the small record."""
    settings = make_settings(tmp_path / "data")
    monkeypatch.setenv("RAG_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("RAG_CORPUS_DIR", str(small_corpus))
    monkeypatch.setenv("RAG_MODEL_CACHE_DIR", str(settings.model_cache_dir))
    monkeypatch.setenv("RAG_DOWNLOAD_MODELS", "false")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()

    def run(*arguments: object, expect: int = 0) -> Result:
        result = runner.invoke(eval_app, [str(argument) for argument in arguments])
        if result.exit_code != expect and result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == expect, result.output
        return result

    return run


def test_a_run_writes_its_folder_and_prints_the_headline(
    invoke: Callable[..., Result], write_lines: Write, tmp_path: Path
) -> None:
    printed = invoke("run", "--cases", write_lines(*CASES), "--out", "first").output
    assert "answerable right" in printed
    assert "answerable refused" in printed
    assert (tmp_path / "first" / "report.html").is_file()
    again = invoke(
        "run", "--cases", tmp_path / "cases.jsonl", "--out", "second", "--baseline", "first"
    ).output
    assert "4 questions paired" in again
    assert "no worse" in again


def test_one_retriever_can_be_measured_alone(
    invoke: Callable[..., Result], write_lines: Write, tmp_path: Path
) -> None:
    invoke("run", "--cases", write_lines(*CASES), "--out", "dense", "--retriever", "dense")
    report = json.loads((tmp_path / "dense" / "report.json").read_text())
    assert report["configuration"]["retrievers"] == "('dense',)"


def test_comparing_with_a_worse_run_fails(
    invoke: Callable[..., Result], write_lines: Write, tmp_path: Path
) -> None:
    invoke("run", "--cases", write_lines(*CASES), "--out", "good")
    invoke("run", "--cases", tmp_path / "cases.jsonl", "--out", "late", "--timeout", "0.001")
    assert "no worse" in invoke("compare", "good", "good").output
    assert "The second is worse" in invoke("compare", "good", "late", expect=1).output


def test_explaining_a_case_shows_what_was_retrieved_read_and_decided(
    invoke: Callable[..., Result], write_lines: Write
) -> None:
    printed = invoke("explain", "cost", "--cases", write_lines(*CASES)).output
    for expected in (
        "Retrieved",
        "Read",
        "harbour",
        "similarity",
        "gold",
        "expected: 42,000,000",
        "verdict: ",
    ):
        assert expected in printed
    with pytest.raises(InvalidInput, match="no case 'none'"):
        invoke("explain", "none", "--cases", write_lines(*CASES))


def test_calibrating_stores_a_decision_and_prints_both_error_rates(
    invoke: Callable[..., Result], write_lines: Write, tmp_path: Path
) -> None:
    ids = [f"case-{n}" for n in range(60) if split_of(f"case-{n}") == "development"]
    gold = "The quay cost 42 million euros."
    answerable = [line(name, "How much did the quay cost?", gold, gold=gold) for name in ids[::2]]
    unanswerable = [line(name, "What is the formula of caffeine?") for name in ids[1::2]]
    path = write_lines(*answerable, *unanswerable)
    printed = invoke("calibrate", "--cases", path, "--out", tmp_path / "calibration.json").output
    assert "answerable refused" in printed
    assert "unanswerable answered" in printed
    assert json.loads((tmp_path / "calibration.json").read_text())["version"] == 2


def test_ablating_prints_a_row_a_configuration(invoke: Callable[..., Result], write_lines: Write) -> None:
    cases = [line(f"case-{n}", "How much did the quay cost?", "42 million") for n in range(4)]
    printed = invoke("ablate", "--cases", write_lines(*cases)).output
    for row in ("full pipeline", "dense only", "BM25 only", "no reading: first passage"):
        assert row in printed


def test_ablating_signals_prints_what_each_adds_in_both_splits(
    invoke: Callable[..., Result], write_lines: Write
) -> None:
    gold = "The quay cost 42 million euros."
    cases = [
        line(f"case-{n}", "How much did the quay cost?", gold, gold=gold)
        if n % 2
        else line(f"case-{n}", "What is the formula of caffeine?")
        for n in range(80)
    ]
    printed = " ".join(invoke("ablate", "--signals", "--cases", write_lines(*cases)).output.split())
    for row in ("retrieval", "+ words", "+ the reader's span", "+ the reader's verdict"):
        assert row in printed
    assert "1.000" in printed


def test_figures_are_written_and_checked(
    invoke: Callable[..., Result], write_lines: Write, tmp_path: Path
) -> None:
    invoke("run", "--cases", write_lines(*CASES), "--out", "run")
    readme = tmp_path / "README.md"
    readme.write_text("# Title\n<!-- eval:begin -->\n<!-- eval:end -->\n")
    assert "stale" in invoke("figures", "--run", "run", "--check", expect=1).output
    assert readme.read_text() == "# Title\n<!-- eval:begin -->\n<!-- eval:end -->\n"
    invoke("figures", "--run", "run")
    assert "| answerable right |" in readme.read_text()
    invoke("figures", "--run", "run", "--check")


def test_another_corpus_leaves_the_index_in_use_alone(
    invoke: Callable[..., Result], write_lines: Write, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "bakery.txt").write_text("The bakery of Varn opens at six.")
    case = line("opens", "When does the bakery of Varn open?", "six")
    invoke("run", "--cases", write_lines(case), "--corpus", other, "--out", "run")
    assert not (tmp_path / "data").exists()


def test_follow_ups_are_measured_by_our_cases_and_by_what_they_find(
    invoke: Callable[..., Result], write_lines: Write, tmp_path: Path
) -> None:
    printed = invoke("conversation").output
    assert "follow-ups resolved" in printed
    assert "fresh questions left alone" in printed
    squad = write_lines(*SQUAD, name="squad.json")
    printed = invoke("conversation", "--fresh", squad, "--limit", "3").output
    assert "question, after others" in printed
    assert "question, after one of its article" in printed


def test_languages_are_measured(invoke: Callable[..., Result]) -> None:
    printed = invoke("languages").output
    assert "English let through" in printed
    assert "others refused" in printed

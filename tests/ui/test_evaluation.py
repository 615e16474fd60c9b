from pathlib import Path

import pytest

from tests.ui.examples import write_run
from ui.evaluation import BASELINE, InvalidReport, examples, latest, own_folder


def test_a_run_of_this_record_comes_before_the_one_that_came_with_the_program(tmp_path: Path) -> None:
    baseline = tmp_path / "baseline"
    assert latest(tmp_path, baseline) is None
    write_run(baseline, name="bundled")
    found = latest(tmp_path, baseline)
    assert found is not None
    assert found.report.name == "bundled"
    write_run(own_folder(tmp_path))
    found = latest(tmp_path, baseline)
    assert found is not None
    assert found.report.name == "harbours"
    assert found.report.figures["all"]["right_answerable"].n == 4


def test_the_baseline_of_the_checkout_can_be_read() -> None:
    found = latest(Path("nowhere"), BASELINE)
    assert found is not None
    assert len(found.cases) == found.report.cases
    assert found.report.knowing is not None
    assert all(examples(found.cases).values())


@pytest.mark.parametrize("content", ["", "{}", '{"name": 1}', "\x00", "[]"])
def test_a_damaged_run_is_named(tmp_path: Path, content: str) -> None:
    folder = own_folder(tmp_path)
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(content)
    with pytest.raises(InvalidReport, match="latest"):
        latest(tmp_path)


def test_examples_are_told_apart_and_none_is_of_the_test_split(tmp_path: Path) -> None:
    write_run(own_folder(tmp_path))
    found = latest(tmp_path)
    assert found is not None
    chosen = examples(found.cases)
    assert {kind: len(cases) for kind, cases in chosen.items()} == {"right": 1, "wrong": 1, "refused": 1}
    assert "test" not in {case.split for cases in chosen.values() for case in cases}

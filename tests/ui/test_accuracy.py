from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from rag.wiring import Application
from tests.ui.examples import HOSTILE, write_run
from ui.accuracy import shown
from ui.evaluation import latest, own_folder
from ui.figures import measured, unmeasured
from ui.messages import LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_figures_stand_with_their_intervals(tmp_path: Path, language: str) -> None:
    write_run(own_folder(tmp_path))
    evaluation = latest(tmp_path)
    assert evaluation is not None
    page = LexborHTMLParser(measured(evaluation, "measured", tmp_path, language))
    cards = [card.text() for card in page.css(".card")]
    assert len(cards) == 2
    assert all("50%" in card and "25%" in card and "75%" in card for card in cards)
    assert len(page.css("svg.plot[role=img][aria-label]")) == 2
    assert not page.css(".notice")
    assert [len(group.css("article")) for group in page.css(".group")] == [1, 1, 1]


def test_questions_and_answers_are_text(tmp_path: Path) -> None:
    write_run(own_folder(tmp_path), created=HOSTILE[:10])
    evaluation = latest(tmp_path)
    assert evaluation is not None
    page = LexborHTMLParser(measured(evaluation, None, tmp_path, "en"))
    assert not page.css("script, img, [onerror], a")
    assert HOSTILE[:40] in page.css_first(".wrong .asked").text()
    assert "kept for the test" not in page.html


def test_figures_of_another_record_say_so(tmp_path: Path) -> None:
    write_run(own_folder(tmp_path))
    evaluation = latest(tmp_path)
    assert evaluation is not None
    notice = LexborHTMLParser(measured(evaluation, "another", tmp_path / "a b", "en")).css_first(".notice")
    assert f'--out "{tmp_path}/a b/eval/latest"' in notice.text()


def test_without_a_measurement_there_is_the_way_to_one(tmp_path: Path) -> None:
    assert "mission-record eval run" in unmeasured(tmp_path, "en")


def test_a_run_that_cannot_be_read_is_told(small_application: Application) -> None:
    folder = own_folder(small_application.settings.data_dir)
    write_run(folder)
    assert "4 questions" in shown(small_application, "en")
    (folder / "report.json").write_text("{}")
    assert str(folder) in shown(small_application, "en")

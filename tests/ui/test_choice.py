import json

import pytest
from selectolax.lexbor import LexborHTMLParser

from tests.ui.examples import HOSTILE, summary
from ui.choice import MOST_LISTED, choice, kinds_drawing
from ui.messages import LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_choice_asks_filters_and_opens(language: str) -> None:
    found = [summary(f"d{n}") for n in range(MOST_LISTED + 3)]
    page = LexborHTMLParser(choice("1a", "Ada Moreau", found, "Who is Ada Moreau?", language))
    assert page.css_first("dialog").attributes["id"] == "choice-1a"
    assert page.css_first("[data-ask]").attributes["data-ask"] == "Who is Ada Moreau?"
    ids = json.loads(page.css_first("[data-documents]").attributes["data-documents"] or "")
    assert ids == [document.id for document in found]
    assert len(page.css("a")) == MOST_LISTED
    assert len(page.css("li")) == MOST_LISTED + 1


def test_what_cannot_be_asked_about_is_not() -> None:
    assert "data-ask" not in choice("1a", "Report", [summary("a")], None, "en")


def test_names_titles_and_ids_are_text() -> None:
    found = [summary(HOSTILE, title=HOSTILE)]
    page = LexborHTMLParser(choice("1a", HOSTILE, found, HOSTILE, "en") + kinds_drawing([(HOSTILE, 1)], "en"))
    assert not page.css("script, img, [onerror]")
    assert json.loads(page.css_first("[data-documents]").attributes["data-documents"] or "") == [HOSTILE]


def test_kinds_are_bars_by_number() -> None:
    page = LexborHTMLParser(kinds_drawing([("letter", 4), ("report", 1)], "en"))
    assert [bar.attributes["style"] for bar in page.css(".bar span")] == ["width:100.0%", "width:25.0%"]
    assert "empty" in kinds_drawing([], "en")

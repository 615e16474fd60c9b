import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser, LexborNode

from rag.domain import DocumentSummary
from tests.ui.examples import HOSTILE, summary
from ui.messages import LANGUAGES
from ui.timeline import WIDTH, marks_of, timeline

DOCUMENTS = [
    summary("one", date="2023-05", published="2024-01-01"),
    summary("two", date="2023-05"),
    summary("three", published="2023-05-04", kind="letter"),
    summary("four", date="2023"),
    summary("undated"),
]


def _extent(mark: LexborNode) -> tuple[float, float]:
    place = mark.css_first("rect").attributes
    return float(place["x"] or 0), float(place["x"] or 0) + float(place["width"] or 0)


def test_documents_of_one_kind_and_date_are_one_mark() -> None:
    marks = marks_of(DOCUMENTS)
    assert [(mark.kind, mark.date, len(mark.documents)) for mark in marks] == [
        ("report", "2023", 1),
        ("report", "2023-05", 2),
        ("letter", "2023-05-04", 1),
    ]


def test_a_mark_is_as_long_as_its_date_is_vague_and_none_hides_another() -> None:
    page = LexborHTMLParser(timeline(DOCUMENTS, "en"))
    year, month = (page.css_first(f'svg [data-value="{date}"]') for date in ("2023", "2023-05"))
    assert year is not None
    assert month is not None
    (begin, end), (inner_begin, inner_end) = _extent(year), _extent(month)
    assert begin < inner_begin < inner_end < end
    assert year.css_first("rect").attributes["y"] != month.css_first("rect").attributes["y"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_can_be_chosen_from_and_read_as_a_table(language: str) -> None:
    page = LexborHTMLParser(timeline(DOCUMENTS, language))
    assert len(page.css("svg [role=button][tabindex='0'][aria-label]")) == len(page.css("tbody tr")) == 3
    assert page.css_first(".remark") is not None


def test_a_record_without_dates_says_where_they_come_from() -> None:
    html = timeline([summary("undated")], "en")
    assert "date:" in html
    assert "<svg" not in html


def test_titles_and_kinds_are_shown_as_text() -> None:
    page = LexborHTMLParser(timeline([summary("d", title=HOSTILE, kind=HOSTILE, date="2023")], "en"))
    assert not page.css("script, img, [onerror], a")
    assert page.css_first("svg [data-kind]").attributes["data-kind"] == HOSTILE


# Days, months and years.
DATES = st.builds(lambda day, length: day.isoformat()[:length], st.dates(), st.sampled_from((4, 7, 10)))


@settings(max_examples=40)
@given(st.lists(DATES, min_size=1, max_size=6))
def test_any_dates_stand_within_the_drawing(found: list[str]) -> None:
    documents: list[DocumentSummary] = [summary(f"d{n}", date=date) for n, date in enumerate(found)]
    page = LexborHTMLParser(timeline(documents, "en"))
    for mark in page.css("svg .mark"):
        begin, end = _extent(mark)
        assert 0 <= begin < end <= WIDTH + 0.1
    assert len(page.css("text.tick")) <= 14

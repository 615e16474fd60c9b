import pytest

from rag.domain import Filters
from tests.ui.examples import summary
from ui.limits import allowed, between, lifted, toggled

DOCUMENTS = [
    summary("may", published="2023-05-04"),
    summary("june", published="2023-06", kind="letter"),
    summary("year", published="2023"),
    summary("never"),
]


def _ids(limits: Filters) -> list[str]:
    return [document.id for document in allowed(DOCUMENTS, limits)]


def test_choosing_twice_is_not_choosing() -> None:
    once = toggled(Filters(), "kinds", "letter")
    assert once == Filters(kinds=("letter",))
    assert toggled(once, "kinds", "letter") == Filters()
    both = toggled(toggled(once, "document_ids", "may"), "document_ids", "june")
    assert both == Filters(kinds=("letter",), document_ids=("may", "june"))


def test_only_what_is_a_limit_can_be_chosen() -> None:
    assert toggled(Filters(), "published_from", "2020") == Filters()
    assert toggled(Filters(), "__class__", "x") == Filters()


def test_what_is_no_date_is_no_limit() -> None:
    assert between(Filters(kinds=("letter",)), "2023-02-30", "2023-07-01") == Filters(
        kinds=("letter",), published_to="2023-07-01"
    )
    assert between(Filters(published_from="2020"), "", "") == Filters()


@pytest.mark.parametrize(
    "written", ["0000", "2023-13", "10000-01-01", "\ud800", "٢٠٢٣", "yesterday", "2023-05-04\n"]
)
def test_any_text_for_a_date_is_taken(written: str) -> None:
    assert _ids(between(Filters(), written, written)) == ["may", "june", "year", "never"]


def test_each_limit_is_lifted_alone() -> None:
    active = Filters(("may",), ("letter",), "2020", "2024")
    assert lifted(active, "kinds", "letter") == Filters(("may",), (), "2020", "2024")
    assert lifted(active, "document_ids", "may") == Filters((), ("letter",), "2020", "2024")
    assert lifted(active, "published_from", None) == Filters(("may",), ("letter",), None, "2024")
    assert lifted(active, "published_to", "2024") == Filters(("may",), ("letter",), "2020", None)
    assert lifted(active, "kinds", "never chosen") == active
    assert lifted(active, None, None) == Filters()


def test_dates_take_what_they_overlap_and_nothing_undated() -> None:
    assert _ids(Filters()) == ["may", "june", "year", "never"]
    assert _ids(Filters(published_from="2023-06-15")) == ["june", "year"]
    assert _ids(Filters(published_to="2023-05-04")) == ["may", "year"]
    assert _ids(Filters(kinds=("letter",), published_from="2024")) == []


def test_chosen_documents_leave_the_others_to_be_chosen() -> None:
    assert _ids(Filters(document_ids=("may",))) == ["may", "june", "year", "never"]

"""Dates as files write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.dates import days, found_date
from rag.errors import InvalidInput


@pytest.mark.parametrize(
    ("written", "date"),
    [
        ("D:20230504123000+02'00'", "2023-05-04"),
        ("D:202305", "2023-05"),
        ("2023-05-04T12:30:00Z", "2023-05-04"),
        ("2023-05-04 12:30", "2023-05-04"),
        ("2023/05/04", "2023-05-04"),
        ("20230504", "2023-05-04"),
        ("2023-05", "2023-05"),
        ("2023", "2023"),
        ("Thu, 04 May 2023 23:30:00 -0700", "2023-05-04"),
        ("4 May 2023", "2023-05-04"),
        ("May 4, 2023", "2023-05-04"),
        ("Sep 3, 2023", "2023-09-03"),
        ("May 2023", "2023-05"),
        ("2023-02-30", None),
        ("2023-13-01", None),
        ("0000-00-00", None),
        ("yesterday", None),
        ("1683196200", None),
        ("", None),
        (None, None),
    ],
)
def test_the_day_that_is_meant(written: str | None, date: str | None) -> None:
    assert found_date(written) == date


@given(st.text(max_size=60) | st.text("D:0123456789-/.T +, MayOct", max_size=30))
def test_whatever_is_written_gives_a_date_that_can_be_used_or_none(written: str) -> None:
    found = found_date(written)
    assert found is None or days(found)


@pytest.mark.parametrize(
    ("date", "covered"),
    [
        (None, None),
        ("2023", (20230101, 20231231)),
        ("2023-02", (20230201, 20230228)),
        ("2024-02", (20240201, 20240229)),
        ("2023-05-04", (20230504, 20230504)),
    ],
)
def test_the_days_that_a_date_covers(date: str | None, covered: tuple[int, int] | None) -> None:
    assert days(date) == covered


@pytest.mark.parametrize(
    "date",
    [
        "",
        "23",
        "2023-5",
        "2023-13",
        "2023-00",
        "2023-05-00",
        "2023-02-29",
        "2023-05-04T10",
        "0000",
        "２０２３",
        "2023\n",
    ],
)
def test_what_is_not_a_date(date: str) -> None:
    with pytest.raises(InvalidInput, match=r"is not a date\. Write YYYY-MM-DD, YYYY-MM or YYYY"):
        days(date)

"""Dates as files write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.dates import days, found_date


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

"""Figures in texts, and sentences that differ in them alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.figures import Figure, contrary, differ, figures


def figure(text: str) -> Figure:
    (found,) = figures(text)
    return found


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("The quay cost 42 million euros.", [("number", (42e6,))]),
        ("€42m", [("number", (42e6,))]),
        ("$1.5 billion", [("number", (1.5e9,))]),
        ("twenty-one ships and 1,200 sheep", [("number", (21.0,)), ("number", (1200.0,))]),
        ("about three percent", [("number", (3.0,))]),
        ("on 4 May 2023", [("date", (2023.0, 5.0, 4.0))]),
        ("May 4, 2023", [("date", (2023.0, 5.0, 4.0))]),
        ("in September", []),
        ("in Sept. 2021", [("date", (2021.0, 9.0, None))]),
        ("of whom 12 may come", [("number", (12.0,))]),
        ("since March 1994", [("date", (1994.0, 3.0, None))]),
        ("2023-05-04", [("date", (2023.0, 5.0, 4.0))]),
        ("in 1931", [("date", (1931.0, None, None))]),
        ("at 7:30", [("time", (450.0,))]),
        ("at 7.30 pm", [("time", (1170.0,))]),
        ("the 14th APAC, the third of its kind", []),
        ("GNT.Tec6 and COVID-19", []),
        ("", []),
    ],
)
def test_figures_are_read_as_values(text: str, values: list[tuple[str, tuple[float | None, ...]]]) -> None:
    assert [(found.kind, found.value) for found in figures(text)] == values


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    for found in figures(text):
        assert 0 <= found.start < found.end <= len(text)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("42 million euros", "45 million euros", True),
        ("€42 million", "45 million euros", True),
        ("42 million euros", "42,000,000 euros", False),
        ("42 million euros", "45 million crowns", False),
        ("61 metres", "63 meters", True),
        ("61 metres", "61 ships", False),
        ("12%", "12 people", False),
        ("1,482 people", "1,500 people", False),
        ("40 people", "42 people", True),
        ("about 700 pupils", "680 pupils", False),
        ("about 700 pupils", "400 pupils", True),
        ("more than 1,900 workers", "2,000 workers", False),
        ("more than 1,900 workers", "1,200 workers", True),
        ("up to 90 people", "80 people", False),
        ("4 May 2023", "May 2023", False),
        ("4 May 2023", "4 May", False),
        ("4 May 2023", "5 May", True),
        ("1931", "1934", True),
        ("7:30", "8:00", True),
        ("7:30", "7", False),
    ],
)
def test_figures_differ_if_both_cannot_be_right(one: str, other: str, expected: bool) -> None:
    assert differ(figure(one), figure(other)) is differ(figure(other), figure(one)) is expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The quay cost 42 million euros.", "45 million euros were paid for the quay."),
        ("The quay cost 42 million euros.", "According to the mayor, the quay cost €45 million."),
        ("The hall opened on 4 May 1988.", "The hall was inaugurated on 6 May 1988."),
        ("In 2019 the fair drew 300 people.", "300 people came to the fair in 2021."),
    ],
)
def test_sentences_that_differ_in_a_figure_alone(one: str, other: str) -> None:
    assert contrary(one, other)
    assert contrary(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Adults pay 12 euros.", "Children pay 6 euros."),
        ("The quay cost 42 million euros.", "The quay of Varn cost 45 million euros."),
        ("The first day drew 300 people.", "The second day drew 450 people."),
        ("In 2019 the fair drew 300 people.", "In 2021 the fair drew 450 people."),
        ("In 2019 the fair drew 300 people.", "The fair drew 450 people."),
        ("300 people work at the mill.", "450 people visited the mill."),
        ("The quay cost 42 million euros.", "The quay cost a lot."),
        ("1.", "2."),
    ],
)
def test_sentences_that_may_tell_two_things(one: str, other: str) -> None:
    assert not contrary(one, other)
    assert not contrary(other, one)


def test_what_a_heading_says_need_not_be_said_again() -> None:
    here, there = "The quay of Varn cost 42 million euros.", "The quay cost 45 million euros."
    assert not contrary(here, there)
    assert contrary(here, there, "", "Harbour works in Varn")
    assert not contrary(here, there, "Harbour works in Varn", "")

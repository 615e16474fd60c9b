import pytest

from rag.quantities import Number, PartialDate, dates, normalise, numbers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("over 220 therapies", [220]),
        ("1,200.5", [1200.5]),
        ("3.5 million yen", [3.5e6]),
        ("two hundred and twenty", [220]),
        ("four thousand two hundred", [4200]),
        ("one hundred thousand", [100_000]),
        ("twenty-one", [21]),
        ("five or six", [5, 6]),
        ("up to 100-fold", [100]),
        ("it fell by -5", [-5]),
        ("pages 5–10", [5, 10]),
        ("version 1.2.3", []),
        ("GNT6 and the 14th edition", []),
        ("millions of them", []),
    ],
)
def test_numbers_are_read_as_values(text: str, expected: list[float]) -> None:
    assert [number.value for number in numbers(normalise(text))] == expected


@pytest.mark.parametrize("text", ["3-5% a year", "3 % to 5 %", "3 to 5 percent", "three to five per cent"])
def test_both_ends_of_a_range_are_percentages(text: str) -> None:
    found = numbers(normalise(text))
    assert {number.value for number in found} == {3, 5}
    assert Number(5, percent=True) in found


def test_a_count_is_no_percentage() -> None:
    assert numbers("16 members") == [Number(16, percent=False)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("April 21, 2025", [PartialDate(2025, 4, 21)]),
        ("the 21st of April 2025", [PartialDate(2025, 4, 21)]),
        ("2025-04-21", [PartialDate(2025, 4, 21)]),
        ("9–11 April 2025", [PartialDate(2025, 4, 9), PartialDate(2025, 4, 11)]),
        ("Sept. 3", [PartialDate(None, 9, 3)]),
        ("in April 2025.", [PartialDate(2025, 4)]),
        ("mid-2025", [PartialDate(2025)]),
        ("2024-2025", [PartialDate(2024), PartialDate(2025)]),
        ("it may 10 percent", []),
        ("32 April", []),
        ("$2000", []),
    ],
)
def test_dates_are_as_precise_as_the_text(text: str, expected: list[PartialDate]) -> None:
    assert dates(normalise(text)) == expected


def test_the_day_of_a_date_is_no_number() -> None:
    assert numbers("on april 16 they showed 14 devices") == [Number(14)]


def test_a_year_alone_is_both() -> None:
    assert numbers("in 2024") == [Number(2024)]
    assert dates("in 2024") == [PartialDate(2024)]


def test_normalising_makes_quotes_dashes_and_spaces_plain() -> None:
    assert normalise("“Gut–Brain”\u00a0 axis’s\u200b") == '"gut-brain" axis\'s'

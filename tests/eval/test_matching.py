import pytest

from eval.matching import describe, found, missing, parse_form


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("Yaskawa Electric", "with YASKAWA  electric."),
        ("gut-brain", "the gut–brain axis"),
        ("A&I", "by A&I Co., Ltd."),
        ("$12", "rose to $12 globally"),
        ({"number": 220}, "over two hundred and twenty therapies"),
        ({"number": 1200}, "1,200 of them"),
        ({"number": 5}, "3-5% a year"),
        ({"number": 5, "percent": True}, "3-5% a year"),
        ({"date": "2025-04-21"}, "on April 21"),
        ({"date": "2025-04"}, "on 21 April 2025"),
        ({"date": "2025"}, "in April 2025"),
        ({"pattern": r"harmoni[sz]\w*"}, "Harmonised regulation"),
        ({"pattern": r"\b(?-i:US)\b"}, "in the US market"),
    ],
)
def test_a_form_is_found(form: object, text: str) -> None:
    assert found((parse_form(form),), text)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("arm", "an alarming farm"),
        ("Michael Huang", "Huang, Michael"),
        ({"number": 25}, "5 of 250"),
        ({"number": 25}, "25 million"),
        ({"number": 16}, "on 16 April"),
        ({"number": 5, "percent": True}, "5 companies"),
        ({"date": "2025-04-21"}, "in April 2025"),
        ({"date": "2025-04-21"}, "on April 22"),
        ({"date": "2025-04-21"}, "on April 21, 2024"),
        ({"date": "2025-04"}, "on April 21"),
        ({"pattern": r"\b(?-i:US)\b"}, "between us"),
    ],
)
def test_a_form_is_not_found(form: object, text: str) -> None:
    assert not found((parse_form(form),), text)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (" ", "no accepted form"),
        (5, "no accepted form"),
        ({"number": "5"}, "no accepted form"),
        ({"number": 5, "unit": "%"}, "no accepted form"),
        ({"date": "21.4.2025"}, "YYYY-MM-DD"),
        ({"date": "2025-02-30"}, "no date"),
        ({"pattern": "("}, "no regular expression"),
    ],
)
def test_what_is_no_form_is_an_error(value: object, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_form(value)


def test_any_form_of_a_nugget_will_do_and_the_others_are_missing() -> None:
    centenary = (parse_form("100th"), parse_form("centenary"))
    procos = (parse_form("Procos"),)
    assert missing([centenary, procos], "It celebrates its centenary.") == [procos]
    assert describe(centenary) == "100th or centenary"

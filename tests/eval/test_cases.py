import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval.cases import CaseType, InvalidCases, load_cases, sample, split_of
from tests.eval.examples import HARBOUR, make_case, make_document

Write = Callable[..., Path]
DOCUMENTS = {"harbour": make_document(), "echo": make_document("echo", "Aye. Aye.")}


def line(**values: object) -> dict[str, Any]:
    """A valid case, but for `values`; None leaves a key out."""
    case: dict[str, Any] = {
        "id": "quay-cost",
        "type": "how-many",
        "turns": ["What did it cost?"],
        "expect": "answered",
        "nuggets": [[{"number": 42_000_000}]],
        "gold": [{"document_id": "harbour", "quote": "The quay cost 42 million euros."}],
    }
    case |= values
    case.setdefault("split", split_of(case.get("cluster") or case["id"]))
    return {key: value for key, value in case.items() if value is not None}


def test_a_case_is_read_and_its_gold_is_located(write_lines: Write) -> None:
    (case,) = load_cases([write_lines(line())], DOCUMENTS)
    assert case.type is CaseType.HOW_MANY
    assert case.question == "What did it cost?"
    (gold,) = case.gold
    assert HARBOUR[gold.start : gold.end] == "The quay cost 42 million euros."


def test_a_folder_is_read_file_by_file(write_lines: Write) -> None:
    write_lines(line(), name="b.jsonl")
    folder = write_lines(line(id="other"), name="a.jsonl").parent
    assert [case.id for case in load_cases([folder], DOCUMENTS)] == ["other", "quay-cost"]


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (
            {"gold": [{"document_id": "harbour", "quote": "The quay cost 43"}]},
            "not in the document 'harbour'",
        ),
        ({"gold": [{"document_id": "quay", "quote": "The quay"}]}, "no document 'quay'"),
        ({"gold": [{"document_id": "echo", "quote": "Aye."}]}, "give its 'start'"),
        ({"gold": [{"document_id": "echo", "quote": "Aye.", "start": 1}]}, "not in the document 'echo' at 1"),
        ({"type": "riddle"}, "type: Input should be"),
        ({"turns": []}, "turns: List should have at least 1 item"),
        ({"turns": ["  "]}, "turns.0"),
        ({"nuggets": []}, "no nuggets to look for"),
        ({"nuggets": [[{"number": "42"}]]}, "no accepted form"),
        ({"expect": "not_found"}, "expect is 'not_found', but"),
        ({"expect": None}, "expect: Field required"),
        ({"answer": "42"}, "answer: Extra inputs"),
    ],
)
def test_a_case_that_cannot_be_used_is_an_error_with_its_place(
    write_lines: Write, values: dict[str, object], problem: str
) -> None:
    path = write_lines(line(id="first"), line(**values))
    with pytest.raises(InvalidCases, match=problem) as caught:
        load_cases([path], DOCUMENTS)
    assert str(caught.value).startswith(f"{path}:2: ")


def test_a_quote_that_stands_twice_is_found_at_its_start(write_lines: Write) -> None:
    gold = [{"document_id": "echo", "quote": "Aye.", "start": 5}]
    (case,) = load_cases([write_lines(line(gold=gold))], DOCUMENTS)
    assert case.gold[0].start == 5


def test_an_id_used_twice_is_an_error_that_names_both_places(write_lines: Write) -> None:
    path = write_lines(line(), line())
    with pytest.raises(InvalidCases, match=r":2: .*also that of .*:1"):
        load_cases([path], DOCUMENTS)


def test_the_split_cannot_be_chosen(write_lines: Write) -> None:
    wrong = {"development": "test", "test": "development"}[split_of("quay-cost")]
    with pytest.raises(InvalidCases, match="the hash of its cluster"):
        load_cases([write_lines(line(split=wrong))], DOCUMENTS)


def test_the_split_is_the_parity_of_the_hash_of_the_cluster() -> None:
    for cluster in ("a", "b", "c", "d"):
        odd = int(hashlib.sha256(cluster.encode()).hexdigest()[-1], 16) % 2
        assert split_of(cluster) == ("test" if odd else "development")
    assert make_case("x", "y", cluster="a").split == split_of("a")


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_a_file_without_cases_is_an_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / "empty.jsonl"
    path.write_text(content)
    with pytest.raises(InvalidCases, match="No cases in"):
        load_cases([path], DOCUMENTS)


def test_what_is_not_json_and_what_is_not_there_are_errors(tmp_path: Path) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text('{"id": ')
    with pytest.raises(InvalidCases, match=r"broken.jsonl:1: "):
        load_cases([path], DOCUMENTS)
    with pytest.raises(InvalidCases, match="cannot be read"):
        load_cases([tmp_path / "absent.jsonl"], DOCUMENTS)


def test_a_sample_is_fixed_in_order_and_grows_by_addition() -> None:
    cases = [make_case(f"case-{number}", "x") for number in range(50)]
    ten, twenty = sample(cases, 10), sample(cases, 20)
    assert len(ten) == 10
    assert set(ten) < set(twenty)
    assert list(ten) == sorted(ten, key=cases.index)
    assert sample(cases, None) == tuple(cases)
    assert ten != tuple(cases[:10])

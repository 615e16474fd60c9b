import pytest

from eval.marked import insert
from rag.errors import InvalidInput

BEGIN, END = "<!-- figures:begin -->", "<!-- figures:end -->"


def test_what_is_inserted_goes_between_the_marks_and_nothing_else_changes() -> None:
    text = f"# Title\n\n{BEGIN}\nwhat was here\n{END}\n\nThe end.\n"
    fresh = insert(text, "figures", "| 1 |")
    assert fresh == f"# Title\n\n{BEGIN}\n| 1 |\n{END}\n\nThe end.\n"
    assert insert(fresh, "figures", "| 1 |") == fresh


@pytest.mark.parametrize("text", ["", BEGIN, f"{END}{BEGIN}", f"{BEGIN}{END}{BEGIN}{END}"])
def test_a_file_without_one_pair_of_marks_is_an_error(text: str) -> None:
    with pytest.raises(InvalidInput, match="each once"):
        insert(text, "figures", "")

"""What a model thinks aloud is left out, however the text is cut into pieces."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.adapters.thoughts import WithoutThoughts

THOUGHTS = {
    "The quay.": "The quay.",
    "<think>Hm, the quay?</think>\n\nThe quay.": "The quay.",
    "\n<think>\nHm, </thin the quay?\n</think>The quay. </think>": "The quay. </think>",
    "<think></think> The quay.": "The quay.",
    "<think>It never ends": "",
    "<think>Only this.</think>\n": "",
    "<thi": "<thi",
    "<thought>The quay.": "<thought>The quay.",
    "The tag <think>is spoken of</think>.": "The tag <think>is spoken of</think>.",
    "": "",
    " \n": " \n",
}


def shown(pieces: list[str]) -> str:
    text = WithoutThoughts()
    return "".join([*map(text.take, pieces), text.rest()])


@pytest.mark.parametrize("text", THOUGHTS)
def test_thoughts_are_left_out_character_by_character_and_whole(text: str) -> None:
    assert shown(list(text)) == shown([text]) == THOUGHTS[text]


@given(st.sampled_from(sorted(THOUGHTS)), st.lists(st.integers(0, 60)))
def test_it_does_not_matter_where_the_text_is_cut(text: str, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    assert shown([text[a:b] for a, b in pairwise(places)]) == THOUGHTS[text]


@given(st.text(st.sampled_from("<think/> ab\n"), max_size=40))
def test_text_without_the_tag_at_its_beginning_is_left_alone(text: str) -> None:
    if not text.lstrip().startswith("<think>"):
        assert shown(list(text)) == text

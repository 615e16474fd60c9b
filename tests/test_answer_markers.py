"""What models write as markers is read, and no markup of theirs gets through."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answer.markers import marked_sentences

LABELS = ("k7f2", "p3d9", "a1b2")


def read(text: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(found.text, found.labels) for found in marked_sentences(text, LABELS)]


@pytest.mark.parametrize(
    ("marker", "labels"),
    [
        ("[k7f2]", ("k7f2",)),
        ("[K7F2]", ("k7f2",)),
        ("[k7f2][p3d9]", ("k7f2", "p3d9")),
        ("[k7f2], [p3d9] and [a1b2]", ("k7f2", "p3d9", "a1b2")),
        ("[k7f2, p3d9]", ("k7f2", "p3d9")),
        ("[k7f2; p3d9 and a1b2]", ("k7f2", "p3d9", "a1b2")),
        ("【k7f2】", ("k7f2",)),
        ("【1†source】", ("k7f2",)),
        ("(k7f2)", ("k7f2",)),
        ("(source: k7f2)", ("k7f2",)),
        ("(see source k7f2)", ("k7f2",)),
        ("[Source: k7f2, p3d9]", ("k7f2", "p3d9")),
        ("[1]", ("k7f2",)),
        ("[1][2]", ("k7f2", "p3d9")),
        ("[1, 2]", ("k7f2", "p3d9")),
        ("[1-3]", ("k7f2", "p3d9", "a1b2")),
        ("[1–2]", ("k7f2", "p3d9")),
        ("^1", ("k7f2",)),
        ("[^2]", ("p3d9",)),
        ("<sup>2</sup>", ("p3d9",)),
        ("`[k7f2]`", ("k7f2",)),
        ("[k7f2](https://evil.example/x?q=1)", ("k7f2",)),
        ("[1](https://evil.example/x?q=1)", ("k7f2",)),
        ("[k7f2: p. 4]", ("k7f2",)),
        ("[9]", ("9",)),
        ("[z9x8]", ("z9x8",)),
        ("[k7f2, z9x8]", ("k7f2", "z9x8")),
        ("", ()),
    ],
)
@pytest.mark.parametrize("form", ["The quay is long {}.", "The quay is long. {}", "The quay is long.{} "])
def test_a_marker_belongs_to_the_sentence_that_it_stands_in_or_behind(
    form: str, marker: str, labels: tuple[str, ...]
) -> None:
    assert read(form.format(marker)) == [("The quay is long.", labels)]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("A quay.[1] A ferry.[2]", [("A quay.", ("k7f2",)), ("A ferry.", ("p3d9",))]),
        ("[1] A quay. [2] A ferry.", [("A quay.", ("k7f2",)), ("A ferry.", ("p3d9",))]),
        ("港が開いた。[1] 船が来た【2】。", [("港が開いた。", ("k7f2",)), ("船が来た。", ("p3d9",))]),
        ("k7f2 says that it opened.", [("The source says that it opened.", ("k7f2",))]),
        ("It is long according to source k7f2.", [("It is long.", ("k7f2",))]),
        ("It is long; see [1] and [2].", [("It is long.", ("k7f2", "p3d9"))]),
        ("The firm, per source 2, grew.", [("The firm grew.", ("p3d9",))]),
        ("In [1], the firm grew.", [("the firm grew.", ("k7f2",))]),
        ("It rose in 2019 [2019] by 5 (1).", [("It rose in 2019 [2019] by 5 (1).", ())]),
        ("It holds document 4 and note 12.", [("It holds document 4 and note 12.", ())]),
        ("It cost 42 [1] (in 2019).", [("It cost 42 (in 2019).", ("k7f2",))]),
        ("Nothing [sic] was said.", [("Nothing [sic] was said.", ())]),
        ("It opened in May.\n\nSources: [1], [2]", [("It opened in May.", ())]),
        ("# The quay\n\n**Costs:**\n\nIt is long.", [("It is long.", ())]),
        ("See [here](https://evil.example/?q=secret).", [("See here.", ())]),
        ("![x](https://evil.example/?q=secret) It is long.", [("It is long.", ())]),
        ("&lt;img src=x&gt; It is <b>long</b>.", [("It is long.", ())]),
        ("It is long: https://evil.example/?q=secret", [("It is long: evil.example", ())]),
        ("```\nIt is long [1]\n```", [("It is long", ("k7f2",))]),
        ("| Quay | Cost |\n|---|---|\n| East | 42 [1] |", [("East; 42", ("k7f2",))]),
    ],
)
def test_text_around_markers_is_left_readable(
    text: str, sentences: list[tuple[str, tuple[str, ...]]]
) -> None:
    assert read(text) == sentences


def test_a_list_is_known_with_what_opens_it() -> None:
    found = marked_sentences("These firms took part [2]:\n\n- Ann & Co. [1]\n- **Bob**: pumps", LABELS)
    assert [(its.text, its.listed, its.lead_in) for its in found] == [
        ("These firms took part:", False, True),
        ("Ann & Co.", True, False),
        ("Bob: pumps", True, False),
    ]


WRITTEN = (
    "[ ] ( ) ! < > img src= [k7f2] [1] [9-1] 【2】 ^ ^1 # - * ** ` ``` | \n \n\n https:// evil.example ?q= a. B"
    " : &lt; &gt; &#x5b; &#x5d; &amp;lt; \\[ \\] \\! javascript: data: <a <script> </b> source k7f2 。 1. ¹ \ud800 \x00"
)
PIECES = st.lists(st.sampled_from([*WRITTEN.split(" "), " "])).map("".join)


@given(st.text() | PIECES, st.lists(st.text(min_size=1, max_size=5), max_size=3) | st.just(list(LABELS)))
def test_whatever_is_written_no_markup_survives(text: str, labels: list[str]) -> None:
    for found in marked_sentences(text, labels):
        assert found.text.strip()
        assert not re.search(r"<[a-zA-Z/!?]|!?\[[^\[\]]*\]\(|\w://|\b(?:javascript|data):\S", found.text), (
            found.text
        )


def test_a_long_reply_is_read_in_time() -> None:
    text = "The quay is long [k7f2][p3d9]. " * 500 + "[" * 2_000 + "(" * 2_000 + "k7f2 " * 1_000
    assert len(marked_sentences(text, LABELS)) >= 500

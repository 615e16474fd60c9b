"""Markdown: its blocks, and front matter that can and cannot be used."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.domain import BlockKind, Source
from rag.errors import DocumentMalformed
from rag.text import clean
from tests.contracts.documents import Read, read_bytes, shown

MARKDOWN = """---
id: harbour-works
title: Harbour works
kind: project
date: 2023-05
place: Elsin
people: [Ada Moreau, "Ines Okafor, PhD"]
organisations: Port of Elsin
source: {title: Elsin Gazette, publisher: Elsin Press, published: 2023-06-01}
colour: red
---
Before any *heading*.

# Works

A **bold** word, `code`, a [link](http://example.org) and ![a picture](x.png).
Second line.

## Firms

1. First
2. Second
   - Below second

   Still second.

> Quoted.

| Name | Sum | |
|---|---|---|
| Quay | 42 | x |
| | 7 | |

    indented()

```python
def f():
    return 1
```
"""


def test_markdown_becomes_text_with_its_structure(read: Read) -> None:
    assert shown(read("works.md", MARKDOWN)) == [
        (BlockKind.PARAGRAPH, 0, "Before any heading."),
        (BlockKind.HEADING, 1, "Works"),
        (BlockKind.PARAGRAPH, 0, "A bold word, code, a link and a picture. Second line."),
        (BlockKind.HEADING, 2, "Firms"),
        (BlockKind.LIST_ITEM, 1, "First"),
        (BlockKind.LIST_ITEM, 1, "Second"),
        (BlockKind.LIST_ITEM, 2, "Below second"),
        (BlockKind.LIST_ITEM, 1, "Still second."),
        (BlockKind.PARAGRAPH, 0, "Quoted."),
        (BlockKind.TABLE_ROW, 0, "Name: Quay; Sum: 42; x"),
        (BlockKind.TABLE_ROW, 0, "Sum: 7"),
        (BlockKind.CODE, 0, "indented()"),
        (BlockKind.CODE, 0, "def f():\n    return 1"),
    ]


def test_front_matter_is_kept_and_unknown_keys_are_left_alone(read: Read) -> None:
    document = read("works.md", MARKDOWN)
    assert document.id == "harbour-works"
    assert document.title == "Harbour works"
    assert document.kind == "project"
    assert document.date == "2023-05"
    assert document.place == "Elsin"
    assert document.people == ("Ada Moreau", "Ines Okafor, PhD")
    assert document.organisations == ("Port of Elsin",)
    assert document.source == Source("Elsin Gazette", "Elsin Press", "2023-06-01")
    assert document.published == "2023-06-01"


def test_sections_have_the_headings_above_them(read: Read) -> None:
    document = read(
        "x.md", "Intro.\n\n# A\n\nOne.\n\n### B\n\nTwo.\n\n## C\n\nThree.\n\n# D\n\n# E\n\nFour.\n"
    )
    assert [(section.path, document.text[section.start : section.end]) for section in document.sections] == [
        ((), "Intro."),
        (("A",), "One."),
        (("A", "B"), "Two."),
        (("A", "C"), "Three."),
        (("E",), "Four."),
    ]


def test_without_front_matter_name_and_heading_say_what_it_is(read: Read) -> None:
    document = read("Port works/New_quay.md", "# The new quay\n\nIt is long.\n")
    assert document.id == "port-works-new-quay"
    assert document.title == "The new quay"
    assert document.kind == "document"
    assert document.source == Source("Port works/New_quay.md")


def test_without_any_heading_the_name_is_the_title(read: Read) -> None:
    assert read("new_quay-works.md", "It is long.").title == "new quay works"


def test_a_name_in_any_script_makes_an_id(read: Read) -> None:
    assert read("港の計画.md", "新しい港。").id == "港の計画"
    assert read("Überseehafen.txt", "Ein Hafen.").id == "überseehafen"
    assert read("___.md", "A quay.").id
    assert read("___.md", "A quay.").title.strip()


def test_a_single_name_or_source_may_stand_alone(read: Read) -> None:
    document = read("x.md", "---\npeople: Ada\nsource: Gazette\n---\nText.")
    assert document.people == ("Ada",)
    assert document.source == Source("Gazette")


def test_html_in_markdown_is_text(read: Read) -> None:
    assert read("x.md", "<script>alert(1)</script>\n\nSafe <b>text</b>.").text == (
        "<script>alert(1)</script>\n\nSafe <b>text</b>."
    )


def test_markdown_that_opens_with_a_rule_is_no_front_matter(read: Read) -> None:
    assert read("x.md", "---\n\nThe quay is long.\n").text == "The quay is long."


def test_a_rule_further_down_opens_no_front_matter(read: Read) -> None:
    assert (
        read("x.md", "First.\n\n---\n\nSecond: two\n\n---\n\nThird.").text
        == "First.\n\nSecond: two\n\nThird."
    )


def test_braces_and_plus_signs_open_no_front_matter(read: Read) -> None:
    assert read("x.md", '{\n"title": "x"\n}\n\nThe quay.').text == '{ "title": "x" }\n\nThe quay.'
    assert "title" in read("y.md", '+++\ntitle = "x"\n+++\n\nThe quay.').text


def test_a_byte_order_mark_and_blank_lines_may_precede_front_matter(read: Read) -> None:
    assert read("x.md", "\ufeff\n\n---\ntitle: Quay\n---\nLong.").title == "Quay"


def test_windows_line_ends(read: Read) -> None:
    document = read("x.md", MARKDOWN.replace("\n", "\r\n"))
    assert document.text == read("y.md", MARKDOWN).text
    assert document.title == "Harbour works"


def test_a_table_without_rows_keeps_its_words(read: Read) -> None:
    assert read("x.md", "| Quay | Length |\n|---|---|\n").text == "Quay; Length"


@pytest.mark.parametrize(
    ("matter", "reason"),
    [
        ("title: [unclosed", "not valid YAML"),
        ("title: 'unclosed", "not valid YAML"),
        ("\ttitle: x", "not valid YAML"),
        ("- a\n- b", "key: value"),
        ("just words", "key: value"),
        ("title: {a: 1}", "title = "),
        ("title: ''", "title = ''"),
        ("title: '   '", "title = "),
        ("id: a b", "id = 'a b'"),
        ("id: ../x", "id = '../x'"),
        ("kind: ''", "kind = ''"),
        ("date: last May", "'last May' is not a date"),
        ("date: 2023-02-30", "Its front matter"),
        ("date: '2023-13'", "'2023-13' is not a date"),
        ("date: '2023-00'", "'2023-00' is not a date"),
        ("date: 2023-05-01 to 2023-05-03", "is not a date"),
        ("people: [[a]]", "people.0"),
        ("source: {publisher: x}", "source.title"),
        ("source: {title: x, published: soon}", "'soon' is not a date"),
        ("[a]: b\n? {c: d}\n: e", "Its front matter"),
        ("title: " + "[" * 3_000, "Its front matter"),
        ("title: x\ntitle: y: z", "not valid YAML"),
    ],
)
def test_malformed_front_matter_is_named(read: Read, matter: str, reason: str) -> None:
    with pytest.raises(DocumentMalformed, match="front matter") as raised:
        read("x.md", f"---\n{matter}\n---\nText.")
    assert reason in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 1_000


def test_front_matter_that_grows_when_read_is_refused_at_once(read: Read) -> None:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(DocumentMalformed) as raised:
        read("x.md", "---\n" + "\n".join(lines) + "\ntitle: *a11\n---\nText.")
    assert len(str(raised.value)) < 1_000


def test_unicode_that_front_matter_escapes_is_cleaned(read: Read) -> None:
    document = read(
        "x.md",
        '---\ntitle: "A\\u202eB\\x1b[31m\\tC\\nD"\nplace: "E\\u200b\\nF"\npeople: ["G\\x07"]\n---\nText.',
    )
    assert document.title == "AB[31m C D"
    assert document.place == "E F"
    assert document.people == ("G",)


@pytest.mark.parametrize(
    ("written", "stored"),
    [("2023", "2023"), ("2023-05-04", "2023-05-04"), ("2023-05-04 10:30:00", "2023-05-04")],
)
def test_dates_as_yaml_reads_them(read: Read, written: str, stored: str) -> None:
    assert read("x.md", f"---\ndate: {written}\n---\nText.").date == stored


def test_markdown_nested_deeper_than_can_be_read_is_refused_rather_than_cut(read: Read) -> None:
    assert read("x.md", ">" * 90 + " deep").text == "deep"
    assert read("y.md", "".join("  " * depth + f"- {depth}\n" for depth in range(45))).text.endswith("44")
    for source in (">" * 5_000 + " deep", "> " * 100 + "deep", "- " * 300 + "deep"):
        with pytest.raises(DocumentMalformed, match="nested 100 deep"):
            read("z.md", source)


WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=12)
PIECES = st.one_of(
    st.builds("{}\n\n".format, st.lists(WORDS, min_size=1, max_size=20).map(" ".join)),
    st.builds("{} {}\n\n".format, st.integers(1, 6).map("#".__mul__), WORDS),
    st.lists(WORDS, min_size=1, max_size=4).map(
        lambda words: "".join(f"- {word}\n" for word in words) + "\n"
    ),
    st.lists(WORDS, min_size=1, max_size=4).map(
        lambda words: "".join(f"> {word}\n" for word in words) + "\n"
    ),
    st.lists(WORDS, min_size=1, max_size=3).map(lambda words: "```\n" + "\n".join(words) + "\n```\n\n"),
    st.lists(WORDS, min_size=2, max_size=2).map(
        lambda words: f"| a | b |\n|---|---|\n| {words[0]} | {words[1]} |\n\n"
    ),
)


@settings(max_examples=50)
@given(st.lists(PIECES, min_size=1, max_size=12))
def test_no_word_of_a_markdown_document_is_lost(pieces: list[str]) -> None:
    source = "Begins.\n\n" + "".join(pieces)
    with tempfile.TemporaryDirectory() as folder:
        document = read_bytes(Path(folder), "x.md", source)
    kept = "".join(character for character in document.text if character.isalnum())
    assert all(clean(word) in kept for piece in pieces for word in piece.split() if clean(word).isalnum())

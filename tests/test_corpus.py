"""Files to documents: formats, front matter, offsets, and files that cannot be used."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.corpus import read_corpus
from rag.dates import days
from rag.domain import BlockKind, Document, Failure, ReadingLimits, Source
from rag.errors import DocumentError, DocumentMalformed, DocumentUnreadable, InvalidInput, UnsupportedFormat
from rag.formats.parser import Parser
from rag.formats.read import READERS, read_file
from rag.text import clean, table_row
from tests.contracts.documents import check_document

Read = Callable[[str, str | bytes], Document]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Writes a file, reads it and checks what holds of every document."""

    def write_and_read(name: str, content: str | bytes) -> Document:
        return read_bytes(tmp_path, name, content)

    return write_and_read


def read_bytes(folder: Path, name: str, content: str | bytes) -> Document:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    (document,) = read_file(path, name)
    assert isinstance(document, Document)
    check_document(document)
    return document


def shown(document: Document) -> list[tuple[BlockKind, int, str]]:
    return [(block.kind, block.level, document.text[block.start : block.end]) for block in document.blocks]


@pytest.fixture(scope="module", autouse=True)
def _shared_parser(parser: Parser) -> Iterator[None]:
    """All tests here read with one process."""
    SHARED.append(parser)
    yield
    SHARED.clear()


SHARED: list[Parser] = []


def failures(folder: Path) -> dict[str, str]:
    found = read_corpus([folder], SHARED[0])
    return {entry.name: entry.reason for entry in found if isinstance(entry, Failure)}


def read_ids(folder: Path) -> list[str]:
    return [entry.id for entry in read_corpus([folder], SHARED[0]) if isinstance(entry, Document)]


# --- Markdown --------------------------------------------------------------------------------------------------


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


# --- plain text and HTML ---------------------------------------------------------------------------------------


def test_paragraphs_of_plain_text_are_parted_by_blank_lines(read: Read) -> None:
    document = read("x.txt", "One\nline.\n  \n\nTwo:  *no* markup.\n")
    assert shown(document) == [
        (BlockKind.PARAGRAPH, 0, "One line."),
        (BlockKind.PARAGRAPH, 0, "Two: *no* markup."),
    ]


HTML = """<!doctype html><html><head><title> The  ferry </title><style>p{}</style></head><body>
<nav>Menu</nav><h1>Ferry</h1>loose text<p>Leaves at <b>7:30</b>.<br>Daily.</p>
<div>One<div>Two</div>Three</div>
<ul><li>A<ul><li>B</li></ul>C</li></ul>
<pre>x = 1
  y</pre>
<table><caption>Fares</caption><tr><th>Who</th><th>Fare</th></tr><tr><td>Adults</td><td>12<br>euros</td></tr></table>
<script>alert(1)</script><footer>Foot</footer></body></html>"""


def test_html_becomes_text_with_its_structure(read: Read) -> None:
    document = read("ferry.html", HTML)
    assert document.title == "The ferry"
    assert shown(document) == [
        (BlockKind.HEADING, 1, "Ferry"),
        (BlockKind.PARAGRAPH, 0, "loose text"),
        (BlockKind.PARAGRAPH, 0, "Leaves at 7:30. Daily."),
        (BlockKind.PARAGRAPH, 0, "One"),
        (BlockKind.PARAGRAPH, 0, "Two"),
        (BlockKind.PARAGRAPH, 0, "Three"),
        (BlockKind.LIST_ITEM, 1, "A"),
        (BlockKind.LIST_ITEM, 2, "B"),
        (BlockKind.LIST_ITEM, 1, "C"),
        (BlockKind.CODE, 0, "x = 1\n  y"),
        (BlockKind.PARAGRAPH, 0, "Fares"),
        (BlockKind.TABLE_ROW, 0, "Who: Adults; Fare: 12 euros"),
    ]


def test_blocks_in_a_table_cell_do_not_run_together(read: Read) -> None:
    assert read(
        "x.html", "<table><tr><td><p>One.</p><p>Two.</p></td><td>T<b>hr</b>ee</td></tr></table>"
    ).text == ("One. Two.; Three")


def test_a_table_of_headings_alone_keeps_its_words(read: Read) -> None:
    assert read("x.html", "<table><tr><th>Quay</th><th>Length</th></tr></table>").text == "Quay; Length"


def test_a_table_with_headings_at_the_side(read: Read) -> None:
    html = "<table><tr><th>Length</th><td>400 m</td></tr><tr><th>Depth</th><td>12 m</td></tr></table>"
    assert read("x.html", html).text == "Length; 400 m\nDepth; 12 m"


def test_a_table_within_a_table_is_read_once(read: Read) -> None:
    html = "<table><tr><td>Outer <table><tr><td>inner</td></tr></table></td><td>Next</td></tr></table>"
    assert read("x.html", html).text.split() == ["Outer", "inner", "Next"]


def test_5000_nested_elements(read: Read) -> None:
    for opened, closed in (
        ("<div>", "</div>"),
        ("<ul><li>", "</li></ul>"),
        ("<table><tr><td>", "</td></tr></table>"),
    ):
        assert read("x.html", opened * 5_000 + "deep" + closed * 5_000).text == "deep"
    assert "deep" in read("y.md", "[" * 5_000 + "deep" + "](x)" * 5_000).text
    assert "deep" in read("z.md", "*" * 5_000 + "deep" + "*" * 5_000).text


def test_markdown_nested_deeper_than_can_be_read_is_refused_rather_than_cut(read: Read) -> None:
    assert read("x.md", ">" * 90 + " deep").text == "deep"
    assert read("y.md", "".join("  " * depth + f"- {depth}\n" for depth in range(45))).text.endswith("44")
    for source in (">" * 5_000 + " deep", "> " * 100 + "deep", "- " * 300 + "deep"):
        with pytest.raises(DocumentMalformed, match="nested 100 deep"):
            read("z.md", source)


def test_a_table_of_thousands_of_rows(read: Read) -> None:
    rows = "".join(f"<tr><td>{number}</td><td>x</td></tr>" for number in range(5_000))
    document = read("x.html", f"<table><tr><th>Number</th><th>Sign</th></tr>{rows}</table>")
    assert len(document.blocks) == 5_000
    assert document.text.endswith("Number: 4999; Sign: x")


# --- characters ------------------------------------------------------------------------------------------------


def test_invisible_and_control_characters_are_left_out(read: Read) -> None:
    assert read(
        "x.txt", "Pay\u200bload \u202eright\u202c to le\xadft\u2066\x07, \U000e0041tagged\ufeff."
    ).text == ("Payload right to left, tagged.")


@pytest.mark.parametrize("space", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\xa0", "\u3000", "\t"])
def test_every_white_space_parts_words(read: Read, space: str) -> None:
    assert read("x.txt", f"one{space}two").text == "one two"


def test_joiners_within_words_and_emoji_stay(read: Read) -> None:
    text = "می\u200cخواهم 👩\u200d🔬"
    assert read("x.txt", text).text == text


def test_text_is_composed(read: Read) -> None:
    assert read("x.txt", "Cafe\u0301 e\u200b\u0301").text == "Café é"


@given(st.text())
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    clean(text).encode()


def test_a_lone_surrogate_is_replaced() -> None:
    assert clean("a\ud800b") == "a?b"


def test_utf_16_with_its_mark(read: Read) -> None:
    assert read("x.md", "# Ufer\n\nEin Kai.".encode("utf-16")).title == "Ufer"
    assert read("y.md", b"\xfe\xff" + "Ein Kai – 港.".encode("utf-16-be")).text == "Ein Kai – 港."


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff\xfea\x00b", "not UTF-16 text"),
        (bytes(range(1, 256)), "not text in any encoding"),
        (b"text\x00text", "NUL byte at position 4"),
        (b"\xff\xfe\x00\x00a\x00\x00\x00", "NUL"),
    ],
)
def test_what_is_not_text_is_said_where(read: Read, content: bytes, reason: str) -> None:
    with pytest.raises(DocumentUnreadable, match=reason):
        read("x.md", content)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.md", ""),
        ("x.md", "\ufeff"),
        ("x.md", " \n\t\n"),
        ("x.md", "---\ntitle: Alone\n---\n"),
        ("x.md", "# A heading alone\n"),
        ("x.txt", "\u200b\x07"),
        ("x.html", ""),
        ("x.html", "<script>x</script>"),
        ("x.html", "<frameset></frameset>"),
    ],
)
def test_a_file_without_text_is_malformed(read: Read, name: str, content: str) -> None:
    with pytest.raises(DocumentMalformed, match="holds no text"):
        read(name, content)


# --- the folder ------------------------------------------------------------------------------------------------


def test_files_are_read_in_the_order_of_paths_at_any_depth(tmp_path: Path) -> None:
    for name in ("b.md", "a/z.md", "a/b/c.md", "c.txt"):
        read_bytes(tmp_path, name, "Text.")
    assert read_ids(tmp_path) == ["a-b-c", "a-z", "b", "c"]


def test_hidden_files_and_folders_are_passed_over(tmp_path: Path) -> None:
    read_bytes(tmp_path, "seen.md", "Text.")
    for name in (".hidden.md", ".git/config.md", "a/.b/c.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("Text.")
    assert read_ids(tmp_path) == ["seen"]
    assert failures(tmp_path) == {}


@pytest.mark.parametrize("name", ["paper.djvu", "no-ending", "x.MD.bak", "data.json"])
def test_an_ending_that_no_reader_reads_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("Text.")
    with pytest.raises(UnsupportedFormat, match=r"\.html.*\.md.*\.txt"):
        list(read_file(tmp_path / name, name))
    assert list(failures(tmp_path)) == [name]


@pytest.mark.parametrize(
    "ending", [".md", ".markdown", ".txt", ".text", ".html", ".htm", ".xhtml", ".MD", ".Html"]
)
def test_every_known_ending_is_read(read: Read, ending: str) -> None:
    assert read(f"x{ending}", "Text.").text == "Text."


def test_one_bad_file_does_not_keep_the_others_out(tmp_path: Path) -> None:
    read_bytes(tmp_path, "good.md", "Text.")
    (tmp_path / "broken.txt").write_bytes(b"\xff\xff\x00")
    (tmp_path / "empty.md").touch()
    (tmp_path / "matter.md").write_text("---\ndate: never\n---\nText.")
    assert read_ids(tmp_path) == ["good"]
    assert list(failures(tmp_path)) == ["broken.txt", "empty.md", "matter.md"]


def test_a_second_document_of_the_same_id_is_refused(tmp_path: Path) -> None:
    for name in ("a.md", "b.md"):
        read_bytes(tmp_path, name, "---\nid: quay\n---\nText.")
    read_bytes(tmp_path, "quay.txt", "Text.")
    assert read_ids(tmp_path) == ["quay"]
    found = failures(tmp_path)
    assert list(found) == ["b.md", "quay.txt"]
    assert "'quay' is also that of a.md" in found["b.md"]


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "large.txt").open("wb") as file:
        file.truncate(ReadingLimits().file_bytes + 1)
    with pytest.raises(DocumentUnreadable, match="104,857,601 bytes; at most 104,857,600"):
        list(read_file(tmp_path / "large.txt", "large.txt"))


def test_a_folder_that_is_named_like_a_document_is_a_folder(tmp_path: Path) -> None:
    read_bytes(tmp_path, "x.md/y.md", "Text.")
    assert read_ids(tmp_path) == ["x-md-y"]
    with pytest.raises(DocumentUnreadable, match="not a file that can be read"):
        list(read_file(tmp_path / "x.md", "x.md"))


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    assert "pipe.md" in failures(tmp_path)


def test_links_that_lead_nowhere_or_in_circles_are_named(tmp_path: Path) -> None:
    read_bytes(tmp_path, "real.md", "Text.")
    (tmp_path / "nowhere.md").symlink_to("missing.md")
    (tmp_path / "circle.md").symlink_to("circle.md")
    (tmp_path / "up").symlink_to(tmp_path, target_is_directory=True)
    assert read_ids(tmp_path) == ["real"]
    assert failures(tmp_path).keys() == {"nowhere.md", "circle.md", "up"}
    assert "link to a folder" in failures(tmp_path)["up"]


def test_a_link_within_the_folder_is_read_and_one_that_leads_out_of_it_only_if_allowed(
    tmp_path: Path,
) -> None:
    read_bytes(tmp_path, "elsewhere/secret.md", "Text.")
    read_bytes(tmp_path, "folder/real.md", "Text.")
    folder = tmp_path / "folder"
    (folder / "inner.md").symlink_to(folder / "real.md")
    (folder / "outer.md").symlink_to(tmp_path / "elsewhere" / "secret.md")
    assert read_ids(folder) == ["inner", "real"]
    assert "leads out of the folder" in failures(folder)["outer.md"]
    followed = [entry.id for entry in read_corpus([folder], follow_links=True) if isinstance(entry, Document)]
    assert followed == ["inner", "outer", "real"]


def test_a_name_that_is_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.md")).write_text("Text.")
    (document,) = read_corpus([tmp_path])
    assert isinstance(document, Document)
    assert document.text == "Text."
    document.path.encode()
    check_document(document)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(
        DocumentUnreadable, match=r"There is no folder or file .*Set --corpus or RAG_CORPUS_DIR"
    ):
        list(read_corpus([tmp_path / "missing"]))


def test_several_folders_and_files_make_one_corpus(tmp_path: Path) -> None:
    for name in ("ships/a.md", "ships/below/b.md", "ports/a.md", "alone.txt"):
        read_bytes(tmp_path, name, "Text.")
    found = list(read_corpus([tmp_path / "ships", tmp_path / "ports", tmp_path / "alone.txt"]))
    assert [entry.id for entry in found if isinstance(entry, Document)] == [
        "ships-a",
        "ships-below-b",
        "ports-a",
        "alone",
    ]
    assert [entry.path for entry in found if isinstance(entry, Document)][:2] == [
        "ships/a.md",
        "ships/below/b.md",
    ]


def test_a_folder_or_file_given_twice_is_the_same_documents(tmp_path: Path) -> None:
    for name in ("ships/a.md", "ports/b.md"):
        read_bytes(tmp_path, name, "Text.")
    found = list(read_corpus([tmp_path / "ships", tmp_path / "ports" / ".." / "ships"]))
    assert {entry.id for entry in found if isinstance(entry, Document)} == {"ships-a"}
    assert not [entry for entry in found if isinstance(entry, Failure)]


def test_documents_of_folders_of_the_same_name_are_never_mistaken_for_one_another(tmp_path: Path) -> None:
    read_bytes(tmp_path, "one/docs/a.md", "Text of one.")
    read_bytes(tmp_path, "two/docs/a.md", "Text of two.")
    found = list(read_corpus([tmp_path / "one" / "docs", tmp_path / "two" / "docs"]))
    (document,) = (entry for entry in found if isinstance(entry, Document))
    (failure,) = (entry for entry in found if isinstance(entry, Failure))
    assert document.text == "Text of one."
    assert str(tmp_path / "one" / "docs" / "a.md") in failure.reason


def test_a_file_without_permission_is_named(unprivileged: Path) -> None:
    read_bytes(unprivileged, "open.md", "Text.")
    read_bytes(unprivileged, "closed.md", "Text.")
    (unprivileged / "closed.md").chmod(0)
    assert read_ids(unprivileged) == ["open"]
    assert failures(unprivileged) == {"closed.md": "It cannot be opened: Permission denied."}


@pytest.mark.parametrize("mode", [0o000, 0o444])
def test_a_folder_without_permission_is_named(unprivileged: Path, mode: int) -> None:
    read_bytes(unprivileged, "open.md", "Text.")
    read_bytes(unprivileged, "closed/x.md", "Text.")
    (unprivileged / "closed").chmod(mode)
    try:
        assert read_ids(unprivileged) == ["open"]
        (name,) = failures(unprivileged)
        assert name in ("closed", "closed/x.md")
        assert "Permission denied" in failures(unprivileged)[name]
    finally:
        (unprivileged / "closed").chmod(0o755)


# --- dates and rows --------------------------------------------------------------------------------------------


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


def test_a_row_says_what_its_cells_are() -> None:
    assert table_row(["Name", "", "Sum"], ["Quay", "new", " "]) == "Name: Quay; new"


# --- properties ------------------------------------------------------------------------------------------------

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


@given(st.sampled_from(sorted(READERS)), st.text(max_size=500) | st.binary(max_size=500))
def test_any_file_is_read_or_refused(ending: str, content: str | bytes) -> None:
    written = content if isinstance(content, bytes) else content.encode("utf-8", "replace")
    with tempfile.TemporaryDirectory() as folder, suppress(DocumentError):
        read_bytes(Path(folder), f"x{ending}", written)

"""Citations: markers, quotes that stand where they say, and text that Markdown shows as it is."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from rag.answer.cite import cite, escape_markdown, not_found_text
from rag.answer.draft import Draft, Statement
from rag.domain import Evidence, Hit
from rag.errors import IndexCorrupt
from rag.text import one_line
from tests.fakes import evidence_of, passage_of

QUAY = passage_of(
    "The quay is long.", "It has a crane.", start=5, title="Quay", section="Works", source="Gazette"
)
LAMP = passage_of("The lamp is bright.", document_id="lamp", title="Lamp", published="2023-05")
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def draft(*statements: Statement) -> Draft:
    return Draft(statements, None, 0.9)


def said(*evidence: Evidence, listed: bool = False) -> Statement:
    return Statement(evidence[0].sentence.text, evidence, listed)


def test_markers_are_numbered_by_first_use() -> None:
    crane, lamp, quay = evidence_of(QUAY, 1), evidence_of(LAMP), evidence_of(QUAY, 0)
    cited = cite(draft(said(crane), said(lamp), said(quay)))
    assert cited.answer == "It has a crane. [1] The lamp is bright. [2] The quay is long. [3]"
    assert [citation.marker for citation in cited.citations] == [1, 2, 3]
    assert [citation.quote for citation in cited.citations] == [
        "It has a crane.",
        "The lamp is bright.",
        "The quay is long.",
    ]


def test_the_same_sentence_is_cited_once() -> None:
    again = replace(evidence_of(QUAY, 0), hit=Hit(QUAY, 0.5, 2), part=1)
    cited = cite(draft(said(evidence_of(QUAY, 0)), said(evidence_of(LAMP)), said(again)))
    assert cited.answer == "The quay is long. [1] The lamp is bright. [2] The quay is long. [1]"
    assert len(cited.citations) == 2


def test_a_statement_may_rest_on_several_sentences() -> None:
    statement = Statement(
        "The quay has a crane.", (evidence_of(QUAY, 0), evidence_of(QUAY, 1), evidence_of(QUAY, 0))
    )
    assert cite(draft(statement)).answer == "The quay has a crane. [1][2]"


def test_a_citation_says_where_its_quote_stands() -> None:
    (citation,) = cite(draft(said(evidence_of(QUAY, 1)))).citations
    document = "#### " + QUAY.text
    assert document[citation.start : citation.end] == citation.quote == "It has a crane."
    assert (citation.document_id, citation.title, citation.section) == ("d", "Quay", "Works")
    assert (citation.kind, citation.published, citation.source) == ("k", None, "Gazette")


def test_what_is_used_is_named_once() -> None:
    cited = cite(draft(said(evidence_of(QUAY, 0)), said(evidence_of(QUAY, 1))))
    assert cited.used == {QUAY.id}


def test_a_list_stands_on_lines_of_its_own() -> None:
    one, two = evidence_of(QUAY, 0), evidence_of(QUAY, 1)
    cited = cite(draft(said(evidence_of(LAMP)), said(one, listed=True), said(two, listed=True), said(one)))
    assert cited.answer == (
        "The lamp is bright. [1]\n\n- The quay is long. [2]\n- It has a crane. [3]\n\nThe quay is long. [2]"
    )
    assert (
        cited.answer_plain == "The lamp is bright.\n\nThe quay is long.\nIt has a crane.\n\nThe quay is long."
    )


def test_nothing_said_is_nothing_cited() -> None:
    cited = cite(draft())
    assert (cited.answer, cited.answer_plain, cited.citations, cited.used) == ("", "", (), frozenset())


@pytest.mark.parametrize("moved", [-1, 1, 100, -100])
def test_a_quote_that_is_not_where_it_should_be_is_never_shown(moved: int) -> None:
    evidence = evidence_of(QUAY, 1)
    sentence = replace(
        evidence.sentence, start=evidence.sentence.start + moved, end=evidence.sentence.end + moved
    )
    with pytest.raises(IndexCorrupt, match="Run `mission-record rebuild`"):
        cite(draft(said(replace(evidence, sentence=sentence))))


@pytest.mark.parametrize(
    ("names", "hits", "text"),
    [
        (("Zorro",), [Hit(QUAY, 1.0, 1)], "The record does not mention Zorro."),
        (("Zorro", "Varn Ltd."), [], "The record does not mention Zorro or Varn Ltd."),
        ((), [Hit(QUAY, 1.0, 1)], "The record does not say."),
        ((), [], "Nothing in the record matches this question."),
    ],
)
def test_what_is_said_where_nothing_answers(names: tuple[str, ...], hits: list[Hit], text: str) -> None:
    assert not_found_text(names, hits) == text


# --- Markdown --------------------------------------------------------------------------------------------------


def rendered(markdown: str) -> str:
    """What a reader sees of a paragraph, if it is one paragraph of mere text."""
    tokens = MARKDOWN.parse(markdown)
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"], markdown
    return shown(tokens[1])


def shown(inline: Token) -> str:
    children = inline.children or []
    assert {child.type for child in children} <= {"text", "text_special"}, inline.content
    return "".join(child.content for child in children)


RECORD_TEXT = st.text().map(one_line).filter(bool)
MARKUP = st.lists(
    st.sampled_from(
        [*"\\`*_[]<>|~#+-=.)(!&;:\"'{}^$@%/0123 ", "1. ", "a", "&amp;", "&#65;", "<b>", "](x)", "![",
         "http://a.b", "---"]
    ),
    min_size=1,
    max_size=30,
).map("".join).map(one_line).filter(bool)  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "1. First",
        "10) Downing Street",
        "# Heading",
        "- item",
        "+ item",
        "* item",
        "> quote",
        "---",
        "===",
        "~~~ fence",
        "``` fence",
        "| a | b |",
        "**bold** and _thin_ and ~~gone~~ and `code`",
        "[1] [x](y) ![z](w) [a]: b",
        "<b>tag</b> <https://example.com> &copy; &#65; a&b",
        "ends with a backslash \\",
        "1 \\. 2",
    ],
)
def test_what_looks_like_markup_is_shown_as_it_is(text: str) -> None:
    assert rendered(escape_markdown(text)) == text
    listed = MARKDOWN.parse(f"- {escape_markdown(text)}")
    assert [shown(token) for token in listed if token.type == "inline"] == [text]
    assert not {token.type for token in listed} & {"ordered_list_open", "heading_open", "hr", "fence"}


@given(RECORD_TEXT | MARKUP)
def test_escaped_text_is_shown_as_it_is(text: str) -> None:
    assert rendered(escape_markdown(text)) == text


@given(st.lists(st.tuples(RECORD_TEXT | MARKUP, st.booleans()), min_size=1, max_size=6))
def test_whole_answers_are_shown_as_they_are(statements: list[tuple[str, bool]]) -> None:
    evidence = [
        evidence_of(passage_of(text, document_id=f"d{number}")) for number, (text, _) in enumerate(statements)
    ]
    cited = cite(
        draft(*(said(found, listed=listed) for found, (_, listed) in zip(evidence, statements, strict=True)))
    )
    tokens = MARKDOWN.parse(cited.answer)
    allowed = {"paragraph_open", "inline", "paragraph_close", "bullet_list_open", "list_item_open"}
    assert {token.type for token in tokens} <= allowed | {"bullet_list_close", "list_item_close"}
    assert sum(token.type == "list_item_open" for token in tokens) == sum(listed for _, listed in statements)
    seen = " ".join(shown(token) for token in tokens if token.type == "inline")
    assert seen == " ".join(f"{text} [{number}]" for number, (text, _) in enumerate(statements, start=1))
    assert [citation.quote for citation in cited.citations] == [text for text, _ in statements]


@given(RECORD_TEXT)
def test_plain_text_is_the_sentence_itself(text: str) -> None:
    cited = cite(draft(said(evidence_of(passage_of(text)))))
    assert cited.answer_plain == text
    assert re.search(r" \[1\]$", cited.answer)

"""What holds of every answer, whatever was asked."""

from __future__ import annotations

import re
from dataclasses import replace

from markdown_it import MarkdownIt

from rag.answer.extractive import DISAGREEMENT, dated
from rag.api.schemas import answer_of
from rag.catalog import Catalog
from rag.domain import Answer

_MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
_MARKUP_OF_ANSWERS = {
    "paragraph_open",
    "paragraph_close",
    "inline",
    "bullet_list_open",
    "bullet_list_close",
    "list_item_open",
    "list_item_close",
}


def check_answer(answer: Answer, catalog: Catalog) -> None:
    """Quotes stand where they say, markers and citations match, and the text is what the record says."""
    assert answer.answer.strip()
    assert answer.answer_plain.strip()
    assert 0.0 <= answer.confidence <= 1.0
    answer_of(answer).model_dump_json().encode()
    retrieved = [hit.passage.id for hit in answer.retrieved]
    assert len(set(retrieved)) == len(retrieved)
    assert answer.used <= set(retrieved)
    if answer.status == "not_found":
        assert answer.citations == ()
        assert answer.used == frozenset()
        assert answer.reason
        return
    assert answer.reason is None
    for citation in answer.citations:
        document = catalog.document(citation.document_id)
        assert document.text[citation.start : citation.end] == citation.quote
        assert (citation.title, citation.kind) == (document.title, document.kind)
    markers = [int(found) for found in re.findall(r"(?<!\\)\[(\d+)\]", answer.answer)]
    assert sorted(set(markers)) == [citation.marker for citation in answer.citations]
    assert list(dict.fromkeys(markers)) == sorted(set(markers))
    assert len({(found.document_id, found.start, found.end) for found in answer.citations}) == len(
        answer.citations
    )
    assert shown(answer.answer) == " ".join(answer.answer_plain.split())
    if answer.basis == "documents":
        assert answer.citations
        assert answer.used
    if answer.basis == "documents" and answer.answerer == "extractive":
        _check_sentences(answer)


def _check_sentences(answer: Answer) -> None:
    """Every sentence that is shown is in the record, character for character; before those that disagree are dates."""
    for citation in answer.citations:
        assert " ".join(citation.quote.split()) in " ".join(answer.answer_plain.split())
    rest = " ".join(answer.answer_plain.split())
    for markers in answer.disagreement:
        rest = rest.replace(DISAGREEMENT, "", 1)
        for citation in (answer.citations[marker - 1] for marker in markers):
            rest = rest.replace(f"{dated(citation.published)}: ", "", 1)
    for citation in sorted(answer.citations, key=lambda found: -len(found.quote)):
        rest = rest.replace(" ".join(citation.quote.split()), "")
    assert rest.split() == [], "the answer says what no citation does"


def shown(markdown: str) -> str:
    """What a reader sees of an answer, without its markers; it holds nothing but paragraphs and lists of text."""
    tokens = _MARKDOWN.parse(markdown)
    assert {token.type for token in tokens} <= _MARKUP_OF_ANSWERS
    lines = []
    for token in tokens:
        if token.type == "inline":
            children = token.children or []
            assert {child.type for child in children} <= {"text", "text_special", "softbreak"}
            lines.append("".join(child.content or " " for child in children))
    return " ".join(re.sub(r" (?:\[\d+\])+", "", line) for line in lines)


def same(answer: Answer) -> Answer:
    """The answer without what differs each time that it is given."""
    return replace(answer, id="", timings_ms={})

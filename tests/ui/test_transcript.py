"""A conversation to take along."""

from __future__ import annotations

import json
from dataclasses import replace

from markdown_it import MarkdownIt

from rag.domain import Filters
from tests.ui.test_render import ANSWERED, NOT_FOUND, asked
from ui.conversation import Exchange, Problem
from ui.transcript import as_json, as_markdown, with_sources


def test_markdown_has_each_question_with_its_answer_and_sources() -> None:
    written = as_markdown((asked(), asked(NOT_FOUND, "Why?")), "en", "https://example.org")
    assert written == (
        "# Mission Record\n\n"
        "## What did the quay cost?\n\n"
        "It cost 42 million. [1]\n\n"
        "1. [Harbour works, 1 June 2023](https://example.org/documents/quay#c=124-143): “It cost 42 million.”\n\n"
        "## Why?\n\n"
        "**Not in the record.** The record does not say.\n"
    )


def test_markdown_tells_what_failed() -> None:
    exchanges = (Exchange("A", problem=Problem("internal")), Exchange("B", stopped=True))
    written = as_markdown(exchanges, "en")
    assert "Something went wrong here" in written
    assert "Stopped before there was an answer." in written


def test_questions_titles_and_quotes_bring_no_markup_of_their_own() -> None:
    hostile = "</h2> [x](javascript:alert(1)) ![y](https://example.com/p.png) <script>"
    cited = replace(ANSWERED.citations[0], title=hostile, quote=hostile)
    written = as_markdown((asked(replace(ANSWERED, citations=(cited,)), hostile),), "en")
    html = MarkdownIt("commonmark").render(written)
    assert "<script>" not in html
    assert "<img" not in html
    assert html.count("<a ") == 1
    assert 'href="/documents/quay' in html


def test_json_has_what_the_api_would_answer() -> None:
    exchanges = (replace(asked(), filters=Filters(kinds=("project",))), Exchange("B", stopped=True))
    first, second = json.loads(as_json(exchanges))["conversation"]
    assert first["question"] == "What did the quay cost?"
    assert first["filters"]["kinds"] == ["project"]
    assert first["answer"]["citations"][0]["quote"] == "It cost 42 million."
    assert first["answer"]["retrieved"][0]["used"] is True
    assert second["answer"] is None


def test_plain_text_names_the_page() -> None:
    paged = replace(ANSWERED, citations=(replace(ANSWERED.citations[0], page=3),))
    assert "[1] Harbour works, 第 3 頁, 2023 年 6 月 1 日: “It cost 42 million.”" in with_sources(
        paged, "zh-Hant"
    )


def test_plain_text_of_a_refusal_has_no_sources() -> None:
    assert with_sources(NOT_FOUND, "en") == "The record does not say."

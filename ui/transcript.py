"""A conversation to take along: an answer as plain text with its sources, all of it as Markdown or as JSON. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import asdict

from rag.answer.cite import escape_markdown
from rag.api.schemas import answer_of
from rag.domain import Answer, Citation
from ui.conversation import Conversation, Exchange
from ui.messages import message
from ui.wording import date_in_words

_ESCAPED = re.compile(r"\\([^\w\s])")


def with_sources(answer: Answer, language: str) -> str:
    """An answer as plain text, its markers kept, and below it the numbered sources with what is quoted from each."""
    lines = [_ESCAPED.sub(r"\1", answer.answer)]
    if answer.citations:
        lines += ["", message("sources.title", language)]
        lines += [
            f"[{citation.marker}] {_place(citation, language)}: “{_one_line(citation.quote)}”"
            for citation in answer.citations
        ]
    return "\n".join(lines)


def as_markdown(exchanges: Conversation, language: str, origin: str = "") -> str:
    """The questions as headings, each with its answer and its sources; links begin with `origin`."""
    title = f"# {message('window.title', language)}"
    return "\n\n".join((title, *(_section(exchange, language, origin) for exchange in exchanges))) + "\n"


def _section(exchange: Exchange, language: str, origin: str) -> str:
    heading = f"## {escape_markdown(exchange.question)}"
    answer = exchange.answer
    if answer is None:
        reason = exchange.problem.text if exchange.problem else message("chat.stopped", language)
        return f"{heading}\n\n{escape_markdown(reason or message('error.unexpected', language))}"
    if answer.status == "not_found":
        return f"{heading}\n\n**{message('chat.not_found', language)}.** {answer.answer}"
    cited = "\n".join(
        f"{citation.marker}. [{escape_markdown(_place(citation, language))}]({origin}{citation.url}):"
        f" “{escape_markdown(citation.quote)}”"
        for citation in answer.citations
    )
    return f"{heading}\n\n{answer.answer}\n\n{cited}".rstrip()


def as_json(exchanges: Conversation) -> str:
    """Each question with its filters and, as `POST /ask` would give it, its answer."""
    conversation = [
        {
            "question": exchange.question,
            "filters": asdict(exchange.filters),
            "answer": exchange.answer and answer_of(exchange.answer).model_dump(mode="json"),
        }
        for exchange in exchanges
    ]
    return json.dumps({"conversation": conversation}, ensure_ascii=False, indent=2) + "\n"


def _place(citation: Citation, language: str) -> str:
    page = message("sources.page", language, number=citation.page) if citation.page else ""
    parts = (_one_line(citation.title), page, date_in_words(citation.published, language))
    return ", ".join(part for part in parts if part)


def _one_line(value: str) -> str:
    return " ".join(value.split())

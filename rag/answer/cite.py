"""Draft -> Answer: markers are numbered by first use, and every quote is checked against its passage."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.answer.draft import Draft
from rag.domain import Citation, Evidence, Hit
from rag.errors import IndexCorrupt

# What Markdown would read as markup: anywhere, and at the start of a line.
_MARKUP = re.compile(r"([\\`*_\[\]<>|~]|&(?=#?\w+;))")
# What stands in place of a marker behind a statement that is shown though nothing supports it.
NO_SOURCE = "(no source)"
_ENUMERATOR = re.compile(r"^(\s*\d+)([.)])", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Cited:
    """The text of an answer in Markdown and plain, with its citations and the ids of the passages it uses.

    `disagreement` holds the markers of sources that disagree with each other.
    """

    answer: str
    answer_plain: str
    citations: tuple[Citation, ...]
    used: frozenset[str]
    disagreement: tuple[tuple[int, ...], ...] = ()


def cite(draft: Draft) -> Cited:
    """Number the sources and write the text.

    Raises:
        IndexCorrupt: a sentence is not where its passage says that it is.
    """
    markers: dict[tuple[str, int, int], int] = {}
    citations: list[Citation] = []
    marked: list[tuple[str, str, bool]] = []
    used: set[str] = set()
    for statement in draft.statements:
        numbers: list[int] = []
        for evidence in statement.evidence:
            passage = evidence.hit.passage
            key = _key(evidence)
            if key not in markers:
                markers[key] = len(markers) + 1
                citations.append(_citation(markers[key], evidence))
            numbers.append(markers[key])
            used.add(passage.id)
        suffix = "".join(f"[{number}]" for number in dict.fromkeys(numbers))
        suffix = NO_SOURCE if statement.unsupported else suffix
        marked.append((statement.text, suffix, statement.listed))
    disagreement = tuple(tuple(markers[_key(each)] for each in group) for group in draft.disagreeing)
    return Cited(_markdown(marked), _plain(marked), tuple(citations), frozenset(used), disagreement)


def _key(evidence: Evidence) -> tuple[str, int, int]:
    return evidence.hit.passage.document_id, evidence.sentence.start, evidence.sentence.end


def not_found_text(unknown_names: Sequence[str], hits: Sequence[Hit]) -> str:
    """One plain sentence that says that the record does not say."""
    if unknown_names:
        listed = " or ".join(unknown_names)
        return f"The record does not mention {listed.removesuffix('.')}."
    if not hits:
        return "Nothing in the record matches this question."
    return "The record does not say."


def _citation(marker: int, evidence: Evidence) -> Citation:
    sentence, passage = evidence.sentence, evidence.hit.passage
    if passage.text[sentence.start - passage.start : sentence.end - passage.start] != sentence.text:
        raise IndexCorrupt(
            f"Passage {passage.id} of {passage.document_id} does not hold its own sentence at {sentence.start}."
            " Run `mission-record rebuild`."
        )
    return Citation(
        marker=marker,
        document_id=passage.document_id,
        title=passage.title,
        section=passage.section,
        kind=passage.kind,
        published=passage.published,
        source=passage.source,
        quote=sentence.text,
        start=sentence.start,
        end=sentence.end,
        page=sentence.page,
    )


def escape_markdown(text: str) -> str:
    """Text that Markdown shows as it is."""
    text = _MARKUP.sub(r"\\\1", " ".join(text.split()))
    text = _ENUMERATOR.sub(r"\1\\\2", text)
    return re.sub(r"^(\s*)([#+-])", r"\1\\\2", text)


def _markdown(marked: Sequence[tuple[str, str, bool]]) -> str:
    lines = [(f"{escape_markdown(text)} {suffix}".strip(), listed) for text, suffix, listed in marked]
    return _join([(f"- {line}" if listed else line, listed) for line, listed in lines])


def _plain(marked: Sequence[tuple[str, str, bool]]) -> str:
    return _join([(text, listed) for text, _, listed in marked])


def _join(lines: Sequence[tuple[str, bool]]) -> str:
    """Sentences follow each other on a line; what is listed stands on lines of its own, set off from the rest."""
    text = ""
    before: bool | None = None
    for line, listed in lines:
        if before is not None:
            text += "\n" if listed and before else "\n\n" if listed or before else " "
        text += line
        before = listed
    return text

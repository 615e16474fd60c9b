"""What holds of every document, and of what is cut from it, whatever the file looked like."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

from rag.domain import BlockKind, Document, Passage, Sentence
from rag.formats.read import read_file

Read = Callable[[str, str | bytes], Document]


def check_document(document: Document) -> None:
    """Blocks lie in order and hold all the text; sections hold all blocks but headings; nothing unprintable."""
    text = document.text
    assert document.id
    assert document.title.strip() == document.title != ""
    end = 0
    for block in document.blocks:
        assert text[end : block.start].strip() == ""
        assert end <= block.start < block.end <= len(text)
        assert text[block.start : block.end].strip()
        end = block.end
    assert end == len(text)
    for block in document.blocks:
        holders = [
            section
            for section in document.sections
            if section.start <= block.start and block.end <= section.end
        ]
        assert len(holders) == (0 if block.kind is BlockKind.HEADING else 1)
    end = 0
    for section in document.sections:
        assert end <= section.start < section.end
        end = section.end
    for shown in (text, document.title, document.kind, document.place or "", *document.people):
        shown.encode()
        assert not [
            character
            for character in shown
            if unicodedata.category(character) == "Cc" and character not in "\n\t"
        ]
    for line in (
        document.title,
        document.kind,
        document.place or "",
        *document.people,
        *document.organisations,
    ):
        assert "\n" not in line


def check_passages(
    document: Document,
    passages: Sequence[Passage],
    count_tokens: Callable[[Sequence[str]], list[int]],
    most_tokens: int,
) -> None:
    """Each passage and sentence stands where it says, within one section and block; none is lost or doubled."""
    assert len({passage.id for passage in passages}) == len(passages)
    sentences: list[Sentence] = []
    for passage in passages:
        assert passage.document_id == document.id
        assert document.text[passage.start : passage.end] == passage.text
        (section,) = (
            section
            for section in document.sections
            if section.start <= passage.start and passage.end <= section.end
        )
        assert passage.section == section.title
        assert passage.sentences[0].start == passage.start
        assert passage.sentences[-1].end == passage.end
        assert count_tokens([passage.text])[0] <= most_tokens
        sentences += passage.sentences
    end = 0
    for sentence in sentences:
        assert sentence.text
        assert sentence.text.strip()
        assert document.text[sentence.start : sentence.end] == sentence.text
        assert end <= sentence.start
        end = sentence.end
        (block,) = (
            block for block in document.blocks if block.start <= sentence.start and sentence.end <= block.end
        )
        assert block.kind is sentence.kind
    shown = "".join("".join(sentence.text.split()) for sentence in sentences)
    written = "".join(
        "".join(document.text[block.start : block.end].split())
        for block in document.blocks
        if block.kind is not BlockKind.HEADING
    )
    assert shown == written


def read_bytes(folder: Path, name: str, content: str | bytes) -> Document:
    """Write a file, read it and check what holds of every document."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    (document,) = read_file(path, name)
    assert isinstance(document, Document)
    check_document(document)
    return document


def shown(document: Document) -> list[tuple[BlockKind, int, str]]:
    """Its blocks with their texts."""
    return [(block.kind, block.level, document.text[block.start : block.end]) for block in document.blocks]

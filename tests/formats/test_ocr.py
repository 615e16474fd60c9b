"""Text in pictures and scans, with the real models."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from rag.domain import BlockKind, Document, Failure, ReadingLimits
from rag.errors import DocumentMalformed, DocumentUnreadable, ReaderMissing, UnsupportedFormat
from rag.formats import ocr
from rag.formats.parser import Parser
from rag.formats.read import read_file

FIXTURES = Path(__file__).parent / "fixtures"
TEXT = (
    "Notice of the harbour office\n\n"
    "The ferry to Skarholm sails from pier 7 at 08:45 from 1 June 2024."
    " Berth fees rise by 12.5% to 340 euros a night.\n\n"
    "港の事務所は東京駅の近くにあります。\n\n"
    "Ada Moreau, harbour master"
)


def read(name: str, limits: ReadingLimits = ReadingLimits(), folder: Path = FIXTURES) -> Document:
    (document,) = read_file(folder / name, name, limits)
    assert not isinstance(document, Failure)
    return document


@pytest.mark.parametrize("name", ["letter.png", "scanned.pdf"])
def test_text_that_is_only_seen_is_read(name: str) -> None:
    with Parser() as parser:  # within the limits of the process that reads
        (document,) = parser.read(FIXTURES / name, name)
    assert isinstance(document, Document)
    assert document.text == TEXT
    assert document.blocks[0].kind is BlockKind.HEADING
    assert document.title == "Notice of the harbour office"
    assert document.page_starts == (0,)


def test_it_can_be_switched_off() -> None:
    limits = ReadingLimits(recognise=False)
    with pytest.raises(UnsupportedFormat, match="RAG_READ_PICTURES"):
        read("letter.png", limits)
    with pytest.raises(DocumentMalformed, match="it is a scan"):
        read("scanned.pdf", limits)


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "available", lambda: False)
    with pytest.raises(ReaderMissing, match=r"mission-record\[ocr\]"):
        read("letter.png")
    with pytest.raises(DocumentMalformed, match=r"it is a scan.*mission-record\[ocr\]"):
        read("scanned.pdf")


def test_pictures_without_text_and_damaged_ones_are_named(tmp_path: Path) -> None:
    import cv2

    cv2.imwrite(str(tmp_path / "blank.png"), np.full((80, 120, 3), 255, np.uint8))
    with pytest.raises(DocumentMalformed, match="No text was recognised"):
        read("blank.png", folder=tmp_path)
    content = (FIXTURES / "letter.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(content[:40])
    with pytest.raises(DocumentMalformed, match="damaged"):
        read("cut.png", folder=tmp_path)
    (tmp_path / "letter.jpg").write_bytes(b"%PDF-1.7 and so on")
    with pytest.raises(DocumentUnreadable, match=r"content is that of \.pdf"):
        read("letter.jpg", folder=tmp_path)


def test_words_beside_each_other_are_cells_of_a_line_and_larger_ones_a_heading() -> None:
    boxes = [
        ("12", 200.0, 30.0, 220.0, 40.0),
        ("Berths", 10.0, 31.0, 60.0, 41.0),
        ("Fees", 10.0, 5.0, 80.0, 21.0),
        ("a night", 10.0, 50.0, 60.0, 60.0),
    ]
    lines = ocr._joined(boxes)
    assert [[text for _, _, text in line.cells] for line in lines] == [
        ["Fees"],
        ["Berths", "12"],
        ["a night"],
    ]
    assert [line.size for line in lines] == [16, 10, 10]
    assert math.isclose(lines[0].top, -5.0)


def test_large_pictures_are_read_smaller() -> None:
    picture, scale = ocr._fitting(np.zeros((8_000, 2_000, 3), np.uint8))
    assert picture.shape == (4_000, 1_000, 3)
    assert scale == 0.5

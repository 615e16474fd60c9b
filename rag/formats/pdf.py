"""PDF, through PDFium: the lines of each page with their place, from which `layout` makes out the blocks."""

from __future__ import annotations

import ctypes
import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from rag.dates import found_date
from rag.domain import ReadingLimits
from rag.errors import DocumentMalformed, DocumentUnreadable
from rag.formats import ocr
from rag.formats.layout import CELL_GAP, EMPTY_CELL_GAP, Line, add_pages
from rag.formats.metadata import MAX_TITLE_CHARACTERS, Metadata
from rag.text import TextBuilder, one_line

# What programs write for a title when nobody gave one.
_NO_TITLE = re.compile(
    r"(untitled|microsoft (word|powerpoint|excel)\b.*|.*\.(docx?|pptx?|xlsx?|odt|rtf|indd|tex|dvi|html?))",
    re.I,
)
_BOLD = re.compile(rb"bold|black|heavy", re.I)


def read_pdf(content: bytes, builder: TextBuilder, limits: ReadingLimits) -> Metadata:
    """The text of each page, with headings, lists and tables as far as the layout shows them.

    Raises:
        DocumentUnreadable: it is locked with a password, or has more pages than the limit.
        DocumentMalformed: it is damaged, or its pages hold no text.
    """
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        if error.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD:
            raise DocumentUnreadable("It is locked with a password. Unlock it, and ingest again.") from error
        raise DocumentMalformed(f"It is damaged: {one_line(str(error))}") from error
    if len(document) > limits.pages:
        raise DocumentUnreadable(
            f"It has {len(document):,} pages; at most {limits.pages:,} are read. Split it."
        )
    recognise = limits.recognise and ocr.available()
    try:
        pages = [
            _lines(document, number) or (_recognised(document, number) if recognise else [])
            for number in range(len(document))
        ]
    except pypdfium2.PdfiumError as error:
        raise DocumentMalformed(f"It is damaged: {one_line(str(error))}") from error
    if not any(pages):
        raise DocumentMalformed(
            f"Its pages ({len(pages):,}) hold no text"
            + (
                ", and none was recognised."
                if recognise
                else f": it is a scan, or made of pictures. {ocr.ADVICE}"
            )
        )
    add_pages(pages, builder)
    return _metadata(document.get_metadata_dict())


def _metadata(stated: dict[str, str]) -> Metadata:
    title = one_line(stated.get("Title", ""))[:MAX_TITLE_CHARACTERS]
    return Metadata(
        title=title if title and not _NO_TITLE.fullmatch(title) else None,
        author=one_line(stated.get("Author", "")) or None,
        published=found_date(stated.get("CreationDate") or stated.get("ModDate")),
    )


def _lines(document: Any, number: int) -> list[Line]:
    """The lines of a page, in the order in which the file draws them: mostly that of reading."""
    page = document[number]
    text = page.get_textpage()
    try:
        if page.get_rotation() in (90, 270):  # its lines run up or down, as the coordinates have it
            return _without_places(text.get_text_range())
        lines = list(_placed(text))
        characters = sum(len(line.text) for line in lines)
        # Writing that runs upwards makes a line of each character.
        return lines if characters > 2 * len(lines) else _without_places(text.get_text_range())
    finally:
        text.close()
        page.close()


def _recognised(document: Any, number: int) -> list[Line]:
    """The lines that are seen in the picture of a page."""
    page = document[number]
    try:
        # A page may say that it is as large as a field.
        scale = min(
            ocr.DOTS_PER_INCH / ocr.POINTS_PER_INCH, ocr.MOST_PIXELS_A_SIDE / max(*page.get_size(), 1.0)
        )
        bitmap = page.render(scale=scale)
        try:
            return ocr.recognised(bitmap.to_numpy()[:, :, :3])
        finally:
            bitmap.close()
    finally:
        page.close()


def _without_places(text: str) -> list[Line]:
    lines = [line for line in text.splitlines() if line.strip()]
    return [Line(-1.2 * at - 1, -1.2 * at, [(0, 1, line)], size=1) for at, line in enumerate(lines)]


def _placed(text: Any) -> Iterator[Line]:
    """Characters joined to lines, by their boxes; a wide gap parts two cells of a line."""
    characters = list(_characters(text))
    spaces = Counter(made_up for character, made_up, _ in characters if character == " ")
    # Some programs draw no spaces but leave gaps; then a gap without a space is nothing special.
    cell_gap = CELL_GAP if spaces[True] > spaces[False] else EMPTY_CELL_GAP
    line: Line | None = None
    spaced, empty = False, True  # whether white space came before, and whether PDFium made it up
    for index, (character, made_up, (left, bottom, right, top)) in enumerate(characters):
        if character.isspace() or character == "\x00":
            spaced = True
            empty = empty and made_up
            continue
        if line is None or not line.goes_on(left, bottom, top):
            if line is not None:
                yield line
            line = Line(bottom, top, [(left, right, character)], _is_bold(text, index), _size(text, index))
        else:
            line.append(left, right, character, spaced, cell_gap if empty else CELL_GAP)
        spaced, empty = False, True
    if line is not None:
        yield line


def _characters(text: Any) -> Iterator[tuple[str, bool, tuple[float, float, float, float]]]:
    """Each character, whether PDFium made it up, and its box (left, bottom, right, top) in points.

    The box is as high as the font, not as the shape of the character.
    """
    from pypdfium2 import raw

    box = raw.FS_RECTF()
    for index in range(text.count_chars()):
        character = chr(raw.FPDFText_GetUnicode(text, index))
        made_up = character.isspace() and bool(raw.FPDFText_IsGenerated(text, index))
        raw.FPDFText_GetLooseCharBox(text, index, ctypes.byref(box))
        yield character, made_up, (box.left, box.bottom, box.right, box.top)


def _size(text: Any, index: int) -> float:
    """The size of the font in points, to the half: the heights of boxes differ between fonts of one size."""
    from pypdfium2 import raw

    matrix = raw.FS_MATRIX()
    raw.FPDFText_GetMatrix(text, index, ctypes.byref(matrix))
    scale: float = math.hypot(matrix.c, matrix.d)
    return round(2 * scale * float(raw.FPDFText_GetFontSize(text, index))) / 2


def _is_bold(text: Any, index: int) -> bool:
    from pypdfium2 import raw

    name = ctypes.create_string_buffer(128)
    raw.FPDFText_GetFontInfo(text, index, name, len(name), ctypes.byref(ctypes.c_int()))
    return bool(_BOLD.search(name.value))

"""Word, PowerPoint and Excel (Office Open XML), through mammoth, python-pptx and calamine."""

from __future__ import annotations

import datetime
import io
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

from rag.domain import BlockKind, ReadingLimits
from rag.errors import DocumentMalformed, DocumentUnreadable
from rag.formats.html import add_html
from rag.formats.metadata import Metadata
from rag.formats.package import core_properties, open_package
from rag.formats.plain import add_table, names_columns
from rag.text import TextBuilder

# Word's own title is the heading of all others.
_WORD_STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='title'] => h1:fresh
p[style-name='Subtitle'] => p:fresh
r[style-name='Strong'] => strong
"""


_FIRST_ROW = re.compile(r"(<table><tr>)(.*?)(</tr>)", re.DOTALL)


def read_docx(content: bytes, builder: TextBuilder, limits: ReadingLimits) -> Metadata:
    """Word: headings, paragraphs, nested lists, tables and footnotes.

    Raises:
        DocumentMalformed: it is damaged.
    """
    import mammoth

    with open_package(content, limits) as package:
        package.refuse_entities()
        metadata = core_properties(package)
    converted = mammoth.convert_to_html(
        io.BytesIO(content), style_map=_WORD_STYLES, convert_image=lambda _image: [], id_prefix=""
    )
    # Footnotes follow at the end, each with an arrow back to where it was called.
    html = re.sub(
        r'<sup><a href="#[^"]*note-[^>]*>\[\d+\]</a></sup>|<a href="#[^"]*">↑</a>', "", converted.value
    )
    add_html(_FIRST_ROW.sub(_with_header, html), builder)
    return metadata


def _with_header(first_row: re.Match[str]) -> str:
    """Few tables say that their first row names the columns: it does where it looks so."""
    cells = [unescape(re.sub("<[^>]*>", " ", cell)) for cell in first_row[2].split("</td>")[:-1]]
    if not names_columns(cells):
        return first_row[0]
    return first_row[1] + first_row[2].replace("<td", "<th").replace("</td>", "</th>") + first_row[3]


def read_pptx(content: bytes, builder: TextBuilder, limits: ReadingLimits) -> Metadata:
    """PowerPoint: each slide is a page under its title, with its notes.

    Raises:
        DocumentMalformed: it is damaged.
        DocumentUnreadable: it has more slides than the limit.
    """
    from pptx import Presentation

    with open_package(content, limits) as package:
        package.refuse_entities()
        metadata = core_properties(package)
    slides = Presentation(io.BytesIO(content)).slides
    if len(slides) > limits.pages:
        raise DocumentUnreadable(
            f"It has {len(slides):,} slides; at most {limits.pages:,} are read. Split it."
        )
    for number, slide in enumerate(slides, start=1):
        builder.begin_page()
        title = slide.shapes.title
        heading = title.text_frame.text if title is not None else ""
        builder.add(BlockKind.HEADING, heading if heading.strip() else f"Slide {number}", 1)
        for shape in _shapes(slide.shapes):
            if title is None or shape.shape_id != title.shape_id:
                _add_shape(shape, builder)
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            for paragraph in slide.notes_slide.notes_text_frame.paragraphs:
                builder.add(BlockKind.PARAGRAPH, paragraph.text)
    return metadata


def _shapes(shapes: Any) -> Iterator[Any]:
    """All shapes of a slide in their order, those of groups too."""
    pending = list(reversed(list(shapes)))
    while pending:
        shape = pending.pop()
        if hasattr(shape, "shapes"):
            pending += reversed(list(shape.shapes))
        else:
            yield shape


def _add_shape(shape: Any, builder: TextBuilder) -> None:
    if getattr(shape, "has_table", False):
        add_table(([cell.text for cell in row.cells] for row in shape.table.rows), builder)
    elif getattr(shape, "has_chart", False):
        add_table(_chart_rows(shape.chart), builder)
    elif shape.has_text_frame:
        paragraphs = [paragraph for paragraph in shape.text_frame.paragraphs if paragraph.text.strip()]
        listed = shape.is_placeholder and len(paragraphs) > 1
        for paragraph in paragraphs:
            kind = BlockKind.LIST_ITEM if listed else BlockKind.PARAGRAPH
            builder.add(kind, paragraph.text, paragraph.level + 1 if listed else 0)


def _chart_rows(chart: Any) -> Iterator[list[str]]:
    """The figures that a chart is drawn from."""
    for plot in chart.plots:
        series = list(plot.series)
        yield ["Category", *(one.name for one in series)]
        columns = [list(one.values) for one in series]
        for position, category in enumerate(plot.categories):
            yield [str(category), *(_cell(column[position]) for column in columns if position < len(column))]


def read_xlsx(content: bytes, builder: TextBuilder, limits: ReadingLimits) -> Metadata:
    """Excel: each sheet is a section; each row says what its columns are called.

    Raises:
        DocumentMalformed: it is damaged.
    """
    with open_package(content, limits) as package:
        package.refuse_entities()
        metadata = core_properties(package)
    add_sheets(content, builder)
    return metadata


def read_sheets(content: bytes, builder: TextBuilder, limits: ReadingLimits) -> Metadata:
    """Sheets of OpenDocument (.ods) and of Excel before 2007 (.xls), which say nothing of themselves here.

    Raises:
        DocumentMalformed: it is damaged.
    """
    if content.startswith(b"PK"):
        with open_package(content, limits):
            pass
    add_sheets(content, builder)
    return Metadata()


def add_sheets(content: bytes, builder: TextBuilder) -> None:
    """Add every sheet of a workbook that shows something."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        for name in workbook.sheet_names:
            builder.add(BlockKind.HEADING, name, 1)
            rows = workbook.get_sheet_by_name(name).to_python(skip_empty_area=True)
            add_table(([_cell(value) for value in row] for row in rows), builder)
    except CalamineError as error:
        if "password" in str(error).lower():
            raise DocumentUnreadable("It is locked with a password. Unlock it, and ingest again.") from error
        raise DocumentMalformed(f"It is damaged: {error}.") from error


def _cell(value: object) -> str:
    """A value as one would write it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):  # spreadsheets have no whole numbers, and no more than 15 digits
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return str(value)

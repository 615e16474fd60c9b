"""Text in pictures and scans, recognised by PP-OCR (RapidOCR on ONNX Runtime), which brings its models along.

In the extra `ocr`. Reads English, Chinese and Japanese in print; what it is not sure of it leaves out.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.domain import ReadingLimits
from rag.errors import DocumentMalformed
from rag.formats.layout import CELL_GAP, Line, add_pages
from rag.formats.metadata import Metadata
from rag.text import TextBuilder

Pixels = NDArray[np.uint8]

ADVICE = "To have its text recognised: pip install 'mission-record[ocr]', and ingest again."
# A picture of a page at this resolution has letters as high as the models were trained on.
DOTS_PER_INCH = 200
POINTS_PER_INCH = 72
MOST_PIXELS_A_SIDE = 4_000
# Below it what is read is more often wrong than right.
LEAST_SURE = 0.6
# As layout tells headings, in points; the size that most of a picture's text is taken to have.
BODY_SIZE, HEADING = 10.0, 1.3
# What the models and their libraries take of a process's address space, beside what reading takes.
MEMORY_BYTES = 1_536 * 2**20


def available() -> bool:
    """Whether the extra is installed."""
    return find_spec("rapidocr") is not None


def read_picture(content: bytes, builder: TextBuilder, _limits: ReadingLimits) -> Metadata:
    """The text of a picture, as a document of one page.

    Raises:
        ModuleNotFoundError: the extra is not installed.
        DocumentMalformed: it is damaged, or holds no text that can be recognised.
    """
    _take_room()
    import cv2

    decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if decoded is None:
        raise DocumentMalformed("It is damaged, or a kind of picture that cannot be read. Save it as PNG.")
    lines = recognised(np.asarray(decoded, np.uint8))
    if not lines:
        raise DocumentMalformed("No text was recognised in this picture.")
    add_pages([lines], builder)
    return Metadata()


def recognised(picture: Pixels) -> list[Line]:
    """The lines of a picture (height, width, 3; blue, green, red) with their places in points."""
    _take_room()
    picture, scale = _fitting(picture)
    found = _engine()(picture)
    if found.txts is None:
        return []
    points = POINTS_PER_INCH / DOTS_PER_INCH / scale
    boxes = [
        (text, *(float(side) * points for side in (*box.min(axis=0), *box.max(axis=0))))
        for text, box, sure in zip(found.txts, found.boxes, found.scores, strict=True)
        if sure >= LEAST_SURE and text.strip()
    ]
    return _joined(boxes)


def _fitting(picture: Pixels) -> tuple[Pixels, float]:
    """The picture no larger than what is worth reading, and by how much it was made smaller."""
    import cv2

    scale = min(1.0, MOST_PIXELS_A_SIDE / max(picture.shape[:2]))
    if scale == 1.0:
        return picture, scale
    return np.asarray(
        cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
    ), scale


def _joined(boxes: list[tuple[str, float, float, float, float]]) -> list[Line]:
    """Boxes (text, left, above, right, below) that stand beside each other as cells of one line, from the top."""
    lines: list[Line] = []
    for text, left, above, right, below in sorted(boxes, key=lambda box: box[1]):
        line = next((line for line in lines if line.goes_on(left, -below, -above)), None)
        if line is None:
            lines.append(Line(-below, -above, [(left, right, text)]))
        else:
            line.append(left, right, text, spaced=True, cell_gap=CELL_GAP)
    body = float(np.median([line.height for line in lines])) if lines else 0.0
    for line in lines:
        # Boxes of one font differ by their letters; only what is clearly larger is a heading.
        line.size = BODY_SIZE if line.height < HEADING * body else round(BODY_SIZE * line.height / body)
    return sorted(lines, key=lambda line: -line.top)


def _take_room() -> None:
    """Raise this process's bound on memory to what was left for the models, where it has one."""
    if sys.platform != "win32":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


@cache
def _engine() -> Any:
    from rapidocr import RapidOCR

    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "EngineConfig.onnxruntime.intra_op_num_threads": min(4, os.cpu_count() or 1),
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )

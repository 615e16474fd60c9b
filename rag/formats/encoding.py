"""Bytes to text: the encoding that a file declares, or that its bytes speak for."""

from __future__ import annotations

import codecs
import re

import chardet

from rag.domain import ReadingLimits
from rag.errors import DocumentUnreadable

# <meta charset="...">, <meta http-equiv=... content="...; charset=...">, <?xml ... encoding="..."?>
_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?([A-Za-z0-9._:-]{2,40})""")
_DECLARED_WITHIN = 4096
# So much of a long text is looked at to detect its encoding.
_DETECTED_WITHIN = 256 * 1024
# A guess below this is none; then it is what most text that is not UTF-8 is in.
_LEAST_CONFIDENCE = 0.05
_LIKELIEST = "cp1252"


def decode(content: bytes, limits: ReadingLimits, declares: bool = False) -> str:
    """Text with its line ends as `\\n`: UTF-8 or UTF-16, else as declared (`declares`: in its first lines) or detected.

    Raises:
        DocumentUnreadable: it is no text, in no encoding that can be told, or longer than the limit.
    """
    text = _decoded(content, declares)
    if len(text) > limits.characters:
        raise DocumentUnreadable(
            f"It holds {len(text):,} characters of text; at most {limits.characters:,} are read. Split it."
        )
    if "\x00" in text:
        raise DocumentUnreadable(f"It holds a NUL byte at position {text.index(chr(0))}: not a text file.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decoded(content: bytes, declares: bool) -> str:
    if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError as error:
            raise DocumentUnreadable(
                f"It is not UTF-16 text, though it begins like one: position {error.start}. Save it as UTF-8."
            ) from error
    declared = _declared(content) if declares else None
    # Bytes that are UTF-8 are hardly ever anything else, whatever is declared; but Japanese mail looks like ASCII.
    order = (declared, "utf-8-sig") if declared == "iso2022_jp" else ("utf-8-sig", declared)
    for encoding in filter(None, order):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return _detected(content)


def _declared(content: bytes) -> str | None:
    match = _DECLARED.search(content[:_DECLARED_WITHIN])
    if match is None:
        return None
    try:
        codec = codecs.lookup(match[1].decode("ascii"))
    except LookupError:
        return None
    # Python's codecs include some that make no text. Pages that say Latin-1 mean what Windows made of it (WHATWG).
    if not codec._is_text_encoding:
        return None
    return "cp1252" if codec.name in ("iso8859-1", "ascii") else codec.name


def _detected(content: bytes) -> str:
    found = chardet.detect(content[:_DETECTED_WITHIN])
    if found["encoding"] and b"\x00" not in content:
        encoding = found["encoding"] if found["confidence"] >= _LEAST_CONFIDENCE else _LIKELIEST
        try:
            return content.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            pass
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DocumentUnreadable(
            f"It is not text in any encoding that can be told; as UTF-8, byte 0x{content[error.start]:02x} at position"
            f" {error.start} is wrong. Save it as UTF-8."
        ) from error

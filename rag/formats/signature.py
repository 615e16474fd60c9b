"""What a file is by its first bytes, whatever its name says."""

from __future__ import annotations

import io
import zipfile

from rag.errors import DocumentUnreadable, UnsupportedFormat

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\x00", b"MM\x00*")
PICTURE_ENDINGS = frozenset((".png", ".jpg", ".jpeg", ".gif", ".tif", ".tiff", ".bmp", ".webp", ".heic"))
OLD_OFFICE_ENDINGS = {".doc": ".docx", ".ppt": ".pptx"}
# A part that no package of another kind has.
_PARTS = {"word/document.xml": ".docx", "ppt/presentation.xml": ".pptx", "xl/workbook.xml": ".xlsx"}
_MEDIA_TYPES = {
    b"application/vnd.oasis.opendocument.text": ".odt",
    b"application/vnd.oasis.opendocument.spreadsheet": ".ods",
    b"application/epub+zip": ".epub",
}
_PACKAGES = frozenset((*_PARTS.values(), *_MEDIA_TYPES.values()))


def check_signature(content: bytes, ending: str) -> None:
    """See that a file is what its ending says, as far as its first bytes tell.

    Raises:
        DocumentUnreadable: it is something else, or locked.
        UnsupportedFormat: it is a picture.
    """
    if ending == ".pdf" and b"%PDF-" in content[:1024]:
        return  # some have something else first, and are read by all programs all the same
    found = _kind(content)
    if found == "picture" or ending in PICTURE_ENDINGS:
        _check_picture(found, ending)
        return
    if found == "locked":
        raise DocumentUnreadable("It is locked with a password. Unlock it, and ingest again.")
    if found is not None and found != ending and not (found == ".zip" and ending in _PACKAGES):
        raise DocumentUnreadable(f"Its ending is {ending}, but its content is that of {found}. Rename it.")
    if found is None and ending in (*_PACKAGES, ".zip", ".pdf", ".rtf", ".xls") and content:
        raise DocumentUnreadable(f"Its ending is {ending}, but its content is not.")


def _check_picture(found: str | None, ending: str) -> None:
    if ending not in PICTURE_ENDINGS:
        raise UnsupportedFormat("It is a picture, though its ending says otherwise. Rename it.")
    if found not in ("picture", None):
        raise DocumentUnreadable(f"Its ending is {ending}, but its content is that of {found}. Rename it.")


def _kind(content: bytes) -> str | None:
    """The ending that a file should have; None for text, and for what is not known."""
    if content.startswith(b"PK\x03\x04") or content.startswith(b"PK\x05\x06"):
        return _package_kind(content)
    if content.lstrip().startswith(b"%PDF-"):
        return ".pdf"
    if content.startswith(b"{\\rtf"):
        return ".rtf"
    if content.startswith(_OLE):
        return "locked" if "EncryptedPackage".encode("utf-16-le") in content else _ole_kind(content)
    if any(map(content.startswith, _PICTURES)) or (content[:4] == b"RIFF" and content[8:12] == b"WEBP"):
        return "picture"
    return None


def _package_kind(content: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = frozenset(archive.namelist())
            if "mimetype" in names and archive.getinfo("mimetype").file_size < 200:
                kind = _MEDIA_TYPES.get(archive.read("mimetype").strip())
                return kind or ".zip"
    except Exception:  # it is damaged, which its reader will say
        return ".zip"
    return next((ending for part, ending in _PARTS.items() if part in names), ".zip")


def _ole_kind(content: bytes) -> str:
    streams = {"Workbook": ".xls", "Book": ".xls", "WordDocument": ".doc", "PowerPoint Document": ".ppt"}
    return next(
        (ending for stream, ending in streams.items() if stream.encode("utf-16-le") in content), ".doc"
    )

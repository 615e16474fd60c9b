"""E-mail: a message (.eml), a mailbox of messages (.mbox), and what is attached to them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage, Message

from rag.dates import found_date
from rag.domain import BlockKind, ReadingLimits
from rag.formats.html import add_html
from rag.formats.metadata import Metadata
from rag.formats.plain import add_paragraphs
from rag.text import TextBuilder, one_line, table_row

_HEADERS = ("From", "To", "Cc", "Date", "Subject")
_BODY = ("plain", "html")
_MESSAGE_BEGINS = re.compile(rb"^From [^\n]*\n", re.MULTILINE)
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)


def read_eml(content: bytes, builder: TextBuilder, _limits: ReadingLimits) -> Metadata:
    """Who wrote to whom, when and on what, then the message itself; its plain form where it has two."""
    message = _parsed(content)
    stated = {name: one_line(str(message.get(name, ""))) for name in _HEADERS}
    builder.add(BlockKind.TABLE_ROW, table_row(list(stated), list(stated.values())))
    body = message.get_body(_BODY)
    if body is not None:
        written = _text(body)
        if body.get_content_type() == "text/html":
            add_html(written, builder)
        else:
            add_paragraphs(written, builder)
    return Metadata(
        title=stated["Subject"] or None,
        author=stated["From"] or None,
        published=found_date(stated["Date"]),
    )


def attachments(content: bytes) -> Iterator[tuple[str, bytes]]:
    """The files attached to a message, by name; pictures shown within it are passed over."""
    message = _parsed(content)
    body = message.get_body(_BODY)
    for part in message.walk():
        name = part.get_filename()
        if (
            name
            and part is not body
            and not (part.get_content_maintype() == "image" and part.get("Content-ID"))
        ):
            attached = part.get_payload(decode=True)
            if isinstance(attached, bytes):
                yield one_line(name).replace("/", "-"), attached


def messages(content: bytes) -> Iterator[tuple[str, bytes]]:
    """The messages of a mailbox (RFC 4155, with lines that begin with "From " quoted), named by subject."""
    taken: dict[str, int] = {}
    begins = list(_MESSAGE_BEGINS.finditer(content))
    for position, begin in enumerate(begins):
        end = begins[position + 1].start() if position + 1 < len(begins) else len(content)
        message = _QUOTED_FROM.sub(rb"\1", content[begin.end() : end])
        subject = _name(message)
        taken[subject] = taken.get(subject, 0) + 1
        yield f"{subject} ({taken[subject]}).eml" if taken[subject] > 1 else f"{subject}.eml", message


def _parsed(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def _name(message: bytes) -> str:
    headers = message.split(b"\n\n", 1)[0].split(b"\r\n\r\n", 1)[0]
    subject = one_line(str(_parsed(headers + b"\n\n").get("Subject", "")))
    return re.sub(r"[/\\]", "-", subject)[:80].strip() or "message"


def _text(part: Message) -> str:
    """The text of a part in the encoding that it names, or the likeliest where it names none that is known."""
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    try:
        return content.decode(part.get_content_charset("utf-8"), "replace")
    except LookupError:
        return content.decode("utf-8", "replace")

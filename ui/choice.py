"""What can be done with something that was chosen in a picture, as a dialog. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rag.domain import DocumentSummary
from rag.text import one_line
from ui.browse import address_of
from ui.markup import text
from ui.messages import message
from ui.sources import clipped
from ui.wording import counted, kind_in_words

MOST_LISTED = 12
MOST_FILTERED = 100
LABEL_CHARACTERS = 120


def choice(
    identity: str, label: str, documents: Sequence[DocumentSummary], question: str | None, language: str
) -> str:
    """A dialog that asks about what was chosen, or limits the chat to its documents, or opens one of them.

    Each needs an `identity` of its own: `pictures.js` opens a dialog once.
    """
    ask = ""
    if question:
        ask = (
            f'<button type="button" data-ask="{text(question)}"><strong>{message("pictures.ask", language)}</strong>'
            f'<span dir="auto">{text(question)}</span></button>'
        )
    ids = json.dumps([document.id for document in documents[:MOST_FILTERED]], ensure_ascii=False)
    count = counted(len(documents[:MOST_FILTERED]), "document", language)
    only = (
        f'<button type="button" data-action="filter" data-documents="{text(ids)}">'
        f"<strong>{message('pictures.filter', language)}</strong><span>{count}</span></button>"
    )
    listed = "".join(
        f'<li><a href="{text(address_of(document.id))}" target="_blank" rel="noopener" dir="auto">'
        f"{text(clipped(one_line(document.title), LABEL_CHARACTERS))}</a></li>"
        for document in documents[:MOST_LISTED]
    )
    if len(documents) > MOST_LISTED:
        rest = counted(len(documents) - MOST_LISTED, "document", language)
        listed += f"<li>{message('pictures.more', language, documents=rest)}</li>"
    return (
        f'<dialog class="choice" id="choice-{text(identity)}" aria-labelledby="choice-title">'
        f'<h2 id="choice-title" dir="auto">{text(clipped(one_line(label), LABEL_CHARACTERS))}</h2>'
        f'<div class="ways">{ask}{only}</div><h3>{message("pictures.open", language)}</h3><ul>{listed}</ul>'
        f'<button type="button" class="plain" data-close>{message("pictures.close", language)}</button></dialog>'
    )


def kinds_drawing(counts: Sequence[tuple[str, int]], language: str) -> str:
    """How many documents there are of each kind, each a bar that can be chosen."""
    if not counts:
        return f'<p class="empty">{message("pictures.kinds.none", language)}</p>'
    most = max(count for _, count in counts)
    bars = "".join(
        f'<li><button type="button" data-action="choose" data-field="kind" data-value="{text(kind)}">'
        f'<span class="name" dir="auto">{text(kind_in_words(one_line(kind)))}</span>'
        f'<span class="bar" aria-hidden="true"><span style="width:{100 * count / most:.1f}%"></span></span>'
        f'<span class="number" aria-hidden="true">{count:,}</span>'
        f'<span class="visually-hidden">: {counted(count, "document", language)}</span></button></li>'
        for kind, count in counts
    )
    return f'<ul class="bars">{bars}</ul>'

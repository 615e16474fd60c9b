"""Where else the record speaks of the people and organisations of a document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from rag.catalog import Catalog
from rag.domain import Document, Filters, Passage
from rag.language import names

# A page stays quick and readable: names looked up, documents listed for each, passages looked at to find them.
MAX_NAMES = 12
MAX_PLACES = 5
MAX_PASSAGES = 60


@dataclass(frozen=True, slots=True)
class Place:
    """A document that mentions a name, and the address of the mention, which is highlighted there."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Mention:
    """A name of one document and where else it stands, best first."""

    name: str
    places: tuple[Place, ...]


def mentions(catalog: Catalog, document: Document) -> list[Mention]:
    """The names that a document lists, or else holds, that other documents mention too, in the document's order.

    Raises:
        StorageError: the index cannot be read.
    """
    found = (Mention(name, tuple(_places(catalog, document.id, name))) for name in _names_of(document))
    return [mention for mention in found if mention.places]


def _names_of(document: Document) -> Sequence[str]:
    listed = dict.fromkeys((*document.people, *document.organisations))
    if listed:
        return list(listed)[:MAX_NAMES]
    # A single word is too often no name, or that of many.
    held = Counter(name for name in names(f"so {document.text}") if " " in name)
    return [name for name, _ in held.most_common(MAX_NAMES)]


def _places(catalog: Catalog, document_id: str, name: str) -> Iterator[Place]:
    found = [passage_id for passage_id, _ in catalog.search([name], MAX_PASSAGES, Filters())]
    passages = catalog.passages(found)
    seen = {document_id}
    for passage in (passages[passage_id] for passage_id in found if passage_id in passages):
        at = passage.text.find(name)
        # The search also knows inflections, and looks into titles.
        if at >= 0 and passage.document_id not in seen:
            seen.add(passage.document_id)
            yield Place(passage.title, _url(passage, at, at + len(name)))
        if len(seen) > MAX_PLACES:
            return


def _url(passage: Passage, start: int, end: int) -> str:
    within = f"c={passage.start + start}-{passage.start + end}"
    return f"/documents/{quote(passage.document_id, safe='')}#{within}"

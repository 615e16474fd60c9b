"""Who and what of a record belongs together: names that are told of together, in any record.

A document says in its front matter who took part in what it tells of; where it names nobody there, its text does. Names
of one section or document share a weight of one between each and all others (Newman 2001, "Scientific collaboration
networks. II"), so that a list of a hundred guests says less of two of them than a meeting of three.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from rag.domain import Document
from rag.language import is_abbreviation, names

MOST_NAMES, MOST_EVENTS, MOST_LINKS = 30, 8, 70
MOST_AT_AN_EVENT = 5
# Of a longer list no two are known to have to do with each other.
MOST_TOGETHER = 200
# Of an undeclared name: what is named once only may as well be none.
LEAST_SECTIONS = 2
# Kinds of documents that tell of people who came together.
EVENT_KINDS = frozenset(
    "assembly ceremony conference congress convention event exhibition expo fair forum gathering hearing interview"
    " lecture meeting minutes mission reception seminar session summit symposium talk tour trip visit webinar workshop"
    " 會議 會面 訪問 活動 研討會 論壇 會議紀錄 会議 会合 訪問 行事 議事録 セミナー イベント".split()
)
_WORD = re.compile(r"\w+")


class NodeKind(StrEnum):
    """What bears a name; a `NAME` is one of the text, of which no front matter says what it is."""

    PERSON = "person"
    ORGANISATION = "organisation"
    EVENT = "event"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Node:
    """A name, and the ids of the documents that it stands in. `weight`: how much it has to do with others."""

    name: str
    kind: NodeKind
    documents: tuple[str, ...]
    weight: float


@dataclass(frozen=True, slots=True)
class Link:
    """Two nodes, by their place in the network, the first below the second."""

    first: int
    second: int
    weight: float


@dataclass(frozen=True, slots=True)
class Network:
    """The names that have most to do with each other, the most connected first; `names` counts all there were."""

    nodes: tuple[Node, ...] = ()
    links: tuple[Link, ...] = ()
    names: int = 0


def network_of(documents: Sequence[Document]) -> Network:
    """The network of a record; empty where no two names stand together."""
    kinds = _declared(documents)
    undeclared = _found_in_text(documents, kinds)
    kinds |= dict.fromkeys(undeclared, NodeKind.NAME)
    known = _ByFirstWord(kinds)
    found_in: dict[str, dict[str, None]] = defaultdict(dict)
    weights: Counter[tuple[str, str]] = Counter()
    for document in documents:
        for group in _groups(document, known):
            for name in group:
                found_in[name][document.id] = None
            for pair in combinations(sorted(group), 2):
                weights[pair] += 1 / (len(group) - 1)  # type: ignore[assignment]  # a Counter adds up any number
    return _strongest(weights, kinds, {name: tuple(ids) for name, ids in found_in.items()})


def _declared(documents: Sequence[Document]) -> dict[str, NodeKind]:
    """What the front matter of any document says that a name is."""
    kinds: dict[str, NodeKind] = {}
    for document in documents:
        kinds |= dict.fromkeys(map(_tidy, document.organisations), NodeKind.ORGANISATION)
    for document in documents:
        kinds |= dict.fromkeys(map(_tidy, document.people), NodeKind.PERSON)
    for document in documents:
        if _is_event(document):
            kinds.setdefault(_tidy(document.title), NodeKind.EVENT)
    kinds.pop("", None)
    return kinds


def _is_event(document: Document) -> bool:
    """Whether it is of a kind that tells of people who came together, and says who they were."""
    kind = document.kind.lower()
    is_one = kind in EVENT_KINDS or not EVENT_KINDS.isdisjoint(_WORD.findall(kind.replace("_", " ")))
    return is_one and bool(document.people or document.organisations)


def _found_in_text(documents: Sequence[Document], declared: Collection[str]) -> list[str]:
    """Names in the text of documents that declare none, in several sections: of two words, or an abbreviation."""
    sections: Counter[str] = Counter()
    for document in documents:
        if document.people or document.organisations:
            continue
        for text in _texts(document):
            sections.update({name for name in names(text) if len(name.split()) > 1 or is_abbreviation(name)})
    lower = {name.lower() for name in declared}
    return [name for name, count in sections.items() if count >= LEAST_SECTIONS and name.lower() not in lower]


def _groups(document: Document, known: _ByFirstWord) -> Iterable[set[str]]:
    """The sets of names, of two or more, that stand together in a document: as declared, and in each section."""
    declared = {_tidy(name) for name in (*document.people, *document.organisations)} - {""}
    if _is_event(document):
        declared.add(_tidy(document.title))
    groups = [declared, *(known.within(text) for text in _texts(document))]
    return [group for group in groups if 1 < len(group) <= MOST_TOGETHER]


def _texts(document: Document) -> list[str]:
    return [document.text[section.start : section.end] for section in document.sections] or [document.text]


def _tidy(name: str) -> str:
    return " ".join(name.split())


class _ByFirstWord:
    """Known names, to be found in texts in time that does not grow with how many are known."""

    def __init__(self, known: Iterable[str]) -> None:
        self._names: dict[str, list[str]] = defaultdict(list)
        for name in sorted(known, key=len, reverse=True):
            first = _WORD.search(name)
            if first and first.start() == 0:
                self._names[first.group()].append(name)

    def within(self, text: str) -> set[str]:
        """Those that stand in a text as whole words, the longer before one that it begins with."""
        text = _tidy(text)
        found: set[str] = set()
        end = 0
        for word in _WORD.finditer(text):
            if word.start() < end:
                continue
            for name in self._names.get(word.group(), ()):
                stop = word.start() + len(name)
                if text.startswith(name, word.start()) and not text[stop : stop + 1].isalnum():
                    found.add(name)
                    end = stop
                    break
        return found


def _strongest(
    weights: Counter[tuple[str, str]], kinds: dict[str, NodeKind], found_in: dict[str, tuple[str, ...]]
) -> Network:
    """No more than can be read: the most connected names, then the events that most of them took part in."""
    strength: Counter[str] = Counter()
    for pair, weight in weights.items():
        for name in pair:
            strength[name] += weight
    ranked = sorted(strength, key=lambda name: (-strength[name], name))
    chosen = [name for name in ranked if kinds[name] is not NodeKind.EVENT][:MOST_NAMES]
    pairs = sorted(weights, key=lambda pair: (-weights[pair], pair))
    kept = _strongest_pairs([pair for pair in pairs if set(chosen).issuperset(pair)])
    for participants in _events(weights, kinds, chosen):
        kept += participants
    linked = {name for pair in kept for name in pair}
    shown = [name for name in ranked if name in linked]
    place = {name: number for number, name in enumerate(shown)}
    links = tuple(
        Link(min(place[one], place[other]), max(place[one], place[other]), weights[one, other])
        for one, other in kept
    )
    nodes = tuple(Node(name, kinds[name], found_in[name], strength[name]) for name in shown)
    return Network(nodes, links, len(strength))


def _strongest_pairs(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Of pairs, strongest first: the best of each name, then the others, as far as there is room."""
    best: dict[str, tuple[str, str]] = {}
    for pair in pairs:
        for name in pair:
            best.setdefault(name, pair)
    first = dict.fromkeys(best.values())
    return [*first, *(pair for pair in pairs if pair not in first)][: max(MOST_LINKS, len(first))]


def _events(
    weights: Counter[tuple[str, str]], kinds: dict[str, NodeKind], chosen: Sequence[str]
) -> list[list[tuple[str, str]]]:
    """The pairs of each event with its participants, the most connected of them; most participants first."""
    rank = {name: number for number, name in enumerate(chosen)}
    taking_part: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for pair in weights:
        for event, name in (pair, pair[::-1]):
            if kinds[event] is NodeKind.EVENT and name in rank:
                taking_part[event].append(pair)
    events = sorted(taking_part, key=lambda event: (-len(taking_part[event]), event))[:MOST_EVENTS]
    return [
        sorted(taking_part[event], key=lambda pair: min(rank.get(name, len(rank)) for name in pair))[
            :MOST_AT_AN_EVENT
        ]
        for event in events
    ]

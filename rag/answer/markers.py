"""What an LLM writes -> plain sentences, each with the sources that it says it rests on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from rag.answer.markup import plain_blocks, reduced
from rag.sentences import split_sentences

# Of a range "[1-3]" so many are meant at most; a longer one is a slip.
LONGEST_RANGE = 20
# Words in front of a marker that say no more than that it is one.
_SOURCE = (
    r"(?:sources?|passages?|documents?|docs?|excerpts?|references?|refs?|citations?|cite|notes?|ids?|see)"
)
_OPEN, _CLOSE = r"[\[【〔［]", r"[\]】〕］]"
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_AND = re.compile(r"[\s,;、，]*(?:and|&)?\s*")
_LEADS = re.compile(
    r"(?i)(?:[,;]\s*)?\b(?:according to|as (?:is )?(?:stated|noted|described|reported|mentioned|shown) (?:in|by)|as per"
    r"|per|see(?: also)?|cf\.?|based on|cited (?:in|from)|in)(?:\s+the)?\s*$"
)
_SAYS = re.compile(
    r"(?:says?|said|states?|stated|notes?|reports?|describes?|mentions?|shows?|lists?|gives?|adds?|confirms?|explains?"
    r"|also|does|is|was|has)\b"
)
_REFERENCES = re.compile(rf"(?i)\W*(?:{_SOURCE}(?: used)?\W*)*$")


@dataclass(frozen=True, slots=True)
class Marked:
    """A sentence without its markers, and the labels that it cites, in order; those that nobody gave are kept.

    `listed`: it stands in a list or table. `lead_in`: it opens a list, which says the rest.
    """

    text: str
    labels: tuple[str, ...]
    listed: bool = False
    lead_in: bool = False


def marked_sentences(text: str, labels: Sequence[str]) -> list[Marked]:
    """Read Markdown as plain sentences with the markers that belong to each.

    Markers are what models make of "cite as [label]": labels or their positions (from 1), alone or several, in any
    bracket, as footnotes, superscripts or in prose, before or after the full stop. One at the start of a block belongs
    to what follows it, any other to what it stands in or behind. All markup is reduced to text: of links the words are
    left, of addresses the host, of images and raw HTML nothing; headings, which state nothing, are left out.
    """
    markers = _Markers(tuple(labels))
    found: list[Marked] = []
    blocks = list(plain_blocks(text))
    for place, block in enumerate(blocks):
        opens = block.text.rstrip("*_ ").endswith(":") and any(
            later.listed for later in blocks[place + 1 : place + 2]
        )
        sentences = _sentences(block.text, markers, block.listed)
        if not sentences or (block.emphatic and not sentences[0].labels and len(sentences) == 1):
            continue
        if opens and not block.listed:
            last = sentences[-1]
            sentences[-1] = Marked(last.text, last.labels, lead_in=True)
        found += sentences
    return found


@dataclass(frozen=True, slots=True)
class _Found:
    start: int
    end: int
    labels: tuple[str, ...]
    standing_for: str = ""


@dataclass
class _Markers:
    """Finds the markers of a text, given the labels that there are."""

    labels: tuple[str, ...]
    _patterns: tuple[re.Pattern[str], ...] = field(init=False)
    _own: re.Pattern[str] = field(init=False)
    _known: dict[str, str] = field(init=False)
    _item: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        self._known = {label.lower(): label for label in self.labels}
        own = "|".join(re.escape(label) for label in sorted(self.labels, key=len, reverse=True)) or r"(?!)"
        like = self._like()
        one = rf"(?:(?<!\w)(?:{own}|{like})(?!\w)|\^?\d{{1,3}}(?![\d%,.]\d|%|\w))"
        many = rf"{one}(?:\s*(?:[,;&+/、，–-]|and|und|et)?\s*(?:{_SOURCE}\b\W*)?{one})*"
        flags = re.IGNORECASE
        self._item = re.compile(
            rf"(?P<label>(?<!\w)(?:{own}|{like})(?!\w))|(?P<from>\d{{1,3}})(?:\s*[-–]\s*(?P<to>\d{{1,3}}))?",
            flags,
        )
        self._own = re.compile(rf"(?<!\w)(?:{own})(?!\w)", flags)
        tail = r"(?:\s*[:†‡|#,][^\[\]【】〔〕［］]*)?"
        self._patterns = (
            # [k7f2], [1, 2], [^3], 【1†source】, [source: k7f2], and a footnote's colon
            re.compile(rf"{_OPEN}\s*(?:{_SOURCE}\b\W*)*(?P<labels>{many}){tail}\s*{_CLOSE}", flags),
            # (k7f2), (k7f2, p3d9), (source 1)
            re.compile(
                rf"[(（]\s*(?:(?:{_SOURCE}\b\W*)+(?P<labels>{many})|(?P<bare>(?:{own})(?:\W+(?:{own}))*))"
                rf"{tail}\s*[)）]",
                flags,
            ),
            # according to source k7f2, ... source 1
            re.compile(
                rf"(?P<told>(?:the\s+)?)\b{_SOURCE}\s+(?:nos?\.?\s*)?\W?(?P<labels>{many})(?:[\])】](?!\w)|(?!\w))",
                flags,
            ),
            re.compile(rf"(?P<told>)\^[(\[{{]?(?P<labels>{many})[)\]}}]?(?!\w)", flags),
            re.compile(r"(?<=[.?!,;:)\"”’。])(?P<labels>[⁰¹²³⁴⁵⁶⁷⁸⁹]+)"),
        )

    def _like(self) -> str:
        """What has the form of a label: an invented one has it too."""
        lengths = {len(label) for label in self.labels}
        mixed = all(re.search(r"\d", label) and re.search(r"[a-z]", label) for label in self.labels)
        if not lengths or not mixed or not all(label.isalnum() for label in self.labels):
            return r"(?!)"
        return rf"(?=[a-z]*\d)(?=\d*[a-z])[a-z0-9]{{{min(lengths)},{max(lengths)}}}"

    def find(self, text: str) -> list[_Found]:
        """The markers of a text in order, none within another."""
        found: list[_Found] = []
        for pattern in self._patterns:
            for match in pattern.finditer(text):
                groups = match.groupdict()
                cited = groups.get("labels") or groups.get("bare") or ""
                told = groups.get("told")
                if told is not None and pattern is self._patterns[2] and not self._tells(match):
                    continue
                labels = tuple(self._read(cited.translate(_SUPERSCRIPTS)))
                if labels:
                    found.append(_Found(match.start(), match.end(), labels))
        for match in self._own.finditer(text):
            label = match.group()
            if any(character.isdigit() for character in label) and len(label) > 2:
                found.append(_Found(*match.span(), (self._known[label.lower()],)))
        return [_in_its_sentence(text, marker) for marker in _joined(text, _apart(found))]

    def _tells(self, match: re.Match[str]) -> bool:
        """Whether "document 3" is a marker: a label is; a position only where it is none of the text's own words."""
        if self._own.search(match["labels"]):
            return True
        numbers = [int(number) for number in re.findall(r"\d+", match["labels"])]
        named = re.match(r"(?i)(?:source|passage|excerpt)s?\b", match.group()[len(match["told"]) :])
        return bool(named and numbers and max(numbers) <= len(self.labels))

    def _read(self, cited: str) -> Iterator[str]:
        for match in self._item.finditer(cited):
            if match["label"]:
                yield self._known.get(match["label"].lower(), match["label"])
                continue
            first, last = int(match["from"]), int(match["to"] or match["from"])
            if not first <= last <= first + LONGEST_RANGE:
                last = first
            for number in range(first, last + 1):
                yield self.labels[number - 1] if 1 <= number <= len(self.labels) else str(number)


def _apart(found: Sequence[_Found]) -> list[_Found]:
    """In order; of two that overlap the longer."""
    kept: list[_Found] = []
    for marker in sorted(found, key=lambda marker: (marker.start - marker.end, marker.start)):
        if all(marker.end <= other.start or other.end <= marker.start for other in kept):
            kept.append(marker)
    return sorted(kept, key=lambda marker: marker.start)


def _joined(text: str, found: Sequence[_Found]) -> list[_Found]:
    """Markers that follow each other as one: "[1], [2] and [3]"."""
    joined: list[_Found] = []
    for marker in found:
        if joined and _AND.fullmatch(text, joined[-1].end, marker.start):
            before = joined.pop()
            marker = _Found(before.start, marker.end, before.labels + marker.labels)
        joined.append(marker)
    return joined


def _in_its_sentence(text: str, marker: _Found) -> _Found:
    """The marker with the words that only lead to it ("according to", "see"); else, where one is needed, a noun."""
    leads = _LEADS.search(text, 0, marker.start)
    if leads:
        following = re.compile(r"\s*,").match(text, marker.end)
        return replace(marker, start=leads.start(), end=following.end() if following else marker.end)
    before, after = text[: marker.start].rstrip(), text[marker.end :].lstrip()
    first = not before or before[-1] in ".?!:"
    if first and _SAYS.match(after):
        return replace(marker, standing_for="The source")
    if re.search(r"(?i)\b(?:in|from|by|to|of|with|and|that)$", before):
        return replace(marker, standing_for="the source")
    return marker


def _sentences(text: str, markers: _Markers, listed: bool) -> list[Marked]:
    """The sentences of one block. What stands behind the last full stop without any word belongs to what is before."""
    plain, places = _without(text, markers.find(text))
    spans = [span for span in split_sentences(plain) if not _REFERENCES.match(plain[slice(*span)])]
    if not spans:
        return []
    leading = bool(places) and places[0][0] <= spans[0][0]
    forward = leading and not (places[-1][0] >= spans[-1][1] and len(places) > 1)
    cited: list[list[str]] = [[] for _ in spans]
    for at, labels in places:
        cited[_owner(at, spans, forward)] += labels
    return [
        Marked(_tidied(plain[start:end]), tuple(dict.fromkeys(labels)), listed)
        for (start, end), labels in zip(spans, cited, strict=True)
    ]


def _owner(at: int, spans: Sequence[tuple[int, int]], forward: bool) -> int:
    """The sentence that a marker at this place belongs to."""
    for number, (start, end) in enumerate(spans):
        if at <= start:
            return number if forward or number == 0 else number - 1
        if at < end:
            return number
    return len(spans) - 1


def _without(text: str, found: Sequence[_Found]) -> tuple[str, list[tuple[int, tuple[str, ...]]]]:
    """The text without its markers, and where in it they stood."""
    plain = ""
    places: list[tuple[int, tuple[str, ...]]] = []
    position = 0
    for marker in found:
        plain += text[position : marker.start]
        plain = plain.rstrip()
        if marker.standing_for:
            plain += (" " if plain else "") + marker.standing_for
        places.append((len(plain), marker.labels))
        position = marker.end
        following = text[position : position + 1]
        if plain and following and following not in ".,;:!?)]}。、，；：！？」』":
            plain += " "
            position += len(text[position:]) - len(text[position:].lstrip())
    return plain + text[position:], places


def _tidied(sentence: str) -> str:
    """Without what a marker has left behind: spaces before full stops, empty brackets, a comma in front."""
    sentence = re.sub(r"[(（\[]\s*[,;]*\s*[)）\]]", "", " ".join(reduced(sentence).split()))
    sentence = re.sub(r"\s+(?=[.,;:!?](?:\s|$))", "", sentence)
    return re.sub(r"^[\s,;:.\-–—*•]+(?=\w)", "", sentence).strip()

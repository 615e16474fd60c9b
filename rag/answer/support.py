"""How well a sentence that was written is supported by passages: where its evidence stands, and signals of support.

Each signal is a number; `rag.answer.verify` weighs them. A claim may rest on several sentences: they are chosen one
after the other, each for what it adds of the claim's words, names and values.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rag.answer.arrangement import NUMBER, Scene, turned_round
from rag.answer.facts import (
    Facts,
    dates_missing,
    facts_of,
    is_known,
    name_words,
    names_of,
    spells_out,
    units_differ,
    unread,
    values_missing,
)
from rag.answer.polarity import clauses_of, denial_differs, opposed, overclaimed
from rag.answer.wording import Wording
from rag.domain import Hit, Passage, Sentence
from rag.language import FUNCTION_WORDS, stems, text_stems, words
from rag.ports import Embedder, Reader, SpanLogits, Vector

MOST_SENTENCES = 3
# A further sentence must bring as much of the claim, as a share of all that is to be found.
ENOUGH_MORE = 0.08
# A name or a value tells more of where a claim comes from than a word does.
NAME_WEIGHT, VALUE_WEIGHT = 2.0, 3.0
# A clause whose words fit so much better elsewhere than where its name stands has another's name.
GAP = 0.3
# The reader is asked for at most so many names and values of a claim; the logit of a span that is sure.
MOST_ASKED, SPAN_LOGIT, LONGEST_SPAN = 6, 16.0, 30
MOST_STRANGE = 8
SHORTEST_QUESTION = 5


@dataclass(frozen=True, slots=True)
class Place:
    """A sentence of a passage that was found."""

    hit: Hit
    sentence: Sentence


@dataclass(frozen=True, slots=True)
class Support:
    """The sentences that a claim rests on, with what speaks for and against it."""

    places: tuple[Place, ...]
    signals: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence taken apart, to be held against passages; `about` is the question that it answers."""

    text: str
    about: str
    facts: Facts
    names: tuple[str, ...]
    name_words: tuple[str, ...]
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Evidence:
    """The places that a claim rests on, as text; `around` is that of their passages, `beyond` of their documents."""

    places: tuple[Place, ...]
    text: str
    headings: str
    around: str
    beyond: str


class Judge:
    """Makes the signals. Threads may share it."""

    def __init__(self, embedder: Embedder, reader: Reader | None) -> None:
        self._embedder = embedder
        self._reader = reader
        self._wording = Wording(embedder)

    def claim(self, text: str, about: str) -> Claim:
        """Take a sentence apart. Its first word is a name unless the model knows it as one word."""
        first = re.match(r"\W*(\w[\w.&'’-]*)", text)
        word = first.group(1).rstrip(".").lower() if first else ""
        found = names_of(text, not word or self._embedder.count_tokens([word]) == [1])
        parts = tuple(dict.fromkeys(part for name in found for part in name_words(name)))
        named = {part for name in parts for part in words(name)}
        told = (
            word
            for word in dict.fromkeys(words(text))
            if word not in named and word not in FUNCTION_WORDS and not word[0].isdigit() and stems(word)
        )
        return Claim(text, about, facts_of(text), tuple(found), parts, tuple(told))

    def overlap(self, claim: Claim, hit: Hit) -> float:
        """How much of a claim's words, names and values a passage has, 0 to 1: cheap, to choose what is read."""
        text = f"{hit.passage.headings}. {hit.passage.text}"
        found = text_stems(text)
        parts = [*claim.words, *claim.name_words]
        shared = sum(bool(stems(word) & found) for word in parts)
        values = len(claim.facts.values) - values_missing(claim.facts, facts_of(text))
        total = len(parts) + VALUE_WEIGHT * len(claim.facts.values)
        return (shared + VALUE_WEIGHT * values) / total if total else 0.0

    def support(self, claim: Claim, hits: Sequence[Hit], shown: Sequence[Hit]) -> Support:
        """What the passages hold for a claim. Names that their documents have in other passages `shown` are known."""
        places = [Place(hit, sentence) for hit in hits for sentence in hit.passage.sentences]
        if not places:
            return Support((), {})
        near = self._wording.nearness(claim.words, [words(place.sentence.text) for place in places])
        chosen = _chosen(claim, places, near)
        evidence = _evidence([places[number] for number in chosen], shown)
        signals = _facts(claim, evidence)
        if not unread(claim.text):
            signals |= self._words(claim, evidence, near[:, chosen])
            signals |= self._arrangement(claim, evidence, [place.sentence.text for place in places], near)
            signals |= self._asked(claim, evidence.places)
        return Support(evidence.places, signals)

    def _words(self, claim: Claim, evidence: _Evidence, near: Vector) -> dict[str, float]:
        """Whether what the claim says stands in the evidence, in these words or in others."""
        context = text_stems(f"{evidence.headings} {claim.about}")
        known = np.array([bool(stems(word) <= context) for word in claim.words], dtype=np.float32)
        matched = np.maximum(near.max(axis=1, initial=0.0), known)
        strange = [word for word, match in zip(claim.words, matched, strict=True) if match < 1.0][
            :MOST_STRANGE
        ]
        similarity, closer = self._wording.whole(claim.text, evidence.text, strange)
        replaced, phrase = self._wording.phrases(
            claim.text, f"{evidence.text} {evidence.headings} {claim.about}"
        )
        return {
            "coverage": float(matched.mean()) if len(matched) else 1.0,
            "worst_word": float(matched.min(initial=1.0)),
            "similarity": similarity,
            "closer_without": 10 * closer,
            "replaced": replaced,
            "phrase": phrase,
            "opposed": float(opposed(claim.text, evidence.text)),
            "overclaims": float(min(2, overclaimed(claim.text, f"{evidence.text} {claim.about}"))),
        }

    def _arrangement(
        self, claim: Claim, evidence: _Evidence, sentences: Sequence[str], near: Vector
    ) -> dict[str, float]:
        """Whether names, values and denials stand where the words do that are said of them."""
        told = [place.sentence.text for place in evidence.places]
        scene = Scene(evidence.around, self._wording.stand_ins(claim.words, evidence.around))
        asked_about = claim.about.casefold()
        own = [name for name in claim.names if name.casefold() not in asked_about]
        worst, mean = Scene(" . ".join(told), {}).adjacency(claim.text)
        return {
            "swapped": scene.swapped(claim.text, claim.names),
            "rivalled": scene.rivalled(claim.text, own, names_of(evidence.around, False)),
            "turned_round": float(turned_round(claim.text, claim.names, told)),
            "adjacent_worst": worst,
            "adjacent": mean,
            "gap": max(0.0, _gap(claim, evidence, sentences, near) - GAP),
            "denial": self._denial(claim, told),
        }

    def _denial(self, claim: Claim, told: Sequence[str]) -> float:
        """How well the best matched clauses fit of which one denies and the other does not, 0 to 1."""
        theirs = [text[slice(*span)] for text in told for span in clauses_of(text)]
        if not claim.words or not theirs:
            return 0.0
        near = self._wording.nearness(claim.words, [words(text) for text in theirs])
        worst = 0.0
        for clause in (claim.text[slice(*span)] for span in clauses_of(claim.text)):
            rows = [row for row, word in enumerate(claim.words) if word in words(clause)]
            if not rows:
                continue
            fit = near[rows].mean(axis=0)
            named = [word for word in claim.name_words if word in clause]
            held = [
                sum(is_known(word, text_stems(text), text) for word in named) / (len(named) or 1)
                for text in theirs
            ]
            at = int((fit + 0.5 * np.array(held)).argmax())
            if denial_differs(clause, theirs[at]):
                worst = max(worst, 2 * float(fit[at]) - 1)
        return worst

    def _asked(self, claim: Claim, places: Sequence[Place]) -> dict[str, float]:
        """Each name and value is asked for, its clause made a question, and the reader's answer compared with it.

        As question answering checks summaries in Wang et al. 2020, "Asking and Answering Questions to Evaluate the
        Factual Consistency of Summaries", with the clause itself as the question.
        """
        if self._reader is None:
            return {}
        margins: list[float] = []
        for anchor, question in _questions(claim)[:MOST_ASKED]:
            passages = (place.hit.passage for place in places)
            found = (_margin(self._reader, anchor, question, passage) for passage in dict.fromkeys(passages))
            margins += [margin for margin in found if margin is not None][:1]
        return {
            "asked_worst": min(margins, default=0.0),
            "asked": sum(margins) / len(margins) if margins else 0.0,
        }


def _evidence(places: Sequence[Place], shown: Sequence[Hit]) -> _Evidence:
    passages = dict.fromkeys(place.hit.passage for place in places)
    documents = {passage.document_id for passage in passages}
    return _Evidence(
        places=tuple(sorted(places, key=lambda place: (place.hit.rank, place.sentence.start))),
        text=" ".join(place.sentence.text for place in places),
        headings=" ".join(f"{passage.headings} {passage.published or ''}" for passage in passages),
        around=" ".join(passage.text for passage in passages),
        beyond=" ".join(hit.passage.text for hit in shown if hit.passage.document_id in documents),
    )


def _chosen(claim: Claim, places: Sequence[Place], near: Vector) -> list[int]:
    """The places that together cover most of the claim; the second and third only where they add to it."""
    covers = np.stack([_covered(claim, place, near[:, number]) for number, place in enumerate(places)])
    weights = np.array(
        [1.0] * len(claim.words)
        + [NAME_WEIGHT] * len(claim.name_words)
        + [VALUE_WEIGHT] * (len(claim.facts.values) + len(claim.facts.dates)),
    )
    if not len(weights):
        return [0]
    chosen: list[int] = []
    best = np.zeros(len(weights))
    for _ in range(MOST_SENTENCES):
        gains = (np.maximum(covers, best) - best) @ weights / weights.sum()
        number = int(gains.argmax())
        if chosen and gains[number] < ENOUGH_MORE:
            break
        chosen.append(number)
        best = np.maximum(best, covers[number])
    return chosen


def _covered(claim: Claim, place: Place, near: Vector) -> Vector:
    text = place.sentence.text
    known, found = facts_of(text), text_stems(text)
    named = [is_known(word, found, text) for word in claim.name_words]
    values = [not values_missing(value, known) for value in claim.facts.each_value()]
    dates = [not dates_missing(date, known) for date in claim.facts.each_date()]
    return np.array([*near, *named, *values, *dates], dtype=np.float32)


def _facts(claim: Claim, evidence: _Evidence) -> dict[str, float]:
    """What can be compared to the letter: 1 where a value, unit, date or name is not known."""
    context = f"{evidence.text} {evidence.headings} {claim.about}"
    titled = _titled(claim.text, f"{evidence.headings} {claim.about}")
    stated = facts_of(evidence.text)
    known = replace(facts_of(f"{evidence.text} . {evidence.headings}"), values=stated.values | titled)
    found = text_stems(context)
    strangers = [
        word
        for name in claim.names
        if not spells_out(name, context)
        for word in name_words(name)
        if not is_known(word, found, context)
    ]
    wider = f"{evidence.around} {evidence.headings} {evidence.beyond}"
    unknown = [word for word in strangers if not is_known(word, text_stems(wider), wider)]
    wrong = (
        values_missing(claim.facts, known)
        or units_differ(claim.facts, known)
        or dates_missing(claim.facts, known)
    )
    return {
        "facts_missing": float(bool(wrong or unknown)),
        "names_elsewhere": float(len(strangers) > len(unknown)),
    }


def _titled(text: str, headings: str) -> frozenset[float]:
    """The numbers of a text that belong to a title or a name which headings have: "Home 5"."""
    found = re.finditer(r"([^\W\d_]+)[\s-](\d+)(?!\w)", text)
    known = headings.casefold()
    return frozenset(
        float(match[2])
        for match in found
        if re.search(rf"{re.escape(match[1].casefold())}[\s-]{match[2]}(?!\w)", known)
    )


def _gap(claim: Claim, evidence: _Evidence, sentences: Sequence[str], near: Vector) -> float:
    """How much better the words of a clause fit some sentence than the best one that has the clause's name or value."""
    context = f"{claim.about} {evidence.headings}"
    given = text_stems(context)
    widest = 0.0
    for clause in (claim.text[slice(*span)] for span in clauses_of(claim.text)):
        rows = [row for row, word in enumerate(claim.words) if word in words(clause)]
        if not rows:
            continue
        fit = near[rows].mean(axis=0)
        named = [word for word in claim.name_words if word in clause and not is_known(word, given, context)]
        having = [[is_known(word, text_stems(text), text) for text in sentences] for word in named]
        having += [
            [not values_missing(value, facts_of(text)) for text in sentences]
            for value in facts_of(clause).each_value()
        ]
        for held in having:
            if any(held):
                widest = max(widest, float(fit.max() - fit[held].max()) * min(1.0, len(rows) / 2))
    return widest


def _questions(claim: Claim) -> list[tuple[str, str]]:
    """Each name and number of the claim with its clause, in which it is asked for."""
    anchors = [(name, "who or what") for name in claim.names] + [
        (number, "how many") for number in NUMBER.findall(claim.text)
    ]
    found: list[tuple[str, str]] = []
    for anchor, asks in anchors:
        at = claim.text.find(anchor)
        start, end = next(
            (span for span in clauses_of(claim.text) if span[0] <= at < span[1]), (0, len(claim.text))
        )
        if len(claim.text[start:end].split()) < SHORTEST_QUESTION or at < 0:
            start, end = 0, len(claim.text)
        if at >= 0:
            clause = claim.text[start:at] + asks + claim.text[at + len(anchor) : end]
            found.append((anchor, clause.strip(" .,;:") + "?"))
    return found


def _margin(reader: Reader, anchor: str, question: str, passage: Passage) -> float | None:
    """By how much the best answer with the anchor in it beats the best without, -1 to 1; None where it is not there."""
    occurrences = [
        match.span()
        for match in re.finditer(rf"(?<!\w){re.escape(anchor)}(?!\w)", passage.text, re.IGNORECASE)
    ]
    if not occurrences:
        return None
    (logits,) = reader.read(question, [passage])
    if not len(logits.starts):
        return None
    inside, outside = _best(logits, occurrences)
    return math.tanh((inside - outside) / SPAN_LOGIT) if math.isfinite(inside + outside) else None


def _best(logits: SpanLogits, occurrences: Sequence[tuple[int, int]]) -> tuple[float, float]:
    """The largest sum of start and end logit of a span that overlaps an occurrence, and of one that does not."""
    starts, ends = logits.offsets[:, 0], logits.offsets[:, 1]
    sums = logits.starts[:, np.newaxis] + logits.ends[np.newaxis, :]
    token = np.arange(len(starts))
    lengths = token[np.newaxis, :] - token[:, np.newaxis]
    sums = np.where((lengths >= 0) & (lengths < LONGEST_SPAN), sums, -np.inf)
    overlapping = np.zeros(sums.shape, dtype=bool)
    for first, last in occurrences:
        overlapping |= (starts[:, np.newaxis] < last) & (ends[np.newaxis, :] > first)
    return float(np.where(overlapping, sums, -np.inf).max()), float(
        np.where(overlapping, -np.inf, sums).max()
    )

"""How well a sentence that was written is supported by passages: where its evidence stands, and signals of support.

Each signal is a number; `rag.answer.verify` weighs them. A claim may rest on several sentences: they are chosen one after
the other, each for what it adds of the claim's words, names and values.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

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
from rag.domain import Hit, Passage, Sentence
from rag.language import FUNCTION_WORDS, stems, text_stems, words
from rag.ports import Embedder, Reader, SpanLogits, Vector

MOST_SENTENCES = 3
# A further sentence must bring as much of the claim, as a share of all that is to be found.
ENOUGH_MORE = 0.08
# Cosines between single words below the first are chance, from the second on they are as good as the same.
UNRELATED, SYNONYMOUS = 0.3, 0.75
# A name or a value tells more of where a claim comes from than a word does.
NAME_WEIGHT, VALUE_WEIGHT = 2.0, 3.0
SPAN_LOGIT = 16.0
LONGEST_SPAN = 30
MOST_ASKED = 6
CACHED_WORDS = 20_000

# What denies, and what may say as much without denying: between the two and neither of them nothing contradicts.
_NEGATION = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|neither|nor|without|cannot|nowhere|non)\b|n['’]t\b|-free\b", re.IGNORECASE
)
_DENIES = re.compile(
    r"\b(?:fail\w*|refus\w*|reject\w*|declin\w*|exclud\w*|lack\w*|absen\w*|forbid\w*|forbad\w*|prohibit\w*|prevent\w*|cancel\w*|unable"
    r"|instead|rather than|free of|only|unless|hardly|barely|(?:left|ruled|broken|called|turned|switched|stayed|out) (?:out|off|down|away|of)"
    r"|yet to|no longer|substitute|el(?:se|iminat\w*)|too|scarce|otherwise|apart from|except)\b",
    re.IGNORECASE,
)
_OVERCLAIM = re.compile(
    r"\b(?:most|all|every|everyone|everything|always|only|sole|exclusive|exclusively|entire|entirely|whole|unique|best|worst"
    r"|record|leading|largest|biggest|highest|first|never|none|guarantee\w*|prove[sdn]?|binding|booked|definitely|(?!for)\w{3,}[^aeiou]est)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[,;:.()]+\s|\s[(–—-]+|\s(?:and|but|or|while|whereas|although|because|since|as|which|who|when|so|that)\s", re.IGNORECASE)
_PASSIVE = re.compile(r"\b(?:is|are|was|were|been|be|being)\s+(?:\w+\s+){0,3}?\w+(?:ed|en|wn|lt|nt|ne)\b[^,;]*\bby\b", re.IGNORECASE)
_OPPOSITES = tuple(
    tuple(frozenset().union(*(stems(word) for word in side.split())) for side in pair.split("/"))
    for pair in (
        "open opened opening/close closed closing shut",
        "increase rise rose risen grow grew growth gain raise raised up expand more higher/decrease fall fell fallen drop"
        " dropped decline declined shrink shrinking lose lost down reduce reduced less fewer lower",
        "accept accepted approve approved grant granted agree agreed welcome welcomed support supported allow allowed permit"
        " permitted/reject rejected refuse refused deny denied disagree disagreed oppose opposed contradict contradicted forbid"
        " forbidden cancel cancelled decline",
        "win won/lose lost",
        "buy bought purchase/sell sold",
        "start started begin began launch/end ended finish finished stop stopped",
        "before earlier previous/after later following",
        "early/late",
        "minimum least/maximum most",
        "include included including/exclude excluded excluding",
        "gain profit/loss debt",
        "arrive arrived/leave left depart",
        "with/without",
        "above over more/below under less fewer",
        "hire hired appoint appointed/dismiss dismissed fire relieved",
        "save saved/cost spend spent delete deleted erase erased",
        "public/private",
        "inside/outside",
        "short shorten shortened shorter/long lengthen lengthened longer",
        "strong/weak",
        "right correct true/wrong incorrect false",
        "happy happiest/unhappy worst sad",
        "male men man/female women woman",
        "paid pay/owe owed unpaid",
        "import/export",
        "north/south",
        "east/west",
        "first/last",
        "half halve halved/double doubled",
        "new/old",
        "present presence attend attended/absent absence miss missed",
        "success succeed succeeded/failure fail failed",
        "known/unknown",
    )
)


def clauses_of(text: str) -> list[tuple[int, int]]:
    """The stretches of a text between commas and conjunctions."""
    cuts = [0, *(match.end() for match in _CLAUSE.finditer(text)), len(text)]
    return [(start, end) for start, end in zip(cuts, cuts[1:], strict=False) if text[start:end].strip(" ,;:.()–—-")]


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


_NUMBER = re.compile(r"\d[\d.,:]*\d|\d")
_TOKEN = re.compile(r"[^\W_]+(?:[.,:'’&-][^\W_]+)*|[.;:!?]")
# How far, in words, what is said of a name stands from it: in a claim, and in a text.
REACH, WIDE_REACH = 4.0, 5.0
STOP = 6


class _Scene:
    """A text as places of words, to see how near the words of a claim stand to each other in it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._at: dict[str, list[int]] = {}
        position = 0
        self._spans: list[tuple[int, int]] = []
        for match in _TOKEN.finditer(text):
            position += STOP if match.group() in ".;:!?" else 1
            self._spans.append((match.start(), position))
            for stem in stems(match.group()):
                self._at.setdefault(stem, []).append(position)

    def marks(self, wanted: Sequence[str]) -> list[str]:
        """Those of the names or numbers that the text has, each once."""
        return [mark for mark in dict.fromkeys(wanted) if self._places(mark)]

    def _places(self, mark: str) -> list[int]:
        found = [match.start() for match in re.finditer(rf"(?<!\w){re.escape(mark)}(?!\w)", self.text, re.IGNORECASE)]
        starts = [start for start, _ in self._spans]
        return [self._spans[max(0, bisect_right(starts, start) - 1)][1] for start in found]

    def gain(self, claim: str, exchange: Mapping[str, str]) -> float:
        """How much better a claim fits after an exchange of marks, as a share of how well it could fit."""
        own = theirs = total = 0.0
        tokens = [(match.start(), match.group()) for match in _TOKEN.finditer(claim)]
        for mark, other in exchange.items():
            at = claim.find(mark)
            if at < 0:
                continue
            here, there = self._places(mark), self._places(other)
            centre = next((n for n, (start, _) in enumerate(tokens) if start >= at), 0)
            for number, (start, token) in enumerate(tokens):
                if at <= start < at + len(mark) or token in ".;:!?" or any(token in name for name in exchange):
                    continue
                places = [place for stem in stems(token) for place in self._at.get(stem, ())]
                if not places:
                    continue
                weight = math.exp(-abs(number - centre) / REACH) * (0.4 if token.lower() in FUNCTION_WORDS else 1.0)
                total += weight
                own += weight * _nearness(here, places)
                theirs += weight * _nearness(there, places)
        return (theirs - own) / total if total else 0.0


def _nearness(here: Sequence[int], places: Sequence[int]) -> float:
    return max((math.exp(-abs(one - other) / WIDE_REACH) for one in here for other in places), default=0.0)


class Claim:
    """A sentence taken apart once, to be held against several passages."""

    def __init__(self, text: str, question: str, embedder: Embedder) -> None:
        self.text = text
        self.question = question
        self.facts = facts_of(text)
        first = re.match(r"\W*(\w[\w.&'’-]*)", text)
        word = first.group(1).rstrip(".").lower() if first else ""
        self.names = names_of(text, not word or embedder.count_tokens([word]) == [1])
        self.name_words = tuple(dict.fromkeys(word for name in self.names for word in name_words(name)))
        named = {part for name in self.name_words for part in words(name)}
        self.words = tuple(
            word
            for word in dict.fromkeys(words(text))
            if word not in named and word not in FUNCTION_WORDS and not word[0].isdigit() and stems(word)
        )

    @cached_property
    def clauses(self) -> list[tuple[int, int]]:
        """The stretches between commas and conjunctions."""
        return clauses_of(self.text)


class Judge:
    """Makes the signals. Threads may share it."""

    def __init__(self, embedder: Embedder, reader: Reader | None) -> None:
        self._embedder = embedder
        self._reader = reader
        self._vectors: dict[str, Vector] = {}

    def claim(self, text: str, question: str) -> Claim:
        return Claim(text, question, self._embedder)

    def overlap(self, claim: Claim, hit: Hit) -> float:
        """How much of a claim's words, names and values a passage has, 0 to 1: cheap, to choose what is read."""
        known = facts_of(f"{hit.passage.headings}. {hit.passage.text}")
        found = text_stems(f"{hit.passage.headings} {hit.passage.text}")
        parts = [*claim.words, *claim.name_words]
        shared = sum(bool(stems(word) & found) for word in parts)
        values = len(claim.facts.values) - values_missing(claim.facts, known)
        total = len(parts) + VALUE_WEIGHT * len(claim.facts.values)
        return (shared + VALUE_WEIGHT * values) / total if total else 0.0

    def support(self, claim: Claim, hits: Sequence[Hit], shown: Sequence[Hit] = ()) -> Support:
        """What the passages hold for a claim; a name is known that other passages of the same documents `shown` have."""
        places = [Place(hit, sentence) for hit in hits for sentence in hit.passage.sentences]
        if not places:
            return Support((), {})
        similar = self._similar(claim.words, [words(place.sentence.text) for place in places])
        chosen = self._choose(claim, places, similar)
        kept = [places[number] for number in chosen]
        evidence = " ".join(place.sentence.text for place in kept)
        used = {id(place.hit): place.hit for place in kept}.values()
        headings = " ".join(f"{hit.passage.headings} {hit.passage.published or ''}" for hit in used)
        around = " ".join(hit.passage.text for hit in used)
        ids = {hit.passage.document_id for hit in used}
        beyond = " ".join(hit.passage.text for hit in shown if hit.passage.document_id in ids)
        signals = self._facts(claim, evidence, headings, around, beyond)
        signals |= self._wording(claim, evidence, headings, around, similar[:, chosen])
        signals |= self._polarity(claim, evidence, around)
        signals |= self._binding(claim, [place.sentence.text for place in places], kept)
        signals |= self._rivals(claim, evidence, around)
        signals |= self._read(claim, kept)
        return Support(tuple(sorted(kept, key=lambda place: (place.hit.rank, place.sentence.start))), signals)

    # --- where ---------------------------------------------------------------------------------------------------

    def _choose(self, claim: Claim, places: Sequence[Place], similar: Vector) -> list[int]:
        """The places that together cover most of the claim; the second and third only where they add to it."""
        covers = np.stack([self._covered(claim, place, similar[:, number]) for number, place in enumerate(places)])
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

    def _covered(self, claim: Claim, place: Place, similar: Vector) -> Vector:
        text = place.sentence.text
        known, found = facts_of(text), text_stems(text)
        named = [float(is_known(word, found, text)) for word in claim.name_words]
        values = [
            float(not values_missing(replace(claim.facts, values=frozenset({value})), known))
            for value in sorted(claim.facts.values)
        ]
        dated = [
            float(not dates_missing(Facts((date,), frozenset(), frozenset(), frozenset(), frozenset()), known))
            for date in claim.facts.dates
        ]
        return np.array([*similar, *named, *values, *dated], dtype=np.float32)

    # --- signals -------------------------------------------------------------------------------------------------

    def _facts(self, claim: Claim, evidence: str, headings: str, around: str, beyond: str) -> dict[str, float]:
        known = facts_of(f"{evidence} . {headings}")
        near = facts_of(f"{evidence} . {headings} . {around}")
        context = f"{evidence} {headings} {claim.question}"
        found = text_stems(context)
        strangers = [
            word
            for name in claim.names
            if not spells_out(name, context)
            for word in name_words(name)
            if not is_known(word, found, context)
        ]
        wider = text_stems(f"{around} {headings} {beyond}")
        unknown = [word for word in strangers if not is_known(word, wider, f"{around} {beyond}")]
        return {
            "values_missing": float(min(2, values_missing(claim.facts, near))),
            "values_elsewhere": float(min(2, values_missing(claim.facts, known) - values_missing(claim.facts, near))),
            "units_differ": float(min(2, units_differ(claim.facts, known))),
            "dates_missing": float(min(2, dates_missing(claim.facts, near))),
            "dates_elsewhere": float(min(2, dates_missing(claim.facts, known) - dates_missing(claim.facts, near))),
            "names_missing": float(min(2, len(unknown))),
            "names_elsewhere": float(min(2, len(strangers) - len(unknown))),
        }

    def _wording(
        self, claim: Claim, evidence: str, headings: str, around: str, similar: Vector
    ) -> dict[str, float]:
        if not claim.words or unread(claim.text):
            return {}
        best = similar.max(axis=1)
        context = text_stems(f"{headings} {claim.question}")
        known = np.array([bool(stems(word) <= context) for word in claim.words])
        unmatched = [word for word, match in zip(claim.words, np.maximum(best, known), strict=True) if match < 0.999]
        matched = np.maximum(best, known)
        wholes = self._embedder.embed_passages([claim.text, evidence, *self._without(claim, unmatched)])
        closeness = wholes[2:] @ wholes[1] - wholes[0] @ wholes[1]
        order = np.sort(matched)
        return {
            "coverage": float(matched.mean()),
            "worst_word": float(order[0]),
            "second_worst": float(order[1]) if len(order) > 1 else 1.0,
            "strange_words": min(4.0, float((matched < 0.2).sum())),
            "similarity": float(wholes[0] @ wholes[1]),
            "closer_without": max(0.0, float(closeness.max(initial=0.0))) * 10,
        }

    @staticmethod
    def _without(claim: Claim, unmatched: Sequence[str]) -> list[str]:
        """The claim without each word that its evidence lacks: an addition is what it is nearer to its evidence without."""
        return [
            re.sub(rf"(?i)(?<!\w){re.escape(word)}(?!\w)\s*", "", claim.text, count=1) for word in unmatched[:8]
        ]

    def _polarity(self, claim: Claim, evidence: str, around: str) -> dict[str, float]:
        if unread(claim.text):
            return {}
        said, told = text_stems(claim.text), text_stems(evidence)
        opposite = sum(
            bool((one & said) - told) and bool((other & told) - said) and not (one & told)
            for pair in _OPPOSITES
            for one, other in (pair, pair[::-1])
        )
        overclaims = [
            match.group()
            for match in _OVERCLAIM.finditer(claim.text)
            if not stems(match.group().lower()) <= told | text_stems(claim.question)
        ]
        return {
            "opposites": float(min(2, opposite)),
            "overclaims": float(min(2, len(overclaims))),
        }

    def _binding(self, claim: Claim, sentences: Sequence[str], kept: Sequence[Place]) -> dict[str, float]:
        """Whether names and values stand where the words do that are said of them, clause by clause.

        A gap is how much better the words of a clause fit elsewhere than where its name or value stands.
        """
        if not claim.words or unread(claim.text):
            return {}
        parts = [claim.text[slice(*span)] for span in claim.clauses]
        segments = list(sentences)
        evidence = [segment[slice(*span)] for segment in segments for span in clauses_of(segment)]
        similar = self._similar(claim.words, [words(text) for text in [*segments, *evidence]])
        broad, narrow = similar[:, : len(segments)], similar[:, len(segments) :]
        gaps_broad, gaps_narrow, denial = [0.0], [0.0], [0.0]
        for part in parts:
            rows = [row for row, word in enumerate(claim.words) if word in words(part)]
            if not rows:
                continue
            anchors = [word for word in claim.name_words if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", part)]
            values = facts_of(part).values
            for texts, table, gaps in ((segments, broad, gaps_broad), (evidence, narrow, gaps_narrow)):
                fit = table[rows].mean(axis=0)
                for anchor in anchors:
                    having = [at for at, text in enumerate(texts) if is_known(anchor, text_stems(text), text)]
                    if having:
                        gaps.append(float(fit.max() - fit[having].max()) * min(1.0, len(rows) / 2))
                for value in values:
                    own = replace(facts_of(part), values=frozenset({value}))
                    having = [at for at, text in enumerate(texts) if not values_missing(own, facts_of(text))]
                    if having:
                        gaps.append(float(fit.max() - fit[having].max()) * min(1.0, len(rows) / 2))
            fit = narrow[rows].mean(axis=0)
            named = [
                sum(is_known(anchor, text_stems(text), text) for anchor in anchors) / (len(anchors) or 1) for text in evidence
            ]
            at = int((fit + 0.5 * np.array(named)).argmax())
            if _denies(part, evidence[at]) != _denies(evidence[at], part) and "maybe" not in (
                _denies(part, evidence[at]), _denies(evidence[at], part)
            ):
                denial.append(float(fit[at]))
        return {
            "gap_sentence": max(gaps_broad),
            "gap_clause": max(gaps_narrow),
            "gap_mean": sum(gaps_narrow) / max(1, len(gaps_narrow) - 1),
            "denial": max(denial),
            "denials": min(2.0, sum(value > 0.5 for value in denial)),
            **self._order(claim, kept),
        }

    def _rivals(self, claim: Claim, evidence: str, around: str) -> dict[str, float]:
        """Whether the claim would fit better with two of its names exchanged, or with another name or value in one's place.

        Relative, so that it holds however freely the claim is worded: what is compared is the same but for the exchange.
        """
        if unread(claim.text):
            return {}
        scene = _Scene(around)
        swapped = [0.0]
        for group in (scene.marks(claim.names), scene.marks(_NUMBER.findall(claim.text))):
            for number, one in enumerate(group):
                for other in group[number + 1 :]:
                    swapped.append(scene.gain(claim.text, {one: other, other: one}))
        context = f"{claim.question}".lower()
        rivals: dict[str, list[float]] = {"rival_name": [0.0], "rival_value": [0.0]}
        known = {"rival_name": claim.names, "rival_value": _NUMBER.findall(claim.text)}
        theirs = {"rival_name": names_of(around, False), "rival_value": _NUMBER.findall(around)}
        for kind, own in known.items():
            for one in scene.marks(own):
                if kind == "rival_name" and one.lower() in context:
                    continue
                for other in theirs[kind]:
                    if not any(other in mine or mine in other for mine in own):
                        rivals[kind].append(scene.gain(claim.text, {one: other}))
        return {"swapped": max(swapped)} | {kind: max(gains) for kind, gains in rivals.items()}

    @staticmethod
    def _order(claim: Claim, kept: Sequence[Place]) -> dict[str, float]:
        """How many pairs of names, or of values, stand the other way round in a sentence of the evidence.

        A passive turns a sentence round: where one of both has it and the other has not, the same order is the wrong one.
        """
        turned = same = 0
        found = [re.escape(name) for name in claim.names]
        digits = [re.escape(match.group()) for match in re.finditer(r"\d[\d.,]*\d|\d", claim.text)]
        for group in (found, digits):
            for one, other in zip(group, group[1:], strict=False):
                for place in kept:
                    first = re.search(rf"(?<!\w){one}(?!\w)", place.sentence.text)
                    second = re.search(rf"(?<!\w){other}(?!\w)", place.sentence.text)
                    if first and second and one != other:
                        reversed_ = first.start() > second.start()
                        if group is found:
                            reversed_ ^= bool(_PASSIVE.search(claim.text)) != bool(_PASSIVE.search(place.sentence.text))
                        turned += reversed_
                        same += not reversed_
                        break
        return {"order_turned": float(min(2, turned)), "order_kept": float(min(2, same))}

    # --- what a reader makes of it ----------------------------------------------------------------------------------

    def _read(self, claim: Claim, places: Sequence[Place]) -> dict[str, float]:
        """Each name and value is asked for, its clause made a question, and the reader's answer compared with it.

        As question answering checks summaries in Wang et al. 2020, "Asking and Answering Questions to Evaluate the
        Factual Consistency of Summaries", with the clause itself as the question.
        """
        if self._reader is None or unread(claim.text):
            return {}
        margins: list[float] = []
        for anchor, question in self._questions(claim)[:MOST_ASKED]:
            for hit in {id(place.hit): place.hit for place in places}.values():
                margin = self._margin(anchor, question, hit.passage)
                if margin is not None:
                    margins.append(margin)
                    break
        return {
            "asked_worst": min(margins, default=0.0),
            "asked_mean": sum(margins) / len(margins) if margins else 0.0,
            "asked_wrong": min(3.0, sum(1.0 for margin in margins if margin < -0.15)),
        }

    @staticmethod
    def _questions(claim: Claim) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        anchors = [(name, "who or what") for name in claim.names]
        anchors += [(match.group(), "how many") for match in re.finditer(r"(?<![\w.])\d[\d,.]*\d|(?<![\w.])\d(?![\w.])", claim.text)]
        for anchor, asks in anchors:
            at = claim.text.find(anchor)
            if at < 0:
                continue
            start, end = next((span for span in claim.clauses if span[0] <= at < span[1]), (0, len(claim.text)))
            if len(claim.text[start:end].split()) < 5:
                start, end = 0, len(claim.text)
            clause = claim.text[start:at] + asks + claim.text[at + len(anchor) : end]
            found.append((anchor, clause.strip(" .,;:") + "?"))
        return found

    def _margin(self, anchor: str, question: str, passage: Passage) -> float | None:
        """By how much the best answer with the anchor in it beats the best without; None where the anchor is not."""
        occurrences = [match.span() for match in re.finditer(rf"(?<!\w){re.escape(anchor)}(?!\w)", passage.text, re.IGNORECASE)]
        if not occurrences:
            return None
        assert self._reader is not None
        (logits,) = self._reader.read(question, [passage])
        inside, outside = _best(logits, occurrences)
        return math.tanh((inside - outside) / SPAN_LOGIT) if math.isfinite(inside + outside) else None

    # --- words -----------------------------------------------------------------------------------------------------

    def _similar(self, wanted: Sequence[str], texts: Sequence[Sequence[str]]) -> Vector:
        """Shape (wanted, texts), 0 to 1: how near the nearest word of each text comes; 1 where the stem is the same."""
        if not wanted:
            return np.zeros((0, len(texts)), dtype=np.float32)
        column = {word: at for at, word in enumerate(dict.fromkeys(word for text in texts for word in text if word not in FUNCTION_WORDS))}
        if not column:
            return np.zeros((len(wanted), len(texts)), dtype=np.float32)
        vectors = self._vectors_of([*wanted, *column])
        cosines = vectors[: len(wanted)] @ vectors[len(wanted) :].T
        near = np.clip((cosines - UNRELATED) / (SYNONYMOUS - UNRELATED), 0.0, 0.95)
        for row, word in enumerate(wanted):
            for other, at in column.items():
                if stems(word) & stems(other):
                    near[row, at] = 1.0
        return np.stack(
            [
                near[:, [column[word] for word in text if word in column]].max(axis=1, initial=0.0)
                for text in texts
            ],
            axis=1,
        ).astype(np.float32)

    def _vectors_of(self, wanted: Sequence[str]) -> Vector:
        cached = self._vectors
        missing = [word for word in dict.fromkeys(wanted) if word not in cached]
        if len(cached) + len(missing) > CACHED_WORDS:
            cached, missing = {}, list(dict.fromkeys(wanted))
        if missing:
            # A new dictionary, so that threads that look words up meanwhile see the old one, whole.
            cached = cached | dict(zip(missing, self._embedder.embed_passages(missing), strict=True))
            self._vectors = cached
        return np.stack([cached[word] for word in wanted])


def _denies(text: str, beside: str) -> str:
    """Whether a clause denies: "yes", "no", or "maybe" by its words alone; a prefix counts that the other is without."""
    if _NEGATION.search(text):
        return "yes"
    if _DENIES.search(text):
        return "maybe"
    other = text_stems(beside)
    turned = (re.match(r"(?:un|in|im|dis|non-?|il|ir)(\w{3,})$", word) for word in words(text))
    return "yes" if any(match and stems(match[1]) & other for match in turned) else "no"


def _best(logits: SpanLogits, occurrences: Sequence[tuple[int, int]]) -> tuple[float, float]:
    """The largest sum of start and end logit of a span that overlaps one of the occurrences, and of one that does not."""
    if not len(logits.starts):
        return math.nan, math.nan
    starts, ends = logits.offsets[:, 0], logits.offsets[:, 1]
    sums = logits.starts[:, np.newaxis] + logits.ends[np.newaxis, :]
    token = np.arange(len(starts))
    lengths = token[np.newaxis, :] - token[:, np.newaxis]
    sums = np.where((lengths >= 0) & (lengths < LONGEST_SPAN), sums, -np.inf)
    overlapping = np.zeros(sums.shape, dtype=bool)
    for first, last in occurrences:
        overlapping |= (starts[:, np.newaxis] < last) & (ends[np.newaxis, :] > first)
    return float(np.where(overlapping, sums, -np.inf).max()), float(np.where(overlapping, -np.inf, sums).max())


"""What an LLM wrote, checked sentence by sentence: what the sources support goes on, with its evidence.

Every sentence is held against the passages that it cites, or, where these do not support it, against all that were
shown. `rag.answer.support` finds the sentences that it rests on and measures what speaks for and against; one fitted
decision says whether that is enough. A sentence in a script that the English models do not read needs a valid marker,
and its numbers, dates and Latin names must stand in the passages cited; its other words cannot be compared.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from rag.answer.draft import Statement
from rag.answer.facts import unread
from rag.answer.markers import Marked, marked_sentences
from rag.answer.support import Claim, Judge, Support
from rag.calibration import Calibration
from rag.domain import Evidence, Hit
from rag.language import content_words, stems
from rag.ports import Embedder, Reader

# A source that tries to give orders may have been followed: what rests on it has to be said nearly in its own words.
GUARDED = 0.8
# Sources beyond those cited that are held against a sentence, most words in common first.
MOST_OTHERS = 1

_PREAMBLE = re.compile(
    r"(?i)^(?:based (?:up)?on|according to|from|per|in)\s+(?:the\s+)?"
    r"(?:(?:provided|given|available|above|retrieved)\s+)?"
    r"(?:sources?|documents?|passages?|context|record|texts?|information)(?:\s+(?:provided|given|above))?\s*[,:]\s*"
)
# What a model says of its own answer, and not of the subject.
_ABOUT_ITSELF = frozenset().union(
    *(
        stems(word)
        for word in "answer ask available base based below clarify context certainly course detail details"
        " document documents explicitly feel find follow following free further given glad happy"
        " help helps here hope information know let listed mention"
        " mentioned note overview passage passages point points please provided question"
        " questions record relevant say sorry source sources specify state stated summarise"
        " summary sure text unfortunately yes".split()
    )
)
_SAYS_NOTHING = re.compile(
    r"(?i)\b(?:sources?|documents?|passages?|context|record|texts?|information)\b[^.]{0,40}\b"
    r"(?:do(?:es)? not|don't|doesn't)\s+(?:\w+\s+)?"
    r"(?:say|state|mention|specify|contain|provide|give|include|indicate|answer|tell)\b"
)


@dataclass(frozen=True, slots=True)
class Labelled:
    """A passage as it was shown to the LLM. `guarded`: it had sentences that speak to a model, which were left out."""

    label: str
    hit: Hit
    guarded: bool = False


@dataclass(frozen=True, slots=True)
class Verified:
    """What is supported, with evidence; what is not, as it was written; and how many markers point nowhere."""

    statements: tuple[Statement, ...]
    unsupported: tuple[str, ...]
    invented: int


@lru_cache(maxsize=1)
def stored_decision() -> Calibration:
    """When support is enough, as `mission-record eval verification --fit` fitted it last."""
    stored = json.loads(files("rag.answer").joinpath("verification.json").read_text(encoding="utf-8"))
    return Calibration(stored["weights"], stored["bias"], stored["threshold"])


@dataclass(frozen=True, slots=True)
class Written:
    """A sentence to be checked. `cited` are the passages that it, or its list, names; `about` is its context."""

    marked: Marked
    text: str
    about: str
    cited: tuple[Hit, ...]


class Verify:
    """Checks what was written against what was shown. Threads may share it."""

    def __init__(
        self, embedder: Embedder, reader: Reader | None, decision: Calibration | None = None
    ) -> None:
        """Without a `reader`, values and names are not asked for, and swapped ones are found less often."""
        self.judge = Judge(embedder, reader)
        self.decision = decision or stored_decision()

    def __call__(self, question: str, text: str, sources: Sequence[Labelled]) -> Verified:
        """Markdown with markers, the question that it answers, and the passages with the labels that they had."""
        checked = [self.check(written, sources) for written in self.sentences(question, text, sources)]
        return Verified(
            tuple(statement for each in checked for statement in each.statements),
            tuple(sentence for each in checked for sentence in each.unsupported),
            sum(each.invented for each in checked),
        )

    def check(self, written: Written, sources: Sequence[Labelled]) -> Verified:
        """One sentence: a statement with its evidence, unsupported, or a lead-in that states nothing."""
        labels = {source.label for source in sources}
        invented = sum(label not in labels for label in written.marked.labels)
        claim = self.judge.claim(written.text, written.about)
        support, probability = self._best(claim, written.cited, sources)
        if probability >= self._needed(claim, support, sources):
            evidence = tuple(Evidence(place.hit, place.sentence, probability) for place in support.places)
            return Verified((Statement(written.text, evidence, written.marked.listed),), (), invented)
        if written.marked.lead_in and not claim.names and not claim.facts.values:
            return Verified((), (), invented)
        return Verified((), (written.text,), invented)

    def _needed(self, claim: Claim, support: Support, sources: Sequence[Labelled]) -> float:
        guarded = {source.hit.passage.id for source in sources if source.guarded}
        if not any(place.hit.passage.id in guarded for place in support.places):
            return self.decision.threshold
        # In another script the words cannot be compared at all.
        return math.inf if unread(claim.text) else GUARDED

    def sentences(self, question: str, text: str, sources: Sequence[Labelled]) -> Iterator[Written]:
        """The sentences that state something of the subject. Items of a list cite what the line that opens it does."""
        hits = {source.label: source.hit for source in sources}
        found = [
            marked
            for marked in marked_sentences(text, list(hits))
            if marked.labels or not _is_about_itself(marked.text)
        ]
        opened: Marked | None = None
        for number, marked in enumerate(found):
            labels: Sequence[str] = marked.labels
            about = question
            if marked.lead_in:
                opened = marked
                items = list(_items(found[number + 1 :]))
                labels = labels or [label for item in items for label in item.labels]
            elif marked.listed and opened:
                labels = labels or opened.labels
                about = f"{question} {opened.text}"
            else:
                opened = None
            cited = tuple(hits[label] for label in dict.fromkeys(labels) if label in hits)
            plain = _PREAMBLE.sub("", marked.text)
            if plain.strip() and not _is_title(marked, cited):
                yield Written(
                    marked, plain[:1].upper() + plain[1:] if plain != marked.text else plain, about, cited
                )

    def judged(self, claim: Claim, hits: Sequence[Hit], shown: Sequence[Hit]) -> tuple[Support, float]:
        """The same, with the probability that it is enough."""
        support = self.support(claim, hits, shown)
        if not support.places:
            return support, 0.0
        if unread(claim.text):
            return support, 1.0 - support.signals["facts_missing"]
        return support, self.decision.probability(support.signals)

    def support(self, claim: Claim, hits: Sequence[Hit], shown: Sequence[Hit]) -> Support:
        """What passages hold for a claim."""
        return self.judge.support(claim, hits, shown)

    def claim(self, written: Written) -> Claim:
        """A sentence taken apart."""
        return self.judge.claim(written.text, written.about)

    def _best(self, claim: Claim, cited: Sequence[Hit], sources: Sequence[Labelled]) -> tuple[Support, float]:
        """By the passages cited; where these do not support it, by the likeliest one of the others that does."""
        shown = [source.hit for source in sources]
        best = self.judged(claim, cited, shown) if cited else (Support((), {}), 0.0)
        if best[1] >= self.decision.threshold or unread(claim.text):
            return best
        others = [hit for hit in shown if hit not in cited]
        others.sort(key=lambda hit: -self.judge.overlap(claim, hit))
        for hit in others[:MOST_OTHERS]:
            best = max(best, self.judged(claim, [hit], shown), key=lambda found: found[1])
        return best


def _items(following: Sequence[Marked]) -> Iterator[Marked]:
    for marked in following:
        if not marked.listed:
            return
        yield marked


def _is_about_itself(text: str) -> bool:
    """Whether a sentence speaks of the answer or its sources, or says that these do not say."""
    told = frozenset().union(*(stems(word) for word in content_words(text)))
    return told <= _ABOUT_ITSELF or bool(_SAYS_NOTHING.search(text))


def _is_title(marked: Marked, cited: Sequence[Hit]) -> bool:
    """Whether it only names a source, as an entry of a list of references does."""
    plain = marked.text.casefold().strip(" .\"'“”")
    return (
        bool(marked.labels)
        and any(plain in (hit.passage.title.casefold(), hit.passage.section.casefold()) for hit in cited)
        and not marked.listed
    )

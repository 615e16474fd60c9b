"""The mix of examples that an epoch is made of.

Questions that their passage answers, and six kinds that it does not: written to mislead (SQuAD 2.0), put to
a passage that retrieval would bring in its place, put to a passage on another subject, put to the passage
without the sentence that answers, changed so that the passage no longer answers, and those of invented
records. Each pass draws its own windows, headings and wordings, so that no two passes are the same.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from rag.training.invented import invent
from rag.training.negatives import answers_in, hard_negatives
from rag.training.sources import Collection, Question
from rag.training.unanswerable import made_up, names_in
from rag.training.variants import Passage, reworded, styled, windowed, without_answers


@dataclass(frozen=True)
class Example:
    """A question, a passage, and the character span of the answer in it; None when it does not answer."""

    question: str
    passage: str
    answer: tuple[int, int] | None
    kind: str


@dataclass(frozen=True)
class Share:
    """How often one pass uses the questions of a collection, each number the expected uses of one question.

    `retrieved`, `elsewhere`, `removed` and `changed` count unanswerable examples made from each answerable
    question.
    """

    answered: float
    misleading: float = 0.0
    retrieved: float = 0.0
    elsewhere: float = 0.0
    removed: float = 0.0
    changed: float = 0.0


SHARES = {
    "squad-v2": Share(
        answered=1.0, misleading=1.0, retrieved=0.35, elsewhere=0.05, removed=0.30, changed=0.40
    ),
    "squad-v1": Share(answered=1.0, retrieved=0.50, elsewhere=0.05, removed=0.45, changed=0.60),
    "policyqa": Share(answered=0.10, elsewhere=0.03),
    "fairytaleqa": Share(answered=0.25, retrieved=0.08, removed=0.08, changed=0.08),
    "qed": Share(answered=1.0, retrieved=0.60, removed=0.50, changed=0.40),
    # Few, and the only ones that speak as a record does: gone through several times, cut and worded anew each time.
    "records": Share(answered=2.5, misleading=2.5, retrieved=0.4, removed=0.3, changed=0.2),
}
INVENTED_RECORDS = 900
"""Invented texts in one pass, each with up to four questions."""


WIDTHS = (300, 450, 600, 750, 900)
"""Characters of the windows that passages are cut to, each as likely."""


class Mixture:
    """Draws the examples of any number of passes from the training part of the collections."""

    def __init__(self, collections: list[Collection], seed: int) -> None:
        self._collections = collections
        self._seed = seed
        self._negatives = {collection.name: hard_negatives(collection, 5) for collection in collections}
        self._names = {collection.name: _names_by_article(collection) for collection in collections}

    def drawn(self, number: int) -> list[Example]:
        """Pass `number`, shuffled. The same seed and number give the same examples."""
        rng = random.Random(f"{self._seed}:{number}")
        examples = [example for collection in self._collections for example in self._of(collection, rng)]
        for _ in range(INVENTED_RECORDS):
            examples += _invented(rng)
        rng.shuffle(examples)
        return examples

    def _of(self, collection: Collection, rng: random.Random) -> Iterator[Example]:
        share = SHARES[collection.name]
        negatives = self._negatives[collection.name]
        for question in collection.questions:
            if not question.answers:
                for _ in range(_times(share.misleading, rng)):
                    yield self._posed(collection, question.text, question.paragraph, (), "misleading", rng)
                continue
            for _ in range(_times(share.answered, rng)):
                yield self._posed(
                    collection, question.text, question.paragraph, question.answers, "answered", rng
                )
            for _ in range(_times(share.retrieved, rng) if negatives[question.id] else 0):
                other = rng.choice(negatives[question.id])
                yield self._posed(collection, question.text, other, (), "retrieved", rng)
            for _ in range(_times(share.elsewhere, rng)):
                yield from self._elsewhere(collection, question, rng)
            for _ in range(_times(share.removed, rng)):
                yield from self._removed(collection, question, rng)
            for _ in range(_times(share.changed, rng)):
                yield from self._changed(collection, question, rng)

    def _posed(
        self,
        collection: Collection,
        question: str,
        number: int,
        answers: tuple[tuple[int, int], ...],
        kind: str,
        rng: random.Random,
    ) -> Example:
        paragraph = collection.paragraphs[number]
        passage = windowed(Passage(paragraph.text, answers[:1]), rng.choice(WIDTHS), rng)
        shown = styled(passage, paragraph.title, rng)
        return Example(reworded(question, rng), shown.text, shown.answers[0] if shown.answers else None, kind)

    def _elsewhere(self, collection: Collection, question: Question, rng: random.Random) -> Iterator[Example]:
        """The question to a passage of another collection, where there is one; policies are too much alike."""
        others = [its for its in self._collections if its.name not in ("policyqa", collection.name)]
        if others:
            other = rng.choice(others)
            yield self._posed(
                other, question.text, rng.randrange(len(other.paragraphs)), (), "elsewhere", rng
            )

    def _removed(self, collection: Collection, question: Question, rng: random.Random) -> Iterator[Example]:
        """The question to its passage less the sentences that answer it, where that leaves no answer."""
        paragraph = collection.paragraphs[question.paragraph]
        rest = without_answers(Passage(paragraph.text, question.answers))
        if rest is not None:
            shown = styled(windowed(rest, rng.choice(WIDTHS), rng), paragraph.title, rng)
            yield Example(reworded(question.text, rng), shown.text, None, "removed")

    def _changed(self, collection: Collection, question: Question, rng: random.Random) -> Iterator[Example]:
        """The question with something changed; to the passage that answered it, cut the same way."""
        paragraph = collection.paragraphs[question.paragraph]
        near = self._names[collection.name][paragraph.article]
        others = near if len(near) > 5 and rng.random() < 0.7 else self._some_names(collection, rng)
        changed = made_up(question.text, f"{paragraph.title}. {paragraph.text}", others, rng)
        if changed is not None:
            cut = windowed(Passage(paragraph.text, question.answers[:1]), rng.choice(WIDTHS), rng)
            shown = styled(Passage(cut.text), paragraph.title, rng)
            yield Example(reworded(changed, rng), shown.text, None, "changed")

    def _some_names(self, collection: Collection, rng: random.Random) -> list[str]:
        articles = list(self._names[collection.name])
        some = rng.sample(articles, min(8, len(articles)))
        return [name for article in some for name in self._names[collection.name][article]]


def _times(expected: float, rng: random.Random) -> int:
    return int(expected) + (rng.random() < expected - int(expected))


def _names_by_article(collection: Collection) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for paragraph in collection.paragraphs:
        names.setdefault(paragraph.article, []).extend(names_in(paragraph.text))
    return {article: sorted(set(found)) for article, found in names.items()}


def _invented(rng: random.Random) -> Iterator[Example]:
    for item in invent(rng):
        passage = styled(Passage(item.text, item.answers), item.title, rng)
        answer = passage.answers[0] if passage.answers else None
        yield Example(
            reworded(item.question, rng), passage.text, answer, "invented, answered" if answer else "invented"
        )


def plain_unanswerable(collection: Collection, seed: int) -> list[tuple[Question, str]]:
    """One made-up unanswerable question for each answerable one where there is a way, with names from the
    same article.
    """
    rng = random.Random(seed)
    names = _names_by_article(collection)
    pairs = []
    for question in collection.questions:
        paragraph = collection.paragraphs[question.paragraph]
        if question.answers and answers_in(collection, question):
            changed = made_up(
                question.text, f"{paragraph.title}. {paragraph.text}", names[paragraph.article], rng
            )
            if changed is not None:
                pairs.append((question, changed))
    return pairs

"""Ways in which the same question or passage may be written."""

from __future__ import annotations

import random
from dataclasses import dataclass

from rag.training.sentences import Span, sentence_spans

_FUNCTION_WORDS = frozenset(
    "a an the is are was were be been do does did has have had of in on at to for by with from as that this "
    "these those it its there and or which what who whom whose when where why how many much would could can "
    "will should".split()
)
_QUESTION_WORDS = frozenset("which what who whom whose when where why how".split())


def reworded(question: str, rng: random.Random) -> str:
    """Now and then the question as people type it: lower case, without its mark, as key words, with a slip."""
    chance = rng.random()
    if chance < 0.62:
        text = question
    elif chance < 0.80:
        text = question.lower().rstrip("? ")
    elif chance < 0.88:
        text = keywords(question)
    elif chance < 0.95:
        text = misspelt(question, rng)
    else:
        text = (
            rng.choice(("Please tell me: ", "I would like to know: ", "hi, ", "Can you tell me ", "So, "))
            + question
        )
    return text


def keywords(question: str) -> str:
    """The content words of the question with its question word, in their order."""
    kept = [
        word
        for word in question.rstrip("? ").split()
        if word.lower() in _QUESTION_WORDS or word.lower().strip(",'\"") not in _FUNCTION_WORDS
    ]
    return " ".join(kept) if len(kept) > 2 else question.rstrip("? ")


def misspelt(question: str, rng: random.Random) -> str:
    """The question with one or two slips of the finger in longer words that are not names or numbers."""
    parts = question.split(" ")
    places = [n for n, part in enumerate(parts) if len(part) > 4 and part.isalpha() and part.islower()]
    for place in rng.sample(places, min(len(places), rng.choice((1, 1, 2)))):
        letters = list(parts[place])
        at = rng.randrange(1, len(letters) - 1)
        slip = rng.randrange(3)
        if slip == 0:
            letters[at], letters[at + 1] = letters[at + 1], letters[at]
        elif slip == 1:
            del letters[at]
        else:
            letters.insert(at, letters[at])
        parts[place] = "".join(letters)
    return " ".join(parts)


@dataclass(frozen=True)
class Passage:
    """A text with the spans that answer the question it is put to (none: it does not answer)."""

    text: str
    answers: tuple[Span, ...] = ()

    def prefixed(self, prefix: str) -> Passage:
        """`prefix` in front, the spans moved."""
        moved = tuple((start + len(prefix), end + len(prefix)) for start, end in self.answers)
        return Passage(prefix + self.text, moved)

    def cut(self, start: int, end: int) -> Passage:
        """The characters from `start` to `end`; spans that are not wholly inside are dropped."""
        kept = tuple((a - start, b - start) for a, b in self.answers if start <= a and b <= end)
        return Passage(self.text[start:end], kept)


def windowed(passage: Passage, characters: int, rng: random.Random) -> Passage:
    """Whole sentences of the passage, about `characters` long, with the first answer somewhere inside."""
    if len(passage.text) <= characters:
        return passage
    spans = sentence_spans(passage.text)
    anchor = passage.answers[0] if passage.answers else rng.choice(spans)
    first = max((n for n, span in enumerate(spans) if span[0] <= anchor[0]), default=0)
    last = min((n for n, span in enumerate(spans) if span[1] >= anchor[1]), default=len(spans) - 1)
    while True:
        sides = []
        if first > 0 and spans[last][1] - spans[first - 1][0] <= characters:
            sides.append("before")
        if last + 1 < len(spans) and spans[last + 1][1] - spans[first][0] <= characters:
            sides.append("after")
        if not sides:
            return passage.cut(spans[first][0], max(spans[last][1], anchor[1]))
        if rng.choice(sides) == "before":
            first -= 1
        else:
            last += 1


def without_answers(passage: Passage) -> Passage | None:
    """The passage less the sentences that hold an answer; None when nothing is left or an answer still
    stands there.
    """
    kept = [
        passage.text[start:end]
        for start, end in sentence_spans(passage.text)
        if not any(a < end and b > start for a, b in passage.answers)
    ]
    rest = " ".join(kept)
    answers = {passage.text[a:b].lower() for a, b in passage.answers}
    return Passage(rest) if rest and not any(answer in rest.lower() for answer in answers) else None


_SECTIONS = (
    "Overview History Background Details News Introduction Summary Highlights Results Outlook People Programme Notes "
    "Context Impact Development Organisation Activities Partners Report"
).split()
_PLACES = (
    "London Geneva Boston Singapore Nairobi Oslo Lima Seoul Toronto Berlin Sydney Madrid Mumbai Denver Cairo"
).split()
_MONTHS = "January February March April May June July August September October November December".split()


PATH = " > "
"""What stands between the headings of a path."""


def headed(passage: Passage, title: str, rng: random.Random) -> Passage:
    """The passage as an index holds it: behind its heading path, or bare; a title that is a path always stands."""
    chance = rng.random()
    if chance < 0.40 and PATH not in title:
        return passage
    if chance < 0.75 or PATH in title:
        return passage.prefixed(f"{title}. ")
    return passage.prefixed(f"{title} > {rng.choice(_SECTIONS)}. ")


def as_news(passage: Passage, rng: random.Random) -> Passage:
    """The passage behind the dateline of a press release."""
    place = rng.choice(_PLACES)
    place = place.upper() if rng.random() < 0.5 else place
    date = f"{rng.choice(_MONTHS)} {rng.randint(1, 28)}, {rng.randint(1990, 2026)}"
    return passage.prefixed(f"{place}, {date} {rng.choice(('—', '–', '-', '/', ':'))} ")


def as_list(passage: Passage, rng: random.Random) -> Passage:
    """The passage with a mark in front of each sentence, as in a bulleted list."""
    mark = rng.choice(("- ", "• ", "* "))
    spans = sentence_spans(passage.text)
    moved_by = {}
    length = 0
    for start, end in spans:
        length += len(mark)
        moved_by[start, end] = length - start
        length += end - start + 1
    answers = tuple(
        (a + shift, b + shift)
        for a, b in passage.answers
        for (start, end), shift in moved_by.items()
        if start <= a and b <= end
    )
    return Passage("\n".join(mark + passage.text[start:end] for start, end in spans), answers)


def styled(passage: Passage, title: str, rng: random.Random) -> Passage:
    """One of the looks a passage may have, drawn at random; the answers stay where they are in the text."""
    chance = rng.random()
    shown = passage
    if chance < 0.05:
        listed = as_list(passage, rng)
        shown = listed if len(listed.answers) == len(passage.answers) else passage
    elif chance < 0.11:
        shown = as_news(passage, rng)
    return headed(shown, title, rng)

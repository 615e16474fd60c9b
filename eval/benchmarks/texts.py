"""Documents that nobody wrote, as many as wanted, with questions whose answers are known.

Sentences are made by a small grammar from function words as they are and content words that are drawn. How often a word
is drawn follows the law of Zipf and Mandelbrot (Mandelbrot 1953, "An Informational Theory of the Statistical Structure
of Language"). A document has a few topics, whose words it prefers (as in latent Dirichlet allocation, Blei, Ng and
Jordan 2003), and repeats words that it has used (Simon 1955, "On a Class of Skew Distribution Functions"), so that
words come in bursts and the vocabulary grows as in real text. Each document is about an organisation whose name no
other has, states two facts of it, once each, and is full of the names of others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import islice, product
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

PASSAGES_A_DOCUMENT = 10

# Exponent and shift of the law of Zipf and Mandelbrot: of nouns and adjectives; of verbs and adverbs, of which
# there are few; of the words of a topic; of topics.
LANGUAGE_LAW = (1.15, 8.0)
CLOSED_LAW = (0.8, 10.0)
TOPIC_LAW = (1.0, 3.0)
TOPICS_LAW = (0.6, 5.0)
TOPICS = 400
TOPIC_WORDS = 300
# What share of the content words is of the document's topics, and what share was used in it before.
TOPICAL = 0.5
REPEATED = 0.3
# Means: sections of a document, paragraphs of a section, sentences of a paragraph.
SECTIONS, PARAGRAPHS, SENTENCES = 5.5, 2.0, 5.0
TEMPLATES = 4_000
FACTS_A_DOCUMENT = 2
_NAMES = 1_000_000  # names of three syllables; a prime beside it scatters neighbours
_SCATTER = 618_033
_SLOT = re.compile(r"@(\w)")

_MATERIAL: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))

Words = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Known:
    """A question, and the one sentence that answers it in the document that says so."""

    question: str
    answer: str
    document_id: str
    quote: str


@dataclass(frozen=True, slots=True)
class Text:
    """One document as a Markdown file holds it; its id is the stem of the file's name.

    `unanswered` is a question about what the document is about that no document answers.
    """

    document_id: str
    markdown: str
    known: tuple[Known, ...]
    unanswered: str


def texts(passages: int, seed: int) -> Iterator[Text]:
    """Documents that are cut into about so many passages in all; the same ones for the same seed.

    The documents of a smaller number are the first of those of a larger one.
    """
    for number in range(max(1, round(passages / PASSAGES_A_DOCUMENT))):
        yield _Document(number, seed).text()


def write_texts(folder: Path, passages: int, seed: int) -> list[Known]:
    """The same, written as files into a folder; all that is known of them."""
    folder.mkdir(parents=True, exist_ok=True)
    known: list[Known] = []
    for text in texts(passages, seed):
        (folder / f"{text.document_id}.md").write_text(text.markdown, encoding="utf-8")
        known.extend(text.known)
    return known


class _Document:
    """One document in the making: what it is about, and words as they are drawn for it."""

    def __init__(self, number: int, seed: int) -> None:
        self._number = number
        self._seed = seed
        self._many = np.random.default_rng((seed, number))
        self._one = Random(int(self._many.integers(2**63)))  # single draws of numpy's are slow
        self._subject = organisation(number, seed)
        self._thing = self._one.choice(_MATERIAL["things"])
        self._topics = _topic_lists()[np.searchsorted(_cumulated(TOPICS, *TOPICS_LAW), self._many.random(3))]

    def text(self) -> Text:
        """The document, with what is known of it."""
        sections = [self._paragraphs() for _ in range(3 + self._many.poisson(SECTIONS - 3))]
        headings = self._fill("T", len(sections) + 1)
        sentences = self._fill("S", sum(map(sum, sections)))
        *stated, left_out = self._one.sample(_MATERIAL["facts"], FACTS_A_DOCUMENT + 1)
        known = [self._state(fact, sentences) for fact in stated]
        lines, upcoming = [f"# {self._subject}: {headings[0]}"], iter(sentences)
        for heading, section in zip(headings[1:], sections, strict=True):
            lines.append(f"## {heading}")
            lines += [" ".join(islice(upcoming, length)) for length in section]
        question = self._filled(self._one.choice(left_out["questions"]))
        return Text(self._id, self._front_matter() + "\n\n".join(lines) + "\n", tuple(known), question)

    def _paragraphs(self) -> list[int]:
        """How many sentences the paragraphs of a section have: a mixture of Poisson distributions, as in real prose."""
        number = 1 + self._many.poisson(PARAGRAPHS - 1)
        return list(1 + self._many.poisson(self._many.gamma(2.0, (SENTENCES - 1) / 2.0, size=number)))

    @property
    def _id(self) -> str:
        return f"text-{self._number:06d}"

    def _front_matter(self) -> str:
        if self._one.random() < 0.4:
            return ""
        day = date(1_975, 1, 1) + timedelta(self._one.randrange(18_000))
        return f"---\nkind: {self._one.choice(_MATERIAL['kinds'])}\ndate: {day}\n---\n\n"

    def _state(self, fact: dict[str, list[str]], sentences: list[str]) -> Known:
        """Put a fact before a sentence of the document, or behind one."""
        stated = self._filled(self._one.choice(fact["statements"]))
        start, end = stated.index("["), stated.index("]") - 1
        quote = stated.replace("[", "").replace("]", "")
        quote = quote[0].upper() + quote[1:]
        at = self._one.randrange(len(sentences))
        pair = (sentences[at], quote) if self._one.random() < 0.5 else (quote, sentences[at])
        sentences[at] = " ".join(pair)
        return Known(self._filled(self._one.choice(fact["questions"])), quote[start:end], self._id, quote)

    def _filled(self, template: str) -> str:
        one = self._one
        makers: dict[str, Callable[[], str]] = {
            "s": lambda: self._subject,
            "thing": lambda: self._thing,
            "place": lambda: place(self._rank()),
            "person": lambda: person(self._rank(), self._rank()),
            "other": self._mentioned,
            "year": lambda: str(one.randint(1_890, 2_025)),
            "count": lambda: str(one.randint(12, 990)),
            "small": lambda: str(one.randint(3, 40)),
            "percent": lambda: str(one.randint(2, 60)),
            "date": lambda: (
                f"{one.randint(1, 28)} {one.choice(_MATERIAL['months'])} {one.randint(1_960, 2_025)}"
            ),
            "cause": lambda: one.choice(_MATERIAL["causes"]),
            "material": lambda: one.choice(_MATERIAL["materials"]),
            "currency": lambda: one.choice(_MATERIAL["currencies"]),
        }
        return re.sub(r"\{(\w+)\}", lambda slot: makers[slot[1]](), template)

    def _rank(self) -> int:
        """Of a name, by a law of Zipf with exponent 1: the logarithm of the rank is uniform."""
        return int(_NAMES ** self._one.random())

    def _mentioned(self) -> str:
        """Another organisation: the lower its number, the better it is known."""
        drawn = self._rank() % max(self._number, 50)
        return organisation(drawn if drawn != self._number else drawn + 1, self._seed)

    def _fill(self, symbol: str, number: int) -> list[str]:
        """So many sentences or headings, with a word drawn for every slot."""
        templates = _templates(symbol)
        chosen = [templates[which] for which in self._many.integers(len(templates), size=number)]
        words = iter(self._words("".join(template.slots for template in chosen)))
        filled = [template.form % tuple(islice(words, len(template.slots))) for template in chosen]
        return [sentence[0].upper() + sentence[1:] for sentence in filled]

    def _words(self, slots: str) -> list[str]:
        """A word for each slot, by its class."""
        classes = np.frombuffer(slots.encode(), dtype=np.uint8)
        words = np.empty(len(classes), dtype=object)
        nouns = np.flatnonzero((classes == ord("n")) | (classes == ord("p")))
        drawn = self._nouns(len(nouns))
        words[nouns] = np.where(
            classes[nouns] == ord("n"), _lexicon().nouns[drawn], _lexicon().plurals[drawn]
        )
        for letter, of_class in _lexicon().others.items():
            where = np.flatnonzero(classes == ord(letter))
            words[where] = of_class.words[np.searchsorted(of_class.cumulated, self._many.random(len(where)))]
        names: dict[str, Callable[[], str]] = {
            "h": lambda: person(self._rank(), self._rank()),
            "l": lambda: place(self._rank()),
            "o": self._mentioned,
            "m": lambda: self._subject,
            "y": lambda: str(2_026 - int(self._one.expovariate(1 / 25))),
            "q": lambda: f"{int(10 ** self._one.uniform(0.4, 4.2)):,}",
        }
        for letter, make in names.items():
            for at in np.flatnonzero(classes == ord(letter)):
                words[at] = make()
        return list(words)

    def _nouns(self, number: int) -> NDArray[np.int64]:
        """Ranks of nouns: of the language, of the document's topics, or drawn before."""
        random = self._many
        drawn = np.searchsorted(_lexicon().noun_law, random.random(number))
        topical = random.random(number) < TOPICAL
        which = np.searchsorted((0.6, 0.9, 1.0), random.random(number))
        of_topic = self._topics[
            which, np.searchsorted(_cumulated(TOPIC_WORDS, *TOPIC_LAW), random.random(number))
        ]
        drawn[topical] = of_topic[topical]
        repeated = np.flatnonzero(random.random(number) < REPEATED)
        drawn[repeated] = drawn[(random.random(len(repeated)) * repeated).astype(np.int64)]
        return drawn


@dataclass(frozen=True, slots=True)
class _Template:
    """A sentence for `%`, and the class of word of each of its slots, a letter each."""

    form: str
    slots: str


@dataclass(frozen=True, slots=True)
class _Class:
    words: Words
    cumulated: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Lexicon:
    nouns: Words
    plurals: Words
    noun_law: NDArray[np.float64]
    others: dict[str, _Class]


@cache
def _lexicon() -> _Lexicon:
    """Every word by class, the commonest first: listed ones, and after them compounds of Greek and Latin stems."""
    nouns = [*_MATERIAL["nouns"], *_compounds("noun_suffixes", _MATERIAL["nouns"])]
    adjectives = [*_MATERIAL["adjectives"], *_compounds("adjective_suffixes", nouns)]
    others = {
        "a": (adjectives, LANGUAGE_LAW),
        "v": (_MATERIAL["verbs"], CLOSED_LAW),
        "d": (_MATERIAL["adverbs"], CLOSED_LAW),
    }
    return _Lexicon(
        np.array(nouns, dtype=object),
        np.array([_plural(noun) for noun in nouns], dtype=object),
        _cumulated(len(nouns), *LANGUAGE_LAW),
        {
            letter: _Class(np.array(words, dtype=object), _cumulated(len(words), *law))
            for letter, (words, law) in others.items()
        },
    )


def _compounds(suffixes: str, taken: list[str]) -> list[str]:
    made = product(["", *_MATERIAL["prefixes"]], _MATERIAL["roots"], _MATERIAL[suffixes])
    words = sorted({"".join(parts) for parts in made}.difference(taken))
    random = Random(0)  # the short ones tend to be the common ones (Zipf 1935)
    return sorted(words, key=lambda word: len(word) + random.gauss(0, 1.5))


def _plural(noun: str) -> str:
    if noun.endswith(("s", "x", "ch", "sh", "z")):
        return f"{noun}es"
    return f"{noun[:-1]}ies" if re.search(r"[^aeiou]y$", noun) else f"{noun}s"


@cache
def _law(number: int, exponent: float, shift: float) -> NDArray[np.float64]:
    weights = (np.arange(1, number + 1) + shift) ** -exponent
    return np.asarray(weights / weights.sum())


@cache
def _cumulated(number: int, exponent: float, shift: float) -> NDArray[np.float64]:
    cumulated = np.cumsum(_law(number, exponent, shift))
    cumulated[-1] = 1.0
    return np.asarray(cumulated)


@cache
def _topic_lists() -> NDArray[np.int64]:
    """For each topic the ranks of its words, neither the commonest of the language nor the rarest."""
    random = np.random.default_rng(0)
    ranks = np.exp(random.uniform(np.log(20), np.log(6_000), size=(TOPICS, TOPIC_WORDS)))
    return np.asarray(ranks.astype(np.int64))


@cache
def _templates(symbol: str) -> list[_Template]:
    """Sentences or headings as the grammar makes them, always the same ones."""
    random = Random(0)
    expanded = [_expanded(symbol, random).replace("%", "%%") for _ in range(TEMPLATES)]
    return [_Template(_SLOT.sub("%s", made), "".join(_SLOT.findall(made))) for made in expanded]


def _expanded(symbol: str, random: Random) -> str:
    chosen: str = random.choice(_MATERIAL["grammar"][symbol])
    return re.sub(r"\{(\w+)\}", lambda found: _expanded(found[1], random), chosen)


def person(first: int, last: int) -> str:
    """A name by the ranks of its parts."""
    names, endings = _MATERIAL["first_names"], _MATERIAL["last_name_endings"]
    return f"{names[first % len(names)]} {_stem(last // len(endings), endings[last % len(endings)])}"


def place(rank: int) -> str:
    """The name of a place by its rank."""
    endings, beginnings = _MATERIAL["place_endings"], _MATERIAL["place_beginnings"]
    name = _stem(rank // len(endings), endings[rank % len(endings)])
    return f"{beginnings[rank // 8 % len(beginnings)]} {name}" if rank % 8 == 0 else name


def organisation(number: int, seed: int) -> str:
    """The name of the organisation that the document with that number is about; no two are the same."""
    kinds = _MATERIAL["organisation_kinds"]
    scattered = (number * _SCATTER + seed) % _NAMES
    return f"{_stem(_NAMES + scattered)} {kinds[scattered % len(kinds)]}"


def _stem(number: int, ending: str = "") -> str:
    """Syllables that spell a number, no two numbers alike."""
    onsets, vowels = _MATERIAL["onsets"], _MATERIAL["vowels"]
    syllables = ""
    while True:
        number, drawn = divmod(number, len(onsets) * len(vowels))
        syllables += onsets[drawn // len(vowels)] + vowels[drawn % len(vowels)]
        if not number:
            return f"{syllables}{ending}".capitalize()
        number -= 1

"""Invented records: short texts on organisations that do not exist, with questions that they do and do not
answer.

The public sets are on encyclopedias, policies and tales. A record of an organisation speaks otherwise: of
roles, founding years, headcounts, agreements, visits. And questions for an attribute must not betray by
their form alone that nothing answers them, so here each form of question is as often answerable as not:
asked of what a sentence says, of another organisation in the same text, or of what no sentence says. Every
name and number is drawn at random.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from importlib import resources

from rag.training.sentences import Span


@dataclass(frozen=True)
class Fact:
    """Ways to state something and to ask for it. Square brackets mark the answer; `{o}` is the organisation.

    `checks` ask whether it is so: the sentence that decides is the answer.
    """

    statements: tuple[str, ...]
    questions: tuple[str, ...]
    checks: tuple[str, ...] = ()


_MATERIAL = json.loads(resources.files(__package__).joinpath("invented.json").read_text(encoding="utf-8"))
FACTS = tuple(
    Fact(tuple(row["statements"]), tuple(row["questions"]), tuple(row.get("checks", ())))
    for row in _MATERIAL["facts"]
)
_WORDS: dict[str, list[str]] = _MATERIAL["words"]


# Slots that are drawn from a list of words as they are.
_DRAWN = {
    "nationality": "nationalities",
    "country": "countries",
    "hotel": "hotels",
    "building": "buildings",
    "street": "streets",
    "degree": "degrees",
    "university": "universities",
    "law": "laws",
    "party": "parties",
    "product": "products",
    "material": "materials",
}


def _programme(rng: random.Random) -> str:
    """The full name of something that is known by its initials."""
    first, field, kind = (rng.choice(_WORDS[part]) for part in ("scopes", "fields", "bodies"))
    return f"{first} {field} {kind}"


def _organisation(rng: random.Random) -> str:
    stem = "".join(rng.choice(_WORDS["syllables"]) for _ in range(rng.choice((2, 2, 3)))).capitalize()
    if rng.random() < 0.15:
        stem = "".join(rng.choice("ABCDEFGHIJKLMNOPRSTUVW") for _ in range(rng.choice((3, 4))))
    return f"{stem} {rng.choice(_WORDS['suffixes'])}".strip()


def _person(rng: random.Random) -> str:
    title = "Dr. " if rng.random() < 0.1 else ""
    return f"{title}{rng.choice(_WORDS['first_names'])} {rng.choice(_WORDS['last_names'])}"


def _city(rng: random.Random) -> str:
    return rng.choice(_WORDS["cities"]).replace("-", " ")


def _slots(organisation: str, others: list[str], rng: random.Random) -> dict[str, str]:
    members = [_organisation(rng) for _ in range(rng.randint(2, 4))]
    cities = rng.sample(_WORDS["cities"], rng.randint(2, 4))
    quote = rng.choice(_WORDS["quotes"])
    long = _programme(rng)
    return {
        "o": organisation,
        "other": rng.choice(others),
        "member": rng.choice(members),
        "list": ", ".join(members[:-1]) + f" and {members[-1]}",
        "cities": (", ".join(cities[:-1]) + f" and {cities[-1]}").replace("-", " "),
        "city": _city(rng),
        "person": _person(rng),
        "person2": _person(rng),
        "role": rng.choice(_WORDS["roles"]),
        "year": str(rng.randint(1888, 2025)),
        "count": rng.choice((str(rng.randint(5, 950)), f"{rng.randint(1, 48)},{rng.randint(0, 999):03d}")),
        "money": rng.choice((str(rng.randint(2, 900)), f"{rng.uniform(1, 90):.1f}")),
        "price": f"{rng.randint(3, 4999):,}",
        "percent": rng.choice((str(rng.randint(2, 85)), f"{rng.uniform(1, 30):.1f}")),
        "date": rng.choice(("{m} {d}, {y}", "{d} {m} {y}", "{m} {d}")).format(
            m=rng.choice(_WORDS["months"]), d=rng.randint(1, 28), y=rng.randint(1998, 2026)
        ),
        "small": rng.choice(("two", "three", "four", "six", "eight", "5", "7", "9", "12", "15", "20")),
        "hours": rng.choice(("two", "three", "four", "2.5", "6")),
        "kilometres": str(rng.randint(2, 140)),
        "long": long,
        "short": "".join(word[0] for word in long.split() if word[0].isupper()),
        **{slot: rng.choice(_WORDS[plural]) for slot, plural in _DRAWN.items()},
        "kind": rng.choice(_WORDS["kinds"]),
        "thing": rng.choice(_WORDS["things"]),
        "place": rng.choice(_WORDS["places"]),
        "aim": rng.choice(_WORDS["aims"]),
        "cause": rng.choice(_WORDS["causes"]),
        "prize": rng.choice(_WORDS["prizes"]),
        "platform": _organisation(rng).split()[0],
        "email": f"{rng.choice(('info', 'contact', 'office'))}@{organisation.split(maxsplit=1)[0].lower()}.example",
        "quote": quote[0].upper() + quote[1:],
        "quote_plain": quote,
    }


@dataclass(frozen=True)
class Invented:
    """One invented text and a question to it; without `answers` the text does not answer."""

    title: str
    text: str
    question: str
    answers: tuple[Span, ...]


def _stated(template: str, slots: dict[str, str]) -> tuple[str, Span]:
    """The filled-in sentence and the span of its answer."""
    filled = template.format(**slots)
    first = filled.startswith("[")
    filled = filled[: first + 1].upper() + filled[first + 1 :]
    start, end = filled.index("["), filled.index("]") - 1
    return filled.replace("[", "").replace("]", ""), (start, end)


def invent(rng: random.Random) -> list[Invented]:
    """Some questions, answerable and not, to one invented text of two to four organisations."""
    organisations = [_organisation(rng) for _ in range(rng.randint(2, 4))]
    stated: list[tuple[str, Fact, dict[str, str], str, Span]] = []
    for organisation in organisations[: rng.randint(1, len(organisations))]:
        others = [other for other in organisations if other != organisation] + [_organisation(rng)]
        for fact in rng.sample(FACTS, rng.randint(1, 6)):
            slots = _slots(organisation, others, rng)
            sentence, answer = _stated(rng.choice(fact.statements), slots)
            stated.append((organisation, fact, slots, sentence, answer))
    if rng.random() < 0.3:
        rng.shuffle(stated)
    text, placed = _assembled(stated, rng)
    title = rng.choice(
        (organisations[0], f"Report on {organisations[0]}", "Press release", "Newsletter", "Annual report")
    )
    asked = []
    for (_, fact, slots, sentence, _), (start, answer) in rng.sample(
        list(zip(stated, placed, strict=True)), min(2, len(stated))
    ):
        if fact.checks and rng.random() < 0.3:
            asked.append(
                Invented(
                    title, text, rng.choice(fact.checks).format(**slots), ((start, start + len(sentence)),)
                )
            )
        else:
            asked.append(Invented(title, text, rng.choice(fact.questions).format(**slots), (answer,)))
    asked += [Invented(title, text, question, ()) for question in _unanswered(stated, organisations, rng)]
    return asked


def _assembled(
    stated: list[tuple[str, Fact, dict[str, str], str, Span]], rng: random.Random
) -> tuple[str, list[tuple[int, Span]]]:
    """The sentences in a row, fillers between them; where each sentence and each answer stands."""
    text, placed = "", []
    for _, _, _, sentence, (start, end) in stated:
        if rng.random() < 0.3:
            text += rng.choice(_WORDS["fillers"]) + " "
        placed.append((len(text), (len(text) + start, len(text) + end)))
        text += sentence + " "
    if rng.random() < 0.4:
        text += rng.choice(_WORDS["fillers"])
    return text.rstrip(), placed


def _unanswered(
    stated: list[tuple[str, Fact, dict[str, str], str, Span]], organisations: list[str], rng: random.Random
) -> list[str]:
    """Two questions that no sentence answers: the fact of another organisation, another name in a check, or
    no fact at all.
    """
    questions = []
    told = {(organisation, id(fact)) for organisation, fact, _, _, _ in stated}
    for _ in range(2):
        _, fact, slots, _, _ = rng.choice(stated)
        strangers = [*organisations, _organisation(rng)]
        chance = rng.random()
        if chance < 0.4:
            candidates = [name for name in strangers if (name, id(fact)) not in told]
            templates = [
                q for q in fact.questions if "{o}" in q and "{person}" not in q and "{quote" not in q
            ]
        elif chance < 0.6 and fact.checks:
            other = _slots(slots["o"], strangers, rng)
            kept = dict(slots)
            for key in ("person", "other", "member", "thing", "kind", "platform"):
                kept[key] = other[key] if other[key] != slots[key] else _organisation(rng)
            slots, candidates = kept, [slots["o"]]
            changing = ("{person}", "{other}", "{member}", "{thing}", "{kind}", "{platform}")
            templates = [c for c in fact.checks if any(key in c for key in changing)]
        else:
            fact = rng.choice(FACTS)
            # Most of all something else of an organisation that the text does speak of.
            named = [slots["o"], slots["o"], slots["o"], *strangers]
            candidates = [name for name in named if (name, id(fact)) not in told]
            slots = _slots(slots["o"], strangers, rng)
            templates = list(fact.questions + fact.checks)
        if not candidates or not templates:
            continue
        template = rng.choice(templates)
        # Of these there are few: another draw may be the same, and then the text may answer.
        if not any(
            f"{{{slot}}}" in template and slots[slot] in sentence
            for slot in ("law", "short")
            for _, _, _, sentence, _ in stated
        ):
            questions.append(template.format(**{**slots, "o": rng.choice(candidates)}))
    return questions

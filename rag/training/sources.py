"""The training data as one shape: collections of paragraphs with questions, split by article."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rag.training.sentences import detokenise, sentence_spans, words

Span = tuple[int, int]
Split = Literal["train", "development", "test"]


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of an article; `title` is what a heading path would start with."""

    article: str
    title: str
    text: str


@dataclass(frozen=True)
class Question:
    """A question put to one paragraph: an index into `Collection.paragraphs`.

    `answers` are character spans of the paragraph, the one to train on first; without any, the question
    looks as if the paragraph answered it and it does not.
    """

    id: str
    text: str
    paragraph: int
    answers: tuple[Span, ...]


@dataclass
class Collection:
    """The paragraphs and questions of one source."""

    name: str
    paragraphs: list[Paragraph] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)

    def restricted(self, articles: set[str]) -> Collection:
        """The part of the collection that belongs to `articles`."""
        kept = [number for number, paragraph in enumerate(self.paragraphs) if paragraph.article in articles]
        renumbered = {old: new for new, old in enumerate(kept)}
        return Collection(
            self.name,
            [self.paragraphs[number] for number in kept],
            [
                Question(question.id, question.text, renumbered[question.paragraph], question.answers)
                for question in self.questions
                if question.paragraph in renumbered
            ],
        )


def read_squad(path: Path, name: str) -> Collection:
    """SQuAD 1.1 or 2.0 JSON, and files in that format.

    Of several annotators' answers the commonest is trained on; where it occurs more than once, the
    occurrence whose sentence shares most words with the question.
    """
    collection = Collection(name)
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        title = article["title"].replace("_", " ")
        for paragraph in article["paragraphs"]:
            text = paragraph["context"].replace("\n", " ")
            collection.paragraphs.append(Paragraph(article["title"], title, text))
            for row in paragraph["qas"]:
                answers = _located_answers(row, text)
                if not answers and not row.get("is_impossible"):
                    continue
                number = len(collection.paragraphs) - 1
                collection.questions.append(
                    Question(str(row["id"]), row["question"].strip(), number, answers)
                )
    return collection


def _located_answers(row: dict[str, Any], text: str) -> tuple[Span, ...]:
    counted = Counter(answer["text"].strip() for answer in row["answers"])
    return tuple(
        span
        for answer, _ in counted.most_common()
        if answer and (span := best_occurrence(answer, text, row["question"])) is not None
    )


def best_occurrence(answer: str, text: str, question: str) -> Span | None:
    """Where `answer` stands in `text` as whole words, in the sentence most like `question`; None when it
    does not.
    """
    pattern = r"(?<!\w)" + r"\s+".join(re.escape(part) for part in answer.split()) + r"(?!\w)"
    found = [match.span() for match in re.finditer(pattern, text, re.IGNORECASE)]
    if len(found) < 2:
        return found[0] if found else None
    asked = set(words(question))

    def shared(span: Span) -> int:
        sentence = next((s for s in sentence_spans(text) if s[0] <= span[0] < s[1]), span)
        return len(asked & set(words(text[sentence[0] : sentence[1]])))

    return max(found, key=shared)


def read_fairytales(path: Path) -> Collection:
    """FairytaleQA: questions whose answer is a substring of their section; the others have no span to train
    on.
    """
    collection = Collection("fairytaleqa")
    for line in path.read_text(encoding="utf-8").splitlines():
        story = json.loads(line)
        first = len(collection.paragraphs)
        numbers = {}
        for offset, section in enumerate(story["sections"]):
            numbers[str(section["section"])] = first + offset
            text = section["text"].replace("\n", " ")
            collection.paragraphs.append(Paragraph(story["story"], story["story"].replace("-", " "), text))
        for row in story["questions"]:
            for section in str(row["cor_section"]).split(","):
                number = numbers.get(section.strip())
                answers = () if number is None else _story_answers(row, collection.paragraphs[number].text)
                if number is not None and answers:
                    identity = f"{story['story']}:{row['question_id']}"
                    collection.questions.append(Question(identity, row["question"].strip(), number, answers))
                    break
    return collection


def _story_answers(row: dict[str, Any], text: str) -> tuple[Span, ...]:
    spans = []
    for key in ("answer1", "answer2", "answer3", "answer4", "answer5", "answer6"):
        answer = row.get(key, "").strip().rstrip(".!")
        for candidate in (answer, re.sub(r"(?i)^(because|by|to|that)\s+", "", answer)):
            span = best_occurrence(candidate, text, row["question"]) if candidate else None
            if span is not None:
                spans.append(span)
                break
    return tuple(dict.fromkeys(spans))


def read_qed(path: Path) -> Collection:
    """QED: questions of Natural Questions with the paragraph and its short answers. Each title is an
    article.
    """
    collection = Collection("qed")
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        spans = [(a["start"], a["end"]) for answers in row["original_nq_answers"] for a in answers[:1]]
        text, spans = detokenise(row["paragraph_text"], spans)
        collection.paragraphs.append(Paragraph(row["title_text"], row["title_text"], text))
        number = len(collection.paragraphs) - 1
        if spans:
            collection.questions.append(
                Question(
                    str(row["example_id"]), row["question_text"].strip(), number, tuple(dict.fromkeys(spans))
                )
            )
    return collection


def read_all(data: Path) -> list[Collection]:
    """Every source under `data` (`squad-v2.json`, `squad-v1.json`, `policyqa/`, `fairytaleqa/`,
    `qed-dev.jsonl`), and the records of our own.
    """
    policies = read_squad(data / "policyqa" / "dev.json", "policyqa")
    for part in (read_squad(data / "policyqa" / "test.json", "policyqa"),):
        policies = _joined(policies, part)
    stories = _joined(
        read_fairytales(data / "fairytaleqa" / "train.jsonl"),
        read_fairytales(data / "fairytaleqa" / "val.jsonl"),
    )
    return [
        read_squad(data / "squad-v2.json", "squad-v2"),
        read_squad(data / "squad-v1.json", "squad-v1"),
        policies,
        stories,
        read_qed(data / "qed-dev.jsonl"),
        read_records(RECORDS),
    ]


def read_records(path: Path) -> Collection:
    """Records of our own, in the SQuAD layout with a section beside each paragraph and exact answer offsets.

    Their questions without an answer have none in the whole record. What a paragraph is about may stand in its
    headings alone, so that `title` holds both.
    """
    collection = Collection("records")
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            title = f"{article['title']} > {paragraph['section']}"
            collection.paragraphs.append(Paragraph(article["title"], title, paragraph["context"]))
            number = len(collection.paragraphs) - 1
            for row in paragraph["qas"]:
                spans = (
                    (its["answer_start"], its["answer_start"] + len(its["text"])) for its in row["answers"]
                )
                collection.questions.append(Question(row["id"], row["question"], number, tuple(spans)))
    return collection


def _joined(first: Collection, second: Collection) -> Collection:
    shift = len(first.paragraphs)
    moved = [Question(q.id, q.text, q.paragraph + shift, q.answers) for q in second.questions]
    return Collection(first.name, first.paragraphs + second.paragraphs, first.questions + moved)


RECORDS = Path(__file__).with_name("records.json")

HELD_OUT = {
    "squad-v2": (3, 3),
    "squad-v1": (1, 1),
    "policyqa": (2, 2),
    "fairytaleqa": (10, 10),
    "qed": (110, 110),
}
"""Articles of each collection kept from training: for development (calibration, choices) and for test."""
RECORDS_HELD_OUT = 12
"""One record of so many is kept for development and one for test: records are added, and none may change sides."""


def split_of(collection: Collection) -> dict[str, Split]:
    """The split of every article, fixed by the hash of its name: the same on every machine, for every seed."""
    hashes = {
        paragraph.article: hashlib.sha256(f"{collection.name}:{paragraph.article}".encode()).hexdigest()
        for paragraph in collection.paragraphs
    }
    if collection.name == "records":
        sides: dict[int, Split] = {0: "development", 1: "test"}
        return {
            article: sides.get(int(its, 16) % RECORDS_HELD_OUT, "train") for article, its in hashes.items()
        }
    articles = sorted(hashes, key=hashes.__getitem__)
    development, test = HELD_OUT[collection.name]
    return {
        article: "development" if rank < development else "test" if rank < development + test else "train"
        for rank, article in enumerate(articles)
    }


def part_of(collections: list[Collection], split: Split) -> Iterator[Collection]:
    """Each collection, cut down to the articles of `split`."""
    for collection in collections:
        splits = split_of(collection)
        yield collection.restricted({article for article, its in splits.items() if its == split})


OTHER_SUBJECTS = 200
"""Questions on other articles that an unseen collection is asked beside its own."""


def unseen(collections: list[Collection], split: Split) -> dict[str, Any]:
    """The SQuAD articles of `split` as one file in the SQuAD layout, for `mission-record eval run --cases`.

    Beside their own questions its paragraphs are asked, in turn, questions of articles that were trained on, of the
    type "other-subject": nothing in the collection answers them.
    """
    squads = [its for its in collections if its.name.startswith("squad")]
    articles = [article for its in part_of(squads, split) for article in _as_squad(its)]
    paragraphs = [paragraph for article in articles for paragraph in article["paragraphs"]]
    others = [question for its in part_of(squads, "train") for question in its.questions if question.answers]
    others.sort(key=lambda question: hashlib.sha256(f"{split}:{question.id}".encode()).hexdigest())
    for number, question in enumerate(others[:OTHER_SUBJECTS]):
        row = _row(question.id, question.text, []) | {"type": "other-subject"}
        paragraphs[number % len(paragraphs)]["qas"].append(row)
    return {"version": "v2.0", "data": [article | {"split": split} for article in articles]}


def _as_squad(collection: Collection) -> Iterator[dict[str, Any]]:
    asked: dict[int, list[dict[str, Any]]] = {}
    for question in collection.questions:
        text = collection.paragraphs[question.paragraph].text
        answers = [{"text": text[start:end], "answer_start": start} for start, end in question.answers]
        asked.setdefault(question.paragraph, []).append(_row(question.id, question.text, answers))
    by_article: dict[str, list[dict[str, Any]]] = {}
    for number, paragraph in enumerate(collection.paragraphs):
        row = {"context": paragraph.text, "qas": asked.get(number, [])}
        by_article.setdefault(paragraph.article, []).append(row)
    for article, paragraphs in by_article.items():
        yield {"title": article, "paragraphs": paragraphs}


def _row(identity: str, question: str, answers: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": identity, "question": question, "answers": answers, "is_impossible": not answers}

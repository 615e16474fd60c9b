"""Passages that look as if they answered a question and do not: what retrieval really returns."""

from __future__ import annotations

import math
from collections import Counter, defaultdict

from rag.training.sentences import words
from rag.training.sources import Collection, Question


class Bm25:
    """BM25 over a list of texts (Robertson and Zaragoza, 2009; k1 1.2, b 0.75), in memory.

    The product's own index needs documents, passages and a store; for some thousand paragraphs this ranks
    the same way.
    """

    def __init__(self, texts: list[str], k1: float = 1.2, b: float = 0.75) -> None:
        counted = [Counter(words(text)) for text in texts]
        mean_length = sum(sum(counts.values()) for counts in counted) / max(1, len(texts))
        self._postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for number, counts in enumerate(counted):
            norm = k1 * (1 - b + b * sum(counts.values()) / mean_length)
            for word, count in counts.items():
                self._postings[word].append((number, count * (k1 + 1) / (count + norm)))
        self._idf = {
            word: math.log(1 + (len(texts) - len(found) + 0.5) / (len(found) + 0.5))
            for word, found in self._postings.items()
        }

    def ranked(self, query: str, limit: int) -> list[int]:
        """The numbers of the `limit` texts that match best, best first; ties by number."""
        scores: dict[int, float] = defaultdict(float)
        for word in set(words(query)):
            for number, weight in self._postings.get(word, ()):
                scores[number] += self._idf[word] * weight
        return sorted(scores, key=lambda number: (-scores[number], number))[:limit]


def answers_in(collection: Collection, question: Question) -> set[str]:
    """The texts of the question's answers, lower-cased."""
    text = collection.paragraphs[question.paragraph].text
    return {text[start:end].lower() for start, end in question.answers}


def hard_negatives(collection: Collection, per_question: int) -> dict[str, list[int]]:
    """For each question id, paragraphs that BM25 ranks high, without its own and without any that holds an
    answer's text.

    Within the article where articles have several paragraphs; across the whole collection where they have
    one.
    """
    by_article: dict[str, list[int]] = defaultdict(list)
    for number, paragraph in enumerate(collection.paragraphs):
        by_article[paragraph.article].append(number)
    if len(collection.paragraphs) < 2 * len(by_article):
        groups = {article: list(range(len(collection.paragraphs))) for article in list(by_article)[:1]}
        whole = next(iter(groups))
        group_of = dict.fromkeys(by_article, whole)
    else:
        groups, group_of = dict(by_article), {article: article for article in by_article}
    indexes = {
        name: Bm25([collection.paragraphs[n].text for n in numbers]) for name, numbers in groups.items()
    }
    negatives = {}
    for question in collection.questions:
        group = group_of[collection.paragraphs[question.paragraph].article]
        answers = answers_in(collection, question)
        ranked = (groups[group][n] for n in indexes[group].ranked(question.text, per_question + 4))
        negatives[question.id] = [
            number
            for number in ranked
            if number != question.paragraph
            and not any(answer in collection.paragraphs[number].text.lower() for answer in answers)
        ][:per_question]
    return negatives

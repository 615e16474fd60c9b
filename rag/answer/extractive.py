"""Answers made of sentences of the record, chosen and never rewritten."""

from __future__ import annotations

from collections.abc import Sequence

from rag.answer.draft import Draft, Statement
from rag.domain import BlockKind, Evidence, Passage, Reading, Sentence
from rag.language import Asks, asked, content_words, stems, text_stems

MOST_SENTENCES = 3
MOST_LISTED = 30
# Two sentences that share this much of the shorter one's words tell the same.
SAME_WORDS = 0.8
# A further sentence must be nearly as good as the first and bring words of the question that are not covered yet.
FURTHER_SCORE = 0.6


def answer(parts: Sequence[str], reading: Reading, threshold: float) -> Draft:
    """The sentences that answer each part of a question, best first, without repetition."""
    chosen: list[Evidence] = []
    for number, part in enumerate(parts):
        evidence = [found for found in reading.evidence if found.part == number and found.score >= threshold]
        chosen += [found for found in _choose(part, evidence) if not _repeats(found, chosen)]
    if not chosen:
        return Draft((), None, reading.answerability, reading.reason, reading.unknown_names)
    statements: list[Statement] = []
    for found in chosen:
        statements += _statements(found)
    span = chosen[0].answer
    return Draft(tuple(statements), span.text if span else None, reading.answerability)


def _choose(part: str, evidence: Sequence[Evidence]) -> list[Evidence]:
    """The best sentence, and further ones that cover what of the question it leaves open."""
    chosen: list[Evidence] = []
    wanted = frozenset().union(*(stems(word) for word in content_words(part)))
    covered: frozenset[str] = frozenset()
    most = MOST_SENTENCES + 2 if asked(part).asks is Asks.LIST else MOST_SENTENCES
    for found in evidence:
        brings = (text_stems(found.sentence.text) & wanted) - covered
        if chosen and (
            found.score < FURTHER_SCORE * chosen[0].score or not brings or _repeats(found, chosen)
        ):
            continue
        chosen.append(found)
        covered |= brings
        if len(chosen) == most or covered == wanted:
            break
    return chosen


def _repeats(found: Evidence, chosen: Sequence[Evidence]) -> bool:
    words = text_stems(found.sentence.text)
    for other in chosen:
        others = text_stems(other.sentence.text)
        if len(words & others) >= SAME_WORDS * min(len(words), len(others)):
            return True
    return False


def _statements(found: Evidence) -> list[Statement]:
    """The sentence itself; with the list that it opens or stands in, where there is one."""
    sentences = _whole_list(found.hit.passage, found.sentence)
    if len(sentences) == 1:
        return [Statement(found.sentence.text, (found,))]
    return [
        Statement(
            sentence.text,
            (
                found
                if sentence == found.sentence
                else Evidence(found.hit, sentence, found.score, part=found.part),
            ),
            listed=sentence.kind is BlockKind.LIST_ITEM,
        )
        for sentence in sentences[:MOST_LISTED]
    ]


def _whole_list(passage: Passage, sentence: Sentence) -> list[Sentence]:
    """The lead-in ("These took part:") with its items, if the sentence is that lead-in; else the sentence alone."""
    at = passage.sentences.index(sentence)
    if not sentence.text.rstrip().endswith(":"):
        return [sentence]
    items: list[Sentence] = []
    for following in passage.sentences[at + 1 :]:
        if following.kind is not BlockKind.LIST_ITEM:
            break
        items.append(following)
    return [sentence, *items]

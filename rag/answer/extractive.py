"""Answers made of sentences of the record, chosen and never rewritten."""

from __future__ import annotations

from collections.abc import Sequence

from rag.answer.disagreement import disagreeing
from rag.answer.draft import Draft, Statement
from rag.dates import in_words
from rag.domain import BlockKind, Evidence, Passage, Reading, Sentence
from rag.language import Asked, Asks, asked, names, text_stems
from rag.signals import type_fits

# Stands before sentences that give different figures for the same; the one thing an answer says that no source does.
DISAGREEMENT = "The sources disagree. The newest first:"
MOST_SENTENCES = 3
MOST_LISTED = 30
# What is read at a glance; a further sentence that goes beyond it is left out.
MOST_CHARACTERS = 350
# Two sentences that share this much of the shorter one's words tell the same.
SAME_WORDS = 0.8
# A further sentence must be nearly as good as the first. Where the first is not sure, which of two answers cannot be
# told so well, and both are shown: it answered about a fifth of the development questions that the first alone missed.
FURTHER_SCORE = 0.75
SURE, RUNNER_UP_SCORE = 0.8, 0.6
# Questions that no few words answer, and how many are a few.
UNSHORTENED = (Asks.YES_NO, Asks.WHY, Asks.HOW)
SHORT_WORDS = 12
# A sentence with so many names is a list already.
ENOUGH_ITEMS = 3


def answer(parts: Sequence[str], reading: Reading, threshold: float) -> Draft:
    """The sentences that answer each part of a question, best first, without repetition."""
    chosen: list[Evidence] = []
    disagreements: list[tuple[Evidence, ...]] = []
    statements: list[Statement] = []
    for number, part in enumerate(parts):
        evidence = [found for found in reading.evidence if found.part == number]
        if evidence and evidence[0].score >= threshold:
            most = MOST_SENTENCES if len(parts) == 1 else 1
            rivals = disagreeing(part, evidence, threshold)
            best = rivals or [found for found in _choose(part, evidence, most) if not _repeats(found, chosen)]
            statements += (
                _side_by_side(rivals) if rivals else [each for found in best for each in _statements(found)]
            )
            disagreements += [tuple(rivals)] if rivals else []
            chosen += best
    if not chosen:
        return Draft((), None, reading.answerability, reading.reason, reading.unknown_names)
    # Which of several figures is right is not for this program to say: no short answer, and no more sure than of each.
    contested = any(chosen[0] in group for group in disagreements)
    return Draft(
        tuple(statements),
        None if contested else _short(parts[chosen[0].part], chosen[0]),
        min([reading.answerability, *(found.score for group in disagreements for found in group)]),
        disagreeing=tuple(disagreements),
    )


def _side_by_side(rivals: Sequence[Evidence]) -> list[Statement]:
    """Sentences that disagree, each with the date of its source."""
    told = [(f"{dated(found.hit.passage.published)}: {found.sentence.text}", found) for found in rivals]
    return [Statement(DISAGREEMENT, ()), *(Statement(text, (found,), listed=True) for text, found in told)]


def dated(published: str | None) -> str:
    """When a source was published, in words."""
    return in_words(published) if published else "Undated"


def _short(part: str, found: Evidence) -> str | None:
    """The few words that answer, where the reader points at some and a few words can answer."""
    question = asked(part)
    pointed_at = found.signals.get("span", 0.0) > 0.0 or found.signals.get("defines", 0.0) > 0.0
    if found.answer is None or not pointed_at or question.asks in UNSHORTENED:
        return None
    fits = type_fits(question, found.answer.text) > 0.0 or question.asks is Asks.DEFINITION
    return found.answer.text if fits and len(found.answer.text.split()) <= SHORT_WORDS else None


def _choose(part: str, evidence: Sequence[Evidence], most: int) -> list[Evidence]:
    """The best sentence, and further ones that bring what it leaves open: words of the question, items of a list.

    Where the best is not sure to answer, the runner-up stands beside it.
    """
    question = asked(part)
    chosen: list[Evidence] = []
    wanted = text_stems(" ".join(question.words))
    lists = question.asks is Asks.LIST
    for found in evidence:
        if _repeats(found, chosen) or (chosen and not lists and _length([*chosen, found]) > MOST_CHARACTERS):
            continue
        brings = (
            _brings(question, found, chosen)
            if lists
            else (text_stems(found.sentence.text) & wanted) - _said(chosen)
        )
        if (
            not chosen
            or (brings and found.score >= FURTHER_SCORE * chosen[0].score)
            or _runs_up(found, chosen)
        ):
            chosen.append(found)
        complete = len(_items(question, chosen)) >= ENOUGH_ITEMS if lists else wanted <= _said(chosen)
        if (complete and chosen[0].score >= SURE) or len(chosen) == (MOST_SENTENCES if lists else most):
            break
    return chosen


def _runs_up(found: Evidence, chosen: Sequence[Evidence]) -> bool:
    return len(chosen) == 1 and chosen[0].score < SURE and found.score >= RUNNER_UP_SCORE * chosen[0].score


def _length(chosen: Sequence[Evidence]) -> int:
    return sum(len(found.sentence.text) for found in chosen)


def _said(chosen: Sequence[Evidence]) -> frozenset[str]:
    return frozenset().union(*(text_stems(found.sentence.text) for found in chosen))


def _brings(question: Asked, found: Evidence, chosen: Sequence[Evidence]) -> frozenset[str]:
    return _items(question, [found]) - _items(question, chosen)


def _items(question: Asked, chosen: Sequence[Evidence]) -> frozenset[str]:
    """The names that sentences bring beyond those of the question: for a list, what it is made of."""
    brought = {name for found in chosen for name in names(f"so {found.sentence.text}")}
    known = text_stems(" ".join(question.names))
    return frozenset(name for name in brought if not text_stems(name) <= known)


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

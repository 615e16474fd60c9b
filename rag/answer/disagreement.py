"""Sources that answer the same question with different figures: all are shown, the newest first."""

from __future__ import annotations

from collections.abc import Sequence

from rag.dates import days
from rag.domain import Evidence
from rag.figures import Figure, contrary
from rag.language import Asked, Asks, asked, names, stems, text_stems

# Of more than so many sources that disagree the reader is told by the first ones.
MOST_SOURCES = 4
# What asks for no figure. "What did the quay cost?" asks for one without saying so: the answer tells.
_OTHER_KINDS = (Asks.WHO, Asks.WHERE, Asks.WHY, Asks.YES_NO, Asks.LIST, Asks.DEFINITION)


def disagreeing(part: str, evidence: Sequence[Evidence], threshold: float) -> list[Evidence]:
    """The best sentence and those of other documents that give another figure for the same; newest first, undated last.

    `evidence` is that for one part of a question, best first. Empty where nothing disagrees. The reader must point at
    the figure in each sentence, and each must answer with a probability of at least `threshold`.
    """
    question = asked(part)
    if not evidence or question.asks in _OTHER_KINDS or not _points(evidence[0]):
        return []
    best, found = evidence[0], [evidence[0]]
    for rival in evidence[1:]:
        if rival.score < threshold or len(found) == MOST_SOURCES:
            break
        if not _points(rival) or any(_same_document(rival, other) for other in found):
            continue
        if all(_differ(other, rival) for other in found) and _on_subject(question, best, rival):
            found.append(rival)
    return sorted(found, key=_newest_first) if len(found) > 1 else []


def _differ(one: Evidence, other: Evidence) -> bool:
    """Whether two sentences tell the same but for the figures that the reader points at."""
    pairs = contrary(
        one.sentence.text, other.sentence.text, one.hit.passage.headings, other.hit.passage.headings
    )
    return any(_is_answer(one, figure) and _is_answer(other, rival) for figure, rival in pairs)


def _is_answer(found: Evidence, figure: Figure) -> bool:
    """Whether the reader points at a figure of the sentence."""
    if found.answer is None:
        return False
    first, last = found.answer.start - found.sentence.start, found.answer.end - found.sentence.start
    return figure.start < last and first < figure.end


def _points(found: Evidence) -> bool:
    return found.answer is not None and found.signals.get("span", 0.0) > 0.0


def _same_document(one: Evidence, other: Evidence) -> bool:
    return one.hit.passage.document_id == other.hit.passage.document_id


def _on_subject(question: Asked, one: Evidence, other: Evidence) -> bool:
    """Whether both passages are about what the question names or, where it names nothing, about the same names."""
    contexts = [text_stems(f"{each.hit.passage.headings} {each.hit.passage.text}") for each in (one, other)]
    if question.names:
        wanted = [text_stems(name) for name in question.names]
        return all(each <= context for each in wanted for context in contexts)
    first, second = (_names_of(each.hit.passage.headings) for each in (one, other))
    return first <= contexts[1] or second <= contexts[0]


def _names_of(headings: str) -> frozenset[str]:
    return frozenset().union(*(stems(word) for name in names(f"so {headings}") for word in name.split()))


def _newest_first(found: Evidence) -> tuple[int, float]:
    covered = days(found.hit.passage.published)
    return (-covered[1] if covered else 0, -found.score)

"""Answerers that know nothing, and one that knows all: what a figure is worth is seen beside theirs."""

from __future__ import annotations

from collections.abc import Callable

from eval.cases import Case
from eval.matching import missing
from eval.outcomes import Outcome
from rag.sentences import split_sentences

FIRST_SENTENCES = 3

Control = Callable[[Case, Outcome], Outcome]


def always_refuse(case: Case, _outcome: Outcome) -> Outcome:
    """Never an answer."""
    return Outcome(case_id=case.id, status="not_found")


def first_passage(case: Case, outcome: Outcome) -> Outcome:
    """Always the first passage that was retrieved, whole."""
    return _say(case, outcome.retrieved[0].text if outcome.retrieved else "")


def first_sentences(case: Case, outcome: Outcome) -> Outcome:
    """Always the first sentences of the first passage."""
    text = outcome.retrieved[0].text if outcome.retrieved else ""
    spans = split_sentences(text)[:FIRST_SENTENCES]
    return _say(case, text[spans[0][0] : spans[-1][1]] if spans else "")


def whole_passages(case: Case, outcome: Outcome) -> Outcome:
    """Always everything that was retrieved: the nuggets that retrieval lets anyone find."""
    return _say(case, "\n\n".join(passage.text for passage in outcome.retrieved))


def gold_sentences(case: Case, outcome: Outcome) -> Outcome:
    """The sentences known to answer, as few as hold every nugget, and a refusal of what has no answer.

    Anything short of 100 % is an error in the cases.
    """
    if not case.answerable:
        return always_refuse(case, outcome)
    chosen: list[str] = []
    open_nuggets = list(case.nuggets)
    for gold in case.gold:
        still_open = missing(open_nuggets, gold.quote)
        if len(still_open) < len(open_nuggets):
            chosen.append(gold.quote)
            open_nuggets = still_open
    return _say(case, " ".join(chosen))


CONTROLS: dict[str, Control] = {
    "always refuse": always_refuse,
    "first passage": first_passage,
    f"first {FIRST_SENTENCES} sentences": first_sentences,
    "whole passages": whole_passages,
    "gold sentences": gold_sentences,
}


def _say(case: Case, text: str) -> Outcome:
    if not text:
        return Outcome(case_id=case.id, status="not_found")
    return Outcome(case_id=case.id, status="answered", answer=text, answer_plain=text)

"""All that led to one answer: what an engineer needs to mend it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from eval.cases import Case
from eval.evaluate import Plan, chosen_cases, external
from eval.matching import describe, found
from eval.outcomes import Outcome, recorded
from eval.runner import ask_case
from eval.scoring import cause, scored
from eval.workspace import opened, prepared
from rag.domain import Answer, Evidence, Hit, Passage
from rag.errors import InvalidInput
from rag.settings import Settings

SHOWN_EVIDENCE = 8


def explain_case(case_id: str, plan: Plan, settings: Settings, console: Console) -> None:
    """Ask one of the plan's cases and print all that led to its answer.

    Raises:
        InvalidInput: there is no such case.
    """
    collection = external(plan)
    with prepared(collection, settings) as place, opened(place) as application:
        cases = chosen_cases(plan, collection, application)
        case = next((case for case in cases if case.id == case_id), None)
        if case is None:
            raise InvalidInput(
                f"There is no case {case_id!r} among {len(cases)}; the report lists their ids."
            )
        answer = ask_case(case, application.pipeline.ask, plan.conditions)
        catalog = application.catalog
        texts = {cited.document_id: catalog.document(cited.document_id).text for cited in answer.citations}
        (outcome,) = scored([case], [recorded(case.id, answer, texts)], catalog.passages_of)
    explain(case, answer, outcome, console)


def explain(case: Case, answer: Answer, outcome: Outcome, console: Console) -> None:
    """Print the question as it was searched, what was retrieved and read with all scores, and the verdict."""
    for turn in case.turns[:-1]:
        console.print(f"[dim]{escape(turn)}[/]")
    console.print(f"[bold]{escape(case.question)}[/]  ({case.id}, {case.type.value}, {case.split})")
    console.print(f"searched: {escape(answer.standalone_question)}")
    console.print(_retrieved(case, answer))
    console.print(_read(case, answer))
    for line in _decision(case, answer, outcome):
        console.print(line, highlight=False)


def _retrieved(case: Case, answer: Answer) -> Table:
    table = Table(title="Retrieved", title_justify="left", header_style="bold")
    for name in ("", "document", "section", "score", "similarity", "ranks", "gold", "used"):
        table.add_column(name, overflow="fold")
    for hit in answer.retrieved:
        table.add_row(*_hit_cells(case, hit, answer))
    return table


def _hit_cells(case: Case, hit: Hit, answer: Answer) -> Iterator[str]:
    passage = hit.passage
    yield str(hit.rank)
    yield escape(passage.document_id)
    yield escape(passage.section)
    yield f"{hit.score:.4f}"
    yield "" if hit.similarity is None else f"{hit.similarity:.3f}"
    yield ", ".join(f"{name} {rank}" for name, rank in sorted(hit.ranks.items()))
    yield "gold" if _holds_gold(case, passage, passage.start, passage.end) else ""
    yield "used" if passage.id in answer.used else ""


def _read(case: Case, answer: Answer) -> Table:
    table = Table(title="Read", title_justify="left", header_style="bold")
    for name in ("part", "score", "sentence", "signals", "gold"):
        table.add_column(name, overflow="fold")
    evidence = answer.reading.evidence if answer.reading else ()
    for read in evidence[:SHOWN_EVIDENCE]:
        table.add_row(*_evidence_cells(case, read))
    return table


def _evidence_cells(case: Case, read: Evidence) -> Iterator[str]:
    sentence = read.sentence
    yield str(read.part + 1)
    yield f"{read.score:.3f}"
    yield escape(sentence.text)
    yield ", ".join(f"{name} {value:.2f}" for name, value in read.signals.items() if value)
    yield "gold" if _holds_gold(case, read.hit.passage, sentence.start, sentence.end) else ""


def _decision(case: Case, answer: Answer, outcome: Outcome) -> Iterator[str]:
    reading = answer.reading
    if reading:
        names = (
            f", names not in the record: {', '.join(reading.unknown_names)}" if reading.unknown_names else ""
        )
        yield f"answerability {reading.answerability:.3f}, reason {reading.reason or 'none'}{escape(names)}"
    yield f"[bold]{answer.status}[/] with confidence {answer.confidence:.3f}: {escape(answer.answer_plain)}"
    if answer.short_answer:
        yield f"short answer: {escape(answer.short_answer)}"
    if not case.answerable:
        yield "expected: that the record does not say"
    for nugget in case.nuggets:
        mark = "[green]found[/]" if found(nugget, outcome.answer_plain) else "[red]missing[/]"
        yield f"expected: {escape(describe(nugget))} — {mark}"
    for form in case.forbidden:
        if found((form,), outcome.answer_plain):
            yield f"[red]states what is forbidden[/]: {escape(str(form))}"
    for gold in case.gold:
        yield f"gold: {escape(gold.document_id)} {gold.start}-{gold.end}: {escape(gold.quote)}"
    yield f"verdict: [bold]{cause(case, outcome)}[/]"


def _holds_gold(case: Case, passage: Passage, start: int, end: int) -> bool:
    return any(
        gold.document_id == passage.document_id and min(gold.end, end) > max(gold.start, start)
        for gold in case.gold
    )

"""Asks every case of the pipeline. Whatever happens to one question, the next one is asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from eval.cases import Case
from eval.outcomes import Outcome, failed, recorded
from rag.domain import DEFAULT_TOP_K, Answer, Filters, Mode, Question, Turn
from rag.errors import RagError

TIMEOUT_SECONDS = 60.0

Ask = Callable[[Question], Answer]
ReadDocument = Callable[[str], str]
Done = Callable[[Outcome], None]


@dataclass(frozen=True, slots=True)
class Conditions:
    """How the questions are asked: the same for every case of a run."""

    mode: Mode = "extractive"
    top_k: int = DEFAULT_TOP_K
    timeout: float = TIMEOUT_SECONDS


DEFAULT_CONDITIONS = Conditions()


def run_cases(
    cases: Iterable[Case],
    ask: Ask,
    document_text: ReadDocument,
    conditions: Conditions = DEFAULT_CONDITIONS,
    done: Done | None = None,
) -> list[Outcome]:
    """Ask every case, one after the other; a crash or a timeout is an outcome too.

    `document_text` gives the text of a document by its id: each quote is checked against it.
    """
    outcomes = []
    for case in cases:
        outcomes.append(_outcome(case, ask, document_text, conditions))
        if done:
            done(outcomes[-1])
    return outcomes


def _outcome(case: Case, ask: Ask, document_text: ReadDocument, conditions: Conditions) -> Outcome:
    try:
        answer = within(conditions.timeout, lambda: ask_case(case, ask, conditions))
        texts = {citation.document_id: document_text(citation.document_id) for citation in answer.citations}
    except TimeoutError:
        return failed(case.id, f"no answer within {conditions.timeout:g} s")
    except RagError as error:
        return failed(case.id, f"{type(error).__name__}: {error}")
    except Exception as error:  # any crash of what is measured is a result of the measurement
        return failed(case.id, f"crashed with {type(error).__name__}: {error}")
    return recorded(case.id, answer, texts)


def ask_case(case: Case, ask: Ask, conditions: Conditions) -> Answer:
    """Ask the turns before the one that is scored, then that one with the conversation as its history."""
    history = list(case.history)
    filters = Filters(case.document_ids)
    for turn in case.turns[:-1]:
        earlier = ask(Question(turn, tuple(history), filters, conditions.top_k, conditions.mode))
        history += [Turn("user", turn), Turn("assistant", earlier.answer)]
    return ask(Question(case.question, tuple(history), filters, conditions.top_k, conditions.mode))


def within(seconds: float, work: Callable[[], Answer]) -> Answer:
    """The answer that `work` gives, or its exception.

    Raises:
        TimeoutError: it was not done in time. Its thread cannot be stopped; it is left behind as a daemon.
    """
    results: SimpleQueue[Answer | BaseException] = SimpleQueue()

    def record() -> None:
        try:
            results.put(work())
        except BaseException as error:
            results.put(error)

    began = time.perf_counter()
    threading.Thread(target=record, daemon=True, name="eval question").start()
    try:
        result = results.get(timeout=seconds)
    except Empty as empty:
        raise TimeoutError(f"not done within {seconds:g} s") from empty
    if time.perf_counter() - began > seconds:  # a busy machine may look late, and find it done
        raise TimeoutError(f"not done within {seconds:g} s")
    if isinstance(result, BaseException):
        raise result
    return result

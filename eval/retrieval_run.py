"""Asks only for passages: how retrieval fares on collections that judge nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from eval.formats import Query
from eval.outcomes import Outcome, failed, searched
from eval.retrieval_measures import first_places, retrieval_measures
from rag.domain import MAX_TOP_K, Event, Question, Retrieved
from rag.errors import RagError

CUTOFFS = (1, 5, 10)

Stream = Callable[[Question], Iterator[Event]]


def run_queries(
    queries: Iterable[Query], stream: Stream, done: Callable[[Outcome], None] | None = None
) -> list[Outcome]:
    """Search for every query as the pipeline would for a question, history and all, and measure by document.

    The flow is stopped when its passages are there. A query that fails has found nothing.
    """
    outcomes = []
    for query in queries:
        outcome = _search(query, stream)
        documents = first_places(found.document_id for found in outcome.retrieved)
        measures = retrieval_measures(documents, dict(query.gains), CUTOFFS)
        named = {f"documents_{name}": value for name, value in measures.items()}
        outcomes.append(outcome.model_copy(update={"measures": named}))
        if done:
            done(outcomes[-1])
    return outcomes


def _search(query: Query, stream: Stream) -> Outcome:
    began = time.perf_counter()
    try:
        events = stream(Question(query.text, query.history, top_k=MAX_TOP_K, mode="extractive"))
        event = next(event for event in events if isinstance(event, Retrieved))
    except RagError as error:
        return failed(query.id, f"{type(error).__name__}: {error}")
    except Exception as error:  # any crash of what is measured is a result of the measurement
        return failed(query.id, f"crashed with {type(error).__name__}: {error}")
    return searched(query.id, event, (time.perf_counter() - began) * 1_000)

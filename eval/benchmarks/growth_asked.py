"""Questions to a record of one size: how long each stage takes, what is found, what the approximate search misses."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import islice
from typing import Any

import numpy as np
import psutil
from pydantic import BaseModel

from eval.benchmarks.growth_index import MIB, Place
from eval.benchmarks.texts import PASSAGES_A_DOCUMENT, Known, texts
from rag.domain import Question
from rag.ports import Vector
from rag.wiring import Application

# Of the first documents, which every size has, so that the same is asked at all of them; in a quick run of a few.
ASKED_DOCUMENTS = 60
FEW_DOCUMENTS = 4
FIRST = 5
DEPTHS = (10, 50)
# Each search is timed so often; the middle one counts.
ROUNDS = 3
STAGES = ("embedding", "nearest vectors", "words", "whole search", "whole answer")


class Asked(BaseModel):
    """One entry a question in every list; times are in milliseconds."""

    times: dict[str, list[float]]
    found: list[bool]
    right: list[bool]
    refused: list[bool]
    refused_unanswerable: list[bool]
    recalls: dict[int, list[float]]
    resident_mib: float
    first_question_ms: float


def ask(place: Place, passages: int, seed: int) -> Asked:
    """Search for and answer questions of which the answers are known, one at a time."""
    many = passages >= ASKED_DOCUMENTS * PASSAGES_A_DOCUMENT
    made = list(islice(texts(passages, seed), ASKED_DOCUMENTS if many else FEW_DOCUMENTS))
    known = [known for text in made for known in text.known]
    with closing(place.application()) as application:
        application.load()
        began = time.perf_counter()
        application.pipeline.ask(Question(made[-1].unanswered))
        first = (time.perf_counter() - began) * 1_000
        watched = _Watched(application)
        searched = [watched.search(each.question) for each in known]
        answers = [watched.ask(each) for each in known]
        refused = [watched.ask(text.unanswered) for text in made]
        resident = psutil.Process().memory_info().rss / MIB
        vectors = np.stack([application.embedder.embed_query(each.question) for each in known])
    times = {stage: [round(each[0][stage], 3) for each in searched] for stage in STAGES[:-1]}
    times[STAGES[-1]] = [round(each.milliseconds, 2) for each in answers]
    return Asked(
        times=times,
        found=[each.found for each in answers],
        right=[each.right for each in answers],
        refused=[each.refused for each in answers],
        refused_unanswerable=[each.refused for each in refused],
        recalls=recalls(place, vectors, [each[1] for each in searched]),
        resident_mib=round(resident, 1),
        first_question_ms=round(first, 1),
    )


class _Told(BaseModel):
    milliseconds: float
    found: bool
    right: bool
    refused: bool


class _Watched:
    """An application whose searches are timed, and whose nearest passages are noted, where they enter the ports."""

    def __init__(self, application: Application) -> None:
        self._pipeline = application.pipeline
        self._times: dict[str, float] = {}
        self._nearest: list[tuple[str, float]] = []
        self._watch(application.embedder, "embed_query", STAGES[0])
        self._watch(application.vectors, "query", STAGES[1], self._nearest.extend)
        self._watch(application.vectors, "vectors", STAGES[1])
        self._watch(application.catalog, "search", STAGES[2])

    def _watch(self, owner: Any, name: str, stage: str, note: Callable[[Any], None] | None = None) -> None:
        method = getattr(owner, name)

        def watched(*arguments: Any, **named: Any) -> Any:
            began = time.perf_counter()
            found = method(*arguments, **named)
            self._times[stage] = self._times.get(stage, 0.0) + (time.perf_counter() - began) * 1_000
            if note:
                note(found)
            return found

        setattr(owner, name, watched)

    def search(self, question: str) -> tuple[dict[str, float], list[str]]:
        """The median time of each stage, and the ids that the approximate search found nearest, best first."""
        rounds = []
        for _ in range(ROUNDS):
            self._times.clear()
            self._nearest.clear()
            began = time.perf_counter()
            self._pipeline.search(question, FIRST)
            rounds.append(self._times | {STAGES[3]: (time.perf_counter() - began) * 1_000})
        nearest = sorted(self._nearest, key=lambda pair: -pair[1])
        times = {stage: float(np.median([each.get(stage, 0.0) for each in rounds])) for stage in STAGES[:-1]}
        return times, [key for key, _ in nearest]

    def ask(self, asked: Known | str) -> _Told:
        """What comes of a question, known or without an answer."""
        known = asked if isinstance(asked, Known) else None
        began = time.perf_counter()
        answer = self._pipeline.ask(Question(known.question if known else str(asked)))
        return _Told(
            milliseconds=(time.perf_counter() - began) * 1_000,
            found=known is not None
            and any(known.quote in hit.passage.text for hit in answer.retrieved[:FIRST]),
            right=known is not None
            and known.answer in answer.answer_plain
            and any(citation.document_id == known.document_id for citation in answer.citations),
            refused=answer.status == "not_found",
        )


def recalls(place: Place, asked: Vector, found: Sequence[Sequence[str]]) -> dict[int, list[float]]:
    """Of each question the share of its exactly nearest passages that the approximate search found, by depth."""
    most = max(DEPTHS)
    nearest: list[list[tuple[float, str]]] = [[] for _ in asked]
    for ids, vectors in place.kept():
        similarities = asked @ vectors.T
        for which, row in enumerate(similarities):
            best = np.argsort(-row)[:most]
            nearest[which] = sorted(
                [*nearest[which], *((float(row[at]), ids[at]) for at in best)], reverse=True
            )[:most]
    return {
        depth: [
            len({key for _, key in exact[:depth]} & set(of_it[:depth])) / len(exact[:depth])
            for exact, of_it in zip(nearest, found, strict=True)
        ]
        for depth in DEPTHS
    }

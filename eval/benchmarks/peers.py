"""Beside what a user would pick instead: the same documents, questions and weights, each in a process of its own."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from eval.benchmarks.contenders import (
    DENSE,
    FUSED,
    OURS,
    ContenderFailed,
    Entry,
    Reply,
    Running,
    entered,
    export_graph,
    first_answer,
    size_mb,
    versions,
)
from eval.benchmarks.peers_samples import Cold, Ingested, Measured, Setup, Warm
from eval.benchmarks.peers_section import section
from eval.benchmarks.section import Plan, Tell
from eval.benchmarks.texts import Known, write_texts
from rag.adapters.model_source import locate_model
from rag.settings import DEFAULT_MODEL, Settings

__all__ = ["Measured", "measure", "section"]

# Asked of every contender before anything is timed, and compared: the same weights give the same vector.
AGREED = "Which hospital did the delegation visit on the second day, and who received it there?"
# Between two questions: threads of the one before that still spin are not to slow down the next.
PAUSE_SECONDS = 0.01
AMONG = 5

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured: passages read from files, and handed over in each round; starts; questions, each once."""

    passages: int
    ready: int
    ready_rounds: int
    starts: int
    questions: int


QUICK = Sizes(passages=40, ready=20, ready_rounds=1, starts=1, questions=8)
WHOLE = Sizes(passages=2_000, ready=300, ready_rounds=5, starts=7, questions=300)


def measure(plan: Plan, tell: Tell) -> Measured:
    """Ingest, start and ask in turns. A contender that fails is left out from there on, and named with its reason."""
    return _Contest(plan, tell).run()


class _Contest:
    """One run: who still takes part, where everything is, and what has been measured so far."""

    def __init__(self, plan: Plan, tell: Tell) -> None:
        self._tell = tell
        self._sizes = QUICK if plan.quick else WHOLE
        self._workspace = plan.workspace
        self._documents = plan.workspace / "documents"
        known = write_texts(self._documents, self._sizes.passages, plan.seed)
        self._questions = random.Random(plan.seed).sample(known, min(self._sizes.questions, len(known)))
        write_texts(plan.workspace / "handed", self._sizes.ready, plan.seed)
        settings = Settings()
        self._model = locate_model(DEFAULT_MODEL, settings.models_dir, settings.download_models)
        self._peers, missing = entered()
        self._measured = Measured(
            documents=len(list(self._documents.iterdir())),
            characters=sum(len(file.read_text(encoding="utf-8")) for file in self._documents.iterdir()),
            handed=self._cut(),
            questions=len(self._questions),
            missing=missing,
        )

    def run(self) -> Measured:
        """Measure everything."""
        self._set_up()
        self._ingest_files()
        for number in range(self._sizes.ready_rounds):
            self._add_handed(number)
        for number in range(self._sizes.starts):
            self._start(number)
        self._ask()
        return self._measured

    def _cut(self) -> int:
        with Running(FUSED, self._model, self._index(FUSED)) as process:
            return int(
                process.do("cut", documents=str(self._workspace / "handed"), into=str(self._passages)).value
            )

    def _set_up(self) -> None:
        """Whether each is installed, and embeds as the others do."""
        vectors: dict[str, np.ndarray] = {}

        def embed(contender: Entry) -> None:
            if contender.own_graph:
                export_graph(self._model, self._model_of(contender))
            with self._running(contender, "tried") as process:
                vectors[contender.name] = np.asarray(process.do("embed", text=AGREED).value)

        for contender in [FUSED, *self._peers]:
            self._tell(f"trying {contender.title}", 0, 0)
            self._attempt(contender, partial(embed, contender))
        for contender in [FUSED, *self._peers]:
            self._measured.setups[contender.name] = Setup(
                versions=versions(contender),
                agreement=round(_cosine(vectors[contender.name], vectors[FUSED.name]), 6),
            )

    def _ingest_files(self) -> None:
        for done, contender in enumerate([FUSED, *self._peers]):
            self._tell(f"ingesting files: {contender.title}", done, len(self._peers) + 1)
            ingested = self._attempt(contender, partial(self._ingest, contender))
            if ingested:
                self._measured.files[contender.name] = ingested

    def _ingest(self, contender: Entry) -> Ingested:
        with self._running(contender, "index") as process:
            process.do("embed", text=AGREED)
            with process.watched() as most:
                reply = process.do("ingest", documents=str(self._documents))
        return Ingested(
            passages=reply.value,
            seconds=round(reply.seconds, 3),
            peak_mb=round(most[0], 1),
            disk_mb=round(size_mb(self._index(contender)), 2),
        )

    def _add_handed(self, number: int) -> None:
        for contender in _rotated([FUSED, *self._peers], number):
            self._tell(f"ingesting passages: {contender.title}", number, self._sizes.ready_rounds)
            seconds = self._attempt(contender, partial(self._add, contender))
            if seconds is not None:
                self._measured.handed_seconds.setdefault(contender.name, []).append(round(seconds, 3))

    def _add(self, contender: Entry) -> float:
        with self._running(contender, "handed") as process:
            process.do("embed", text=AGREED)
            process.do("hand_over", passages=str(self._passages), documents=str(self._workspace / "handed"))
            reply = process.do("add")
        shutil.rmtree(self._index(contender, "handed"))
        if reply.value != self._measured.handed:
            raise ContenderFailed(f"Of {self._measured.handed} passages it holds {reply.value}.")
        return reply.seconds

    def _start(self, number: int) -> None:
        question = self._questions[number % len(self._questions)].question
        for contender in _rotated([*OURS, *self._peers], number):
            self._tell(f"starting {contender.title}", number, self._sizes.starts)
            started = self._attempt(contender, partial(self._first, contender, question))
            if started:
                cold = self._measured.cold.setdefault(contender.name, Cold())
                cold.seconds.append(round(started[0], 4))
                cold.memory_mb.append(round(started[1], 1))

    def _first(self, contender: Entry, question: str) -> tuple[float, float]:
        return first_answer(contender, self._model_of(contender), self._index(contender), question)

    def _ask(self) -> None:
        """All are up, one is asked at a time; each question goes round, beginning with another one each time."""
        with ExitStack() as stack:
            running = {
                each: stack.enter_context(self._running(each, "index")) for each in (*OURS, *self._peers)
            }
            for contender, process in running.items():
                self._attempt(contender, partial(process.do, "search", question=AGREED))
            for turn, known in enumerate(self._questions):
                self._tell("asking", turn, len(self._questions))
                for each in _rotated([None, *OURS, *self._peers], turn):
                    time.sleep(PAUSE_SECONDS)
                    if each:
                        self._attempt(each, partial(self._ask_one, each, running[each], known))
                    else:
                        reply = running[DENSE].do("floor", question=known.question)
                        self._measured.floor_ms.append(_milliseconds(reply))
            for contender in (*OURS, *self._peers):
                self._measured.warm[contender.name].memory_mb = round(running[contender].memory_mb(), 1)

    def _ask_one(self, contender: Entry, process: Running, known: Known) -> None:
        reply = process.do("search", question=known.question)
        warm = self._measured.warm.setdefault(contender.name, Warm())
        warm.ms.append(_milliseconds(reply))
        warm.found.append(len(reply.value))
        warm.first += reply.value[:1] == [known.document_id]
        warm.among += known.document_id in reply.value[:AMONG]

    def _attempt(self, contender: Entry, work: Callable[[], Made]) -> Made | None:
        """What the work makes; a peer that cannot do it takes part no more. What fails of ours is raised."""
        try:
            return work()
        except ContenderFailed as error:
            if not contender.is_peer:
                raise
            self._measured.missing[contender.name] = str(error)
            self._measured.forget(contender.name)
            self._peers.remove(contender)
            return None

    def _running(self, contender: Entry, index: str) -> Running:
        return Running(contender, self._model_of(contender), self._index(contender, index))

    def _model_of(self, contender: Entry) -> Path:
        return self._workspace / contender.name / "model" if contender.own_graph else self._model

    def _index(self, contender: Entry, name: str = "index") -> Path:
        return self._workspace / (contender.name if contender.is_peer else "ours") / name

    @property
    def _passages(self) -> Path:
        return self._workspace / "passages.jsonl"


def _rotated(items: Sequence[Made], by: int) -> list[Made]:
    at = by % len(items)
    return [*items[at:], *items[:at]]


def _milliseconds(reply: Reply) -> float:
    return round(reply.seconds * 1_000, 3)


def _cosine(first: np.ndarray, second: np.ndarray) -> float:
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))

"""Beside what a user would pick instead: the same documents, questions and weights, each in a process of its own."""

from __future__ import annotations

import os
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
    PEERS,
    PEERS_PYTHON,
    Contender,
    ContenderFailed,
    Running,
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
    """How much is measured: passages read from files, and handed over in each round; starts; questions and rounds."""

    passages: int
    ready: int
    ready_rounds: int
    starts: int
    questions: int
    rounds: int


QUICK = Sizes(passages=40, ready=20, ready_rounds=1, starts=1, questions=4, rounds=2)
WHOLE = Sizes(passages=2_000, ready=500, ready_rounds=5, starts=7, questions=100, rounds=3)


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
        self._peers = list(PEERS) if os.environ.get(PEERS_PYTHON) else []
        self._measured = Measured(
            documents=len(list(self._documents.iterdir())),
            characters=sum(len(file.read_text(encoding="utf-8")) for file in self._documents.iterdir()),
            handed=self._cut(),
            questions=len(self._questions),
        )
        for peer in PEERS if not self._peers else ():
            self._measured.missing[peer.name] = f"{PEERS_PYTHON} names no environment of the peers."

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

        def embed(contender: Contender) -> None:
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

    def _ingest(self, contender: Contender) -> Ingested:
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

    def _add(self, contender: Contender) -> float:
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

    def _first(self, contender: Contender, question: str) -> tuple[float, float]:
        return first_answer(contender, self._model_of(contender), self._index(contender), question)

    def _ask(self) -> None:
        """All are up, one is asked at a time; each question goes round, from another one on each time."""
        with ExitStack() as stack:
            contenders = [*OURS, *self._peers]
            running = {each.name: stack.enter_context(self._running(each, "index")) for each in contenders}
            for process in running.values():
                for known in self._questions[:2]:
                    process.do("search", question=known.question)
            turn = 0
            for number in range(self._sizes.rounds):
                for known in self._questions:
                    self._tell("asking", turn, self._sizes.rounds * len(self._questions))
                    self._ask_round(running, known, turn, with_quality=number == 0)
                    turn += 1
            for name, process in running.items():
                self._measured.warm[name].memory_mb = round(process.memory_mb(), 1)

    def _ask_round(self, running: dict[str, Running], known: Known, turn: int, with_quality: bool) -> None:
        for name in _rotated(["", *running], turn):
            time.sleep(PAUSE_SECONDS)
            if not name:
                reply = running[DENSE.name].do("floor", question=known.question)
                self._measured.floor_ms.append(round(reply.seconds * 1_000, 3))
                continue
            reply = running[name].do("search", question=known.question)
            warm = self._measured.warm.setdefault(name, Warm())
            warm.ms.append(round(reply.seconds * 1_000, 3))
            if with_quality:
                warm.found.append(len(reply.value))
                warm.first += reply.value[:1] == [known.document_id]
                warm.among += known.document_id in reply.value[:AMONG]

    def _attempt(self, contender: Contender, work: Callable[[], Made]) -> Made | None:
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

    def _running(self, contender: Contender, index: str) -> Running:
        return Running(contender, self._model_of(contender), self._index(contender, index))

    def _model_of(self, contender: Contender) -> Path:
        return self._workspace / contender.name / "model" if contender.own_graph else self._model

    def _index(self, contender: Contender, name: str = "index") -> Path:
        return self._workspace / (contender.name if contender.is_peer else "ours") / name

    @property
    def _passages(self) -> Path:
        return self._workspace / "passages.jsonl"


def _rotated(items: Sequence[Made], by: int) -> list[Made]:
    at = by % len(items)
    return [*items[at:], *items[:at]]


def _cosine(first: np.ndarray, second: np.ndarray) -> float:
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))

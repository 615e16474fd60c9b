"""Documents that come, change and go without pause while others ask, and what may be answered meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
from pydantic import BaseModel

from eval.benchmarks.clients import Call, bodies, send
from eval.benchmarks.processes import meanwhile
from eval.benchmarks.served import Server
from eval.benchmarks.texts import PASSAGES_A_DOCUMENT, texts

# Which of the two versions of the document the record holds at a moment, if any.
STATES = ("without it", "with the first version", "with the second")
_NAME = "benchmark.md"
_ADDRESS = "/documents/uploads-benchmark"
_TIMEOUT_SECONDS = 120.0


class Change(BaseModel):
    """One request that changed the record: `what` was done, and how that went."""

    what: str
    ms: float
    status: int


@dataclass(frozen=True, slots=True)
class Writer:
    """Who changes the record: a document about another subject, in two versions, that has no business in any answer."""

    server: Server
    seed: int

    def put(self, state: int) -> Change:
        """Bring the record into one of the `STATES` from the one before it, or from the last to the first."""
        began = time.perf_counter()
        with httpx.Client(base_url=self.server.address, timeout=_TIMEOUT_SECONDS) as client:
            if state == 0:
                response = client.delete(_ADDRESS)
            else:
                files = [("files", (_NAME, self._version(state)))]
                response = client.post("/documents", files=files)
        ms = round((time.perf_counter() - began) * 1_000, 1)
        return Change(what=STATES[state], ms=ms, status=response.status_code)

    def _version(self, state: int) -> str:
        return next(iter(texts(PASSAGES_A_DOCUMENT, self.seed + state))).markdown


@contextmanager
def changing(writer: Writer) -> Iterator[list[Change]]:
    """The document is taken in, changed and deleted over and over until the block is left; last it is not there."""
    made: list[Change] = []

    def change(over: threading.Event) -> None:
        while not over.is_set():
            made.extend(writer.put(state) for state in (1, 2, 0))

    with meanwhile(change):
        yield made


def idle_answers(server: Server, writer: Writer, questions: Sequence[str]) -> list[set[str]]:
    """The digests of what each question is answered with when nothing else happens, in any of the `STATES`.

    Raises:
        ValueError: one of them was not answered, though nobody else asked.
    """
    found: list[set[str]] = [set() for _ in questions]
    for state in (0, 1, 2, 0):
        if state or any(found):
            writer.put(state)
        replies = send(
            Call(address=server.address, bodies=bodies(questions), clients=2, requests=len(questions))
        )
        if len(replies.answered) < len(questions):
            raise ValueError(f"Not answered by an idle server: {replies.failed[:3] or replies.refused[:3]}")
        for reply in replies.answered:
            found[reply.body].add(reply.digest)
    return found

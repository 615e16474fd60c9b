"""The same questions without a server: as many threads as it has workers, in a process of their own: `python -m ...`.

This is what the cores allow for the same stages. The process keeps its models and is asked as often as wanted.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel

from eval.benchmarks.served import environment
from rag.domain import Question
from rag.settings import Settings
from rag.wiring import build

TOP_K = 6


class Round(BaseModel):
    """What is asked: each question once, for answers, or for passages alone."""

    questions: list[str]
    threads: int
    search: bool = False


class Took(BaseModel):
    """How long it took, in all and each."""

    seconds: float
    ms: list[float]


class Threads:
    """The process that asks itself."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, questions: Sequence[str], threads: int, search: bool = False) -> Took:
        """Ask them all."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        wanted = Round(questions=list(questions), threads=threads, search=search)
        self._process.stdin.write(wanted.model_dump_json() + "\n")
        self._process.stdin.flush()
        return Took.model_validate_json(self._process.stdout.readline())


@contextmanager
def in_process(data_dir: Path) -> Iterator[Threads]:
    """A process that answers from the index of that folder, without HTTP."""
    with subprocess.Popen(
        [sys.executable, "-m", __name__, str(data_dir)],
        env=environment({}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        yield Threads(process)


def main(data_dir: str) -> None:
    """Ask what is on each line of standard input; end with it."""
    application = build(Settings(data_dir=Path(data_dir)))
    application.load()
    for line in sys.stdin:
        wanted = Round.model_validate_json(line)

        def timed(question: str, search: bool = wanted.search) -> float:
            began = time.perf_counter()
            if search:
                application.pipeline.search(question, TOP_K)
            else:
                application.pipeline.ask(Question(question))
            return round((time.perf_counter() - began) * 1_000, 2)

        with ThreadPoolExecutor(wanted.threads) as threads:
            began = time.perf_counter()
            taken = list(threads.map(timed, wanted.questions))
            print(Took(seconds=time.perf_counter() - began, ms=taken).model_dump_json(), flush=True)
    application.close()


if __name__ == "__main__":
    main(*sys.argv[1:])

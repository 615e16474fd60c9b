"""Contenders as processes: which there are, how each is started, asked, watched and ended."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from eval.benchmarks.processes import meanwhile, without_settings

# Names the interpreter of the environment that the peers are installed in.
PEERS_PYTHON = "PEERS_PYTHON"
PATIENCE_SECONDS = 1_800
WATCH_SECONDS = 0.1
ROOT = Path(__file__).resolve().parent.parent.parent


class ContenderFailed(Exception):
    """A contender that cannot do what it is asked; the message is what it said last."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A contender as it is entered.

    `made_by` is the module and class in `eval.benchmarks.peer`, `packages` what its versions are read of. One with a
    graph of its own gets that in place of the folder of the weights.
    """

    name: str
    title: str
    made_by: str
    packages: tuple[str, ...]
    is_peer: bool = True
    own_graph: bool = False


LLAMAINDEX = Entry(
    "llamaindex",
    "LlamaIndex starter",
    "llamaindex:Starter",
    ("llama-index-core", "sentence-transformers", "torch", "chromadb"),
)
PEERS = (
    LLAMAINDEX,
    Entry("chroma", "Chroma alone", "chroma:Alone", ("chromadb", "onnxruntime"), own_graph=True),
    Entry(
        "langchain",
        "LangChain",
        "langchain:Tutorial",
        ("langchain-core", "langchain-chroma", "langchain-huggingface"),
    ),
    Entry("txtai", "txtai", "txtai:Database", ("txtai", "faiss-cpu")),
    Entry("haystack", "Haystack", "haystack:Pipelines", ("haystack-ai", "chroma-haystack")),
)
_OURS = ("chromadb", "onnxruntime")
DENSE = Entry("dense", "ours, by meaning alone", "ours:Dense", _OURS, is_peer=False)
FUSED = Entry("fused", "ours, search", "ours:Fused", _OURS, is_peer=False)
READING = Entry("reading", "ours, whole answer", "ours:Reading", _OURS, is_peer=False)
OURS = (DENSE, FUSED, READING)
TITLES = {each.name: each.title for each in (*PEERS, *OURS)}


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one thing asked for, and how long the work took in the contender's process."""

    value: Any
    seconds: float


class Running:
    """One contender in a process of its own, from the start of its interpreter on."""

    def __init__(self, contender: Entry, model: Path, index: Path) -> None:
        """Start it; nothing is loaded before the first thing that is asked for.

        `model` is the folder of the weights, `index` the folder of what it keeps.

        Raises:
            ContenderFailed: the interpreter is not there.
        """
        index.parent.mkdir(parents=True, exist_ok=True)
        self._title = contender.title
        self._errors = index.with_name(f"{index.name}-{contender.name}.stderr")
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [
                    interpreter(contender),
                    "-m",
                    "eval.benchmarks.peer",
                    contender.made_by,
                    str(model),
                    str(index),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment(),
                text=True,
                encoding="utf-8",
            )

    def do(self, what: str, **given: str) -> Reply:
        """Ask for one thing and wait for it.

        Raises:
            ContenderFailed: it says that it cannot, ends, or takes longer than half an hour.
        """
        assert self._process.stdin
        assert self._process.stdout
        impatient = threading.Timer(PATIENCE_SECONDS, self._process.kill)
        impatient.start()
        try:
            self._process.stdin.write(json.dumps({"do": what, "with": given}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except OSError:
            line = ""
        finally:
            impatient.cancel()
        if not line:
            raise ContenderFailed(f"{self._title} ended: {self._last_words()}")
        answer = json.loads(line)
        if "error" in answer:
            raise ContenderFailed(answer["error"].partition("\n")[0])
        return Reply(answer["value"], answer["seconds"])

    def memory_mb(self) -> float:
        """Resident memory of the process and of those that it has started, in 10^6 bytes."""
        return _resident(psutil.Process(self._process.pid)) / 1e6

    @contextmanager
    def watched(self) -> Iterator[list[float]]:
        """The highest of `memory_mb` while this is open, looked at ten times a second; in the list afterwards."""
        most = [0.0]

        def watch(over: threading.Event) -> None:
            while not over.wait(WATCH_SECONDS):
                most[0] = max(most[0], self.memory_mb())

        with meanwhile(watch):
            yield most
        most[0] = max(most[0], self.memory_mb())

    def close(self) -> None:
        """End it, and wait until it has written what it keeps."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _last_words(self) -> str:
        said = self._errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return said[-1] if said else "it said nothing."


def entered() -> tuple[list[Entry], dict[str, str]]:
    """The peers that are to be measured, and by their names why others are not: all or none, by `PEERS_PYTHON`."""
    if os.environ.get(PEERS_PYTHON):
        return list(PEERS), {}
    return [], {peer.name: f"{PEERS_PYTHON} names no environment of the peers." for peer in PEERS}


def interpreter(contender: Entry) -> str:
    """The Python that a contender runs on: this one, or that of the environment of the peers.

    Raises:
        ContenderFailed: there is no such program.
    """
    return _peers_python() if contender.is_peer else sys.executable


def _peers_python() -> str:
    path = os.environ[PEERS_PYTHON]
    if shutil.which(path) is None:
        raise ContenderFailed(f"{PEERS_PYTHON} is {path}, which cannot be run.")
    return path


def environment() -> Mapping[str, str]:
    """For every contender: no setting of this program from outside, no network, no telemetry; else as it is here."""
    kept = without_settings()
    path = os.pathsep.join(filter(None, (str(ROOT), kept.get("PYTHONPATH"))))
    return kept | {
        "PYTHONPATH": path,
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "ANONYMIZED_TELEMETRY": "False",
        "HAYSTACK_TELEMETRY_ENABLED": "False",
    }


def versions(contender: Entry) -> dict[str, str]:
    """Of the packages of a contender, as installed where it runs; those that are not there are left out."""
    program = (
        "import sys, json, importlib.metadata as m\n"
        "found = {d.metadata['Name'].lower().replace('_', '-'): d.version for d in m.distributions()}\n"
        "print(json.dumps({n: found[n] for n in sys.argv[1:] if n in found}))"
    )
    done = subprocess.run(
        [interpreter(contender), "-c", program, *contender.packages],
        capture_output=True,
        text=True,
        check=False,
    )
    found: dict[str, str] = json.loads(done.stdout) if done.returncode == 0 else {}
    return found


def export_graph(model: Path, folder: Path) -> None:
    """Make the folder that Chroma's own embedder expects of the weights.

    Raises:
        ContenderFailed: torch and transformers are not there, or cannot do it.
    """
    command = [_peers_python(), "-m", "eval.benchmarks.peer.export", str(model), str(folder)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it said nothing."]
        raise ContenderFailed(f"Its graph could not be exported from the weights: {lines[-1]}")


def first_answer(contender: Entry, model: Path, index: Path, question: str) -> tuple[float, float]:
    """Start a process and ask one question: seconds until its answer is here, and `memory_mb` then."""
    began = time.perf_counter()
    with Running(contender, model, index) as process:
        process.do("search", question=question)
        return time.perf_counter() - began, process.memory_mb()


def size_mb(folder: Path) -> float:
    """Of all files below a folder, in 10^6 bytes."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def _resident(process: psutil.Process) -> int:
    total = 0
    try:
        for each in (process, *process.children(recursive=True)):
            total += each.memory_info().rss
    except psutil.Error:  # one of them has just ended
        pass
    return total

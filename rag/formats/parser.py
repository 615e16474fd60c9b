"""Reads files in a child process: started at the first file, kept for the next, and anew when a file has killed it."""

from __future__ import annotations

import math
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self, TypeVar

from rag.domain import Document, Failure, ReadingLimits
from rag.errors import DocumentError, RagError
from rag.formats.child import (
    BEGUN,
    DOCUMENT,
    DOCUMENTS,
    DONE,
    FAILURE,
    FAILURES,
    OUT_OF_MEMORY,
    ask,
    command,
    receive,
)
from rag.formats.read import content_of

# An archive whose documents keep killing their reader is given up.
MAX_DEATHS = 3
# No environment, and so no keys; but Windows starts nothing without it.
_ENVIRONMENT: dict[str, str] | None = None if sys.platform == "win32" else {}
_START_SECONDS = 120.0
_LOOK_SECONDS = 0.1
# JSON takes at most six bytes for a character, and some for each block of it.
_BYTES_PER_CHARACTER = 64

Found = TypeVar("Found")


class _Died(Exception):
    """The child has ended in the middle of a file; the message says why."""

    def __init__(self, reason: str, at_fault: bool) -> None:
        super().__init__(reason)
        self.at_fault = at_fault  # the file is, whatever the child had read before


class _Child:
    """One running process."""

    def __init__(self, limits: ReadingLimits) -> None:
        self._limits = limits
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  closed with the child
        self._late = False
        self._deadline = math.inf
        self._closed = threading.Event()
        self.answered = 0
        try:
            self._process = subprocess.Popen(
                command(limits),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env=_ENVIRONMENT,
            )
        except OSError as error:
            self._errors.close()
            raise RagError(f"The process that reads documents does not start: {error}") from error
        threading.Thread(target=self._watch, daemon=True).start()
        try:
            self.receive(_START_SECONDS)
        except _Died as error:
            words = self._last_words() or error
            self.close()
            raise RagError(f"The process that reads documents does not start: {words}") from error

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    def ask(self, name: str, content: bytes, skip: int) -> None:
        """Send a request; answers follow."""
        stdin = self._process.stdin
        assert stdin is not None
        try:
            self._within(self._limits.seconds, lambda: ask(stdin, name, content, skip))
        except OSError:
            raise self._death() from None

    def receive(self, seconds: float | None = None) -> tuple[bytes, bytes]:
        """The next answer; the child is ended if it takes too long or says too much."""
        stdout = self._process.stdout
        assert stdout is not None
        most = self._limits.characters * _BYTES_PER_CHARACTER
        try:
            return self._within(seconds or self._limits.seconds, lambda: receive(stdout, most))
        except OverflowError:
            self._process.kill()
            raise _Died("What is read from it is too much. Split it.", at_fault=True) from None
        except EOFError:
            raise self._death() from None

    def close(self) -> None:
        """End it, in the middle of a file too."""
        self._closed.set()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        self._process.kill()
        self._process.wait()
        self._errors.close()

    def _within(self, seconds: float, wait: Callable[[], Found]) -> Found:
        self._deadline = time.monotonic() + seconds
        try:
            return wait()
        finally:
            self._deadline = math.inf

    def _watch(self) -> None:
        """End the child when it is late; one thread for all its files, for to start one costs more than most files."""
        while not self._closed.wait(_LOOK_SECONDS):
            if time.monotonic() > self._deadline:
                self._late = True
                self._process.kill()
                return

    def _death(self) -> _Died:
        status = self._process.wait()
        if self._late:
            return _Died(
                f"Reading it takes longer than {self._limits.seconds:g} seconds (RAG_READ_SECONDS).",
                at_fault=True,
            )
        if status == OUT_OF_MEMORY:
            megabytes = self._limits.memory_bytes // 2**20
            return _Died(
                f"Reading it needs more than {megabytes:,} MB of memory (RAG_READ_MEMORY_MB).", at_fault=False
            )
        cause = signal.Signals(-status).name if status < 0 else f"status {status}"
        return _Died(
            f"Its reader crashed, or ran out of memory ({cause}): the file is damaged or hostile.", False
        )

    def _last_words(self) -> str:
        self._errors.seek(0)
        return self._errors.read().decode("utf-8", "replace").strip().rpartition("\n")[2]


class Parser:
    """The one way to read files that are not to be trusted. Threads may share it; they take turns.

    Use it in a `with`, or close it: the child stays for the next file.
    """

    def __init__(self, limits: ReadingLimits = ReadingLimits()) -> None:
        self._limits = limits
        self._child: _Child | None = None
        self._turn = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child, if there is one; the next file starts another."""
        with self._turn:
            self._stop()

    def read(self, path: Path, name: str) -> list[Document | Failure]:
        """The documents of a file, by the name that the record has for it, or why there are none.

        Raises:
            RagError: no process can be started to read it.
        """
        try:
            content = content_of(path, name, self._limits)
        except DocumentError as error:
            return [Failure(name, str(error))]
        found: list[Document | Failure] = []
        deaths = 0
        with self._turn:
            while True:
                begun: list[str] = []
                try:
                    self._read(name, content, found, begun)
                    return found
                except _Died as death:
                    tired = not death.at_fault and self._answered() > 0
                    self._stop()
                    if tired:  # what it had read before may be to blame: a new one tries again
                        continue
                    deaths += 1
                    found.append(Failure(begun[-1] if begun else name, str(death)))
                    if not begun:  # not in one of its documents, but in what holds them
                        return found
                    if deaths == MAX_DEATHS:
                        found.append(Failure(name, f"After {deaths} such files the rest of it is not read."))
                        return found
                except BaseException:
                    self._stop()  # it may be in the middle of an answer
                    raise

    def _read(self, name: str, content: bytes, found: list[Document | Failure], begun: list[str]) -> None:
        """Add what the child answers; `begun` holds the name of the document that it is at, if any."""
        if self._child is not None and not self._child.alive:  # it has ended between two files
            self._stop()
        child = self._child = self._child or _Child(self._limits)
        child.ask(name, content, len(found))
        while True:
            kind, answer = child.receive()
            if kind == DONE:
                return
            if kind == BEGUN:
                begun[:] = [answer.decode()]
                continue
            begun.clear()
            child.answered += 1
            if kind == DOCUMENT:
                found.append(DOCUMENTS.validate_json(answer))
            elif kind == FAILURE:
                found.append(FAILURES.validate_json(answer))

    def _answered(self) -> int:
        return self._child.answered if self._child else 0

    def _stop(self) -> None:
        if self._child is not None:
            self._child.close()
            self._child = None

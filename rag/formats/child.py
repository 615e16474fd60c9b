"""The process that reads files, so that a hostile one harms nobody else. `command` says how it is started.

It takes requests on standard input, one at a time, and answers on standard output. Every message is its length in eight
bytes, one byte for what it is, and what it says. The bytes of the file come with the request: this process opens no
document itself. It bounds its own memory and time, writes no file, and ends when its input does. What it answers is
data; whoever started it runs nothing of it.
"""

from __future__ import annotations

import json
import math
import os
import struct
import sys
from dataclasses import asdict
from pathlib import Path
from typing import IO

from pydantic import TypeAdapter

from rag.domain import Document, Failure, ReadingLimits
from rag.errors import DocumentError
from rag.formats import ocr
from rag.formats.container import Leaf
from rag.formats.read import read_leaf, read_leaves

ASKED, CONTENT = b"?", b"="
READY, BEGUN, DOCUMENT, FAILURE, DONE = b"R", b"B", b"D", b"F", b"E"
OUT_OF_MEMORY = 3
# Its own clock only matters when whoever started it is gone.
_GRACE_SECONDS = 30
DOCUMENTS = TypeAdapter(Document)
FAILURES = TypeAdapter(Failure)
_ROOT = Path(__file__).resolve().parent.parent.parent
_LENGTH = struct.Struct(">Q")


def send(stream: IO[bytes], kind: bytes, content: bytes = b"") -> None:
    """Write one message."""
    stream.write(_LENGTH.pack(len(content)) + kind)
    stream.write(content)
    stream.flush()


def receive(stream: IO[bytes], most_bytes: int) -> tuple[bytes, bytes]:
    """Read one message: what it is, and what it says.

    Raises:
        EOFError: there is no whole message.
        OverflowError: it is longer than `most_bytes`.
    """
    begin = stream.read(_LENGTH.size + 1)
    if len(begin) < _LENGTH.size + 1:
        raise EOFError
    (length,) = _LENGTH.unpack(begin[:-1])
    if length > most_bytes:
        raise OverflowError
    content = stream.read(length)
    if len(content) < length:
        raise EOFError
    return begin[-1:], content


def ask(stream: IO[bytes], name: str, content: bytes, skip: int) -> None:
    """Write a request: to read a file, but not the first `skip` of the documents in it."""
    send(stream, ASKED, json.dumps({"name": name, "skip": skip}).encode())
    send(stream, CONTENT, content)


def serve(requests: IO[bytes], answers: IO[bytes], limits: ReadingLimits) -> None:
    """Read files until there are no more requests."""
    send(answers, READY)
    while True:
        try:
            asked = json.loads(receive(requests, 2**20)[1])
            _, content = receive(requests, limits.file_bytes)
        except EOFError:
            return
        try:
            _read(content, asked["name"], asked["skip"], answers, limits)
        except DocumentError as error:
            send(answers, FAILURE, FAILURES.dump_json(Failure(asked["name"], str(error))))
        del content
        send(answers, DONE)


def _read(content: bytes, name: str, skip: int, answers: IO[bytes], limits: ReadingLimits) -> None:
    _set_alarm(limits.seconds + _GRACE_SECONDS)
    for position, leaf in enumerate(read_leaves(content, name, limits)):
        if position >= skip:
            send(answers, BEGUN, leaf.name.encode())
            _answer(leaf, answers, limits)
            _set_alarm(limits.seconds + _GRACE_SECONDS)
    _set_alarm(0)


def _answer(leaf: Leaf, answers: IO[bytes], limits: ReadingLimits) -> None:
    try:
        document = read_leaf(leaf, limits)
    except DocumentError as error:
        send(answers, FAILURE, FAILURES.dump_json(Failure(leaf.name, str(error))))
    else:
        send(answers, DOCUMENT, DOCUMENTS.dump_json(document))


def _set_alarm(seconds: float) -> None:
    if sys.platform != "win32":
        import signal

        signal.alarm(math.ceil(seconds))  # ends the process, whatever native code it is in


def _confine(limits: ReadingLimits) -> None:
    """No more memory than the limit, no files written, no core dumps. Windows has no such limits."""
    if sys.platform != "win32":
        import resource

        # The models that recognise text raise the bound when they are first needed, and no further than this.
        room = ocr.MEMORY_BYTES if limits.recognise and ocr.available() else 0
        bounds = (
            (resource.RLIMIT_AS, limits.memory_bytes, limits.memory_bytes + room),
            (resource.RLIMIT_FSIZE, 0, 0),
            (resource.RLIMIT_CORE, 0, 0),
        )
        for bound, *wanted in bounds:
            _, hard = resource.getrlimit(bound)
            soft, most = (each if hard == resource.RLIM_INFINITY else min(each, hard) for each in wanted)
            resource.setrlimit(bound, (soft, most))


def main() -> None:
    """Serve on standard input and output."""
    limits = ReadingLimits(**json.loads(sys.argv[1]))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what libraries print is no answer
    _confine(limits)
    try:
        serve(sys.stdin.buffer, answers, limits)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)


def command(limits: ReadingLimits) -> list[str]:
    """What starts this process, with the same `rag` as here.

    Nothing is imported from the folder that it is started in (-P), which may be anybody's.
    """
    start = (
        f"import sys; sys.path.insert(0, {str(_ROOT)!r}); import rag; del sys.path[0];"
        " from rag.formats.child import main; main()"
    )
    return [sys.executable, "-P", "-c", start, json.dumps(asdict(limits))]

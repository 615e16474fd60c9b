"""HTTP clients in a process of their own, so that their work is not counted as the server's: `python -m ...`.

The process reads a `Call` from standard input and writes `Replies` to standard output. It says how much processor time
it took, so that one can see whether it, and not the server, was what set the pace.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import count, takewhile
from typing import Any, Literal

import aiohttp  # with many clients httpx takes ten times the processor time, and the server waits for it
from pydantic import BaseModel

TOO_BUSY = 429
BROKEN = 0  # the status of a request that got no response

# Longer than a server lets anybody wait and work by its own settings.
_TIMEOUT_SECONDS = 180.0
# Connections that are not used are closed before the server, after five seconds, closes them under a request.
_IDLE_SECONDS = 4.0
# Of an answer and of a search, what has to be the same whenever the same is asked of the same documents.
_COMPARED = ("status", "answer", "citations", "hits")


class Call(BaseModel):
    """What is sent. Clients take the bodies in turn, over and over, until `requests` are sent or `seconds` are over.

    With `per_second` they do not wait for each other: requests are sent at that rate, whatever becomes of them. With
    `come_again`, a client that is told to come again does so after the seconds it is told, and the time until its
    answer runs on.
    """

    address: str
    path: Literal["/ask", "/search", "/healthz"] = "/ask"
    bodies: list[dict[str, Any]] = [{}]
    clients: int = 1
    requests: int | None = None
    seconds: float | None = None
    per_second: float = 0.0
    come_again: bool = False


class Reply(BaseModel):
    """What one request got: `body` is which was sent, `second` when, from the first on.

    `digest` stands for all that has to be the same. `refused_ms`: how long each 429 before it took.
    """

    body: int
    second: float
    ms: float
    status: int
    digest: str = ""
    retry_after: int | None = None
    refused_ms: list[float] = []
    problem: str = ""


class Replies(BaseModel):
    """What all requests got, in the order of their ends. `cpu_seconds` are the clients' own."""

    seconds: float
    cpu_seconds: float
    replies: list[Reply]

    @property
    def answered(self) -> list[Reply]:
        """Those that got what they asked for."""
        return [reply for reply in self.replies if reply.status == 200]

    @property
    def refused(self) -> list[Reply]:
        """Those that were told to come again."""
        return [reply for reply in self.replies if reply.status == TOO_BUSY]

    @property
    def failed(self) -> list[Reply]:
        """Those that got neither."""
        return [reply for reply in self.replies if reply.status not in (200, TOO_BUSY)]

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return len(self.answered) / self.seconds


def send(call: Call) -> Replies:
    """Send it all from another process.

    Raises:
        CalledProcessError: that process failed; what it said is on standard error.
    """
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        input=call.model_dump_json().encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    return Replies.model_validate_json(done.stdout)


def digest(answer: dict[str, Any]) -> str:
    """Short for what has to be the same in two answers."""
    compared = json.dumps({name: answer.get(name) for name in _COMPARED}, sort_keys=True)
    return hashlib.sha256(compared.encode()).hexdigest()[:16]


class _Clients:
    def __init__(self, call: Call, client: aiohttp.ClientSession) -> None:
        self._call = call
        self._client = client
        self._since = time.perf_counter()
        self.replies: list[Reply] = []

    async def closed(self) -> None:
        """Each client sends its next request when it has the reply to the one before."""
        turns = self._turns()

        async def ask() -> None:
            for turn in turns:
                await self._request(turn)

        await asyncio.gather(*(ask() for _ in range(self._call.clients)))

    async def open(self) -> None:
        """Requests at a rate: one that comes late is sent at once, so that the rate is kept on the whole."""
        async with asyncio.TaskGroup() as tasks:
            for turn in self._turns():
                due = self._since + turn / self._call.per_second
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                tasks.create_task(self._request(turn))

    def _turns(self) -> Iterator[int]:
        seconds = self._call.seconds or math.inf
        turns = count() if self._call.requests is None else range(self._call.requests)
        return takewhile(lambda _: time.perf_counter() - self._since < seconds, iter(turns))

    async def _request(self, turn: int) -> None:
        number = turn % len(self._call.bodies)
        began = time.perf_counter()
        refused: list[float] = []
        while True:
            sent = time.perf_counter()
            reply = await self._exchange(number)
            if reply.status != TOO_BUSY or not self._call.come_again:
                break
            refused.append(_milliseconds(sent))
            await asyncio.sleep(reply.retry_after or 1)
        reply.second, reply.ms, reply.refused_ms = (
            round(began - self._since, 3),
            _milliseconds(began),
            refused,
        )
        self.replies.append(reply)

    async def _exchange(self, number: int) -> Reply:
        call = self._call
        reply = Reply(body=number, second=0, ms=0, status=BROKEN)
        method, body = ("GET", None) if call.path == "/healthz" else ("POST", call.bodies[number])
        try:
            async with self._client.request(method, call.path, json=body) as response:
                text = await response.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            reply.problem = repr(error)
            return reply
        reply.status = response.status
        if response.status == 200:
            reply.digest = digest(json.loads(text))
        elif response.status == TOO_BUSY:
            stated = response.headers.get("Retry-After", "")
            reply.retry_after = int(stated) if stated.isdigit() else None
        else:
            reply.problem = text[:500]
        return reply


def _milliseconds(began: float) -> float:
    return round((time.perf_counter() - began) * 1_000, 2)


async def _all(call: Call) -> Replies:
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_SECONDS)
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS)
    async with aiohttp.ClientSession(call.address, connector=connector, timeout=timeout) as client:
        clients = _Clients(call, client)
        began, used = time.perf_counter(), time.process_time()
        await (clients.open() if call.per_second else clients.closed())
        return Replies(
            seconds=time.perf_counter() - began,
            cpu_seconds=time.process_time() - used,
            replies=clients.replies,
        )


def bodies(questions: Sequence[str]) -> list[dict[str, Any]]:
    """The requests that ask these."""
    return [{"question": question} for question in questions]


if __name__ == "__main__":
    sys.stdout.write(asyncio.run(_all(Call.model_validate_json(sys.stdin.read()))).model_dump_json())

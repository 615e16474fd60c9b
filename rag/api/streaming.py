"""An answer as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator
from concurrent.futures import CancelledError
from contextlib import closing, suppress
from dataclasses import dataclass

import anyio
import anyio.from_thread
import anyio.to_thread
from fastapi.sse import EventSourceResponse, format_sse_event
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from rag.api import schemas
from rag.api.errors import describe, problem_response
from rag.domain import Completed, Delta, Event, Retrieved


@dataclass(frozen=True, slots=True)
class Frame:
    """One event of the stream: its name and what it carries."""

    name: str
    body: BaseModel

    def encode(self) -> bytes:
        """As it goes over the wire."""
        return format_sse_event(event=self.name, data_str=self.body.model_dump_json())


def frames(events: Iterator[Event], request_id: str) -> Generator[Frame]:
    """The events as frames; an error becomes the last of them."""
    try:
        for event in events:
            yield _frame(event)
    except Exception as error:
        yield Frame("error", describe(error, request_id))


def _frame(event: Event) -> Frame:
    match event:
        case Retrieved():
            return Frame("retrieved", schemas.retrieved_of(event))
        case Delta():
            return Frame("delta", schemas.Delta(text=event.text))
        case Completed():
            return Frame("final", schemas.answer_of(event.answer))


class AnswerStream(EventSourceResponse):
    """Sends frames while they are made. An error before the first of them is an ordinary problem response.

    The frames are made from first to last in one worker thread, since what makes them may belong to a thread
    (a transaction of the catalog, say). When the client has gone away, the next frame ends the work.
    """

    def __init__(self, made: Generator[Frame]) -> None:
        self._made = made
        self._outbox, self._inbox = anyio.create_memory_object_stream[Frame]()
        super().__init__(self._encoded(), headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.to_thread.run_sync, self._make)
            with self._inbox:
                self._first = await self._inbox.receive()
                if isinstance(self._first.body, schemas.Problem):
                    await problem_response(self._first.body)(scope, receive, send)
                else:
                    await super().__call__(scope, receive, send)

    def _make(self) -> None:
        with closing(self._made), suppress(anyio.BrokenResourceError, CancelledError):
            for frame in self._made:
                anyio.from_thread.run(self._outbox.send, frame)
        anyio.from_thread.run_sync(self._outbox.close)

    async def _encoded(self) -> AsyncIterator[bytes]:
        yield self._first.encode()
        async for frame in self._inbox:
            yield frame.encode()

"""An answer as server-sent events."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Generator
from concurrent.futures import CancelledError
from contextlib import closing, suppress
from dataclasses import dataclass

import anyio
import anyio.from_thread
from fastapi.sse import EventSourceResponse, format_sse_event
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from rag.admission import Job
from rag.api import schemas
from rag.api.errors import describe, problem_response
from rag.api.work import in_thread, while_connected
from rag.domain import Completed, Delta, Event, Retrieved, Working


@dataclass(frozen=True, slots=True)
class Frame:
    """One event of the stream: its name and what it carries."""

    name: str
    body: BaseModel

    def encode(self) -> bytes:
        """As it goes over the wire."""
        return format_sse_event(event=self.name, data_str=self.body.model_dump_json())


def frames(events: Job[Event], request_id: str) -> Generator[Frame]:
    """The events as frames; an error becomes the last of them."""
    try:
        for event in events:
            if not isinstance(event, Working):
                yield _frame(event, request_id)
    except CancelledError:  # nobody is there to be told
        return
    except Exception as error:
        yield Frame("error", describe(error, request_id))


def _frame(event: Retrieved | Delta | Completed, request_id: str) -> Frame:
    match event:
        case Retrieved():
            return Frame("retrieved", schemas.retrieved_of(event))
        case Delta():
            return Frame("delta", schemas.Delta(text=event.text))
        case Completed():
            return Frame("final", schemas.answer_of(event.answer, request_id))


class AnswerStream(EventSourceResponse):
    """Sends frames while they are made. An error before the first of them is an ordinary problem response.

    However slowly the client reads, the job goes on: what is not sent yet is kept. When the client has gone away, the
    job is cancelled.
    """

    def __init__(self, job: Job[Event], request_id: str) -> None:
        self._job = job
        self._made = frames(job, request_id)
        # An answer is short, so all of it may wait; a bound would let slow readers hold workers.
        self._outbox, self._inbox = anyio.create_memory_object_stream[Frame](math.inf)
        super().__init__(self._encoded(), headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with while_connected(receive, self._job), anyio.create_task_group() as tasks:
            tasks.start_soon(in_thread, self._make)
            with self._inbox, suppress(anyio.EndOfStream):  # which comes first where the client has gone
                self._first = await self._inbox.receive()
                if isinstance(self._first.body, schemas.Problem):
                    await problem_response(self._first.body)(scope, receive, send)
                else:
                    await super().__call__(scope, receive, send)
            self._job.cancel()

    def _make(self) -> None:
        with closing(self._made), suppress(anyio.BrokenResourceError):
            for frame in self._made:
                anyio.from_thread.run_sync(self._outbox.send_nowait, frame)
        anyio.from_thread.run_sync(self._outbox.close)

    async def _encoded(self) -> AsyncIterator[bytes]:
        yield self._first.encode()
        async for frame in self._inbox:
            yield frame.encode()

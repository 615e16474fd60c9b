"""Waiting for a job without holding up anything else, and ending it when the client goes away."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import anyio.to_thread
from anyio import CapacityLimiter
from starlette.types import Receive

from rag.admission import Job

T = TypeVar("T")
Made = TypeVar("Made")


@asynccontextmanager
async def while_connected(receive: Receive, job: Job[T]) -> AsyncIterator[None]:
    """Cancel the job when the client goes away, or when the block is left before it is over.

    The request must have been read to its end: all that can still be received is that the client went.
    """

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        job.cancel()

    watcher = asyncio.create_task(watch())
    try:
        yield
    finally:
        watcher.cancel()
        job.cancel()


async def in_thread(wait: Callable[[], Made]) -> Made:
    """What `wait` returns, called in a thread of its own.

    Not one of the threads that the other routes share: those must stay free however many questions are waiting. There
    is no other limit, because the admission of jobs is one.
    """
    return await anyio.to_thread.run_sync(wait, abandon_on_cancel=True, limiter=CapacityLimiter(math.inf))


async def answered(receive: Receive, job: Job[T], result: Callable[[Job[T]], Made]) -> Made:
    """What `result` makes of the job. Raises what it raises, CancelledError where the client went away."""
    async with while_connected(receive, job):
        return await in_thread(lambda: result(job))

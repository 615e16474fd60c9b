"""An event loop in a thread of its own: what runs on it can be stopped at any moment."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

import anyio

Result = TypeVar("Result")


class Running(Generic[Result]):
    """A coroutine on another thread's loop.

    It is cancelled as anyio does it, not as asyncio: HTTP libraries close their connections in shielded scopes, which
    `asyncio.Task.cancel` breaks into, so that every now and then a connection was left open.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, Result], loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._scope: anyio.CancelScope | None = None
        self._cancelled = False
        self._future: Future[Result | None] = asyncio.run_coroutine_threadsafe(self._run(coroutine), loop)

    def result(self) -> Result | None:
        """Wait for what the coroutine returns, or raises; None if it was cancelled."""
        return self._future.result()

    def cancel(self) -> None:
        """Stop it; nothing, where it has ended."""
        if not self._future.done():
            self._loop.call_soon_threadsafe(self._cancel)

    async def _run(self, coroutine: Coroutine[Any, Any, Result]) -> Result | None:
        with anyio.CancelScope() as self._scope:
            if self._cancelled:
                self._scope.cancel()
            return await coroutine
        return None

    def _cancel(self) -> None:
        self._cancelled = True
        if self._scope is not None:
            self._scope.cancel()


class BackgroundLoop:
    """Started when first needed. Threads may share it."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._guard = threading.Lock()

    def start(self, coroutine: Coroutine[Any, Any, Result]) -> Running[Result]:
        """Run a coroutine."""
        with self._guard:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="language model", daemon=True
                )
                self._thread.start()
            return Running(coroutine, self._loop)

    def close(self, last: Callable[[], Awaitable[None]]) -> None:
        """Cancel what runs, await `last` and end the thread; a later `start` begins anew."""
        with self._guard:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(_end_all(last), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end_all(last: Callable[[], Awaitable[None]]) -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await last()
    await asyncio.get_running_loop().shutdown_asyncgens()

"""Any LlamaIndex `LLM` behind the port, with limits on time and length, retries and a circuit breaker.

The request runs on an event loop of its own, in one thread for all requests: there it can be stopped at any moment, and
stopping it closes its connection.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from queue import SimpleQueue
from typing import Any, TypeVar

from llama_index.core.llms import LLM, ChatMessage, ChatResponse, MessageRole
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception
from tenacity.stop import stop_after_attempt, stop_any, stop_before_delay
from tenacity.wait import wait_random_exponential

from rag.adapters.circuit_breaker import CircuitBreaker
from rag.errors import LanguageModelError
from rag.ports import Message, Usage

logger = logging.getLogger(__name__)

# A server that asks for a longer pause than this is not waited for: the reader of the answer would notice.
LONGEST_PAUSE_SECONDS = 2.0
# No language is written with more characters a token than this, over a whole answer.
MOST_CHARACTERS_A_TOKEN = 8

TIMED_OUT = "The language model did not answer in time."
TOO_LONG = "The language model took too long over its answer."
UNREACHABLE = "The language model could not be reached."
WRONG_KEY = "The language model's server refused the key."
UNKNOWN_MODEL = "The language model's server does not know the model or the address that it was asked for."
LIMITED = "The language model's server is limiting requests."
REPORTED = "The language model's server reported an error."
UNUSABLE = "The language model wrote nothing that can be used."
BROKEN_OFF = "The language model stopped in the middle of its answer."
STOPPED = "The language model was stopped."
LEFT_ALONE = (
    "The language model is being left alone for a while, having failed several times. The last time: "
)

Result = TypeVar("Result")
Put = Callable[[str | Usage | LanguageModelError | None], None]


@dataclass(frozen=True, slots=True)
class Backend:
    """A LlamaIndex LLM, and the ways of the library that it speaks through.

    `limited` gives the fields of the LLM that hold it to a number of tokens, `finished` whether a response is the last,
    `models` the names of those that the server has. The exceptions are those of a time limit, of a connection that
    cannot be made, and of whatever else the library has noticed.
    """

    llm: LLM
    limited: Callable[[int], Mapping[str, object]]
    finished: Callable[[ChatResponse], bool]
    models: Callable[[], Awaitable[list[str]]]
    close: Callable[[], Awaitable[None]]
    timeouts: tuple[type[Exception], ...] = ()
    unreachable: tuple[type[Exception], ...] = ()
    reported: tuple[type[Exception], ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a model may be silent and write, in seconds, and how often it is asked again."""

    silence: float = 10.0
    total: float = 60.0
    retries: int = 2
    stream: bool = True


class LlamaIndexLanguageModel:
    """`rag.ports.LanguageModel` for any LlamaIndex LLM that does not block when asked asynchronously."""

    def __init__(
        self,
        backend: Backend,
        model: str,
        limits: Limits = Limits(),
        breaker: CircuitBreaker | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Ask `backend` for `model`; where that is empty, for the only one that its server has."""
        self._backend = backend
        self._model = model
        self._limits = limits
        self._breaker = breaker or CircuitBreaker()
        self._sleep = sleep
        self._last_reason = UNREACHABLE
        self._loop = _Loop()

    @property
    def name(self) -> str:
        """The model's name; before the server was asked for it, empty."""
        return self._model

    def write(self, messages: Sequence[Message], most_tokens: int) -> Iterator[str | Usage]:
        """As `rag.ports.LanguageModel.write`. A server that does not keep to `most_tokens` is cut off."""
        if not self._breaker.allows():
            raise LanguageModelError(LEFT_ALONE + self._last_reason)
        events: SimpleQueue[str | Usage | LanguageModelError | None] = SimpleQueue()
        exchange = self._loop.start(self._exchange(messages, most_tokens, events.put))
        try:
            while (event := events.get()) is not None:
                if isinstance(event, LanguageModelError):
                    raise event
                yield event
        finally:
            exchange.cancel()

    def models(self) -> list[str]:
        """The names of the models that the server has.

        Raises:
            LanguageModelError: it cannot be asked.
        """
        return self._loop.start(self._listed()).result()

    def close(self) -> None:
        """End what is running and close the connections."""
        self._loop.close(self._backend.close)

    async def _exchange(self, messages: Sequence[Message], most_tokens: int, put: Put) -> None:
        """Put everything that comes of one request, then None or the error that ended it."""
        written = _Written(MOST_CHARACTERS_A_TOKEN * most_tokens)
        outcome: LanguageModelError | None = LanguageModelError(STOPPED)
        try:
            async with asyncio.timeout(self._limits.total):
                await self._attempts(messages, most_tokens, written, put)
            outcome = None
        except TimeoutError:
            outcome = _Failure(TOO_LONG)
        except _Failure as failure:
            outcome = failure
        finally:
            self._note(outcome, written)
            put(outcome)

    def _note(self, outcome: LanguageModelError | None, written: _Written) -> None:
        if isinstance(outcome, _Failure) and outcome.of_server:
            logger.warning("%s", outcome)
            self._last_reason = str(outcome)
            self._breaker.failed()
        elif outcome is None or written.characters:
            self._breaker.succeeded()

    async def _attempts(
        self, messages: Sequence[Message], most_tokens: int, written: _Written, put: Put
    ) -> None:
        silence = self._limits.silence
        retrying = AsyncRetrying(
            stop=stop_any(stop_after_attempt(1 + self._limits.retries), stop_before_delay(silence)),
            wait=_pause,
            retry=retry_if_exception(_may_pass),
            sleep=self._sleep,
            reraise=True,
        )
        until = asyncio.get_running_loop().time() + silence
        await retrying(self._attempt, messages, most_tokens, until, written, put)

    async def _attempt(
        self, messages: Sequence[Message], most_tokens: int, until: float, written: _Written, put: Put
    ) -> None:
        """Ask once. The first response must have come at the time `until`, however often it was tried before."""
        try:
            async with asyncio.timeout_at(until):
                await self._find_model()
            responses = self._responses(messages, most_tokens, until)
            async with aclosing(responses):
                async for response in responses:
                    written.finished = written.finished or self._backend.finished(response)
                    written.usage = _usage(response) or written.usage
                    if piece := written.take(response.delta or ""):
                        put(piece)
                    if written.full:
                        return
        except Exception as error:
            # Not from the error: what it says may hold the key or the address.
            raise self._failure(error, written) from None
        if not written.characters or not written.finished:
            raise _Failure(BROKEN_OFF if written.characters else UNUSABLE)
        if written.usage:
            put(written.usage)

    async def _responses(
        self, messages: Sequence[Message], most_tokens: int, until: float
    ) -> AsyncGenerator[ChatResponse, None]:
        """What the model sends, none of it after more than the longest silence."""
        changes = {"model": self._model, **self._backend.limited(most_tokens)}
        llm = self._backend.llm.model_copy(update=changes)
        chat = [ChatMessage(role=MessageRole(message.role), content=message.content) for message in messages]
        if not self._limits.stream:
            async with asyncio.timeout_at(until):
                response = await llm.achat(chat)
            yield response.model_copy(update={"delta": response.message.content})
            return
        async with asyncio.timeout_at(until):
            stream = await llm.astream_chat(chat)
        async with aclosing(stream):
            while True:
                async with asyncio.timeout_at(until):
                    try:
                        response = await anext(stream)
                    except StopAsyncIteration:
                        return
                yield response
                until = asyncio.get_running_loop().time() + self._limits.silence

    async def _find_model(self) -> None:
        if self._model:
            return
        models = await self._backend.models()
        if len(models) != 1:
            raise _Failure(
                f"The language model's server has {len(models)} models, and RAG_LLM__MODEL does not name one: "
                f"{', '.join(sorted(models)[:10]) or 'none'}."
            )
        self._model = models[0]

    async def _listed(self) -> list[str]:
        try:
            async with asyncio.timeout(self._limits.silence):
                return sorted(await self._backend.models())
        except Exception as error:
            raise self._failure(error, _Written(0)) from None

    def _failure(self, error: Exception, written: _Written) -> _Failure:
        """What an exception means, in plain words."""
        if isinstance(error, _Failure):
            return error
        logger.debug("the language model's library raised %s", type(error).__name__)
        if written.characters:
            return _Failure(BROKEN_OFF)
        response = getattr(error, "response", None)
        status = getattr(error, "status_code", getattr(response, "status_code", None))
        if isinstance(status, int) and status >= 400:
            return _refused(status, getattr(response, "headers", {}))
        meanings: tuple[tuple[tuple[type[Exception], ...], _Failure], ...] = (
            ((TimeoutError, *self._backend.timeouts), _Failure(TIMED_OUT)),
            (self._backend.unreachable, _Failure(UNREACHABLE, passes=True)),
            (self._backend.reported, _Failure(REPORTED, passes=True)),
        )
        return next((failure for kinds, failure in meanings if isinstance(error, kinds)), _Failure(UNUSABLE))


class _Failure(LanguageModelError):
    """`passes`: another attempt may go better, after `pause` seconds where the server said so. `of_server`: the next
    request would probably fare the same."""

    def __init__(
        self, reason: str, passes: bool = False, pause: float | None = None, of_server: bool = True
    ) -> None:
        super().__init__(reason)
        self.passes = passes
        self.pause = pause
        self.of_server = of_server


@dataclass(slots=True)
class _Written:
    """What has come of a request so far."""

    most_characters: int
    characters: int = 0
    finished: bool = False
    usage: Usage | None = None

    @property
    def full(self) -> bool:
        """Whether no more is wanted."""
        return self.characters >= self.most_characters

    def take(self, piece: str) -> str:
        """The part of a piece that is still wanted."""
        piece = piece[: self.most_characters - self.characters]
        self.characters += len(piece)
        return piece


class _Loop:
    """An event loop in a thread, started when first needed."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._guard = threading.Lock()

    def start(self, coroutine: Coroutine[Any, Any, Result]) -> Future[Result]:
        with self._guard:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="language model", daemon=True
                )
                self._thread.start()
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

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


def _refused(status: int, headers: Mapping[str, str]) -> _Failure:
    if status in {401, 403}:
        return _Failure(WRONG_KEY)
    if status == 404:
        return _Failure(UNKNOWN_MODEL)
    if status == 429:
        return _Failure(LIMITED, passes=True, pause=_retry_after(headers))
    if status >= 500:
        reason = f"The language model's server failed with status {status}."
        return _Failure(reason, passes=status != 501, pause=_retry_after(headers))
    return _Failure(f"The language model's server refused the request with status {status}.", of_server=False)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, which are given as such or as a date (RFC 9110, section 10.2.3)."""
    value = headers.get("retry-after", "")
    try:
        return max(float(value), 0.0)
    except ValueError:
        pass
    try:
        return max((parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None


def _may_pass(error: BaseException) -> bool:
    return (
        isinstance(error, _Failure)
        and error.passes
        and (error.pause is None or error.pause <= LONGEST_PAUSE_SECONDS)
    )


# "Full jitter" of Marc Brooker, Exponential Backoff and Jitter, AWS Architecture Blog 2015.
_backoff = wait_random_exponential(multiplier=0.25, max=LONGEST_PAUSE_SECONDS)


def _pause(state: RetryCallState) -> float:
    """What the server asks for, else longer each time and by chance, so that not all come back at once."""
    error = state.outcome.exception() if state.outcome else None
    return error.pause if isinstance(error, _Failure) and error.pause is not None else _backoff(state)


def _usage(response: ChatResponse) -> Usage | None:
    """The tokens that a response counts, wherever its library puts them."""
    raw = response.raw if isinstance(response.raw, dict) else {}
    places = (response.additional_kwargs, response.message.additional_kwargs.get("usage"), raw.get("usage"))
    for place in places:
        if isinstance(place, dict):
            read = place.get("prompt_tokens", place.get("input_tokens"))
            written = place.get("completion_tokens", place.get("output_tokens"))
            if isinstance(read, int) and isinstance(written, int):
                return Usage(read, written)
    return None

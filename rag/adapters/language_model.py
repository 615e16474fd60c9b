"""Any LlamaIndex `LLM` behind the port, with limits on time and length, retries and a circuit breaker.

The request runs on an event loop of its own, in one thread for all requests: there it can be stopped at any moment, and
stopping it closes its connection.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, aclosing, closing, suppress
from dataclasses import dataclass, field
from queue import SimpleQueue

import anyio
from llama_index.core.llms import LLM, ChatMessage, ChatResponse, MessageRole
from tenacity import AsyncRetrying, retry_if_exception
from tenacity.stop import stop_after_attempt, stop_any, stop_before_delay

from rag.adapters.circuit_breaker import CircuitBreaker
from rag.adapters.event_loop import BackgroundLoop
from rag.adapters.language_model_failures import (
    BROKEN_OFF,
    LEFT_ALONE,
    REMEDIES,
    STOPPED,
    TOO_LONG,
    UNKNOWN_MODEL,
    UNREACHABLE,
    UNUSABLE,
    Failure,
    Raised,
    may_pass,
    pause,
)
from rag.adapters.thoughts import WithoutThoughts
from rag.domain import Usage
from rag.errors import LanguageModelError
from rag.ports import Message

logger = logging.getLogger(__name__)

# No language is written with more characters a token than this, over a whole answer.
MOST_CHARACTERS_A_TOKEN = 8

# Enough for a model that thinks first; the first word ends the check.
CHECK_TOKENS = 1_024
MOST_SHOWN = 10

Put = Callable[[str | Usage | LanguageModelError | None], None]


@dataclass(frozen=True, slots=True)
class Backend:
    """A LlamaIndex LLM, and the ways of the library that it speaks through.

    `limited` gives the fields of the LLM that hold it to a number of tokens, `finished` whether a response is the last,
    `models` the names of those that the server has.
    """

    llm: LLM = field(repr=False)
    limited: Callable[[int], Mapping[str, object]]
    finished: Callable[[ChatResponse], bool]
    models: Callable[[], Awaitable[list[str]]]
    close: Callable[[], Awaitable[None]]
    raised: Raised


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a model may be silent and take in all, in seconds; how often it is asked again; whether for pieces."""

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
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        """Ask `backend` for `model`; where that is empty, for the only one that its server has."""
        self._backend = backend
        self._model = model
        self._named = bool(model)
        self._limits = limits
        self._breaker = breaker or CircuitBreaker()
        self._sleep = sleep
        self._last_reason = UNREACHABLE
        self._loop = BackgroundLoop()

    @property
    def name(self) -> str:
        """The model's name; before the server was asked for it, empty."""
        return self._model

    def write(self, messages: Sequence[Message], most_tokens: int) -> Generator[str | Usage, None, None]:
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

    def check(self) -> str:
        """Let the model write a few words, and give its name.

        Raises:
            LanguageModelError: it writes none; says what to do, and what models there are if it is not among them.
        """
        try:
            with closing(self.write([Message("user", "Say: ready.")], CHECK_TOKENS)) as pieces:
                next(pieces)
        except LanguageModelError as error:
            advice = (str(error), REMEDIES.get(str(error)), self._others())
            raise LanguageModelError(" ".join(filter(None, advice))) from None
        return self._model

    def models(self) -> list[str]:
        """The names of the models that the server has.

        Raises:
            LanguageModelError: it cannot be asked.
        """
        return self._loop.start(self._listed()).result() or []

    def close(self) -> None:
        """End what is running and close the connections."""
        self._loop.close(self._backend.close)

    def _others(self) -> str:
        """What there is instead of a model that the server does not have, or nothing where it cannot say."""
        try:
            models = self.models()
        except LanguageModelError:
            return ""
        if not self._model or {self._model, f"{self._model}:latest"} & set(models):
            return ""
        return f"RAG_LLM__MODEL = {self._model!r} is not among its models: {_some(models)}."

    async def _exchange(self, messages: Sequence[Message], most_tokens: int, put: Put) -> None:
        """Put everything that comes of one request, then None or the error that ended it."""
        written = _Written(MOST_CHARACTERS_A_TOKEN * most_tokens)
        outcome: LanguageModelError | None = LanguageModelError(STOPPED)
        try:
            with anyio.fail_after(self._limits.total):
                await self._attempts(messages, most_tokens, written, put)
            outcome = None
        except TimeoutError:
            outcome = Failure(TOO_LONG)
        except Failure as failure:
            outcome = failure
        finally:
            self._note(outcome, written)
            put(outcome)

    def _note(self, outcome: LanguageModelError | None, written: _Written) -> None:
        if isinstance(outcome, Failure) and outcome.of_server:
            logger.info("%s", outcome)
            self._last_reason = str(outcome)
            self._breaker.failed()
            if self._last_reason == UNKNOWN_MODEL and not self._named:
                self._model = ""  # the server has another by now
        elif outcome is None or written.shown:
            self._breaker.succeeded()

    async def _attempts(
        self, messages: Sequence[Message], most_tokens: int, written: _Written, put: Put
    ) -> None:
        silence = self._limits.silence
        retrying = AsyncRetrying(
            stop=stop_any(stop_after_attempt(1 + self._limits.retries), stop_before_delay(silence)),
            wait=pause,
            retry=retry_if_exception(may_pass),
            sleep=self._sleep,
            reraise=True,
        )
        until = anyio.current_time() + silence
        await retrying(self._attempt, messages, most_tokens, until, written, put)

    async def _attempt(
        self, messages: Sequence[Message], most_tokens: int, until: float, written: _Written, put: Put
    ) -> None:
        """Ask once. The first response must have come at the time `until`, however often it was tried before."""
        written.begin()
        try:
            with _until(until):
                await self._find_model()
            async with aclosing(self._responses(messages, most_tokens, until)) as responses:
                async for response in responses:
                    written.finished = written.finished or self._backend.finished(response)
                    written.usage = _usage(response) or written.usage
                    if piece := written.take(response.delta or ""):
                        put(piece)
                    if written.full:
                        break
        except Exception as error:
            logger.debug("the language model's library raised %s", type(error).__name__)
            # Not from the error: what it says may hold the key or the address.
            failure = Failure(BROKEN_OFF) if written.shown else self._backend.raised.failure(error)
            raise failure from None
        if piece := written.rest():
            put(piece)
        if not written.shown:
            raise Failure(UNUSABLE)
        if not (written.finished or written.full):
            raise Failure(BROKEN_OFF)
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
            response = await llm.achat(chat)
            yield response.model_copy(update={"delta": response.message.content})
            return
        with _until(until):
            stream = await llm.astream_chat(chat)
        try:
            while True:
                with _until(until):
                    try:
                        response = await anext(stream)
                    except StopAsyncIteration:
                        return
                yield response
                until = anyio.current_time() + self._limits.silence
        finally:
            await _abort(stream)

    async def _find_model(self) -> None:
        if self._model:
            return
        models = await self._backend.models()
        if len(models) != 1:
            raise Failure(
                f"The language model's server has {len(models)} models, and RAG_LLM__MODEL does not name one: "
                f"{_some(models)}."
            )
        self._model = models[0]

    async def _listed(self) -> list[str]:
        try:
            with anyio.fail_after(self._limits.silence):
                return sorted(await self._backend.models())
        except Exception as error:
            raise self._backend.raised.failure(error) from None


class _Written:
    """What has come of a request so far."""

    def __init__(self, most_characters: int) -> None:
        self._most_characters = most_characters
        self.begin()

    def begin(self) -> None:
        """Forget an attempt of which nothing was shown."""
        self._characters = 0
        self._text = WithoutThoughts()
        self.shown = self.finished = False
        self.usage: Usage | None = None

    @property
    def full(self) -> bool:
        """Whether no more is wanted, thoughts included."""
        return self._characters >= self._most_characters

    def take(self, piece: str) -> str:
        """What of a piece is to be shown."""
        piece = piece[: self._most_characters - self._characters]
        self._characters += len(piece)
        return self._show(self._text.take(piece))

    def rest(self) -> str:
        """What is still to be shown at the end."""
        return self._show(self._text.rest())

    def _show(self, text: str) -> str:
        self.shown = self.shown or bool(text.strip())
        return text if self.shown else ""


def _until(moment: float) -> AbstractContextManager[anyio.CancelScope]:
    return anyio.fail_after(max(moment - anyio.current_time(), 0.0))


async def _abort(stream: AsyncGenerator[ChatResponse, None]) -> None:
    """Cancel a stream where it waits for the server, which closes the connection.

    Closing it would leave that to the garbage collector: the libraries' generators do not close one another.
    """
    with suppress(Exception):
        while True:
            with anyio.fail_after(0):
                await anext(stream)


def _some(models: Sequence[str]) -> str:
    shown = sorted(models)[:MOST_SHOWN]
    rest = len(models) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "") if shown else "none"


def _usage(response: ChatResponse) -> Usage | None:
    """The tokens that a response counts, wherever and however its library puts them."""
    raw = response.raw if isinstance(response.raw, dict) else {}
    places = (response.additional_kwargs, response.message.additional_kwargs.get("usage"), raw.get("usage"))
    for place in places:
        counts = place if isinstance(place, dict) else getattr(place, "__dict__", {})
        read = counts.get("prompt_tokens", counts.get("input_tokens"))
        written = counts.get("completion_tokens", counts.get("output_tokens"))
        if isinstance(read, int) and isinstance(written, int):
            return Usage(read, written)
    return None

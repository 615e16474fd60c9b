"""Why a language model did not write: what libraries raise, in plain words, and whether to ask again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tenacity import RetryCallState
from tenacity.wait import wait_random_exponential

from rag.errors import LanguageModelError

# A server that asks for a longer pause than this is not waited for: the reader of the answer would notice.
LONGEST_PAUSE_SECONDS = 2.0

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

REMEDIES = {
    TIMED_OUT: "Give it more time with RAG_LLM__SECONDS, or see that the server is not stuck.",
    UNREACHABLE: "See that the server runs and that RAG_LLM__BASE_URL is its address.",
    WRONG_KEY: "Set RAG_LLM__API_KEY.",
    UNKNOWN_MODEL: "Set RAG_LLM__MODEL and RAG_LLM__BASE_URL.",
    UNUSABLE: "See that RAG_LLM__PROVIDER is what the server speaks; without streaming, set RAG_LLM__STREAM=false.",
}


class Failure(LanguageModelError):
    """A reason, and what follows from it.

    `passes`: another attempt may go better, after `pause` seconds where the server said so. `of_server`: another
    request would probably fare the same.
    """

    def __init__(
        self, reason: str, passes: bool = False, pause: float | None = None, of_server: bool = True
    ) -> None:
        super().__init__(reason)
        self.passes = passes
        self.pause = pause
        self.of_server = of_server


@dataclass(frozen=True, slots=True)
class Raised:
    """The exceptions of a library: of time limits, of connections, and of whatever else it has noticed."""

    timeouts: tuple[type[Exception], ...] = ()
    unreachable: tuple[type[Exception], ...] = ()
    reported: tuple[type[Exception], ...] = ()

    def failure(self, error: Exception) -> Failure:
        """What an exception means. Its own words are not used: they may hold the key or the address."""
        if isinstance(error, Failure):
            return error
        response = getattr(error, "response", None)
        status = getattr(error, "status_code", getattr(response, "status_code", None))
        if isinstance(status, int) and status >= 400:
            return _refused(status, getattr(response, "headers", {}))
        meanings: tuple[tuple[tuple[type[Exception], ...], Failure], ...] = (
            ((TimeoutError, *self.timeouts), Failure(TIMED_OUT)),
            (self.unreachable, Failure(UNREACHABLE, passes=True)),
            (self.reported, Failure(REPORTED, passes=True)),
        )
        return next((failure for kinds, failure in meanings if isinstance(error, kinds)), Failure(UNUSABLE))


def may_pass(error: BaseException) -> bool:
    """Whether another attempt may go better, and soon."""
    return (
        isinstance(error, Failure)
        and error.passes
        and (error.pause is None or error.pause <= LONGEST_PAUSE_SECONDS)
    )


# "Full jitter" of Marc Brooker, Exponential Backoff and Jitter, AWS Architecture Blog 2015.
_backoff = wait_random_exponential(multiplier=0.25, max=LONGEST_PAUSE_SECONDS)


def pause(state: RetryCallState) -> float:
    """What the server asks for, else longer each time and by chance, so that not all come back at once."""
    error = state.outcome.exception() if state.outcome else None
    return error.pause if isinstance(error, Failure) and error.pause is not None else _backoff(state)


def _refused(status: int, headers: Mapping[str, str]) -> Failure:
    if status in {401, 403}:
        return Failure(WRONG_KEY)
    if status == 404:
        return Failure(UNKNOWN_MODEL)
    if status == 429:
        return Failure(LIMITED, passes=True, pause=_retry_after(headers))
    if status >= 500:
        reason = f"The language model's server failed with status {status}."
        return Failure(reason, passes=status != 501, pause=_retry_after(headers))
    return Failure(f"The language model's server refused the request with status {status}.", of_server=False)


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

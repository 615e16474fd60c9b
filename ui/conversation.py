"""What one person has asked so far and what became of it. Belongs to one person alone."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rag.domain import MAX_HISTORY_TURNS, Answer, Completed, Delta, Filters, Question, Retrieved, Turn
from rag.errors import RagError

if TYPE_CHECKING:
    from rag.wiring import Application

MAX_EXCHANGES = 50

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why there is no answer: the `code` of the error, and its text; without text, a fault of the program."""

    code: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and what became of it: an answer, a problem, or neither while it is worked on or when it was stopped.

    `draft` is provisional text of the answer; `passages` how many are being read, once that is known.
    """

    question: str
    filters: Filters = Filters()
    answer: Answer | None = None
    problem: Problem | None = None
    stopped: bool = False
    draft: str = ""
    passages: int | None = None

    @property
    def pending(self) -> bool:
        """Whether there is more to come."""
        return self.answer is None and self.problem is None and not self.stopped


Conversation = tuple[Exchange, ...]


def follow(
    application: Application, text: str, earlier: Conversation, filters: Filters = Filters()
) -> Iterator[Exchange]:
    """Ask, and tell after each event how the exchange stands. Nothing is raised; the last is not pending."""
    exchange = Exchange(text, filters)
    yield exchange
    try:
        for event in application.pipeline.stream(Question(text, history(earlier), filters)):
            match event:
                case Retrieved(hits=hits):
                    exchange = replace(exchange, passages=len(hits))
                case Delta(text=piece):
                    exchange = replace(exchange, draft=exchange.draft + piece)
                case Completed(answer=answer):
                    exchange = replace(exchange, answer=_without_evidence(answer))
            yield exchange
    except RagError as error:
        yield replace(exchange, problem=Problem(error.code, str(error)))
    except Exception:
        # A person waits in front of the window: whatever breaks, the exchange must come to an end.
        logger.exception("A question could not be answered")
        yield replace(exchange, problem=Problem(RagError.code))


def _without_evidence(answer: Answer) -> Answer:
    """The evidence is the answerer's scratch pad: large, and shown nowhere."""
    return replace(answer, reading=answer.reading and replace(answer.reading, evidence=()))


def history(conversation: Conversation) -> tuple[Turn, ...]:
    """The newest turns that a question may carry; questions that failed are left out."""
    turns = [
        turn
        for exchange in conversation
        if exchange.answer is not None
        for turn in (Turn("user", exchange.question), Turn("assistant", exchange.answer.answer_plain))
    ]
    return tuple(turns[-MAX_HISTORY_TURNS:])


def extended(conversation: Sequence[Exchange], exchange: Exchange) -> Conversation:
    """The conversation with one more exchange; the oldest make room for it."""
    return (*conversation, exchange)[-MAX_EXCHANGES:]


def before(conversation: Conversation, question: str) -> Conversation:
    """What a question comes after: asked again right away, it takes the place of its last try.

    An exchange that was broken off, by closing a connection, say, is given up.
    """
    settled = tuple(exchange for exchange in conversation if not exchange.pending)
    return settled[:-1] if settled and settled[-1].question.strip() == question.strip() else settled


def stopped(conversation: Conversation) -> Conversation:
    """The conversation with what is still being answered given up."""
    return tuple(replace(exchange, stopped=exchange.pending or exchange.stopped) for exchange in conversation)

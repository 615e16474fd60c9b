"""Conversations on the command line: a history from a file, and questions one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from rag.api.requests import Turn as SentTurn
from rag.domain import MAX_HISTORY_TURNS, Answer, Question, Turn
from rag.errors import InvalidInput, InvalidQuestion

_TURNS = TypeAdapter(list[SentTurn])

Ask = Callable[[Question], Answer]


def read_history(file: Path) -> tuple[Turn, ...]:
    """The turns in a JSON file: a list of `{"role", "content"}`, oldest first, as `history` of `POST /ask`.

    Of more than a question may carry the newest are kept.

    Raises:
        InvalidInput: the file cannot be read or is something else; the message names it and what is wrong.
    """
    try:
        sent = _TURNS.validate_json(file.read_bytes())
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise InvalidInput(
            f'{file} is no list of turns {{"role": "user" or "assistant", "content": text}}: {place}: {first["msg"]}.'
        ) from error
    return tuple(Turn(turn.role, turn.content) for turn in sent)[-MAX_HISTORY_TURNS:]


def converse(
    lines: Iterable[str],
    ask: Ask,
    show: Callable[[Question, Answer], None],
    complain: Callable[[str], None],
    top_k: int,
) -> None:
    """Answer each line that is not blank as a question that follows those before it.

    A question that cannot be asked is complained of, and the conversation goes on.
    """
    history: tuple[Turn, ...] = ()
    for line in lines:
        if not line.strip():
            continue
        try:
            question = Question(line, history, top_k=top_k)
        except InvalidQuestion as error:
            complain(str(error))
            continue
        answer = ask(question)
        show(question, answer)
        turns = (*history, Turn("user", question.text), Turn("assistant", answer.answer_plain))
        history = turns[-MAX_HISTORY_TURNS:]

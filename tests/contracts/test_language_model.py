"""What every `LanguageModel` does: the fake, and the real one before a server of each protocol."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

import pytest

from rag.adapters.language_model_servers import connect
from rag.errors import LanguageModelError
from rag.ports import LanguageModel, Message, Usage
from rag.settings import LanguageModelSettings
from tests.fakes import ScriptedLanguageModel
from tests.llm_server import LLMServer, Reply

MESSAGES = (
    Message("system", "Answer from the sources."),
    Message("user", "What did the quay cost?"),
    Message("assistant", "42 million euros."),
    Message("user", "“Why” so much? 為什麼？"),
)
TEXT = "The quay cost 42 million euros, “as planned” [1].\n\nIt opened in May – 五月に開いた。"


@dataclass(frozen=True)
class Subject:
    """A model, a way to say what it is to write (all of it, or a part before it breaks), and what it was asked."""

    model: LanguageModel
    will_write: Callable[[str], None]
    will_break: Callable[[str], None]
    asked: Callable[[], Sequence[Sequence[Message]]]


def fake() -> Subject:
    model = ScriptedLanguageModel()
    return Subject(
        model,
        model.replies.append,
        lambda text: model.replies.append((text, LanguageModelError("The language model broke."))),
        lambda: model.requests,
    )


@pytest.fixture(params=["fake", "openai", "ollama", "anthropic"])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    if request.param == "fake":
        yield fake()
        return
    with LLMServer(request.param) as server:
        settings = LanguageModelSettings(
            provider=request.param, model="scripted", base_url=server.url, retries=0
        )
        with closing(connect(settings)) as model:
            yield Subject(
                model,
                lambda text: server.script(Reply.text(text)),
                lambda text: server.script(Reply.cut_off(text) if text else Reply.status(500)),
                lambda: [request.messages for request in server.requests],
            )


def text_of(events: Iterable[str | Usage]) -> str:
    return "".join(event for event in events if isinstance(event, str))


def test_the_pieces_are_the_text_and_the_tokens_come_last(subject: Subject) -> None:
    subject.will_write(TEXT)
    *pieces, usage = subject.model.write(MESSAGES, 500)
    assert text_of(pieces) == TEXT
    assert len(pieces) > 1
    assert all(pieces)
    assert isinstance(usage, Usage)
    assert usage.read > 0
    assert usage.written > 0


def test_the_messages_arrive_as_they_are(subject: Subject) -> None:
    subject.will_write(TEXT)
    list(subject.model.write(MESSAGES, 500))
    assert [tuple(messages) for messages in subject.asked()] == [MESSAGES]


def test_nothing_is_asked_before_the_first_piece_is_wanted(subject: Subject) -> None:
    subject.model.write(MESSAGES, 500)
    assert list(subject.asked()) == []


def test_no_more_is_written_than_allowed(subject: Subject) -> None:
    subject.will_write("word " * 5_000)
    written = text_of(list(subject.model.write(MESSAGES, 10)))
    assert written.startswith("word word")
    assert len(written) <= 10 * 8


def test_a_failure_before_the_first_piece(subject: Subject) -> None:
    subject.will_break("")
    with pytest.raises(LanguageModelError, match="language model"):
        next(iter(subject.model.write(MESSAGES, 500)))


def test_a_failure_in_the_middle_comes_after_what_was_written(subject: Subject) -> None:
    subject.will_break("The quay cost 42 million")
    pieces = iter(subject.model.write(MESSAGES, 500))
    written: deque[str | Usage] = deque()
    with pytest.raises(LanguageModelError, match="language model"):
        written.extend(pieces)  # appends one by one
    assert text_of(written) == "The quay cost 42 million"


def test_one_that_is_closed_early_writes_the_next_all_the_same(subject: Subject) -> None:
    subject.will_write(TEXT)
    pieces = subject.model.write(MESSAGES, 500)
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    subject.will_write(TEXT)
    assert text_of(list(subject.model.write(MESSAGES, 500))) == TEXT


def test_it_has_a_name(subject: Subject) -> None:
    assert subject.model.name == "scripted"


def test_threads_may_share_it(subject: Subject) -> None:
    for _ in range(24):
        subject.will_write(TEXT)
    with ThreadPoolExecutor(8) as threads:
        written = list(threads.map(lambda _: text_of(list(subject.model.write(MESSAGES, 500))), range(24)))
    assert written == [TEXT] * 24

"""The language model before real servers: good, slow, broken and hostile ones, in every protocol."""

from __future__ import annotations

import logging
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import get_args

import pytest
from llama_index.core.llms import MockLLM

from rag.adapters.circuit_breaker import CircuitBreaker
from rag.adapters.language_model import Backend, Limits, LlamaIndexLanguageModel
from rag.adapters.language_model_failures import (
    BROKEN_OFF,
    LIMITED,
    STOPPED,
    TIMED_OUT,
    TOO_LONG,
    UNKNOWN_MODEL,
    UNREACHABLE,
    UNUSABLE,
    WRONG_KEY,
    Raised,
)
from rag.adapters.language_model_servers import BUILDERS, connect
from rag.errors import InvalidSettings, LanguageModelError
from rag.ports import Message, Usage
from rag.settings import LanguageModelSettings
from tests.llm_protocols import Protocol
from tests.llm_server import LLMServer, Reply, unused_url

PROTOCOLS = get_args(Protocol)
KEY = "sk-not-to-be-seen-4711"
ASK = [Message("system", "Be brief."), Message("user", "What did the quay cost?")]
ANSWER = "The quay cost 42 million euros [1]."

Make = Callable[..., LlamaIndexLanguageModel]


@pytest.fixture(params=PROTOCOLS)
def server(request: pytest.FixtureRequest) -> Iterator[LLMServer]:
    with LLMServer(request.param) as server:
        yield server


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes the model for a server; what is waited between attempts is noted in `model.waits`, and not waited."""
    with ExitStack() as stack:

        def make(
            server: LLMServer | str, protocol: Protocol | None = None, **values: object
        ) -> LlamaIndexLanguageModel:
            provider = protocol or server.protocol  # type: ignore[union-attr]
            url = server if isinstance(server, str) else server.url
            values = {"provider": provider, "model": "scripted", "base_url": url, **values}
            model = connect(LanguageModelSettings(**values))  # type: ignore[arg-type]
            model.waits = []  # type: ignore[attr-defined]

            async def sleep(seconds: float) -> None:
                model.waits.append(seconds)  # type: ignore[attr-defined]

            model._sleep = sleep
            stack.callback(model.close)
            return model

        yield make


def written(model: LlamaIndexLanguageModel, most_tokens: int = 100) -> str:
    return "".join(event for event in model.write(ASK, most_tokens) if isinstance(event, str))


def reason(model: LlamaIndexLanguageModel, most_tokens: int = 100) -> str:
    with pytest.raises(LanguageModelError) as raised:
        written(model, most_tokens)
    return str(raised.value)


@pytest.mark.parametrize("stream", [True, False])
def test_a_good_answer(server: LLMServer, make: Make, stream: bool) -> None:
    server.script(Reply.text(ANSWER, usage=(123, 45)))
    *pieces, usage = make(server, stream=stream).write(ASK, 77)
    assert "".join(map(str, pieces)) == ANSWER
    assert (len(pieces) > 1) is stream
    assert usage == Usage(read=123, written=45)
    (request,) = server.requests
    assert request.stream is stream
    assert request.messages == tuple(ASK)
    assert request.body["model"] == "scripted"
    sent = request.body.get("options", request.body)
    assert sent.get("num_predict", sent.get("max_tokens")) == 77
    assert sent["temperature"] == 0


def test_tokens_that_the_server_does_not_count_are_not_made_up(make: Make) -> None:
    with LLMServer("openai") as server:
        server.script(Reply.text(ANSWER, usage=None))
        assert all(isinstance(event, str) for event in make(server).write(ASK, 100))


def test_a_slow_answer_is_waited_for(server: LLMServer, make: Make) -> None:
    server.script(Reply.slow(ANSWER, before=0.2, between=0.1))
    assert written(make(server, seconds=5)) == ANSWER


def test_an_answer_that_is_too_slow_is_not_waited_for(server: LLMServer, make: Make) -> None:
    server.script(Reply.silent())
    assert reason(make(server, seconds=0.2)) == TIMED_OUT
    assert len(server.requests) == 1
    assert server.requests[0].ended.wait(10)


def test_a_silence_in_the_middle_ends_it(server: LLMServer, make: Make) -> None:
    server.script(Reply.stalled("The quay cost"))
    assert reason(make(server, seconds=0.3)) == BROKEN_OFF
    assert server.requests[0].ended.wait(10)


def test_an_answer_that_is_cut_off_is_no_answer(server: LLMServer, make: Make) -> None:
    server.script(Reply.cut_off("The quay cost 42 m"))
    pieces = make(server).write(ASK, 100)
    shown = [next(pieces), next(pieces)]
    with pytest.raises(LanguageModelError, match=BROKEN_OFF):
        next(pieces)
    assert "".join(map(str, shown)) == "The quay cost 42 m"
    assert len(server.requests) == 1


def test_a_whole_answer_that_is_cut_off_is_asked_for_again(server: LLMServer, make: Make) -> None:
    server.script(Reply.cut_off(ANSWER), Reply.text(ANSWER))
    assert written(make(server, stream=False)) == ANSWER


@pytest.mark.parametrize("stream", [True, False])
def test_garbage(server: LLMServer, make: Make, stream: bool) -> None:
    model = make(server, stream=stream, retries=0)
    for raw in (b"<html>\x00\xff It works!</html>", b'data: {"a": [\n\n', b'{"a": 1}\n'):
        server.script(Reply.garbage(raw))
        assert reason(model) == UNUSABLE, raw


def test_an_answer_without_words(server: LLMServer, make: Make) -> None:
    model = make(server)
    model._breaker = CircuitBreaker(failures=10)
    for reply in (Reply.empty(), Reply.text(" \n "), Reply.text("<think>Hm.</think>")):
        server.script(reply)
        assert reason(model) == UNUSABLE


def test_what_a_model_thinks_is_not_its_answer(server: LLMServer, make: Make) -> None:
    model = make(server)
    server.script(
        Reply.text(f"<think>Let me see.</think>\n{ANSWER}"), Reply.text(ANSWER, thoughts="Let me see.")
    )
    assert [written(model), written(model)] == [ANSWER, ANSWER]


@pytest.mark.parametrize("stream", [True, False])
def test_what_will_not_pass_is_not_tried_again(server: LLMServer, make: Make, stream: bool) -> None:
    refused = "The language model's server refused the request with status 400."
    server.script(*map(Reply.status, (400, 401, 403, 404)))
    model = make(server, stream=stream)
    assert [reason(model) for _ in range(4)] == [refused, WRONG_KEY, WRONG_KEY, UNKNOWN_MODEL]
    assert len(server.requests) == 4


def test_a_server_that_recovers(server: LLMServer, make: Make) -> None:
    server.script(Reply.status(500), Reply.status(503), Reply.text(ANSWER))
    model = make(server)
    assert written(model) == ANSWER
    first, second = model.waits  # type: ignore[attr-defined]
    assert 0 <= first <= 0.25
    assert 0 <= second <= 0.5


def test_a_server_that_does_not_recover(server: LLMServer, make: Make) -> None:
    server.always(Reply.status(500))
    assert reason(make(server, retries=3)) == "The language model's server failed with status 500."
    assert len(server.requests) == 4


def test_the_pause_that_a_server_asks_for_is_made(server: LLMServer, make: Make) -> None:
    server.script(Reply.status(429, retry_after=1.5), Reply.text(ANSWER))
    model = make(server)
    assert written(model) == ANSWER
    assert model.waits == [1.5]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "retry_after",
    [30, format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)],
    ids=["seconds", "date"],
)
def test_a_pause_that_is_too_long_is_not_made(
    server: LLMServer, make: Make, retry_after: float | str
) -> None:
    server.script(Reply.status(429, retry_after=retry_after), Reply.text(ANSWER))
    model = make(server)
    assert reason(model) == LIMITED
    assert model.waits == []  # type: ignore[attr-defined]


def test_a_pause_that_makes_no_sense_is_left_to_chance(server: LLMServer, make: Make) -> None:
    server.script(Reply.status(429, retry_after="soon"), Reply.text(ANSWER))
    model = make(server)
    assert written(model) == ANSWER
    assert len(model.waits) == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("stream", [True, False])
def test_nobody_there(make: Make, protocol: Protocol, stream: bool) -> None:
    model = make(unused_url(), protocol, stream=stream)
    assert reason(model) == UNREACHABLE
    assert len(model.waits) == 2  # type: ignore[attr-defined]


def test_a_reply_that_never_ends_is_cut_at_the_tokens(server: LLMServer, make: Make) -> None:
    server.script(Reply.endless("and so on "))
    assert written(make(server), 100).startswith("and so on and so on")
    assert server.requests[0].ended.wait(10)


def test_a_reply_that_never_ends_is_cut_by_time(server: LLMServer, make: Make) -> None:
    server.script(Reply.endless("and so on ", between=0.05))
    assert reason(make(server, total_seconds=0.5), 10_000) == TOO_LONG
    assert server.requests[0].ended.wait(10)


def test_a_reader_that_goes_away_ends_the_request(server: LLMServer, make: Make) -> None:
    server.script(Reply.endless("and so on ", between=0.05))
    pieces = make(server).write(ASK, 10_000)
    assert next(pieces) == "and so on "
    assert not server.requests[0].ended.is_set()
    pieces.close()
    assert server.requests[0].ended.wait(10)


def test_a_reader_that_is_forgotten_ends_the_request(server: LLMServer, make: Make) -> None:
    server.script(Reply.endless("and so on ", between=0.05))
    assert next(make(server).write(ASK, 10_000)) == "and so on "
    assert server.requests[0].ended.wait(10)


def test_readers_that_go_away_leave_no_connections_behind(server: LLMServer, make: Make) -> None:
    server.always(Reply.text("and so on " * 50))
    model = make(server)
    for _ in range(60):
        with closing(model.write(ASK, 1_000)) as pieces:
            assert [next(pieces) for _ in range(4)]
    until = time.monotonic() + 10
    while server.connections > 2 and time.monotonic() < until:
        time.sleep(0.05)
    assert server.connections <= 2


def test_closing_the_model_ends_its_requests(server: LLMServer, make: Make) -> None:
    server.script(Reply.stalled("and so on "))
    model = make(server)
    pieces = model.write(ASK, 100)
    next(pieces)
    model.close()
    with pytest.raises(LanguageModelError, match=STOPPED):
        list(pieces)
    assert server.requests[0].ended.wait(10)


def test_a_server_that_fails_again_and_again_is_left_alone(server: LLMServer, make: Make) -> None:
    server.always(Reply.status(500))
    clock = Clock()
    model = make(server, retries=0)
    model._breaker = CircuitBreaker(failures=3, seconds=30, clock=clock)
    for _ in range(3):
        assert reason(model) == "The language model's server failed with status 500."
    left_alone = reason(model)
    assert "is being left alone" in left_alone
    assert left_alone.endswith("The language model's server failed with status 500.")
    assert len(server.requests) == 3
    clock.now += 30
    server.always(Reply.text(ANSWER))
    assert written(model) == ANSWER
    assert written(model) == ANSWER


def test_a_request_that_is_refused_does_not_speak_against_the_server(server: LLMServer, make: Make) -> None:
    server.script(*[Reply.status(400)] * 5, Reply.text(ANSWER))
    model = make(server)
    for _ in range(5):
        assert "status 400" in reason(model)
    assert written(model) == ANSWER


def test_readers_that_go_away_do_not_speak_against_the_server(server: LLMServer, make: Make) -> None:
    server.script(*[Reply.stalled("and so on ")] * 5, Reply.text(ANSWER))
    model = make(server)
    for _ in range(5):
        with closing(model.write(ASK, 100)) as pieces:
            next(pieces)
    assert written(model) == ANSWER


def test_without_a_name_the_only_model_is_asked(server: LLMServer, make: Make) -> None:
    server.models = ["harbour-7b"]
    server.script(Reply.text(ANSWER), Reply.text(ANSWER))
    model = make(server, model="")
    assert model.name == ""
    assert written(model) == ANSWER
    assert model.name == "harbour-7b"
    assert server.requests[0].body["model"] == "harbour-7b"


def test_a_server_that_changes_its_only_model_is_followed(server: LLMServer, make: Make) -> None:
    server.script(Reply.text(ANSWER), Reply.status(404), Reply.text(ANSWER))
    model = make(server, model="")
    assert written(model) == ANSWER
    server.models = ["quay-70b"]
    assert reason(model) == UNKNOWN_MODEL
    assert written(model) == ANSWER
    assert server.requests[-1].body["model"] == "quay-70b"


@pytest.mark.parametrize("models", [[], ["harbour-7b", "quay-70b"], None])
def test_without_a_name_and_without_one_model_the_setting_is_named(
    server: LLMServer, make: Make, models: list[str] | None
) -> None:
    server.models = models
    why = reason(make(server, model=""))
    if models is None:
        assert why == UNKNOWN_MODEL
    else:
        assert "RAG_LLM__MODEL" in why
        assert (", ".join(models) or "none") in why
    assert server.requests == []


def test_the_check_says_which_model_writes(server: LLMServer, make: Make) -> None:
    server.script(Reply.endless())
    assert make(server).check() == "scripted"
    assert server.requests[0].ended.wait(10)


def test_the_check_names_the_models_that_there_are(server: LLMServer, make: Make) -> None:
    server.models = [f"model-{number:02}" for number in range(12)]
    server.script(Reply.status(404))
    with pytest.raises(
        LanguageModelError, match=r"'scripted' is not among its models: model-00, .* and 2 more"
    ):
        make(server).check()


def test_the_check_says_what_to_do(server: LLMServer, make: Make) -> None:
    server.key = KEY
    with pytest.raises(LanguageModelError, match="Set RAG_LLM__API_KEY"):
        make(server, api_key="another").check()
    with pytest.raises(LanguageModelError, match="See that the server runs"):
        make(unused_url(), server.protocol).check()


def test_the_key_goes_to_the_server_and_nowhere_else(
    server: LLMServer, make: Make, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    server.key = KEY
    server.script(Reply.text(ANSWER), Reply.status(500, message=f"You sent {KEY}."))
    model = make(server, api_key=f" {KEY}\n", retries=0)
    assert written(model) == ANSWER
    seen = [repr(model), repr(vars(model)), repr(LanguageModelSettings(provider="ollama", api_key=KEY))]
    for failing in (
        model,
        make(unused_url(), server.protocol, api_key=KEY),
        make(server, api_key=f"{KEY}-wrong"),
    ):
        with pytest.raises(LanguageModelError) as raised:
            written(failing)
        seen += traceback.format_exception(raised.value)
    shown = "\n".join([*seen, caplog.text, *capfd.readouterr()])
    assert KEY not in shown


def test_no_key_of_the_environment_goes_to_a_server_that_was_not_meant(
    server: LLMServer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "OLLAMA_API_KEY"):
        monkeypatch.setenv(name, KEY)
    for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE", "ANTHROPIC_BASE_URL", "OLLAMA_HOST"):
        monkeypatch.setenv(name, unused_url())
    server.script(Reply.text(ANSWER))
    assert written(make(server)) == ANSWER
    assert KEY not in str(server.requests)


def test_the_address_may_be_given_with_its_version_or_without(server: LLMServer, make: Make) -> None:
    server.always(Reply.text(ANSWER))
    for ending in ("", "/", "/v1", "/v1/"):
        assert written(make(server.url.removesuffix("/v1") + ending, server.protocol)) == ANSWER


@pytest.mark.parametrize("provider", BUILDERS)
def test_a_library_that_is_not_installed_is_named(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, provider, None)
    settings = LanguageModelSettings(provider=provider, model="m", base_url=unused_url())  # type: ignore[arg-type]
    with pytest.raises(InvalidSettings, match=rf"pip install 'mission-record\[{provider}\]'"):
        connect(settings)


def test_a_model_that_cannot_chat_is_named() -> None:
    settings = LanguageModelSettings(provider="openai", model="gpt-5.2-pro", base_url=unused_url())
    with pytest.raises(InvalidSettings, match=r"RAG_LLM__MODEL = 'gpt-5\.2-pro'"):
        connect(settings)


def test_any_llm_of_llama_index_will_do() -> None:
    async def nothing() -> None:
        """MockLLM has no connection."""

    async def models() -> list[str]:
        return ["mock"]

    backend = Backend(
        MockLLM(max_tokens=3),
        limited=lambda most_tokens: {"max_tokens": most_tokens},
        finished=lambda _: True,
        models=models,
        close=nothing,
        raised=Raised(),
    )
    with closing(LlamaIndexLanguageModel(backend, "", Limits(retries=0))) as model:
        assert written(model)
        assert model.name == "mock"


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now

"""What servers of language models are asked, what they reply, and how each protocol puts that on the wire."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from rag.ports import Message

Protocol = Literal["openai", "ollama", "anthropic"]
FOREVER = float("inf")
_PIECE = 12


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server does when it is asked: the seconds `before` it and `between` pieces, what comes `after` them."""

    pieces: tuple[str, ...] = ()
    before: float = 0.0
    between: float = 0.0
    after: Literal["end", "drop", "hang", "repeat"] = "end"
    code: int = 200
    retry_after: str | None = None
    raw: bytes | None = None
    thoughts: str = ""
    usage: tuple[int, int] | None = (11, 7)

    @classmethod
    def text(cls, text: str, usage: tuple[int, int] | None = (11, 7), thoughts: str = "") -> Reply:
        """A good answer, in pieces of a few characters; `usage` are the tokens read and written."""
        return cls(_pieces(text), usage=usage, thoughts=thoughts)

    @classmethod
    def slow(cls, text: str, before: float = 0.0, between: float = 0.0) -> Reply:
        """A good answer that takes its time: `before` the first byte, and `between` two pieces."""
        return cls(_pieces(text), before=before, between=between)

    @classmethod
    def silent(cls) -> Reply:
        """The request is taken, and nothing ever comes back."""
        return cls(before=FOREVER)

    @classmethod
    def cut_off(cls, text: str) -> Reply:
        """The connection breaks after `text`."""
        return cls(_pieces(text), after="drop")

    @classmethod
    def stalled(cls, text: str) -> Reply:
        """Nothing comes after `text`, but the connection stays."""
        return cls(_pieces(text), after="hang")

    @classmethod
    def endless(cls, piece: str = "and so on ", between: float = 0.0) -> Reply:
        """The same piece, until the client goes away."""
        return cls((piece,), between=between, after="repeat")

    @classmethod
    def empty(cls) -> Reply:
        """A well-formed answer without any text."""
        return cls()

    @classmethod
    def garbage(cls, raw: bytes = b"<html>\x00\xff It works! </html>") -> Reply:
        """Status 200, and a body that is not the protocol."""
        return cls(raw=raw)

    @classmethod
    def status(cls, code: int, retry_after: float | str | None = None, message: str = "scripted") -> Reply:
        """An error as the protocol words it."""
        return cls((message,), code=code, retry_after=None if retry_after is None else str(retry_after))


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent, and whether it wants pieces. `ended` is set if it goes away before the reply is complete."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    stream: bool
    ended: threading.Event = field(default_factory=threading.Event, compare=False)

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages, a system prompt that stands apart from them first."""
        system = self.body.get("system")
        apart = [Message("system", _flat(system))] if system else []
        return (
            *apart,
            *(Message(one["role"], _flat(one["content"])) for one in self.body.get("messages", ())),
        )


Scripted = Reply | Callable[[Request], Reply]


class _OpenAI:
    """https://platform.openai.com/docs/api-reference/chat"""

    base, content_type, streams_unasked = "/v1", "text/event-stream", False
    asks, lists = "/v1/chat/completions", "/v1/models"

    def allows(self, key: str, headers: Mapping[str, str]) -> bool:
        return headers.get("authorization") == f"Bearer {key}"

    def listing(self, models: Sequence[str]) -> object:
        return {"object": "list", "data": [{"id": model, "object": "model"} for model in models]}

    def error(self, code: int, message: str) -> object:
        return {"error": {"message": message, "type": "scripted_error", "code": str(code)}}

    def start(self, request: Request, reply: Reply) -> Iterator[bytes]:
        yield self._chunk(request, {"role": "assistant", "content": ""})
        if reply.thoughts:
            yield self._chunk(request, {"reasoning_content": reply.thoughts})

    def piece(self, request: Request, piece: str) -> bytes:
        return self._chunk(request, {"content": piece})

    def end(self, request: Request, usage: tuple[int, int] | None) -> Iterator[bytes]:
        yield self._chunk(request, {}, finish_reason="stop")
        if usage and request.body.get("stream_options", {}).get("include_usage"):
            chunk = self._head(request, "chat.completion.chunk")
            yield _event({**chunk, "choices": [], "usage": self._usage(usage)})
        yield b"data: [DONE]\n\n"

    def whole(self, request: Request, reply: Reply) -> object:
        message = {"role": "assistant", "content": "".join(reply.pieces)}
        usage = {"usage": self._usage(reply.usage)} if reply.usage else {}
        choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
        return {**self._head(request, "chat.completion"), "choices": choices, **usage}

    def _chunk(self, request: Request, delta: Mapping[str, str], finish_reason: str | None = None) -> bytes:
        choices = [{"index": 0, "delta": delta, "finish_reason": finish_reason}]
        return _event({**self._head(request, "chat.completion.chunk"), "choices": choices})

    def _head(self, request: Request, kind: str) -> dict[str, object]:
        return {"id": "scripted-1", "object": kind, "created": 1, "model": request.body.get("model")}

    def _usage(self, usage: tuple[int, int]) -> object:
        read, written = usage
        return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


class _Ollama:
    """https://github.com/ollama/ollama/blob/main/docs/api.md"""

    base, content_type, streams_unasked = "", "application/x-ndjson", True
    asks, lists = "/api/chat", "/api/tags"

    def allows(self, key: str, headers: Mapping[str, str]) -> bool:
        return headers.get("authorization") == f"Bearer {key}"

    def listing(self, models: Sequence[str]) -> object:
        return {"models": [{"name": model, "model": model} for model in models]}

    def error(self, code: int, message: str) -> object:
        return {"error": message}

    def start(self, request: Request, reply: Reply) -> Iterator[bytes]:
        if reply.thoughts:
            yield self._line(request, {"content": "", "thinking": reply.thoughts})

    def piece(self, request: Request, piece: str) -> bytes:
        return self._line(request, {"content": piece})

    def end(self, request: Request, usage: tuple[int, int] | None) -> Iterator[bytes]:
        yield self._line(request, {"content": ""}, **self._done(usage))

    def whole(self, request: Request, reply: Reply) -> object:
        return json.loads(self._line(request, {"content": "".join(reply.pieces)}, **self._done(reply.usage)))

    def _line(self, request: Request, message: Mapping[str, str], **values: object) -> bytes:
        line = {
            "model": request.body.get("model"),
            "created_at": "2025-04-21T09:00:00.000000Z",
            "message": {"role": "assistant", **message},
            "done": False,
        }
        return json.dumps({**line, **values}).encode() + b"\n"

    def _done(self, usage: tuple[int, int] | None) -> dict[str, object]:
        counts = {"prompt_eval_count": usage[0], "eval_count": usage[1]} if usage else {}
        return {"done": True, "done_reason": "stop", **counts}


class _Anthropic:
    """https://docs.anthropic.com/en/api/messages-streaming"""

    base, content_type, streams_unasked = "", "text/event-stream", False
    asks, lists = "/v1/messages", "/v1/models"

    def allows(self, key: str, headers: Mapping[str, str]) -> bool:
        return headers.get("x-api-key") == key

    def listing(self, models: Sequence[str]) -> object:
        data = [
            {"type": "model", "id": model, "display_name": model, "created_at": "2025-04-21T09:00:00Z"}
            for model in models
        ]
        return {"data": data, "has_more": False, "first_id": None, "last_id": None}

    def error(self, code: int, message: str) -> object:
        return {"type": "error", "error": {"type": "scripted_error", "message": message}}

    def start(self, request: Request, reply: Reply) -> Iterator[bytes]:
        counts = {"input_tokens": reply.usage[0] if reply.usage else 0, "output_tokens": 1}
        yield self._event("message_start", message={**self._message(request), "content": [], "usage": counts})
        block = {"type": "text", "text": ""}
        yield self._event("content_block_start", index=0, content_block=block)

    def piece(self, request: Request, piece: str) -> bytes:
        return self._event("content_block_delta", index=0, delta={"type": "text_delta", "text": piece})

    def end(self, request: Request, usage: tuple[int, int] | None) -> Iterator[bytes]:
        yield self._event("content_block_stop", index=0)
        stop = {"stop_reason": "end_turn", "stop_sequence": None}
        yield self._event("message_delta", delta=stop, usage={"output_tokens": usage[1] if usage else 0})
        yield self._event("message_stop")

    def whole(self, request: Request, reply: Reply) -> object:
        read, written = reply.usage or (0, 0)
        return {
            **self._message(request),
            "content": [{"type": "text", "text": "".join(reply.pieces)}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": read, "output_tokens": written},
        }

    def _message(self, request: Request) -> dict[str, object]:
        return {
            "id": "msg_scripted",
            "type": "message",
            "role": "assistant",
            "model": request.body.get("model"),
            "stop_reason": None,
            "stop_sequence": None,
        }

    def _event(self, kind: str, **values: object) -> bytes:
        return f"event: {kind}\n".encode() + _event({"type": kind, **values})


Speech = _OpenAI | _Ollama | _Anthropic
SPEECH: Mapping[Protocol, Speech] = {"openai": _OpenAI(), "ollama": _Ollama(), "anthropic": _Anthropic()}


def _pieces(text: str) -> tuple[str, ...]:
    return tuple(text[start : start + _PIECE] for start in range(0, len(text), _PIECE))


def _flat(content: str | Sequence[Mapping[str, str]]) -> str:
    """The text of a message that may be given in blocks."""
    return content if isinstance(content, str) else "".join(block.get("text", "") for block in content)


def _event(values: object) -> bytes:
    return b"data: " + json.dumps(values).encode() + b"\n\n"

"""What happens to every request, whichever route or mounted application answers it."""

from __future__ import annotations

import logging
import re
import time
import uuid
from contextlib import nullcontext
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag import logs
from rag.api.errors import CLIENT_GONE, describe, of_the_framework, problem_response
from rag.metrics import Metrics

if TYPE_CHECKING:
    from rag.telemetry import Telemetry

logger = logging.getLogger(__name__)

UNMATCHED = "unmatched"
_LONGEST_METHOD = 20
# How the templates of routes end that give out files, here and in the window.
_FILES = ("/*", "{path:path}", "/theme.css")

REQUEST_ID_HEADER = "X-Request-ID"

_ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

# What FastAPI and Starlette answer with when no code of an application was reached.
_BARE_BODIES = frozenset(
    {b'{"detail":"Not Found"}', b'{"detail":"Method Not Allowed"}', b"Content Too Large"}
)
_BARE_STATUSES = frozenset({404, 405, 413})

_DEFAULT_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Observed:
    """Counts and times every request, and writes a line for it, and a span where there is `telemetry`.

    The outermost, so that it sees what was answered.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, telemetry: Telemetry | None = None) -> None:
        self._app = app
        self._metrics = metrics
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = CLIENT_GONE  # unless there is a response

        async def send_observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self._telemetry.request(Headers(scope=scope)) if self._telemetry else nullcontext():
            try:
                await self._app(scope, receive, send_observed)
            finally:
                self._tell(scope, status, time.perf_counter() - began)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        route = route_of(scope)
        self._metrics.request(scope["method"], route, status, seconds)
        state = scope["state"]
        if self._telemetry:
            self._telemetry.answered(scope["method"], route, status, state["request_id"])
        key = state.get("key")
        # A visit to the window loads dozens of files.
        level = logging.DEBUG if route.endswith(_FILES) and status < 400 else logging.INFO
        told = {
            "request_id": state["request_id"],
            "method": scope["method"][:_LONGEST_METHOD],
            "route": route,
            "status": status,
            "ms": round(seconds * 1_000, 3),
            "key": key.name if key else None,
        }
        logger.log(level, "request", extra=told)


def route_of(scope: Scope) -> str:
    """The template of the path, as `/documents/{document_id}`; `/page-assets/*` for all that is mounted there."""
    path = getattr(scope.get("route"), "path", None)
    if path is not None:
        return str(path)
    mounted_at = scope.get("root_path", "")
    return f"{mounted_at}/*" if mounted_at else UNMATCHED


class RequestIdentity:
    """Gives each request an id, puts it on the response, and answers for errors that nothing else caught.

    An id that the client sent is kept if it has at most 64 letters, digits, dots, hyphens and underscores.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
        request_id = sent if _ACCEPTED_ID.fullmatch(sent) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        logs.request_id.set(request_id)
        started = False

        async def send_identified(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_identified)
        except Exception as error:
            body = describe(error, request_id)
            if started:  # too late to say anything: the server breaks the connection off
                raise
            await problem_response(body)(scope, receive, send_identified)


class SecurityHeaders:
    """Puts on each response what keeps a browser from doing more with it than was meant.

    Pages bring a policy of their own for what they load; anything else may load nothing and be framed by nobody.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _DEFAULT_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_guarded)


class BareErrors:
    """Turns errors that the framework answered by itself, here or in a mounted application, into problems.

    A mounted application knows nothing of this one's errors, and the framework's limit on bodies answers in
    plain text. Errors that some application's own code described are left alone.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        held: Message | None = None

        async def send_described(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start" and message["status"] in _BARE_STATUSES:
                held = message
                return
            start, held = held, None
            if start is not None and message.get("body") in _BARE_BODIES and not message.get("more_body"):
                body = of_the_framework(start["status"], scope["state"]["request_id"])
                allow = Headers(raw=start["headers"]).get("Allow")
                await problem_response(body, {"Allow": allow} if allow else None)(scope, receive, send)
                return
            if start is not None:
                await send(start)
            await send(message)

        await self._app(scope, receive, send_described)

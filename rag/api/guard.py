"""Who may come in: every request passes here first, whichever route or mounted application it is for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag import keys
from rag.api import page
from rag.api.errors import problem, problem_response
from rag.api.negotiation import prefers
from rag.api.rate import RateLimit, network_of
from rag.api.schemas import Problem
from rag.keys import Key, KeyFile

COOKIE = "mission-record-key"
SIGN_IN_PATH = "/sign-in"
ANY_HOST = "*"

_HEALTH_PATH = "/healthz"
# The program's own style sheets and scripts, which the page to sign in needs; nothing of the record.
_PUBLIC_PREFIX = page.ASSETS_PATH + "/"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_ADMIN_PATHS = frozenset({"/metrics"})
# What is sent to these changes no document. Sent to any other path, also one that is yet to be written, it may.
_ASKING_PATHS = frozenset({"/ask", "/search", "/feedback", SIGN_IN_PATH, "/sign-out"})
_ASKING_QUEUE = re.compile(r"(/[A-Za-z-]+)?/gradio_api/.*")  # of the chat window in each of its languages


@dataclass(frozen=True, slots=True)
class Rules:
    """What the guard goes by. `hosts`: the names under which the server may be called; `origins`: the other sites whose
    pages may call it; `open_allowed`: whether, as long as there are no keys, none is asked for.
    """

    hosts: frozenset[str] = frozenset({ANY_HOST})
    origins: frozenset[str] = frozenset()
    open_allowed: bool = True
    per_minute: int = 0


def scope_needed(method: str, path: str) -> keys.Scope:
    """What a key must be for. Unknown ways to change something need more than to ask."""
    if path in _ADMIN_PATHS:
        return keys.Scope.ADMIN
    if method in _SAFE_METHODS or path in _ASKING_PATHS or _ASKING_QUEUE.fullmatch(path):
        return keys.Scope.ASK
    return keys.Scope.INGEST


class Guard:
    """Checks, in this order: the host's name, how fast the client asks, where the call comes from, and its key.

    The key that let a request in is left in `scope["state"]["key"]`, and what it is for in `scope["state"]["scope"]`:
    ADMIN where no key is needed. Mounted applications whose calls all go to one path can ask there what is permitted.
    """

    def __init__(self, app: ASGIApp, key_file: KeyFile, rules: Rules) -> None:
        self._app = app
        self._key_file = key_file
        self._rules = rules
        self._rate = RateLimit(rules.per_minute)
        self._closed = not rules.open_allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":  # nothing here speaks it
            await send({"type": "websocket.close", "code": 1008})
            return
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        if refusal is not None:
            await refusal(scope, receive, send)
        elif scope.get("state", {}).get("key") is not None:
            await self._app(scope, receive, _kept_private(send))
        else:
            await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        """The response to a request that may not come in."""
        headers, path = Headers(scope=scope), _path(scope)
        if path == _HEALTH_PATH:
            return None
        if not self._is_called_by_its_name(headers):
            return _refused(
                scope,
                "misdirected",
                "This server does not answer to that Host. Call it by another name, or name it in RAG_ALLOWED_HOSTS.",
            )
        key = self._key_of(headers)
        scope["state"]["key"] = key
        wait = self._rate.take(f"key {key.name}" if key else network_of((scope.get("client") or ("",))[0]))
        if wait:
            return _refused(
                scope, "rate_limited", f"Too many requests. Try again in {wait} s.", retry_after=wait
            )
        if not self._comes_from_here(scope["method"], headers):
            return _refused(
                scope, "forbidden", "A page of another site may not do this. Name it in RAG_CORS_ORIGINS."
            )
        return self._without_permission(scope, headers, path, key)

    def _without_permission(
        self, scope: Scope, headers: Headers, path: str, key: Key | None
    ) -> Response | None:
        # A server that has once seen a key stays closed, even if somebody deletes the file.
        self._closed = self._closed or bool(self._key_file.stored())
        if not self._closed:
            scope["state"]["scope"] = keys.Scope.ADMIN
        elif key is not None:
            scope["state"]["scope"] = key.scope
        if not self._closed or path == SIGN_IN_PATH or path.startswith(_PUBLIC_PREFIX):
            return None
        if key is None:
            return _unknown(scope, headers)
        needed = scope_needed(scope["method"], path)
        if key.scope < needed:
            detail = f"The key {key.name} is for {key.scope.label}; this needs one for {needed.label}."
            return _refused(scope, "forbidden", detail)
        return None

    def _key_of(self, headers: Headers) -> Key | None:
        token = token_of(headers)
        return self._key_file.match(token) if token else None

    def _is_called_by_its_name(self, headers: Headers) -> bool:
        """Otherwise any site's page could reach a server on this machine by a name of its own (DNS rebinding)."""
        if ANY_HOST in self._rules.hosts:
            return True
        try:
            name = urlsplit(f"//{headers.get('Host', '')}").hostname
        except ValueError:
            return False
        return name in self._rules.hosts

    def _comes_from_here(self, method: str, headers: Headers) -> bool:
        """Whether no page of another site sent this; a browser would send its cookies along, or reach this machine.

        After "Cross-Site Request Forgery" by Filippo Valsorda (2025), as Go's http.CrossOriginProtection does it.
        """
        origin = headers.get("Origin", "")
        if method in _SAFE_METHODS or origin in self._rules.origins:
            return True
        site = headers.get("Sec-Fetch-Site")
        if site is not None:
            return site in ("same-origin", "none")
        # Neither header: no browser. One without the first, over plain HTTP, is known by the second.
        return not origin or urlsplit(origin).netloc == headers.get("Host", "")


def _kept_private(send: Send) -> Send:
    """Has caches on the way to a browser leave alone what was shown to the holder of a key."""

    async def send_private(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).setdefault("Cache-Control", "private, no-cache")
        await send(message)

    return send_private


def token_of(headers: Headers) -> str:
    """The key that a request brings: in the Authorization header, else in the cookie; empty for none."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    try:
        cookie = SimpleCookie(headers.get("Cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return cookie.value if cookie else ""


def _unknown(scope: Scope, headers: Headers) -> Response:
    challenge = 'Bearer realm="mission-record"'
    if "Authorization" in headers:
        challenge += ', error="invalid_token"'
    if scope["method"] == "GET" and prefers(headers.get("Accept", ""), "text/html"):
        return HTMLResponse(
            page.sign_in_page(address_of(scope)),
            401,
            headers={"WWW-Authenticate": challenge, "Vary": "Accept, Cookie", **page.SIGN_IN_HEADERS},
        )
    detail = "This needs an API key of this server: send `Authorization: Bearer KEY`, or sign in at /sign-in."
    return _refused(scope, "unauthorized", detail, {"WWW-Authenticate": challenge})


def address_of(scope: Scope) -> str:
    """The path and query that were asked for."""
    query = scope.get("query_string", b"").decode("ascii", "replace")
    path = scope.get("raw_path", b"").decode("ascii", "replace").partition("?")[0] or scope["path"]
    return f"{path}?{query}" if query else str(path)


def _refused(
    scope: Scope,
    code: str,
    detail: str,
    headers: dict[str, str] | None = None,
    retry_after: int | None = None,
) -> Response:
    body: Problem = problem(code, detail, scope["state"]["request_id"], retry_after=retry_after)
    return problem_response(body, headers)


def _path(scope: Scope) -> str:
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))

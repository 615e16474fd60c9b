"""Which language a visitor's window is in: the one chosen before, else the one that the browser asks for first."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.messages import DEFAULT_LANGUAGE, LANGUAGES

COOKIE = "mission-record-language"
_A_YEAR = 365 * 24 * 3600
_VARYING = {"Vary": "Accept-Language, Cookie"}


def path_of(language: str) -> str:
    """Where the window in this language is: `/` for the default, else `/ja/`."""
    return "/" if language == DEFAULT_LANGUAGE else f"/{language}/"


def preferred(accept_language: str) -> str:
    """The language of the window that the header of RFC 9110 (section 12.5.4) wants most; the default for none."""
    wanted: list[tuple[float, int, str]] = []
    for position, item in enumerate(accept_language.split(",")):
        tag, _, quality = item.partition(";")
        wanted.append((-_quality(quality), position, tag.strip().lower()))
    for weight, _, tag in sorted(wanted):
        for language in LANGUAGES if weight else ():
            # Chinese is offered in one script, which readers of the other are better served by than by English.
            if tag.split("-")[0] == language.split("-")[0]:
                return language
    return DEFAULT_LANGUAGE


def _quality(parameter: str) -> float:
    try:
        return float(parameter.strip().removeprefix("q=")) if parameter.strip() else 1.0
    except ValueError:
        return 0.0


class LedByLanguage:
    """Around the window at `/`: leads a visitor to the one in their language; `/?language=ja` chooses one for good."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        if scope["type"] != "http" or scope["path"].removeprefix(scope.get("root_path", "")) not in ("", "/"):
            await self._app(scope, receive, send)
            return
        chosen = QueryParams(scope["query_string"]).get("language", "")
        if chosen in LANGUAGES:
            response = RedirectResponse("." + path_of(chosen), 303)
            response.set_cookie(COOKIE, chosen, max_age=_A_YEAR, samesite="lax", httponly=True)
            await response(scope, receive, send)
            return
        language = cookie_parser(headers.get("Cookie", "")).get(COOKIE, "")
        if language not in LANGUAGES:
            language = preferred(headers.get("Accept-Language", ""))
        if language != DEFAULT_LANGUAGE:
            await RedirectResponse("." + path_of(language), 307, _VARYING)(scope, receive, send)
            return

        async def send_varying(told: Message) -> None:
            if told["type"] == "http.response.start":
                MutableHeaders(scope=told).update(_VARYING)
            await send(told)

        await self._app(scope, receive, send_varying)

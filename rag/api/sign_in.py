"""Signing in to the pages with an API key, which the browser then keeps in a cookie that no script can read."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from rag.api import page
from rag.api.guard import COOKIE, SIGN_IN_PATH

_LONGEST_TOKEN = 200
_LONGEST_ADDRESS = 4_000
_COOKIE_SECONDS = 30 * 24 * 3600

router = APIRouter(max_body_size=16 * 1024, include_in_schema=False)


@router.get(SIGN_IN_PATH)
async def sign_in_page(request: Request) -> HTMLResponse:
    """The form; for one who is signed in, the way out."""
    key = request.state.key
    return _page(page.sign_in_page("/", signed_in=key.name if key else None), 200)


@router.post(SIGN_IN_PATH)
def sign_in(
    request: Request,
    key: Annotated[str, Form(max_length=_LONGEST_TOKEN)] = "",
    following: Annotated[str, Form(alias="next", max_length=_LONGEST_ADDRESS)] = "/",
) -> Response:
    """Keep the key in a cookie and go on to where one was going, or say that it is none."""
    following = following if _is_local(following) else "/"
    if request.app.state.key_file.match(key.strip()) is None:
        return _page(page.sign_in_page(following, failed=True), 401)
    response = RedirectResponse(following, 303)
    response.set_cookie(
        COOKIE,
        key.strip(),
        max_age=_COOKIE_SECONDS,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return response


@router.post("/sign-out")
async def sign_out() -> Response:
    """Forget the key."""
    response = RedirectResponse(SIGN_IN_PATH, 303)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response


def _page(content: str, status: int) -> HTMLResponse:
    return HTMLResponse(content, status, headers=page.SIGN_IN_HEADERS)


def _is_local(address: str) -> bool:
    """Whether an address stays on this server: browsers read `//` and `/\\` as the beginning of another host."""
    return address.startswith("/") and address[1:2] not in ("/", "\\") and address.isprintable()

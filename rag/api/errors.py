"""Every error as `application/problem+json` (RFC 9457), described in one table and in no other words."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import CancelledError
from itertools import islice
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from rag.api.requests import MAX_JSON_BYTES
from rag.api.schemas import FieldError, Problem
from rag.errors import RagError

logger = logging.getLogger(__name__)

PROBLEM_MEDIA_TYPE = "application/problem+json"

# For the log alone: a client that has gone away reads no response. The number that nginx gives to it.
CLIENT_GONE = 499

# code -> status and title. What is not here is `internal`: its text is logged, never sent.
PROBLEMS: Mapping[str, tuple[int, str]] = {
    "unauthorized": (401, "Not signed in"),
    "forbidden": (403, "Not allowed"),
    "not_found": (404, "Not found"),
    "method_not_allowed": (405, "Method not allowed"),
    "no_llm": (409, "No language model is configured"),
    "index_busy": (409, "The index is being written"),
    "too_large": (413, "Too large"),
    "unsupported_type": (415, "Unsupported type of file"),
    "invalid_request": (422, "Invalid request"),
    "invalid_document": (422, "Invalid document"),
    "misdirected": (421, "Not the host that was called"),
    "too_busy": (429, "Too busy"),
    "rate_limited": (429, "Too many requests"),
    "internal": (500, "Internal error"),
    "index_empty": (503, "The index is empty"),
    "index_mismatch": (503, "The index does not fit this program"),
    "not_ready": (503, "Not ready"),
    "timed_out": (504, "Timed out"),
}

# Errors of the program that no request can cause.
NOT_OF_A_REQUEST = frozenset({"address_in_use", "open_to_all"})

# What the framework's own errors mean here. It gives 400 only for a body that is not JSON in UTF-8.
_OF_THE_FRAMEWORK: Mapping[int, tuple[str, str]] = {
    400: ("invalid_request", "The body is not JSON in UTF-8."),
    404: ("not_found", "There is nothing at this path. /docs describes what there is."),
    405: ("method_not_allowed", "This path takes other methods: those that the Allow header names."),
    413: (
        "too_large",
        f"The body is larger than what is read here: {MAX_JSON_BYTES:,} bytes, or of files what RAG_UPLOAD_MB allows."
        " Shorten it.",
    ),
}

_NOT_AN_OBJECT = frozenset({"missing", "model_attributes_type", "model_type", "dict_type"})
_MOST_FIELDS = 20
_LONGEST_FIELD = 100


def problem(
    code: str,
    detail: str,
    request_id: str,
    errors: Iterable[FieldError] | None = None,
    retry_after: int | None = None,
) -> Problem:
    """The description of an error; `code` must be in `PROBLEMS`."""
    status, title = PROBLEMS[code]
    return Problem(
        type=f"urn:problem-type:mission-record:{code}",
        title=title,
        status=status,
        detail=detail,
        code=code,
        request_id=request_id,
        errors=list(errors) if errors is not None else None,
        retry_after=retry_after,
    )


def describe(error: Exception, request_id: str) -> Problem:
    """What is told of an error: the message of one raised on purpose; of any other, only that it happened."""
    code = error.code if isinstance(error, RagError) else "internal"
    if code in PROBLEMS and code != "internal":
        assert isinstance(error, RagError)
        return problem(code, str(error), request_id, retry_after=error.retry_after)
    logger.error("Request %s failed", request_id, exc_info=error)
    return problem(
        "internal", "Something went wrong here. The log holds it under this request_id.", request_id
    )


def of_the_framework(status: int, request_id: str) -> Problem:
    """What is told of a response that the framework made for an error of its own."""
    code, detail = _OF_THE_FRAMEWORK.get(status, ("internal", "Something went wrong here."))
    errors = [FieldError(field="body", message=detail)] if code == "invalid_request" else None
    return problem(code, detail, request_id, errors)


def problem_response(body: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """The response that carries a problem."""
    # Names of fields come from the request; they may hold unpaired surrogates, which only escapes can carry.
    content = json.dumps(body.model_dump()).encode("ascii")
    response = Response(content, body.status, headers, media_type=PROBLEM_MEDIA_TYPE)
    if body.retry_after is not None:
        response.headers["Retry-After"] = str(body.retry_after)
    return response


def request_id_of(request: Request) -> str:
    """The id that `RequestIdentity` gave to the request."""
    return str(request.state.request_id)


def install(app: FastAPI) -> None:
    """Make `app` answer errors with problems. Those that no handler knows are for `RequestIdentity`."""
    app.add_exception_handler(RagError, _on_rag_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(CancelledError, _on_cancelled)


async def _on_rag_error(request: Request, error: Exception) -> Response:
    return problem_response(describe(error, request_id_of(request)))


async def _on_cancelled(_request: Request, _error: Exception) -> Response:
    return Response(status_code=CLIENT_GONE)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 400 and request.headers.get("Content-Type", "").startswith("multipart/"):
        message = "The body is not multipart/form-data, or holds more files than RAG_UPLOAD_FILES allows."
        errors = [FieldError(field="body", message=message)]
        return problem_response(problem("invalid_request", message, request_id_of(request), errors))
    headers = error.headers
    if error.status_code == 405 and (methods := set(_methods(request.scope, request.app.routes))):
        # The framework names those of the first route at this path alone; all of them are wanted (RFC 9110, 10.2.1).
        headers = {"Allow": ", ".join(sorted(methods))}
    return problem_response(of_the_framework(error.status_code, request_id_of(request)), headers)


def _methods(scope: Scope, routes: Iterable[BaseRoute]) -> Iterator[str]:
    """The methods that the routes at the path of a request take."""
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from _methods(scope, included.routes)
        elif isinstance(route, Route) and route.matches(scope)[0] is not Match.NONE:
            yield from route.methods or ()


async def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    # One request can hold thousands of unknown fields: the first say enough.
    errors = [_field_error(entry) for entry in islice(error.errors(), _MOST_FIELDS)]
    detail = " ".join(f"{entry.field}: {entry.message}" for entry in errors[:3])
    return problem_response(problem("invalid_request", detail, request_id_of(request), errors))


def _field_error(entry: Mapping[str, Any]) -> FieldError:
    place, *path = entry["loc"]
    if entry["type"] == "json_invalid":
        reason = entry["ctx"]["error"]
        return FieldError(field="body", message=f"Not JSON: {reason} at character {path[0]}.")
    if place == "body" and not path and entry["type"] in _NOT_AN_OBJECT:
        return FieldError(field="body", message="Send a JSON object, with Content-Type: application/json.")
    name = ".".join(str(part) for part in path) or str(place)
    return FieldError(field=name[:_LONGEST_FIELD], message=entry["msg"].rstrip(".") + ".")

"""Puts the HTTP application together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles

from rag import __version__
from rag.api import errors, page
from rag.api.middleware import BareErrors, RequestIdentity
from rag.api.routes import router
from rag.wiring import Application

DESCRIPTION = """\
Ask a record of documents. Every statement of an answer is cited to the sentence that it comes from, and where
the record does not say, the answer is `not_found`.

- **Errors** are `application/problem+json` (RFC 9457): `code` is stable, `detail` says what to do.
- **`X-Request-ID`** is on every response: the request's own where that has at most 64 letters, digits, dots,
  hyphens and underscores, otherwise a new one.
- **Unknown request fields** are rejected.
- **Offsets** are in characters (Unicode code points) of the document's text.
"""


def _operation_id(route: APIRoute) -> str:
    return route.name


class RecordAPI(FastAPI):
    """A FastAPI application whose specification tells how it really answers errors."""

    def openapi(self) -> dict[str, Any]:
        """The specification. FastAPI's own would promise its default validation errors, as plain JSON."""
        if self.openapi_schema is None:
            specification = super().openapi()
            for path in specification["paths"].values():
                for operation in path.values():
                    operation["responses"] = dict(_described(operation["responses"]))
            for unused in ("HTTPValidationError", "ValidationError"):
                specification["components"]["schemas"].pop(unused, None)
        return super().openapi()


def _described(responses: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    for status, response in responses.items():
        if int(status) < 400:
            yield status, response
            continue
        content = response["content"]
        schema = content.pop("application/json")["schema"]
        if errors.PROBLEM_MEDIA_TYPE in content:
            content[errors.PROBLEM_MEDIA_TYPE]["schema"] = schema
            yield status, response


def create_app(application: Application) -> FastAPI:
    """The API of one application. Other web applications (the chat window, say) can be mounted on it."""
    app = RecordAPI(
        title="mission-record",
        version=__version__,
        summary="Ask a record of documents and get answers whose every statement is cited.",
        description=DESCRIPTION,
        license_info={"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
    )
    app.state.application = application
    errors.install(app)
    app.include_router(router)
    app.mount(page.ASSETS_PATH, StaticFiles(directory=page.ASSETS_FOLDER), name="assets")
    app.mount(page.SWAGGER_PATH, StaticFiles(packages=[("fastapi_swagger", "resources")]), name="swagger")
    app.add_middleware(BareErrors)
    app.add_middleware(RequestIdentity)
    return app

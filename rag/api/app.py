"""Puts the HTTP application together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles

from rag import __version__
from rag.api import errors, page, sign_in
from rag.api.guard import Guard, Rules
from rag.api.middleware import REQUEST_ID_HEADER, BareErrors, Observed, RequestIdentity, SecurityHeaders
from rag.api.routes import router
from rag.api.uploads import upload_routes
from rag.keys import KeyFile
from rag.settings import Settings
from rag.wiring import Application

DESCRIPTION = """\
Ask a record of documents. Every statement of an answer is cited to the sentence that it comes from, and where
the record does not say, the answer is `not_found`.

- **Errors** are `application/problem+json` (RFC 9457): `code` is stable, `detail` says what to do.
- **`X-Request-ID`** is on every response: the request's own where that has at most 64 letters, digits, dots,
  hyphens and underscores, otherwise a new one.
- **API keys**, where there are any, go into `Authorization: Bearer …`; each is for `ask`, `ingest` or `admin`.
- **Unknown request fields** are rejected.
- **Offsets** are in characters (Unicode code points) of the document's text.
"""

# Without cookies: pages of other sites bring a key of their own.
_CROSS_ORIGIN: dict[str, Any] = {
    "allow_methods": ["GET", "POST", "DELETE"],
    "allow_headers": ["Authorization", "Content-Type", REQUEST_ID_HEADER],
    "expose_headers": [REQUEST_ID_HEADER, "Retry-After"],
    "max_age": 600,
}


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
            specification["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            # None is needed as long as none has been made.
            specification["security"] = [{}, {"key": []}]
            specification["paths"]["/healthz"]["get"]["security"] = []
            for unused in ("HTTPValidationError", "ValidationError"):
                specification["components"]["schemas"].pop(unused, None)
        return super().openapi()


def _described(responses: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    for status, response in responses.items():
        if int(status) < 400:
            yield status, response
            continue
        content = response["content"]
        # FastAPI puts it under the media type that the route has when it succeeds.
        schema = content.pop(next(name for name in content if name != errors.PROBLEM_MEDIA_TYPE))["schema"]
        if errors.PROBLEM_MEDIA_TYPE in content:
            content[errors.PROBLEM_MEDIA_TYPE]["schema"] = schema
            yield status, response


def rules_of(settings: Settings) -> Rules:
    """What a server at the address of the settings lets in."""
    return Rules(
        hosts=settings.hosts,
        origins=settings.origins,
        open_allowed=settings.is_local or settings.allow_open,
        per_minute=settings.requests_per_minute,
    )


def create_app(application: Application, rules: Rules = Rules(), key_file: KeyFile | None = None) -> FastAPI:
    """The API of one application. Other web applications (the chat window, say) can be mounted on it.

    Where there are API keys, in `key_file` or that of the settings, they are asked for. What else is let in, `rules`
    say: they depend on where one serves.
    """
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
    app.state.key_file = key_file or KeyFile(application.settings.keys_file)
    errors.install(app)
    app.include_router(router)
    app.include_router(upload_routes(application.settings))
    app.include_router(sign_in.router)
    app.mount(page.ASSETS_PATH, StaticFiles(directory=page.ASSETS_FOLDER), name="assets")
    app.mount(page.SWAGGER_PATH, StaticFiles(packages=[("fastapi_swagger", "resources")]), name="swagger")
    # The last one added is the first to see a request.
    app.add_middleware(BareErrors)
    app.add_middleware(Guard, key_file=app.state.key_file, rules=rules)
    if rules.origins:
        app.add_middleware(CORSMiddleware, allow_origins=sorted(rules.origins), **_CROSS_ORIGIN)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(RequestIdentity)
    app.add_middleware(Observed, metrics=application.metrics, telemetry=application.telemetry)
    return app

"""What can be asked over HTTP. Each route translates, calls the program once, and translates back."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse

from rag.admission import Job, answer_of
from rag.api import page, schemas
from rag.api.errors import PROBLEM_MEDIA_TYPE, describe, problem, request_id_of
from rag.api.negotiation import prefers
from rag.api.related import mentions
from rag.api.requests import MAX_JSON_BYTES, AskRequest, DocumentQuery, FeedbackRequest, SearchRequest
from rag.api.streaming import AnswerStream
from rag.api.work import answered, in_thread
from rag.domain import Filters
from rag.errors import DocumentNotFound, RagError
from rag.metrics import MEDIA_TYPE
from rag.wiring import Application

STREAM_EXAMPLE = "".join(f"event: {name}\ndata: {{}}\n\n" for name in ("retrieved", "delta", "final"))
# One event, as FastAPI describes those of its own streams (OpenAPI 3.2).
EVENT_SCHEMA = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "event": {"type": "string", "enum": ["retrieved", "delta", "final", "error"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
}

# The routes that read are plain functions: FastAPI runs each call in a thread. Those that ask or search wait for a job.
router = APIRouter(max_body_size=MAX_JSON_BYTES)


async def current_application(request: Request) -> Application:
    """The program that this server puts on the web."""
    application: Application = request.app.state.application
    return application


CurrentApplication = Annotated[Application, Depends(current_application)]
Accept = Annotated[str, Header(include_in_schema=False)]


# What the guard may say to any request, and what can always happen.
EVERYWHERE = ("unauthorized", "forbidden", "misdirected", "rate_limited", "internal")


def problems(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The error responses of a route, for the specification."""
    by_status: dict[int, dict[str, Any]] = {}
    for code in (*codes, *EVERYWHERE):
        example = problem(code, "What is wrong with this request, and what to do about it.", "0f8c2a6e")
        by_status.setdefault(example.status, {})[code] = {"value": example.model_dump()}
    return {
        status: {
            "model": schemas.Problem,
            "description": ", ".join(f"`{code}`" for code in examples),
            "content": {PROBLEM_MEDIA_TYPE: {"examples": examples}},
        }
        for status, examples in sorted(by_status.items())
    }


BUSY = ("too_busy", "timed_out")
NOT_READY = ("index_empty", "index_mismatch", "not_ready")


@router.post(
    "/ask",
    tags=["Questions"],
    summary="Ask a question",
    response_model=schemas.Answer,
    response_description="The answer; as server-sent events where these were asked for",
    responses={
        200: {
            "content": {
                "text/event-stream": {"itemSchema": EVENT_SCHEMA, "example": STREAM_EXAMPLE},
            }
        },
        **problems("no_llm", "too_large", "invalid_request", *BUSY, *NOT_READY),
    },
)
async def ask(
    body: AskRequest, request: Request, application: CurrentApplication, accept: Accept = "*/*"
) -> schemas.Answer | AnswerStream:
    """Answer from the record alone; every statement is cited to the sentence that it comes from.

    With `"stream": true` or `Accept: text/event-stream` the answer comes as server-sent events: one
    `retrieved` (passages and `standalone_question`), any number of `delta` (provisional text), and then
    exactly one `final` (the response below) or `error` (a problem). What fails before the first event is an
    ordinary error response.
    """
    job = application.pipeline.start(body.to_domain())
    if body.stream or prefers(accept, "text/event-stream"):
        return AnswerStream(job, request_id_of(request))
    return schemas.answer_of(await answered(request.receive, job, answer_of), request_id_of(request))


@router.post(
    "/search",
    tags=["Questions"],
    summary="Find passages",
    responses=problems("too_large", "invalid_request", *BUSY, *NOT_READY),
)
async def search(
    body: SearchRequest, request: Request, application: CurrentApplication
) -> schemas.SearchResponse:
    """The passages nearest to a query, best first, without reading them for an answer."""
    filters = body.filters.to_domain() if body.filters else Filters()
    job = application.pipeline.start_search(body.query, body.top_k, filters)
    result = await answered(request.receive, job, Job.result)
    return schemas.SearchResponse(
        hits=[schemas.found_of(hit) for hit in result.hits], index_id=result.manifest.index_id
    )


@router.get(
    "/documents",
    tags=["Documents"],
    summary="List documents",
    responses=problems("invalid_request", *NOT_READY),
)
def list_documents(
    query: Annotated[DocumentQuery, Query()], application: CurrentApplication
) -> schemas.DocumentList:
    """The documents of the record by title, without their text."""
    found = application.catalog.documents(query.kind, query.q, query.limit, query.offset)
    return schemas.DocumentList.model_validate(found)


@router.get(
    "/documents/{document_id:path}",
    tags=["Documents"],
    summary="Read a document",
    response_model=schemas.Document,
    responses={
        200: {"content": {"text/html": {"schema": {"type": "string"}}}},
        **problems("not_found", *NOT_READY),
    },
)
def read_document(
    document_id: str,
    request: Request,
    response: Response,
    application: CurrentApplication,
    accept: Accept = "*/*",
) -> schemas.Document | HTMLResponse:
    """One whole document, as JSON or, for a client that would rather have `text/html`, as a page to read.

    The page highlights the quote that its address names in the fragment `#c=start-end`. Such a client gets
    errors as pages, too.
    """
    if prefers(accept, "text/html"):
        return _document_page(document_id, request, application)
    response.headers["Vary"] = "Accept"
    with application.catalog.reading():
        found, summary = application.catalog.document(document_id), application.catalog.summary(document_id)
    return schemas.document_of(found, summary)


@router.delete(
    "/documents/{document_id:path}",
    tags=["Documents"],
    summary="Delete a document",
    status_code=204,
    response_class=Response,
    responses=problems("not_found", "index_busy", *NOT_READY),
)
async def delete_document(document_id: str, application: CurrentApplication) -> None:
    """Remove a document from the record, with the copies of it that `also_in` lists.

    What was uploaded is deleted. A file of the folders that the record is made of stays where it is, and is passed over
    until it changes or is uploaded.
    """
    await in_thread(lambda: application.delete(document_id))


def _document_page(document_id: str, request: Request, application: Application) -> HTMLResponse:
    try:
        catalog = application.catalog
        with catalog.reading():
            found, summary = catalog.document(document_id), catalog.summary(document_id)
            elsewhere = mentions(catalog, found)
        status, content = 200, page.document_page(found, summary.also_in, elsewhere)
    except DocumentNotFound:
        status, content = 404, page.missing_page(document_id)
    except RagError as error:
        described = describe(error, request_id_of(request))
        status, content = described.status, page.problem_page(described.title, described.detail)
    return HTMLResponse(content, status, headers={"Vary": "Accept", **page.SECURITY_HEADERS})


@router.post(
    "/feedback",
    tags=["Questions"],
    summary="Rate an answer",
    status_code=204,
    response_class=Response,
    responses=problems("too_large", "invalid_request", "not_ready"),
)
def feedback(body: FeedbackRequest, application: CurrentApplication) -> None:
    """Keep what somebody thought of an answer. `mission-record feedback` lists it."""
    application.feedback(body.answer_id, body.rating, body.comment)


@router.get("/healthz", tags=["Service"], summary="Whether the process lives")
async def healthz() -> schemas.Health:
    """200 for as long as the process can answer anything."""
    return schemas.Health()


@router.get(
    "/readyz", tags=["Service"], summary="Whether questions can be answered", responses=problems(*NOT_READY)
)
def readyz(application: CurrentApplication) -> schemas.Readiness:
    """200 when the index is there and fits this program; 503 otherwise, with the command that mends it."""
    manifest = application.check()
    return schemas.Readiness(
        index_id=manifest.index_id, documents=manifest.documents, passages=manifest.passages
    )


@router.get(
    "/metrics",
    tags=["Service"],
    summary="Counts and times, for Prometheus",
    response_class=PlainTextResponse,
    responses=problems(),
)
def metrics(application: CurrentApplication) -> Response:
    """Requests by route and status, seconds by stage, what became of questions, the queue and the size of the index."""
    return Response(application.metrics.text(), media_type=MEDIA_TYPE)


@router.get("/docs", include_in_schema=False)
async def docs() -> HTMLResponse:
    """The specification as a page; everything on it comes from this server."""
    return HTMLResponse(page.specification_page(), headers=page.SPECIFICATION_HEADERS)

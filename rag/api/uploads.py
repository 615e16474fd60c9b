"""Documents handed in over HTTP: files on disk while they arrive, and one request's files in memory at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field

from rag.api import schemas
from rag.api.errors import problem, problem_response, request_id_of
from rag.api.routes import NOT_READY, CurrentApplication, problems
from rag.api.work import in_thread
from rag.domain import Failure, IngestReport, Upload
from rag.errors import IndexBusy, InvalidUpload
from rag.formats.read import ENDINGS
from rag.intake import WAIT_SECONDS
from rag.settings import Settings
from rag.wiring import Application

_MEGABYTE = 2**20
# What multipart puts around each file, and more than that.
_AROUND_A_FILE = 8 * 1024


class UploadForm(BaseModel):
    """Files to take into the record."""

    model_config = ConfigDict(extra="forbid")

    files: list[UploadFile] = Field(
        min_length=1, description="one or more files, each in a field of this name"
    )


class Refused(Exception):
    """No file of a request could be used. `code` says why, where it is one reason for all."""

    def __init__(self, code: str, failed: Sequence[Failure]) -> None:
        super().__init__(" ".join(f"{failure.name}: {failure.reason}" for failure in failed[:3]))
        self.code = code


def upload_routes(settings: Settings) -> APIRouter:
    """The route that takes files, with the limits of the settings."""
    most_bytes = settings.upload_mb * _MEGABYTE + settings.upload_files * _AROUND_A_FILE
    router = APIRouter(
        max_body_size=most_bytes, form_limits={"max_files": settings.upload_files, "max_fields": 10}
    )
    turn = threading.Lock()

    @router.post(
        "/documents",
        tags=["Documents"],
        summary="Add documents",
        response_model=schemas.IngestReport,
        response_description="What became of each file",
        responses=problems(
            "index_busy", "too_large", "unsupported_type", "invalid_request", "invalid_document", *NOT_READY
        ),
    )
    async def add_documents(
        form: Annotated[UploadForm, Form(media_type="multipart/form-data")],
        request: Request,
        application: CurrentApplication,
    ) -> schemas.IngestReport | Response:
        """Take files into the record. What this answers for is on disk and is found.

        A file of the same name as an earlier one takes its place. Files that cannot be used are in `failed`, each with
        the reason; where none can, the response is an error. What a file was before stays if its new version cannot be
        read. `duplicates` say the same as a document that is there, and are listed with it.
        """
        try:
            report = await in_thread(lambda: _add(form.files, application, turn))
        except Refused as refused:
            return problem_response(problem(refused.code, str(refused), request_id_of(request)))
        return schemas.IngestReport.model_validate(report)

    return router


def _add(files: Sequence[UploadFile], application: Application, turn: threading.Lock) -> IngestReport:
    failed: list[tuple[str, Failure]] = []
    with _in(turn):
        uploads = list(_read(files, application.settings.reading.file_bytes, failed))
        report = application.upload(uploads) if uploads else IngestReport()
    failed += [(_code(failure), failure) for failure in report.failed]
    if failed and not (report.added or report.updated or report.unchanged or report.duplicates):
        codes = {code for code, _ in failed}
        raise Refused(
            codes.pop() if len(codes) == 1 else "invalid_document", [failure for _, failure in failed]
        )
    return IngestReport(
        report.added,
        report.updated,
        report.unchanged,
        report.removed,
        tuple(failure for _, failure in failed),
        report.embedded,
        report.index_id,
        report.duplicates,
    )


@contextmanager
def _in(turn: threading.Lock) -> Iterator[None]:
    if not turn.acquire(timeout=WAIT_SECONDS):
        raise IndexBusy("Other documents are being added. Send these again in a minute.")
    try:
        yield
    finally:
        turn.release()


def _read(
    files: Sequence[UploadFile], most_bytes: int, failed: list[tuple[str, Failure]]
) -> Iterator[Upload]:
    for file in files:
        name = file.filename or ""
        if file.size is not None and file.size > most_bytes:
            reason = f"It has {file.size:,} bytes; at most {most_bytes:,} are read. Split it."
            failed.append(("too_large", Failure(name, reason)))
            continue
        try:
            yield Upload(name, file.file.read())
        except InvalidUpload as error:
            failed.append((error.code, Failure(name, str(error))))


def _code(failure: Failure) -> str:
    known = PurePosixPath(failure.name).suffix.lower() in ENDINGS
    return "invalid_document" if known else "unsupported_type"

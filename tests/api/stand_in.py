"""An application that does as it is told: for what cannot be provoked in the real one."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import NoReturn

from rag.admission import Admission, AdmittedPipeline
from rag.domain import (
    Answer,
    Completed,
    Delta,
    Document,
    DocumentSummary,
    Event,
    Question,
    Retrieved,
    WorkLimits,
)
from rag.errors import DocumentNotFound, IndexEmpty
from rag.metrics import Metrics
from rag.settings import Settings
from rag.stopwatch import Stopwatch

ANSWER = Answer(
    id="answer-1",
    status="answered",
    reason=None,
    answer="Forty-two. [1]",
    answer_plain="Forty-two.",
    short_answer="42",
    confidence=0.9,
    standalone_question="How many?",
    citations=(),
    unsupported=(),
    retrieved=(),
    used=frozenset(),
    answerer="extractive",
    model=None,
    fallback_reason=None,
    index_id="index-1",
    timings_ms={"total": 1.0},
)
RETRIEVED = Retrieved((), "How many?")
DELTA = Delta("Forty-two.")
COMPLETED = Completed(ANSWER)


class ScriptedPipeline:
    """Plays a script of events; an exception in it is raised at its place."""

    def __init__(self, script: Sequence[Event | Exception] | Iterator[Event | Exception]) -> None:
        self.script = script
        self.threads: set[int] = set()
        self.ended = threading.Event()

    def stream(self, question: Question, clock: Stopwatch | None = None) -> Iterator[Event]:
        try:
            for step in self.script:
                self.threads.add(threading.get_ident())
                if isinstance(step, Exception):
                    raise step
                yield step
        finally:
            self.threads.add(threading.get_ident())
            self.ended.set()

    def ask(self, question: Question) -> Answer:
        *_, last = self.stream(question)
        assert isinstance(last, Completed)
        return last.answer


class DictCatalog:
    """Documents by id."""

    def __init__(self, *documents: Document) -> None:
        self._documents = {document.id: document for document in documents}

    def reading(self) -> nullcontext[None]:
        return nullcontext()

    def document(self, document_id: str) -> Document:
        try:
            return self._documents[document_id]
        except KeyError:
            raise DocumentNotFound(f"No document has the id {document_id!r}.") from None

    def summary(self, document_id: str) -> DocumentSummary:
        document = self.document(document_id)
        return DocumentSummary(
            document.id,
            document.title,
            document.kind,
            document.published,
            None,
            len(document.text),
            1,
            document.sha256,
            document.date,
            document.path,
        )


class StandIn:
    """What `create_app` needs of an application."""

    def __init__(
        self,
        script: Sequence[Event | Exception] | Iterator[Event | Exception] = (RETRIEVED, DELTA, COMPLETED),
        documents: Sequence[Document] = (),
        unready: Exception | None = None,
        limits: WorkLimits = WorkLimits(workers=2, waiting=4, wait_seconds=30, work_seconds=30),
        data_dir: Path = Path("/nowhere"),
    ) -> None:
        self.scripted = ScriptedPipeline(script)
        self.settings = Settings(data_dir=data_dir)
        self.admission = Admission(limits)
        self.pipeline = AdmittedPipeline(lambda: self.scripted, self._retrieve, self.admission)  # type: ignore[arg-type, return-value]
        self.catalog = DictCatalog(*documents)
        self.metrics = Metrics(self.admission, self._manifest)
        self.pipeline.observers.append(self.metrics.outcome)
        self.telemetry = None
        self._unready = unready

    def _retrieve(self) -> NoReturn:
        raise IndexEmpty("There is none.")

    def _manifest(self) -> NoReturn:
        raise IndexEmpty("There is none.")

    def delete(self, document_id: str) -> None:
        self.catalog.document(document_id)

    def check(self) -> NoReturn:
        raise self._unready or AssertionError("not scripted")

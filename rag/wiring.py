"""Builds an Application from Settings: the one place that knows which adapter stands behind which port."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from rag.adapters.chroma import ChromaVectorStore
from rag.admission import Admission, AdmittedPipeline
from rag.catalog import Catalog, fingerprint, require_fingerprint
from rag.domain import Document, Failure, IngestReport, Manifest, Rating, Upload
from rag.errors import IndexCorrupt, InvalidSettings
from rag.feedback import FeedbackFile
from rag.logs import log_outcome
from rag.ports import Embedder, Reader
from rag.retrieve import RETRIEVERS, Fusion, Retrieve, by_score
from rag.safekeeping import Safekeeping
from rag.settings import BUNDLED, NO_READER, Settings, bundled_corpus
from rag.uploads import Uploads, Withdrawn, write_durably

if TYPE_CHECKING:
    from rag import intake
    from rag.adapters.language_model import LlamaIndexLanguageModel
    from rag.foreign import LanguageGate
    from rag.formats.parser import Parser
    from rag.ingest import Ingest
    from rag.metrics import Metrics
    from rag.pipeline import Generation, Pipeline
    from rag.telemetry import Telemetry

Made = TypeVar("Made")
Progress = Callable[[str, int, int], None]

BUNDLED_READER = Path(__file__).parent / "models" / "reader"


class Application:
    """Everything that one record needs. What is heavy is loaded at first use; threads may share it."""

    def __init__(
        self,
        settings: Settings,
        retrievers: Sequence[str] = RETRIEVERS,
        fusion: Fusion = by_score,
        certain: float | None = None,
    ) -> None:
        self.settings = settings
        self.catalog = Catalog(settings.data_dir)
        self.vectors = _vector_store(settings)
        self.admission = Admission(settings.work)
        self.pipeline = AdmittedPipeline(self._pipeline, self._retrieve, self.admission)
        self.pipeline.observers.append(partial(log_outcome, with_text=settings.log_questions))
        self._retrievers = tuple(retrievers)
        self._fusion = fusion
        self._certain = certain
        self._safekeeping = Safekeeping(settings, self.catalog, self.vectors)
        self._uploads = Uploads(settings.data_dir)
        self._withdrawn = Withdrawn(settings.data_dir)
        self._made: dict[str, Any] = {}
        self._guard = threading.RLock()

    @property
    def embedder(self) -> Embedder:
        """The model that turns text into vectors.

        Raises:
            ModelMissing, ModelInvalid: it is not there, and may not be fetched, or cannot be used.
        """
        return self._once("embedder", self._load_embedder)

    @property
    def reader(self) -> Reader | None:
        """The model that points at answers; None where the settings want none.

        Raises:
            ModelMissing, ModelInvalid: its folder is not there or cannot be used.
        """
        return self._once("reader", self._load_reader)

    @property
    def language_model(self) -> LlamaIndexLanguageModel | None:
        """The LLM that writes answers; None where the settings name none. Its server is not asked for anything yet.

        Raises:
            InvalidSettings: the library that speaks to it is not installed, or does not know the model.
        """
        return self._once("language_model", self._load_language_model)

    @property
    def metrics(self) -> Metrics:
        """What is counted from the first use of this on."""
        return self._once("metrics", self._count)

    @property
    def telemetry(self) -> Telemetry | None:
        """What sends spans, from the first use of this on; None where the settings name no collector.

        Raises:
            InvalidSettings: what it takes is not installed.
        """
        return self._once("telemetry", self._trace)

    @property
    def corpus(self) -> tuple[Path, ...]:
        """Where the documents are: what was set, else what was ingested last, else the bundled record."""
        if "corpus_dir" not in self.settings.model_fields_set and self._corpus_file.is_file():
            try:
                stored = [Path(path) for path in json.loads(self._corpus_file.read_text(encoding="utf-8"))]
            except (ValueError, TypeError) as error:
                raise IndexCorrupt(
                    f"{self._corpus_file}, which says where the documents are, cannot be read. Give --corpus."
                ) from error
            return tuple(stored) or (self.settings.corpus_dir,)
        return (self.settings.corpus_dir,)

    @property
    def uploads_folder(self) -> Path:
        """Where uploaded files are kept; it need not be there."""
        return self._uploads.folder

    def load(self) -> None:
        """Load the models now, so that the first question need not wait for them.

        Raises:
            ModelMissing, ModelInvalid: as `embedder` and `reader`.
        """
        self._pipeline()

    def check(self) -> Manifest:
        """The index in use, if it can answer.

        Raises:
            IndexEmpty, IndexMismatch, IndexCorrupt, ModelMissing, ModelInvalid: it cannot; the message says what to do.
        """
        manifest = self.catalog.manifest()
        require_fingerprint(manifest, self.fingerprint)
        return manifest

    def synchronise(
        self,
        progress: Progress | None = None,
        rebuild: bool = False,
        corpus: Sequence[Path] = (),
    ) -> IngestReport:
        """Bring the index in step with `corpus`, or with `self.corpus` where that is empty.

        `progress` gets a stage and how much of how much is done.

        Raises:
            IndexBusy, DocumentUnreadable, IndexCorrupt, ModelMissing: as `rag.ingest.Ingest.synchronise`.
        """
        chosen = tuple(corpus) or self.corpus
        try:
            report = self._synchronise(chosen, progress, rebuild)
        except IndexCorrupt as error:
            # Damage that shows only when something is written: nothing of what is stored is used any more.
            report = self._synchronise(chosen, progress, rebuild, f"It was damaged ({error})")
        self._remember(chosen)
        return report

    def _synchronise(
        self, corpus: Sequence[Path], progress: Progress | None, rebuild: bool, damage: str = ""
    ) -> IngestReport:
        from rag.formats.parser import Parser

        with self._changing(rebuild=rebuild, damage=damage) as anew, Parser(self.settings.reading) as parser:
            report = self._ingest(parser).synchronise(corpus, progress, rebuild)
        return replace(report, anew="" if rebuild else anew)

    def upload(self, files: Sequence[Upload], progress: Progress | None = None) -> IngestReport:
        """Take files into the record; when this returns they are on disk and found.

        `progress` gets a stage and how much of how much is done.

        Raises:
            IndexBusy, IndexCorrupt, ModelMissing: as `rag.intake.Intake.upload`.
        """
        from rag import intake

        with self._changing(intake.WAIT_SECONDS) as anew:
            return replace(self._intake(progress).upload(files), anew=anew)

    def fetch(self, addresses: Sequence[str], progress: Progress | None = None) -> IngestReport:
        """Take documents from the web into the record, where the settings allow it; all of them or none.

        Raises:
            FetchRefused: one of them may not be fetched, or cannot.
            IndexBusy, IndexCorrupt, ModelMissing: as `upload`.
        """
        from rag.adapters.fetch import Fetch

        fetch = Fetch(self.settings.fetching)
        return self.upload([fetch(address) for address in addresses], progress)

    def delete(self, document_id: str) -> None:
        """Remove a document from the record; when this returns nothing of it is found.

        Raises:
            DocumentNotFound, IndexBusy: as `rag.intake.Intake.delete`.
        """
        from rag import intake

        with self._changing(intake.WAIT_SECONDS) as anew:
            if anew:
                self._ingest(self._parser).synchronise(self.corpus)
            self._intake().delete(document_id)

    def feedback(self, answer_id: str, rating: Rating, comment: str | None = None) -> None:
        """Keep what somebody thought of an answer.

        Raises:
            InvalidInput, StorageError: as `rag.feedback.FeedbackFile.add`.
        """
        FeedbackFile(self.settings.data_dir).add(answer_id, rating, comment)

    def _changing(
        self, wait_seconds: float = 0, rebuild: bool = False, damage: str = ""
    ) -> AbstractContextManager[str]:
        return self._safekeeping.changing(lambda: self.fingerprint, rebuild, wait_seconds, damage)

    def _intake(self, progress: Progress | None = None) -> intake.Intake:
        from rag import intake

        ingest = self._ingest(self._parser)

        def change(documents: Sequence[Document], gone: Collection[str]) -> IngestReport:
            return ingest.change(documents, gone, progress) or ingest.synchronise(self.corpus, progress)

        return intake.Intake(self.catalog, self._uploads, self._withdrawn, self._parser, change)

    @property
    def _parser(self) -> Parser:
        """Of uploads: to start a process for each would be slow."""
        return self._once("parser", self._make_parser)

    def _make_parser(self) -> Parser:
        from rag.formats.parser import Parser

        return Parser(self.settings.reading)

    def _ingest(self, parser: Parser) -> Ingest:
        # The readers of files and the sentence splitter are not needed to answer.
        from rag.corpus import read_corpus
        from rag.ingest import Ingest

        settings = self.settings

        def read(corpus: Sequence[Path]) -> Iterator[Document | Failure]:
            # What was deleted is looked up when the writer's place is held, not before.
            return read_corpus(
                corpus, parser, settings.follow_links, self._uploads.folder, self._withdrawn.all()
            )

        return Ingest(self.catalog, self.vectors, self.embedder, settings.passage_tokens, read)

    def leftovers(self) -> list[Path]:
        """What killed processes have left in the data folder; the next `synchronise` removes it."""
        return self._safekeeping.leftovers()

    def close(self) -> None:
        """Finish the questions that are being answered, and let go of the data folder and of connections."""
        self.admission.close()
        self.catalog.close()
        self.vectors.close()
        with self._guard:
            made = [self._made.pop(name, None) for name in ("parser", "language_model", "telemetry")]
        for each in made:
            if each:
                each.close()

    @property
    def _corpus_file(self) -> Path:
        # Beside the index, not in it: what is to be answered from must survive an index that cannot be read any more.
        return self.settings.data_dir / "corpus.json"

    def _remember(self, corpus: Sequence[Path]) -> None:
        """Keep what was ingested for the next start; the bundled record, which may move, as nothing chosen."""
        paths = [str(path.resolve()) for path in corpus if path != bundled_corpus()]
        content = json.dumps(paths, ensure_ascii=False)
        if self._corpus_file.is_file() and self._corpus_file.read_text(encoding="utf-8") == content:
            return
        write_durably(self._corpus_file, content)

    def _load_embedder(self) -> Embedder:
        from rag.adapters.embedding import OnnxEmbedder
        from rag.adapters.model_source import locate_model

        settings = self.settings
        folder = locate_model(settings.embedding_model, settings.models_dir, settings.download_models)
        return OnnxEmbedder(folder, settings.models_dir, settings.threads, settings.embedding_precision)

    def _load_reader(self) -> Reader | None:
        from rag.adapters.model_source import locate_model
        from rag.adapters.reader import OnnxReader

        settings = self.settings
        if settings.reader_model == NO_READER:
            return None
        folder = BUNDLED_READER
        if settings.reader_model != BUNDLED:
            folder = locate_model(
                settings.reader_model, settings.models_dir, settings.download_models, "RAG_READER_MODEL"
            )
        return OnnxReader(folder, settings.models_dir, settings.threads)

    def _load_language_model(self) -> LlamaIndexLanguageModel | None:
        if self.settings.llm.provider == "none":
            return None
        from rag.adapters.language_model_servers import connect

        return connect(self.settings.llm)

    def _count(self) -> Metrics:
        from rag.metrics import Metrics

        metrics = Metrics(self.admission, self.catalog.manifest)
        self.pipeline.observers.append(metrics.outcome)
        return metrics

    def _trace(self) -> Telemetry | None:
        settings = self.settings
        if not settings.telemetry_endpoint:
            return None
        try:
            from rag.telemetry import Telemetry
        except ImportError as error:
            raise InvalidSettings(
                "RAG_TELEMETRY_ENDPOINT needs libraries that are not installed. "
                "Run pip install 'mission-record[telemetry]', or unset it."
            ) from error
        telemetry = Telemetry(settings.telemetry_endpoint, settings.log_questions)
        self.pipeline.observers.append(telemetry.outcome)
        return telemetry

    def _pipeline(self) -> Pipeline:
        return self._once("pipeline", self._build_pipeline)

    def pipeline_with(self, generation: Generation | None) -> Pipeline:
        """The flow with another language model than the settings name, or none."""
        # A search needs none of these.
        from rag.answer.catalogued import Catalogued
        from rag.pipeline import Pipeline
        from rag.read import AT_ONCE, CERTAIN, Read
        from rag.spell import Spell

        return Pipeline(
            self.catalog,
            Spell(self.catalog, self.embedder),
            Catalogued(self.catalog, self.fingerprint),
            self._retrieve(),
            Read(
                self.catalog,
                self.embedder,
                self.reader,
                certain=CERTAIN if self._certain is None else self._certain,
                at_once=min(AT_ONCE, self.settings.threads),
            ),
            self._language_gate(),
            generation,
        )

    def _retrieve(self) -> Retrieve:
        return self._once("retrieve", self._build_retrieve)

    def _build_retrieve(self) -> Retrieve:
        return Retrieve(
            self.catalog,
            self.vectors,
            self.embedder,
            fingerprint=self.fingerprint,
            candidates=self.settings.candidates,
            retrievers=self._retrievers,
            fusion=self._fusion,
        )

    def _build_pipeline(self) -> Pipeline:
        self._load_models()
        return self.pipeline_with(self._generation())

    def _load_models(self) -> None:
        """Those that are not loaded yet, side by side: most of it is done outside of Python."""
        loaders: dict[str, Callable[[], Any]] = {"embedder": self._load_embedder, "reader": self._load_reader}
        with self._guard, ThreadPoolExecutor(len(loaders)) as pool:
            loading = {name: pool.submit(load) for name, load in loaders.items() if name not in self._made}
            for name, model in loading.items():
                self._made[name] = model.result()

    def _generation(self) -> Generation | None:
        """What writes answers, where the settings name a language model."""
        if self.language_model is None:
            return None
        from rag.answer.generative import Write, WritingLimits
        from rag.answer.verify import Verify
        from rag.condense import Condense
        from rag.pipeline import Generation

        settings = self.settings.llm
        limits = WritingLimits(
            settings.context_tokens - settings.answer_tokens,
            settings.answer_tokens,
            settings.keep_unsupported,
        )
        verify = Verify(self.embedder, self.reader)
        write = Write(self.language_model, verify, self.embedder.count_tokens, limits)
        return Generation(Condense(self.language_model), write, settings.gate)

    def _language_gate(self) -> LanguageGate:
        """The bundled reader reads English; what another reads, only who chose it knows."""
        from rag.foreign import LanguageGate, reads_many_languages

        accepted = self.settings.languages
        if accepted != "auto":
            return LanguageGate(self.embedder, accepted == "any", accepted == "any")
        return LanguageGate(
            self.embedder, reads_many_languages(self.embedder), self.settings.reader_model != BUNDLED
        )

    @property
    def fingerprint(self) -> str:
        """Of the index that these settings would make."""
        return fingerprint(self.embedder.fingerprint, self.settings.passage_tokens)

    def _once(self, name: str, make: Callable[[], Made]) -> Made:
        with self._guard:
            if name not in self._made:
                self._made[name] = make()
            return cast(Made, self._made[name])


def _vector_store(settings: Settings) -> ChromaVectorStore:
    if not settings.chroma.url:
        return ChromaVectorStore(settings.data_dir / "chroma")
    from rag.adapters.chroma_server import ChromaServerVectorStore

    return ChromaServerVectorStore(settings.chroma)


def build(
    settings: Settings,
    retrievers: Sequence[str] = RETRIEVERS,
    fusion: Fusion = by_score,
    certain: float | None = None,
) -> Application:
    """An application for these settings; opens and loads nothing yet.

    `retrievers` and `fusion` are for measuring what each part of the search is worth, `certain` (see `rag.read.Read`)
    for reading all that was found.
    """
    return Application(settings, retrievers, fusion, certain)

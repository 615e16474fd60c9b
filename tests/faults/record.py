"""A record to be harmed: documents, what is known to be in it, and what must hold whatever has happened to it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rag.domain import Filters
from rag.ports import Embedder
from rag.seal import Seal
from rag.segments import Segments
from rag.settings import Settings
from rag.verify import Index, verify
from rag.wiring import Application
from tests.fakes import HashingEmbedder

# For each document, by id, the version ("tide") of it that is in the record.
State = dict[str, int]

# How the id of an uploaded document begins.
UPLOADED = "uploads-"


class StorageApplication(Application):
    """The program with a stand-in for the model: what is tested here is the storage."""

    def _load_embedder(self) -> Embedder:
        return HashingEmbedder()


@dataclass
class Record:
    """A corpus folder and a data folder. `state` is what an ingest that runs to its end must make of them."""

    folder: Path
    sections: int = 3
    state: State = field(default_factory=dict)

    @property
    def corpus(self) -> Path:
        """The folder of documents."""
        return self.folder / "corpus"

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "data"

    def write(self, state: Mapping[str, int]) -> None:
        """Make the corpus folder hold exactly these documents."""
        self.corpus.mkdir(parents=True, exist_ok=True)
        for path in self.corpus.iterdir():
            path.unlink()
        for name, tide in state.items():
            (self.corpus / f"{name}.md").write_text(self.text(name, tide), encoding="utf-8")
        self.state = dict(state)

    def text(self, name: str, tide: int) -> str:
        """A document whose every passage names it and its tide."""
        parts = [f"# The {name}\n\nThe {name} sails with tide{tide}.\n"]
        parts += [
            f"## Hold {number} of the {name}\n\nIn hold {number} of the {name} lies salt{number} since tide{tide}.\n"
            for number in range(1, self.sections)
        ]
        return "\n".join(parts)

    def application(self) -> Application:
        """The program, with nothing opened yet; for a process of its own."""
        settings = Settings(data_dir=self.data, corpus_dir=self.corpus, passage_tokens=60, threads=1)
        return StorageApplication(settings)

    def copy(self, folder: Path) -> Record:
        """The same, elsewhere; the corpus stays where it is."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.folder, folder)
        return Record(folder, self.sections, dict(self.state))

    # --- to be called in a process of its own ------------------------------------------------------------------

    def ingest(self, rebuild: bool = False) -> dict[str, Any]:
        """Bring the index in step; what was done."""
        application = self.application()
        report = application.synchronise(rebuild=rebuild)
        application.close()
        return {"index": report.index_id, "embedded": report.embedded, "anew": report.anew}

    def examine(self) -> dict[str, Any]:
        """What is stored, what verification finds wrong with it, and what is left over."""
        application = self.application()
        catalog, vectors = application.catalog, application.vectors
        manifest = catalog.manifest()
        index = Index(catalog, vectors, application.fingerprint, application.embedder)
        wrong = [f"{path} is altered" for path in Seal(self.data).altered()]
        wrong += [f"{check.subject}: {check.detail}" for check in verify(index) if not check.well]
        state = {summary.id: tide_of(catalog.document(summary.id).text) for summary in catalog.summaries()}
        used = {segment.collection for segment in manifest.segments}
        others = [name for name in vectors.collections() if name not in used]
        parts = [path.name for path in self.data.rglob("*.part")]
        found = self._found(application, state)
        application.close()
        return {"state": state, "found": found, "wrong": wrong, "left over": others + parts}

    def search(self) -> State:
        """What searching finds of each document in `state`, by words and by meaning alike.

        Raises:
            IndexCorrupt: it cannot be searched.
        """
        application = self.application()
        found = self._found(application, self.state)
        application.close()
        return found

    def _found(self, application: Application, state: State) -> State:
        catalog, found = application.catalog, State()
        segments = Segments(catalog, application.vectors)
        with catalog.reading():
            manifest = catalog.manifest()
            for document_id in state:
                name = document_id.removeprefix(UPLOADED)
                vector = application.embedder.embed_query(f"The {name} sails with")
                near = segments.query(manifest, vector, 5, Filters())
                words = catalog.search([name], 5, Filters())
                both = [catalog.passages([key for key, _ in hits]).values() for hits in (near, words)]
                tides = [{tide_of(p.text) for p in hits if p.document_id == document_id} for hits in both]
                if tides[0] and tides[0] == tides[1]:
                    (found[document_id],) = tides[0]
        return found


def tide_of(text: str) -> int:
    """The version of the document that a passage is of."""
    return int(text.partition("tide")[2].partition(".")[0])

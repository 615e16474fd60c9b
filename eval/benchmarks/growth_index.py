"""Records of generated documents, of any size: by the real ingest, or with vectors that imitate the model's."""

from __future__ import annotations

import json
import pickle
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np
import psutil
from pydantic import BaseModel

from eval.benchmarks.imitation import Imitation, neighbour_similarities
from eval.benchmarks.texts import Text, texts, write_texts
from rag.catalog import Revision
from rag.domain import Document, Manifest, Passage, Segment
from rag.formats.read import read_file
from rag.ingest import WRITE_BATCH, embedded_text, passages_of
from rag.ports import Vector
from rag.settings import Settings
from rag.wiring import Application, build

# Documents that are made, embedded and stored before the next are, so that a build that was stopped can go on.
CHUNK = 250
# So many documents are embedded by the model; the vectors of the others imitate theirs.
REAL_DOCUMENTS = 1_000
# Passages whose neighbours are compared, real ones among real ones with imitations among imitations.
COMPARED = 500
NEIGHBOURS = (1, 10, 50)
QUANTILES = (5, 25, 50, 75, 95)
MIB = 2**20


class Built(BaseModel):
    """What a build took. `seconds` are those of the ingest alone, the models being loaded."""

    documents: int
    passages: int
    seconds: float
    loaded_mib: float
    peak_mib: float
    catalog_mib: float
    vectors_mib: float


class Likeness(BaseModel):
    """Quantiles of the similarity of the nearest of each rank in `NEIGHBOURS`, as `QUANTILES`."""

    real: list[list[float]]
    imitated: list[list[float]]
    compared: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where everything of one size is kept."""

    folder: Path

    @property
    def data(self) -> Path:
        """The data folder of the application."""
        return self.folder / "data"

    @property
    def vectors(self) -> Path:
        """Every vector as it was stored, for exact search: files of vectors beside files of ids."""
        return self.folder / "vectors"

    def application(self) -> Application:
        """As anybody would build it; the models' graph is built once for all sizes."""
        return build(
            Settings(data_dir=self.data, model_cache_dir=self.folder.parent / "models", download_models=False)
        )

    def keep(self, name: str, ids: Sequence[str], vectors: Vector) -> None:
        """Put vectors aside."""
        self.vectors.mkdir(parents=True, exist_ok=True)
        (self.vectors / f"{name}.json").write_text(json.dumps(list(ids)), encoding="utf-8")
        np.save(self.vectors / f"{name}.npy", vectors)

    def kept(self) -> Iterator[tuple[list[str], Vector]]:
        """All that was put aside, file by file."""
        for file in sorted(self.vectors.glob("*.npy")):
            yield json.loads(file.with_suffix(".json").read_text(encoding="utf-8")), np.load(file)


def ingest(place: Place, passages: int, seed: int) -> Built:
    """Write documents as files and take them in as any user would."""
    write_texts(place.folder / "texts", passages, seed)
    with closing(place.application()) as application:
        application.load()
        add = application.vectors.add

        def add_and_keep(collection: str, added: Sequence[Passage], vectors: Vector) -> None:
            add(collection, added, vectors)
            first = len(list(place.vectors.glob("*.npy"))) if place.vectors.is_dir() else 0
            place.keep(f"{first:06d}", [passage.id for passage in added], vectors)

        setattr(application.vectors, "add", add_and_keep)  # noqa: B010
        loaded = psutil.Process().memory_info().rss / MIB
        began = time.perf_counter()
        application.synchronise(corpus=[place.folder / "texts"])
        seconds = time.perf_counter() - began
        manifest = application.catalog.manifest()
    return _built(place, manifest, seconds, loaded)


def imitate(place: Place, passages: int, seed: int) -> Built:
    """The same with vectors that imitate, but for those of the first documents, which are the model's.

    Documents are generated, read and cut by the real code; passages and vectors go to the store's port and the
    catalog as an ingest would write them. What was stored of a build that was stopped is not done again.
    """
    place.folder.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    with closing(place.application()) as application:
        application.load()
        loaded = psutil.Process().memory_info().rss / MIB
        stored = _progress(place)
        if not stored:
            application.vectors.create(COLLECTION, passages)
        imitation: Imitation | None = None
        upcoming = texts(passages, seed)
        for number, made in enumerate(iter(lambda: list(islice(upcoming, CHUNK)), [])):
            if number < stored:
                continue
            documents, cut = _cut(application, made)
            if number * CHUNK < REAL_DOCUMENTS:
                vectors = _of_the_model(place, number, cut, application, seed)
            else:
                imitation = imitation or _imitation(place, seed)
                counts = [sum(p.document_id == document.id for p in cut) for document in documents]
                vectors = imitation.draw(counts, np.random.default_rng((seed, number)))
            place.keep(f"{number:06d}", [passage.id for passage in cut], vectors)
            _save(place, number, documents, cut)
            for at in range(0, len(cut), WRITE_BATCH):
                application.vectors.add(
                    COLLECTION, cut[at : at + WRITE_BATCH], vectors[at : at + WRITE_BATCH]
                )
            _note_progress(place, number + 1)
        manifest = _write_catalog(place, application)
    return _built(place, manifest, time.perf_counter() - began, loaded)


COLLECTION = "passages-imitated-1"


def _cut(application: Application, made: Sequence[Text]) -> tuple[list[Document], list[Passage]]:
    documents: list[Document] = []
    with tempfile.TemporaryDirectory() as folder:
        for text in made:
            file = Path(folder, f"{text.document_id}.md")
            file.write_text(text.markdown, encoding="utf-8")
            documents += cast("list[Document]", list(read_file(file, file.name)))
    embedder, most = application.embedder, application.settings.passage_tokens
    return documents, [
        p for document in documents for p in passages_of(document, embedder.count_tokens, most)
    ]


def _of_the_model(
    place: Place, number: int, cut: Sequence[Passage], application: Application, seed: int
) -> Vector:
    """The model's vectors of passages that every size has: those of another size, where there is one."""
    ids = [passage.id for passage in cut]
    for folder in sorted(place.folder.parent.glob(f"growth-{seed}-*")):
        other = Place(folder)
        if _progress(other) > number:
            kept, vectors = next(islice(other.kept(), number, None))
            if kept == ids:
                return vectors
    return application.embedder.embed_passages([embedded_text(passage) for passage in cut])


class _Rows(Sequence[Any]):
    """Documents or passages that are read from disk whenever they are gone through."""

    def __init__(self, place: Place, which: int, length: int) -> None:
        self._place, self._which, self._length = place, which, length

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Any]:
        for file in sorted(self._place.folder.glob("rows-*.pickle")):
            yield from pickle.loads(file.read_bytes())[self._which]

    def __getitem__(self, at: Any) -> Any:
        return next(islice(iter(self), at, None))


def _save(place: Place, number: int, documents: list[Document], cut: list[Passage]) -> None:
    (place.folder / f"rows-{number:06d}.pickle").write_bytes(pickle.dumps((documents, cut)))


def _progress(place: Place) -> int:
    file = place.folder / "chunks.json"
    return int(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else 0


def _note_progress(place: Place, chunks: int) -> None:
    (place.folder / "chunks.json").write_text(json.dumps(chunks), encoding="utf-8")


def _write_catalog(place: Place, application: Application) -> Manifest:
    """All rows, in one transaction, without holding them."""
    documents = sum(1 for _ in _Rows(place, 0, 0))
    passages = sum(len(ids) for ids, _ in place.kept())
    manifest = Manifest(
        index_id="imitated",
        fingerprint=application.fingerprint,
        documents=documents,
        passages=passages,
        segments=(Segment(COLLECTION, passages, passages),),
    )
    revision = Revision(frozenset(), _Rows(place, 0, documents), _Rows(place, 1, passages))
    with application.catalog.writing():
        application.catalog.switch(None, manifest, revision)
    return manifest


def _imitation(place: Place, seed: int) -> Imitation:
    """Fitted to what the model embedded; how like it is is written down."""
    vectors, names = real_vectors(place)
    imitation = Imitation(vectors, names)
    random = np.random.default_rng((seed, 0))
    drawn = imitation.draw(np.unique(names, return_counts=True)[1].tolist(), random)
    (place.folder / "likeness.json").write_text(
        _likeness(vectors, drawn, random).model_dump_json(), encoding="utf-8"
    )
    return imitation


def real_vectors(place: Place) -> tuple[Vector, list[str]]:
    """The vectors that the model made, and of which document each is."""
    kept = list(islice(place.kept(), -(-REAL_DOCUMENTS // CHUNK)))
    files = sorted(place.folder.glob("rows-*.pickle"))[: len(kept)]
    names = [passage.document_id for file in files for passage in pickle.loads(file.read_bytes())[1]]
    return np.concatenate([vectors for _, vectors in kept]), names


def _likeness(real: Vector, drawn: Vector, random: np.random.Generator) -> Likeness:
    asked = random.choice(len(real), min(COMPARED, len(real)), replace=False)
    ranks = [1 + rank for rank in NEIGHBOURS]  # the nearest of all is the passage itself
    found = [
        np.percentile(neighbour_similarities(of[asked], of, ranks), QUANTILES, axis=1).T.round(4).tolist()
        for of in (real, drawn)
    ]
    return Likeness(real=found[0], imitated=found[1], compared=len(asked))


def _built(place: Place, manifest: Manifest, seconds: float, loaded: float) -> Built:
    catalog = sum(file.stat().st_size for file in place.data.glob("catalog.sqlite*"))
    vectors = sum(file.stat().st_size for file in (place.data / "chroma").rglob("*") if file.is_file())
    return Built(
        documents=manifest.documents,
        passages=manifest.passages,
        seconds=round(seconds, 2),
        loaded_mib=round(loaded, 1),
        peak_mib=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MIB, 1),
        catalog_mib=round(catalog / MIB, 2),
        vectors_mib=round(vectors / MIB, 2),
    )

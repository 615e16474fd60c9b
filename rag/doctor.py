"""Looks an installation over: what is wrong with it, and how to mend it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from rag.catalog import Catalog
from rag.domain import Manifest
from rag.errors import IndexCorrupt, LanguageModelError, RagError
from rag.formats.read import ENDINGS
from rag.ingest import found_by_own_vector
from rag.wiring import Application

# Where a program can run in another's name, what counts is whose name it is.
_EFFECTIVE = os.access in os.supports_effective_ids


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, whether it is well, and what was found or is to be done."""

    subject: str
    well: bool
    detail: str


def examine(application: Application) -> list[Finding]:
    """Every check, in the order in which one depends on another; none of them changes anything."""
    examinations: tuple[tuple[str, Callable[[Application], str]], ...] = (
        ("python", lambda _: f"{sys.version.split()[0]} at {sys.executable}"),
        ("documents", _documents),
        ("data folder", _data_folder),
        ("embedding model", _model),
        ("index", _index),
        ("vectors", _vectors),
        ("language model", _language_model),
    )
    return [_examine(subject, check, application) for subject, check in examinations]


def _examine(subject: str, check: Callable[[Application], str], application: Application) -> Finding:
    try:
        return Finding(subject, True, check(application))
    except RagError as error:
        return Finding(subject, False, str(error))
    except OSError as error:
        return Finding(subject, False, f"{error.filename}: {error.strerror}. See that you may read it.")


def _documents(application: Application) -> str:
    readable, corpus = 0, application.corpus
    for path in corpus:
        if not path.exists():
            raise RagError(
                f"There is no folder or file {path}. Set --corpus or RAG_CORPUS_DIR to your documents."
            )
        files = [path] if path.is_file() else path.rglob("*")
        readable += sum(file.suffix.lower() in ENDINGS and file.is_file() for file in files)
    shown = ", ".join(map(str, corpus))
    if not readable:
        raise RagError(f"{shown} holds no file that can be read ({', '.join(sorted(ENDINGS))}).")
    return f"{readable} readable files in {shown}"


def _data_folder(application: Application) -> str:
    folder = application.settings.data_dir
    # Not `exists()`, which is as good as no where one may not look.
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if os.path.lexists(path))
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK, effective_ids=_EFFECTIVE):
        raise RagError(f"{existing} cannot be written. Set --data-dir or RAG_DATA_DIR to a folder that can.")
    return str(folder)


def _model(application: Application) -> str:
    embedder = application.embedder
    return f"{application.settings.embedding_model}, {embedder.dimensions} dimensions"


def _index(application: Application) -> str:
    manifest = application.check()
    return f"{manifest.index_id}: {manifest.documents} documents, {manifest.passages} passages"


def _vectors(application: Application) -> str:
    manifest = application.catalog.manifest()
    stored = application.vectors.count(manifest.collection)
    if stored != manifest.passages:
        raise IndexCorrupt(
            f"{stored} vectors are stored for {manifest.passages} passages. Run `mission-record rebuild`."
        )
    return f"{stored} stored; {_found(application, manifest)} of a sample found by their own vector"


def _found(application: Application, manifest: Manifest) -> int:
    """Of the first passage of up to twenty documents: those found as their own nearest. All, or it is corrupt."""
    sample = _sample(application.catalog)
    for passage_id in sample:
        if not found_by_own_vector(application.vectors, manifest.collection, passage_id):
            raise IndexCorrupt(
                f"Passage {passage_id} is not found by its own vector. Run `mission-record rebuild`."
            )
    return len(sample)


def _sample(catalog: Catalog) -> list[str]:
    documents = catalog.documents(limit=20).documents
    return [catalog.passages_of(document.id)[0].id for document in documents]


def _language_model(application: Application) -> str:
    model, settings = application.language_model, application.settings.llm
    if model is None:
        return "none configured; answers are extractive"
    place = f"{settings.provider} at {settings.base_url or 'its own address'}"
    try:
        return f"{model.check()} writes; {place}"
    except LanguageModelError as error:
        raise LanguageModelError(f"{error} ({place})") from error

"""Looks an installation over: what is wrong with it, and how to mend it."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from rag.errors import IndexCorrupt, LanguageModelError, RagError
from rag.formats.read import ENDINGS, reader_missing
from rag.verification import verify_in_child
from rag.wiring import Application, Progress

_SHOWN = ("passages", "vectors", "search")
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
        ("readers", _readers),
        ("data folder", _data_folder),
        ("embedding model", _model),
        ("index", _index),
        ("contents", _contents),
        ("language model", _language_model),
    )
    return [_examine(subject, check, application) for subject, check in examinations]


def mend(application: Application, progress: Progress | None = None) -> list[str]:
    """Mend what can be: an index that is damaged, of an older version or out of step, and what killed processes left.

    Says what was done.

    Raises:
        RagError: it cannot be mended so; the message says why.
    """
    left = application.leftovers()
    report = application.synchronise(progress)
    done = [f"removed {path}, which a process had left that was killed" for path in left if not path.exists()]
    if report.anew:
        done.append(f"made the index anew. {report.anew}")
    elif report.changed:
        counts = (len(report.added), len(report.updated), len(report.removed))
        done.append("brought the index in step: {} added, {} updated, {} removed".format(*counts))
    return done


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


def _readers(application: Application) -> str:
    files = [file for path in application.corpus for file in ([path] if path.is_file() else path.rglob("*"))]
    missing = Counter(file.suffix.lower() for file in files if reader_missing(file.suffix.lower()))
    if missing:
        counted = ", ".join(f"{number} {ending}" for ending, number in sorted(missing.items()))
        raise RagError(
            f"The readers of some files are not installed ({counted}): pip install 'mission-record[documents]'"
            " and ingest again."
        )
    return "all that the documents need are installed"


def _data_folder(application: Application) -> str:
    folder = application.settings.data_dir
    # Not `exists()`, which is as good as no where one may not look.
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if os.path.lexists(path))
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK, effective_ids=_EFFECTIVE):
        raise RagError(f"{existing} cannot be written. Set --data-dir or RAG_DATA_DIR to a folder that can.")
    return str(folder)


def _model(application: Application) -> str:
    embedder = application.embedder
    return f"{application.settings.embedding_model}, {embedder.dimensions} dimensions, {embedder.precision}"


def _index(application: Application) -> str:
    manifest = application.check()
    return f"{manifest.index_id}: {manifest.documents} documents, {manifest.passages} passages"


def _contents(application: Application) -> str:
    application.catalog.manifest()
    checks = verify_in_child(application.settings)
    # That the index is of this program and these settings is looked at above.
    wrong = [check for check in checks if not check.well and check.subject != "manifest"]
    if wrong:
        raise IndexCorrupt(" ".join(f"{check.subject}: {check.detail}" for check in wrong))
    return "; ".join(f"{check.subject}: {check.detail}" for check in checks if check.subject in _SHOWN)


def _language_model(application: Application) -> str:
    model, settings = application.language_model, application.settings.llm
    if model is None:
        return "none configured; answers are extractive"
    place = f"{settings.provider} at {settings.base_url or 'its own address'}"
    try:
        return f"{model.check()} writes; {place}"
    except LanguageModelError as error:
        raise LanguageModelError(f"{error} ({place})") from error

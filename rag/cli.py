"""The command line. Each command imports what it needs when it runs, so that `--help` is instant."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rag.errors import RagError

if TYPE_CHECKING:
    from rag.wiring import Application

app = typer.Typer(
    help="Ask a record of documents; every statement of an answer is cited to the sentence it comes from.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Folder of the index. [env: RAG_DATA_DIR]")]
Corpus = Annotated[Path | None, typer.Option("--corpus", help="Folder of documents. [env: RAG_CORPUS_DIR]")]


def _application(data_dir: Path | None, corpus: Path | None, **overrides: object) -> Application:
    from rag.settings import load_settings
    from rag.wiring import build

    return build(load_settings(data_dir=data_dir, corpus_dir=corpus, **overrides))

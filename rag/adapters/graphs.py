"""Graphs that are made of a model's weights once, and kept."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from rag.adapters.model_source import Head, read_config, weights_sha256
from rag.errors import ModelError

GRAPH_VERSION = 1  # of what `bert.write_graph` writes; raise it when the same weights give other bytes

# Writes a graph, and its large tensors to a second file, which will lie beside it by the name that is given.
Write = Callable[[BinaryIO, BinaryIO, str], None]


def built_graph(model_folder: Path, head: Head, cache_folder: Path, int8: bool = False) -> Path:
    """The ONNX graph of a model, built unless `cache_folder` holds it whole, and named by what it is made of.

    With `int8` its products are of integers, as `rag.adapters.int8` says.

    Raises:
        ModelInvalid: the weights or the configuration cannot be used.
        ModelError: the cache folder cannot be written.
    """
    made_of = f"{weights_sha256(model_folder, cache_folder)} {read_config(model_folder).model_dump_json()}"

    def write(graph_file: BinaryIO, data_file: BinaryIO, data_name: str) -> None:
        from rag.adapters.bert import write_graph  # slow to import, and needed once

        write_graph(model_folder, head, graph_file, data_file, data_name, int8)

    try:
        name = "-".join((head, *(("int8",) if int8 else ()), str(GRAPH_VERSION), _digest(made_of)))
        return _kept(cache_folder, name, write)
    except OSError as error:
        raise ModelError(
            f"The model cannot be built in {cache_folder}: {error}. "
            "Make room there, or set RAG_MODEL_CACHE_DIR to a folder that can be written."
        ) from error


def noted(graph: Path, what: str, measure: Callable[[], float]) -> float:
    """A number about a graph, measured once and kept beside it; where that cannot be written, measured each time."""
    note = graph.with_suffix(f".{what}.json")
    with suppress(OSError, ValueError, TypeError):
        return float(json.loads(note.read_text(encoding="utf-8")))
    number = measure()
    with suppress(OSError), _replacing(note) as file:
        file.write(json.dumps(number).encode())
    return number


def _kept(cache_folder: Path, name: str, write: Write) -> Path:
    """The graph of that name; written unless it is there whole."""
    graph, data, sizes = (cache_folder / f"{name}.{kind}" for kind in ("onnx", "data", "json"))
    if not _is_whole(sizes, (graph, data)):
        cache_folder.mkdir(parents=True, exist_ok=True)
        with _replacing(graph) as graph_file, _replacing(data) as data_file:
            write(graph_file, data_file, data.name)
        # Written last: without it the two others do not count.
        with _replacing(sizes) as sizes_file:
            sizes_file.write(json.dumps(_sizes((graph, data))).encode())
    return graph


def _digest(made_of: str) -> str:
    return hashlib.sha256(made_of.encode()).hexdigest()[:16]


def _sizes(files: Sequence[Path]) -> dict[str, int]:
    return {file.name: file.stat().st_size for file in files}


def _is_whole(sizes: Path, files: Sequence[Path]) -> bool:
    with suppress(OSError, ValueError):
        return bool(json.loads(sizes.read_text(encoding="utf-8")) == _sizes(files))
    return False


@contextmanager
def _replacing(target: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of `target` once written, and leaves nothing behind if that fails."""
    partial = target.with_name(f"{target.name}.{uuid4().hex}.part")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)

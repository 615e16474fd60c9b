"""Graphs that are made once and kept: of a model's weights, or of a graph whose weights are stored narrower."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO
from uuid import uuid4

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as runtime

from rag.adapters.model_source import Head, read_config, weights_sha256
from rag.errors import ModelError

GRAPH_VERSION = 1  # of what `bert.write_graph` writes; raise it when the same weights give other bytes
EXTERNAL_FROM_BYTES = 65_536  # smaller tensors stay in the graph
LOAD_ERRORS = (
    runtime.Fail,
    runtime.InvalidGraph,
    runtime.InvalidProtobuf,
    runtime.NoSuchFile,
    runtime.NotImplemented,
    runtime.RuntimeException,
)

# Writes a graph, and its large tensors to a second file, which will lie beside it by the name that is given.
Write = Callable[[BinaryIO, BinaryIO, str], None]


def built_graph(model_folder: Path, head: Head, cache_folder: Path) -> Path:
    """The ONNX graph of a model, built unless `cache_folder` holds it whole, and named by what it is made of.

    Raises:
        ModelInvalid: the weights or the configuration cannot be used.
        ModelError: the cache folder cannot be written.
    """
    made_of = f"{weights_sha256(model_folder, cache_folder)} {read_config(model_folder).model_dump_json()}"

    def write(graph_file: BinaryIO, data_file: BinaryIO, data_name: str) -> None:
        from rag.adapters.bert import write_graph  # slow to import, and needed once

        write_graph(model_folder, head, graph_file, data_file, data_name)

    try:
        return _kept(cache_folder, f"{head}-{GRAPH_VERSION}-{_digest(made_of)}", write)
    except OSError as error:
        raise ModelError(
            f"The model cannot be built in {cache_folder}: {error}. "
            "Make room there, or set RAG_MODEL_CACHE_DIR to a folder that can be written."
        ) from error


def widened_graph(graph: Path, cache_folder: Path) -> Path:
    """A graph with its int8 weights as the floats that they stand for, so that they are mapped instead of made anew.

    The runtime would do the same at each start, which takes several times as long and half as much memory again.
    Where the cache folder cannot be written, or the runtime refuses, it is the graph itself that is returned.
    """
    with suppress(OSError, *LOAD_ERRORS):
        status = graph.stat()
        made_of = f"{graph.resolve()} {status.st_size} {status.st_mtime_ns} {onnxruntime.__version__}"
        return _kept(cache_folder, f"{graph.stem}-wide-{_digest(made_of)}", lambda *to: _widen(graph, *to))
    return graph


def _widen(graph: Path, graph_file: BinaryIO, data_file: BinaryIO, data_name: str) -> None:
    with TemporaryDirectory(dir=Path(data_file.name).parent, suffix=".part") as folder:
        widened = Path(folder, graph.name)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # Folds constants and no more: what depends on the processor is left to the session that runs it.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(widened)
        external = "session.optimized_model_external_initializers"
        options.add_session_config_entry(f"{external}_file_name", data_name)
        options.add_session_config_entry(f"{external}_min_size_in_bytes", str(EXTERNAL_FROM_BYTES))
        onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        for source, target in ((widened, graph_file), (widened.with_name(data_name), data_file)):
            with source.open("rb") as opened:
                shutil.copyfileobj(opened, target)


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

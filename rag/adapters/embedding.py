"""Sentence vectors on ONNX Runtime: a graph built once, and token batches run through it."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as runtime
from tokenizers import Encoding, Tokenizer

from rag.adapters.model_source import (
    Head,
    read_config,
    read_max_tokens,
    read_pooling,
    read_prompts,
    weights_sha256,
)
from rag.errors import ModelError, ModelInvalid
from rag.ports import Progress, Vector

GRAPH_VERSION = 1  # of what `bert.write_graph` writes; raise it when the same weights give other bytes
MAX_TOKENS = 256
BATCH_TOKENS = 1_024  # padding included; larger batches are no faster and take more memory
SORTED_TOGETHER = 1_024  # texts tokenised at once, which bounds the memory
LONE_SURROGATE = re.compile("[\ud800-\udfff]")
LOAD_ERRORS = (
    runtime.Fail,
    runtime.InvalidGraph,
    runtime.InvalidProtobuf,
    runtime.NoSuchFile,
    runtime.NotImplemented,
    runtime.RuntimeException,
)


def built_graph(model_folder: Path, head: Head, cache_folder: Path) -> Path:
    """The ONNX graph of a model, built unless `cache_folder` holds it whole, and named by what it is made of.

    Raises:
        ModelInvalid: the weights or the configuration cannot be used.
        ModelError: the cache folder cannot be written.
    """
    made_of = f"{weights_sha256(model_folder, cache_folder)} {read_config(model_folder).model_dump_json()}"
    name = f"{head}-{GRAPH_VERSION}-{hashlib.sha256(made_of.encode()).hexdigest()[:16]}"
    graph, data, sizes = (cache_folder / f"{name}.{kind}" for kind in ("onnx", "data", "json"))
    if not _is_whole(sizes, (graph, data)):
        from rag.adapters.bert import write_graph  # slow to import, and needed once

        try:
            cache_folder.mkdir(parents=True, exist_ok=True)
            with _replacing(graph) as graph_file, _replacing(data) as data_file:
                write_graph(model_folder, head, graph_file, data_file, data.name)
            # Written last: without it the two others do not count.
            with _replacing(sizes) as sizes_file:
                sizes_file.write(json.dumps(_sizes((graph, data))).encode())
        except OSError as error:
            raise ModelError(
                f"The model cannot be built in {cache_folder}: {error}. "
                "Make room there, or set RAG_MODEL_CACHE_DIR to a folder that can be written."
            ) from error
    return graph


class TokenSession:
    """An ONNX Runtime session that runs token batches through a graph; safe between threads."""

    def __init__(self, graph: Path, threads: int | None = None) -> None:
        """Load the graph; `threads` is by default the number of cores.

        Raises:
            ModelInvalid: the file cannot be loaded.
        """
        onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or os.cpu_count() or 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors; they are raised as well
        # A waiting thread sleeps: spinning takes a whole core from the rest of the program.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except LOAD_ERRORS as error:
            raise ModelInvalid(
                f"{graph} cannot be loaded: {error}. Delete it; it will be built again."
            ) from error

    @property
    def output_shapes(self) -> dict[str, list[int | str]]:
        """The shape of each output by name; a dimension that varies is given by its name."""
        return {output.name: output.shape for output in self._session.get_outputs()}

    def run(self, encodings: Sequence[Encoding]) -> list[Any]:
        """Run one batch, padded to its longest member; the outputs in the order of `output_shapes`."""
        tokens = max(len(encoding) for encoding in encodings)
        ids, mask, types = np.zeros((3, len(encodings), tokens), dtype=np.int32)
        for row, encoding in enumerate(encodings):
            length = len(encoding)
            ids[row, :length] = encoding.ids
            types[row, :length] = encoding.type_ids
            mask[row, :length] = 1
        feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
        outputs: list[Any] = self._session.run(None, feeds)
        return outputs


def token_batches(encodings: Sequence[Encoding], batch_tokens: int = BATCH_TOKENS) -> Iterator[list[int]]:
    """Positions in `encodings`, in batches of similar length: at most `batch_tokens` tokens when padded."""
    batch: list[int] = []
    for position in sorted(range(len(encodings)), key=lambda position: -len(encodings[position])):
        if batch and (len(batch) + 1) * len(encodings[batch[0]]) > batch_tokens:
            yield batch
            batch = []
        batch.append(position)
    if batch:
        yield batch


def load_tokenizer(model_folder: Path) -> Tokenizer:
    """The tokenizer of a model folder, which neither cuts nor pads until told to.

    Raises:
        ModelInvalid: there is none, or it has more tokens than the model.
    """
    file = model_folder / "tokenizer.json"
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises nothing more precise
        raise ModelInvalid(
            f"{file} cannot be read: {error}. Use a complete model folder; one with only a sentencepiece file or a"
            " vocab.txt gets its tokenizer.json from `save_pretrained` of a fast tokenizer."
        ) from error
    known = read_config(model_folder).vocab_size
    if tokenizer.get_vocab_size() > known:
        raise ModelInvalid(f"{file} has {tokenizer.get_vocab_size()} tokens, the model knows {known}.")
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def encodable(text: str) -> str:
    """The text with lone surrogates replaced, one for one: the tokenizer takes only valid Unicode."""
    return LONE_SURROGATE.sub("\ufffd", text)


class OnnxEmbedder:
    """The `Embedder` port for any BERT-family sentence-transformers folder; safe between threads."""

    def __init__(self, model_folder: Path, cache_folder: Path, threads: int | None = None) -> None:
        """Load the model, building its graph in `cache_folder` at the first start.

        Raises:
            ModelInvalid: the folder is not one of a supported model.
            ModelError: the cache folder cannot be written.
        """
        pooling = read_pooling(model_folder)
        self._folder = model_folder
        self._max_tokens = min(MAX_TOKENS, read_max_tokens(model_folder))
        self._query_prompt, self._passage_prompt = read_prompts(model_folder)
        self._tokenizer = load_tokenizer(model_folder)
        self._tokenizer.enable_truncation(self._max_tokens)
        self._session = TokenSession(built_graph(model_folder, pooling, cache_folder), threads)
        self._dimensions = int(self._session.output_shapes["vector"][-1])
        parts = (
            GRAPH_VERSION,
            weights_sha256(model_folder, cache_folder),
            hashlib.sha256((model_folder / "tokenizer.json").read_bytes()).hexdigest(),
            pooling,
            self._max_tokens,
            self._query_prompt,
            self._passage_prompt,
        )
        self._fingerprint = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    @property
    def fingerprint(self) -> str:
        """Changes with the weights, graph, tokenizer, pooling, token limit and prompts."""
        return self._fingerprint

    @property
    def dimensions(self) -> int:
        """The length of a vector."""
        return self._dimensions

    @property
    def max_tokens(self) -> int:
        """The most tokens read of a text, special ones included."""
        return self._max_tokens

    def embed_query(self, text: str) -> Vector:
        """The unit vector of a question: shape (dimensions,), float32."""
        vector: Vector = self._session.run(self._encode([self._query_prompt + text]))[0][0]
        return vector

    def embed_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Vector:
        """Unit vectors of shape (len(texts), dimensions), float32, in the order of `texts`.

        `progress` is called after each batch with the number of texts newly done.
        """
        vectors = np.empty((len(texts), self._dimensions), dtype=np.float32)
        for first in range(0, len(texts), SORTED_TOGETHER):
            encodings = self._encode(
                [self._passage_prompt + text for text in texts[first : first + SORTED_TOGETHER]]
            )
            for batch in token_batches(encodings):
                rows = [first + position for position in batch]
                vectors[rows] = self._session.run([encodings[position] for position in batch])[0]
                if progress:
                    progress(len(batch))
        return vectors

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text, uncut, without special tokens."""
        encodings = self._counting_tokenizer.encode_batch_fast(
            [encodable(text) for text in texts], add_special_tokens=False
        )
        return [len(encoding) for encoding in encodings]

    @cached_property
    def _counting_tokenizer(self) -> Tokenizer:
        """One that does not cut; changing the other to and fro would not be safe between threads."""
        return load_tokenizer(self._folder)

    def _encode(self, texts: Sequence[str]) -> list[Encoding]:
        return self._tokenizer.encode_batch_fast([encodable(text) for text in texts])


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

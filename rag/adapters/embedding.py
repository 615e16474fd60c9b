"""Sentence vectors on ONNX Runtime: token batches run through a graph."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as runtime
from tokenizers import Encoding, Tokenizer

from rag.adapters.graphs import GRAPH_VERSION, built_graph
from rag.adapters.model_source import (
    read_config,
    read_max_tokens,
    read_pooling,
    read_prompts,
    weights_sha256,
)
from rag.errors import ModelInvalid
from rag.ports import Progress, Vector

MAX_TOKENS = 256
# Padding included; what larger batches compute in between leaves the cache, and takes more memory.
BATCH_TOKENS = 512
MOST_PADDING = 8
MANY_TOKENS = 8_192  # from which on it is worth the tenth of a second that another session takes
SORTED_TOGETHER = 1_024  # texts tokenised at once, which bounds the memory
LOAD_ERRORS = (
    runtime.Fail,
    runtime.InvalidGraph,
    runtime.InvalidProtobuf,
    runtime.NoSuchFile,
    runtime.NotImplemented,
    runtime.RuntimeException,
)
LONE_SURROGATE = re.compile("[\ud800-\udfff]")


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
    """Positions in `encodings`, in batches of similar length: at most `batch_tokens` tokens when padded.

    Of them no more than `MOST_PADDING` are padding: to compute that would take longer than another run.
    """
    batch: list[int] = []
    padding = 0
    for position in sorted(range(len(encodings)), key=lambda position: -len(encodings[position])):
        longest = len(encodings[batch[0]]) if batch else 0
        padding += longest - len(encodings[position])
        if batch and ((len(batch) + 1) * longest > batch_tokens or padding > MOST_PADDING):
            yield batch
            batch, padding = [], 0
        batch.append(position)
    if batch:
        yield batch


def load_tokenizer(model_folder: Path) -> Tokenizer:
    """The tokenizer of a model folder, which neither cuts nor pads; the same object for all whose file is the same.

    Raises:
        ModelInvalid: there is none, or it has more tokens than the model.
    """
    file = model_folder / "tokenizer.json"
    try:
        tokenizer = _tokenizer(file.read_bytes())
    except Exception as error:  # the library raises nothing more precise
        raise ModelInvalid(
            f"{file} cannot be read: {error}. Use a complete model folder; one with only a sentencepiece file or a"
            " vocab.txt gets its tokenizer.json from `save_pretrained` of a fast tokenizer."
        ) from error
    known = read_config(model_folder).vocab_size
    if tokenizer.get_vocab_size() > known:
        raise ModelInvalid(f"{file} has {tokenizer.get_vocab_size()} tokens, the model knows {known}.")
    return tokenizer


@lru_cache(maxsize=2)
def _tokenizer(content: bytes) -> Tokenizer:
    tokenizer = Tokenizer.from_buffer(content)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def cut(tokenizer: Tokenizer, most_tokens: int, text: str, before: str | None = None) -> Encoding:
    """A text that is too long, of which the end is left out; `before` is the first of the pair, and stays whole."""
    first = tokenizer.encode(text if before is None else before, add_special_tokens=False)
    second = None if before is None else tokenizer.encode(text, add_special_tokens=False)
    special = tokenizer.num_special_tokens_to_add(second is not None)
    if second is None:
        first.truncate(most_tokens - special)
    else:
        second.truncate(most_tokens - special - len(first))
    return tokenizer.post_process(first, second)


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
        self._max_tokens = min(MAX_TOKENS, read_max_tokens(model_folder))
        self._query_prompt, self._passage_prompt = read_prompts(model_folder)
        self._tokenizer = load_tokenizer(model_folder)
        self._graph = built_graph(model_folder, pooling, cache_folder)
        self._threads = threads or os.cpu_count() or 1
        self._session = TokenSession(self._graph, self._threads)
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
            batches = list(token_batches(encodings))
            for batch, rows in zip(batches, self._embed(encodings, batches), strict=True):
                vectors[[first + position for position in batch]] = rows
                if progress:
                    progress(len(batch))
        return vectors

    def _embed(self, encodings: Sequence[Encoding], batches: Sequence[Sequence[int]]) -> Iterator[Vector]:
        """The vectors of each batch."""
        chosen = [[encodings[position] for position in batch] for batch in batches]
        if self._threads == 1 or sum(map(len, encodings)) < MANY_TOKENS:
            yield from (self._session.run(batch)[0] for batch in chosen)
            return
        # Threads that share a batch wait for each other at every step of it; with a batch to itself none does.
        session = TokenSession(self._graph, threads=1)
        with ThreadPoolExecutor(self._threads) as pool:
            yield from pool.map(lambda batch: session.run(batch)[0], chosen)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text, uncut, without special tokens."""
        encodings = self._tokenizer.encode_batch_fast(
            [encodable(text) for text in texts], add_special_tokens=False
        )
        return [len(encoding) for encoding in encodings]

    def _encode(self, texts: Sequence[str]) -> list[Encoding]:
        texts = [encodable(text) for text in texts]
        return [
            encoding if len(encoding) <= self._max_tokens else cut(self._tokenizer, self._max_tokens, text)
            for text, encoding in zip(texts, self._tokenizer.encode_batch_fast(texts), strict=True)
        ]

"""Sentence vectors on ONNX Runtime: token batches run through a graph."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as runtime
from tokenizers import Encoding, Tokenizer

from rag.adapters.graphs import GRAPH_VERSION, built_graph, noted
from rag.adapters.model_source import (
    Head,
    read_config,
    read_max_tokens,
    read_pooling,
    read_prompts,
    weights_sha256,
)
from rag.errors import ModelInvalid
from rag.ports import Progress, Vector

MAX_TOKENS = 256
# Padding included; what larger batches compute in between leaves the cache, and takes more memory. Fewer than so many
# are not worth another thread.
BATCH_TOKENS, LEAST_TOKENS = 256, 64
MOST_PADDING = 8
# The least cosine of a vector with that in float32, over `LOOKED_AT`, from which on a model is run in int8.
NEAR_ENOUGH = 0.98
LOOKED_AT = (
    "Who repairs the lamps?",
    "The ferry leaves at a quarter past seven on weekdays and at nine on Sundays.",
    "In 2019 the institute employed 340 people; five years later there were 512, most of them in the new laboratory.",
    "Terms: payment within thirty days, 2 % discount within ten. Deliveries abroad are made at the buyer's own risk.",
    "If the pump does not start, first see that the valve is open and the cable whole, then press the red switch for "
    "three seconds; a lamp on the front shows that it is ready. Never open the housing while the motor is warm.",
)
Precision = Literal["int8", "float32"]
SORTED_TOGETHER = 1_024  # texts tokenised at once, which bounds the memory
LOAD_ERRORS = (
    runtime.Fail,
    runtime.InvalidGraph,
    runtime.InvalidProtobuf,
    runtime.NoSuchFile,
    runtime.NotImplemented,
    runtime.RuntimeException,
)
SATURATION_PROBE = Path(__file__).with_name("saturation.onnx")
LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class TokenSession:
    """An ONNX Runtime session that runs token batches through a graph; safe between threads."""

    def __init__(self, graph: Path, threads: int | None = None) -> None:
        """Load the graph; `threads`, by default as many as there are cores, each run a batch of their own.

        Threads that share a batch wait for each other at every step of it; with a batch to itself none does.

        Raises:
            ModelInvalid: the file cannot be loaded.
        """
        onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors; they are raised as well
        if _saturates():
            options.add_session_config_entry("session.x64quantprecision", "1")
        try:
            self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except LOAD_ERRORS as error:
            raise ModelInvalid(
                f"{graph} cannot be loaded: {error}. Delete it; it will be built again."
            ) from error
        self.threads = threads or os.cpu_count() or 1
        # No thread is started before there is something to run.
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="model")

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

    def run_each(self, batches: Sequence[Sequence[Encoding]]) -> Iterable[list[Any]]:
        """The same of several batches, side by side; in their order."""
        if self.threads == 1 or len(batches) < 2:
            return map(self.run, batches)
        return self._pool.map(self.run, batches)


@cache
def _saturates() -> bool:
    """Whether this processor adds up products of integers in 16 bits, as those with AVX2 but no VNNI do.

    Then sums are cut off, and answers would differ from one computer to another, unless the runtime is told to be
    precise; where that is not needed, it would take half as long again.
    """
    session = onnxruntime.InferenceSession(SATURATION_PROBE, providers=["CPUExecutionProvider"])
    (values,) = session.get_inputs()
    sums = session.run(None, {values.name: np.full(values.shape, 255, np.uint8)})[0]
    return bool((sums != 255 * 127 * values.shape[1]).any())


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

    def __init__(
        self,
        model_folder: Path,
        cache_folder: Path,
        threads: int | None = None,
        precision: Precision = "int8",
    ) -> None:
        """Load the model, building its graph in `cache_folder` at the first start.

        In int8 it takes about half the time. A model whose vectors then come out too far from those in float32 is run
        in float32 all the same: `precision` says which it is.

        Raises:
            ModelInvalid: the folder is not one of a supported model.
            ModelError: the cache folder cannot be written.
        """
        pooling = read_pooling(model_folder)
        self._max_tokens = min(MAX_TOKENS, read_max_tokens(model_folder))
        self._query_prompt, self._passage_prompt = read_prompts(model_folder)
        self._tokenizer = load_tokenizer(model_folder)
        graph, self._precision = self._graph_of(model_folder, pooling, cache_folder, precision)
        self._session = TokenSession(graph, threads)
        self._dimensions = int(self._session.output_shapes["vector"][-1])
        parts = (
            GRAPH_VERSION,
            self._precision,
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
        """Changes with the weights, precision, graph, tokenizer, pooling, token limit and prompts."""
        return self._fingerprint

    @property
    def precision(self) -> Precision:
        """What it came to: int8, or float32."""
        return self._precision

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
            share = -(-sum(map(len, encodings)) // self._session.threads)
            batches = list(token_batches(encodings, min(BATCH_TOKENS, max(LEAST_TOKENS, share))))
            made = self._session.run_each([[encodings[at] for at in batch] for batch in batches])
            for batch, (rows, *_) in zip(batches, made, strict=True):
                vectors[[first + position for position in batch]] = rows
                if progress:
                    progress(len(batch))
        return vectors

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

    def _graph_of(
        self, model_folder: Path, pooling: Head, cache_folder: Path, precision: Precision
    ) -> tuple[Path, Precision]:
        if precision == "int8":
            graph = built_graph(model_folder, pooling, cache_folder, int8=True)

            def measure() -> float:
                with tempfile.TemporaryDirectory(dir=cache_folder, ignore_cleanup_errors=True) as folder:
                    return self._nearness(graph, built_graph(model_folder, pooling, Path(folder)))

            if noted(graph, "nearness", measure) >= NEAR_ENOUGH:
                return graph, "int8"
        return built_graph(model_folder, pooling, cache_folder), "float32"

    def _nearness(self, one: Path, other: Path) -> float:
        """The least cosine of a vector that one graph makes with that of another."""
        batches = [[encoding] for encoding in self._encode(LOOKED_AT)]
        first, second = (
            np.concatenate([vectors for (vectors, *_) in TokenSession(graph, 1).run_each(batches)])
            for graph in (one, other)
        )
        return float((first * second).sum(axis=1).min())

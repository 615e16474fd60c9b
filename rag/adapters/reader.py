"""The reader on ONNX Runtime: a small cross-encoder that reads a question and a passage together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from tokenizers import Encoding

from rag.adapters.embedding import TokenSession, cut, encodable, load_tokenizer
from rag.adapters.graphs import built_graph
from rag.adapters.model_source import Head
from rag.domain import Passage
from rag.ports import SpanLogits

GRAPH = "reader.onnx"
MAX_QUESTION_TOKENS = 48
MAX_TOKENS = 256
# Of ours, "[CLS] question [SEP] passage [SEP]", the passage is the second sequence.
_PASSAGE = 1


class OnnxReader:
    """`rag.ports.Reader` for a graph with the outputs of `Head.READER`; safe between threads.

    A reader that only points at spans finds a passage as answerable as its best span is likelier than none; a
    cross-encoder that only grades passages points at nothing.
    """

    def __init__(self, folder: Path, cache_folder: Path, threads: int | None = None) -> None:
        """Load `reader.onnx` from the folder or, where it has none, build the graph from its weights, once.

        Raises:
            ModelInvalid: what is in the folder cannot be used.
        """
        self._tokenizer = load_tokenizer(folder)
        graph = folder / GRAPH
        self._session = TokenSession(
            graph if graph.is_file() else built_graph(folder, Head.READER, cache_folder), threads
        )
        self._outputs = tuple(self._session.output_shapes)

    def read(self, question: str, passages: Sequence[Passage]) -> list[SpanLogits]:
        """Each passage with its headings in front, as "title > section. text"."""
        if not passages:
            return []
        asked = self._cut(encodable(question))
        headings = [f"{passage.headings}. " for passage in passages]
        texts = [
            heading + encodable(passage.text) for heading, passage in zip(headings, passages, strict=True)
        ]
        encodings = [
            encoding if len(encoding) <= MAX_TOKENS else cut(self._tokenizer, MAX_TOKENS, text, asked)
            for text, encoding in zip(
                texts, self._tokenizer.encode_batch([(asked, text) for text in texts]), strict=True
            )
        ]
        # Each a batch of its own: their lengths differ, padding costs as much as text, and a passage is read the same
        # whatever stands beside it.
        made = self._session.run_each([[encoding] for encoding in encodings])
        return [
            _logits(
                encoding,
                len(heading),
                {name: rows[0] for name, rows in zip(self._outputs, outputs, strict=True)},
            )
            for encoding, heading, outputs in zip(encodings, headings, made, strict=True)
        ]

    def _cut(self, question: str) -> str:
        offsets = self._tokenizer.encode(question, add_special_tokens=False).offsets[:MAX_QUESTION_TOKENS]
        return question[: offsets[-1][1]] if offsets else question


def _logits(encoding: Encoding, heading: int, outputs: Mapping[str, np.ndarray]) -> SpanLogits:
    """Those of the tokens that stand in the passage's own text, with where they stand in it."""
    if "start" not in outputs:
        nowhere = np.zeros(0, dtype=np.float32)
        offsets = np.zeros((0, 2), dtype=np.int64)
        return SpanLogits(nowhere, nowhere, offsets, none=0.0, answerable=float(outputs["answerable"]))
    starts, ends = outputs["start"], outputs["end"]
    places = encoding.offsets  # each look at it makes the whole list anew
    tokens = [
        token
        for token, (sequence, (start, _)) in enumerate(zip(encoding.sequence_ids, places, strict=True))
        if sequence == _PASSAGE and start >= heading
    ]
    offsets = np.array([places[token] for token in tokens], dtype=np.int64).reshape(-1, 2) - heading
    none = float(starts[0] + ends[0])
    best = float(starts[tokens].max() + ends[tokens].max()) if tokens else none
    answerable = float(outputs["answerable"]) if "answerable" in outputs else best - none
    return SpanLogits(starts[tokens], ends[tokens], offsets, none, answerable)

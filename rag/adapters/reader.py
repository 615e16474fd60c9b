"""The reader on ONNX Runtime: a small cross-encoder that reads a question and a passage together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Encoding

from rag.adapters.embedding import TokenSession, built_graph, encodable, load_tokenizer
from rag.adapters.model_source import Head
from rag.domain import Passage
from rag.errors import ModelMissing
from rag.ports import SpanLogits

GRAPH = "reader.onnx"
MAX_QUESTION_TOKENS = 48
MAX_TOKENS = 256
# Of ours, "[CLS] question [SEP] passage [SEP]", the passage is the second sequence.
_PASSAGE = 1


class OnnxReader:
    """`rag.ports.Reader` for a graph with the outputs of `Head.READER`; safe between threads."""

    def __init__(self, folder: Path, cache_folder: Path, threads: int | None = None) -> None:
        """Load `reader.onnx` from the folder or, where it has none, build the graph from its weights, once.

        Raises:
            ModelMissing: there is no such folder.
            ModelInvalid: what is in it cannot be used.
        """
        if not folder.is_dir():
            raise ModelMissing(
                f"There is no reader in {folder}. Set RAG_READER_MODEL to a folder, `bundled` or `none`."
            )
        self._questions, self._tokenizer = load_tokenizer(folder), load_tokenizer(folder)
        self._tokenizer.enable_truncation(MAX_TOKENS, strategy="only_second")
        graph = folder / GRAPH
        self._session = TokenSession(
            graph if graph.is_file() else built_graph(folder, Head.READER, cache_folder), threads
        )

    def read(self, question: str, passages: Sequence[Passage]) -> list[SpanLogits]:
        """Each passage with its headings in front, as "title > section. text"."""
        if not passages:
            return []
        asked = self._cut(encodable(question))
        headings = [f"{passage.headings}. " for passage in passages]
        texts = [
            heading + encodable(passage.text) for heading, passage in zip(headings, passages, strict=True)
        ]
        encodings = self._tokenizer.encode_batch([(asked, text) for text in texts])
        # One at a time: their lengths differ, padding costs as much as text, and a passage is read the same whatever
        # stands beside it.
        return [
            self._read(encoding, len(heading)) for encoding, heading in zip(encodings, headings, strict=True)
        ]

    def _read(self, encoding: Encoding, heading: int) -> SpanLogits:
        starts, ends, answerable = self._session.run([encoding])
        return _logits(encoding, heading, starts[0], ends[0], float(answerable[0]))

    def _cut(self, question: str) -> str:
        offsets = self._questions.encode(question, add_special_tokens=False).offsets[:MAX_QUESTION_TOKENS]
        return question[: offsets[-1][1]] if offsets else question


def _logits(
    encoding: Encoding, heading: int, starts: np.ndarray, ends: np.ndarray, answerable: float
) -> SpanLogits:
    """Those of the tokens that stand in the passage's own text, with where they stand in it."""
    tokens = [
        token
        for token, (sequence, (start, _)) in enumerate(
            zip(encoding.sequence_ids, encoding.offsets, strict=True)
        )
        if sequence == _PASSAGE and start >= heading
    ]
    offsets = np.array([encoding.offsets[token] for token in tokens], dtype=np.int64).reshape(-1, 2) - heading
    return SpanLogits(starts[tokens], ends[tokens], offsets, float(starts[0] + ends[0]), answerable)

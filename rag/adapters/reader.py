"""The reader on ONNX Runtime: a small cross-encoder that reads a question and a passage together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Encoding, Tokenizer

from rag.adapters.embedding import TokenSession, encodable
from rag.domain import Passage
from rag.errors import ModelInvalid
from rag.ports import SpanLogits

MAX_QUESTION_TOKENS = 48
MAX_TOKENS = 256
# Of ours, "[CLS] question [SEP] passage [SEP]", the passage is the second sequence.
_PASSAGE = 1


class OnnxReader:
    """`rag.ports.Reader` for a graph with the outputs of `Head.READER`; safe between threads."""

    def __init__(self, graph: Path, tokenizer: Path, threads: int | None = None) -> None:
        """Load the graph and its tokenizer.

        Raises:
            ModelInvalid: one of the two cannot be read.
        """
        try:
            self._tokenizer = Tokenizer.from_file(str(tokenizer))
        except Exception as error:  # the library raises nothing more precise
            raise ModelInvalid(f"{tokenizer} cannot be read: {error}. Install the program again.") from error
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS, strategy="only_second")
        self._session = TokenSession(graph, threads)

    def read(self, question: str, passages: Sequence[Passage]) -> list[SpanLogits]:
        """Each passage with its headings in front, as "title > section. text", all in one batch."""
        if not passages:
            return []
        asked = self._cut(encodable(question))
        headings = [f"{passage.headings}. " for passage in passages]
        texts = [
            heading + encodable(passage.text) for heading, passage in zip(headings, passages, strict=True)
        ]
        encodings = self._tokenizer.encode_batch([(asked, text) for text in texts])
        starts, ends, answerable = self._session.run(encodings)
        return [
            _logits(encoding, len(heading), starts[row], ends[row], float(answerable[row]))
            for row, (encoding, heading) in enumerate(zip(encodings, headings, strict=True))
        ]

    def _cut(self, question: str) -> str:
        offsets = self._tokenizer.encode(question, add_special_tokens=False).offsets[:MAX_QUESTION_TOKENS]
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

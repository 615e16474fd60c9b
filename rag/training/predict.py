"""A trained reader's predictions: the best span, its margin over no answer, and the answerable head."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from rag.training.features import Batch, Feature, Featurizer, collated
from rag.training.model import Reader

Logits: TypeAlias = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
Scorer: TypeAlias = Callable[[Batch], Logits]

MAX_ANSWER_TOKENS = 40


@dataclass(frozen=True)
class Prediction:
    """`span` in characters of the passage; `margin` is its score less that of the [CLS] token; `answerable`
    is a logit.
    """

    span: tuple[int, int]
    margin: float
    answerable: float


def torch_scorer(reader: Reader, bfloat16: bool = False) -> Scorer:
    """Scores a batch with the torch model."""
    device = reader.qa_outputs.weight.device.type
    reader.eval()

    def score(batch: Batch) -> Logits:
        with torch.inference_mode(), torch.autocast(device, torch.bfloat16, enabled=bfloat16):
            output = reader(batch.token_ids.to(device), batch.type_ids.to(device), batch.attention.to(device))
        return output.start.cpu().numpy(), output.end.cpu().numpy(), output.answerable.cpu().numpy()

    return score


def onnx_scorer(path: Path, threads: int = 1) -> Scorer:
    """Scores a batch with an exported graph, on ONNX Runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    kinds = {"tensor(int32)": np.int32, "tensor(int64)": np.int64}
    inputs = [(item.name, kinds[item.type]) for item in session.get_inputs()]
    names = [item.name for item in session.get_outputs()]

    def score(batch: Batch) -> Logits:
        by_name = {
            "input_ids": batch.token_ids,
            "token_type_ids": batch.type_ids,
            "attention_mask": batch.attention,
        }
        results = session.run(None, {name: by_name[name].numpy().astype(kind) for name, kind in inputs})
        found = dict(zip(names, results, strict=True))
        start, end, answerable = found["start"], found["end"], found["answerable"]
        return start, end, answerable.reshape(len(start))

    return score


def predict(
    scorer: Scorer, featurizer: Featurizer, pairs: list[tuple[str, str]], size: int = 32
) -> list[Prediction]:
    """A prediction for each (question, passage), in order."""
    features = featurizer.pairs([question for question, _ in pairs], [passage for _, passage in pairs])
    order = sorted(range(len(features)), key=lambda number: len(features[number].ids))
    predictions: dict[int, Prediction] = {}
    for first in range(0, len(order), size):
        numbers = order[first : first + size]
        chosen = [features[number] for number in numbers]
        for number, prediction in zip(numbers, _decoded(chosen, scorer(collated(chosen))), strict=True):
            predictions[number] = prediction
    return [predictions[number] for number in range(len(pairs))]


def _decoded(features: list[Feature], logits: Logits) -> Iterable[Prediction]:
    for feature, start, end, answerable in zip(features, *logits, strict=True):
        passage = slice(feature.passage_start, feature.passage_start + len(feature.offsets))
        scores = start[passage, None] + end[None, passage]
        allowed = np.triu(np.ones_like(scores, dtype=bool)) & ~np.triu(
            np.ones_like(scores, dtype=bool), MAX_ANSWER_TOKENS
        )
        scores = np.where(allowed, scores, -np.inf)
        first, last = np.unravel_index(int(scores.argmax()), scores.shape)
        yield Prediction(
            (feature.offsets[first][0], feature.offsets[last][1]),
            float(scores[first, last] - start[0] - end[0]),
            float(answerable),
        )

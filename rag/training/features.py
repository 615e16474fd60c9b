"""Examples as token ids, and batches of like length."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from rag.training.examples import Example

MAX_QUESTION_TOKENS = 48
MAX_TOKENS = 256


@dataclass(frozen=True)
class Feature:
    """`[CLS] question [SEP] passage [SEP]` as ids.

    `offsets` are the character spans in the passage of its tokens, which begin at `passage_start`. `start`
    and `end` are the first and last token of the answer, both 0 (the [CLS] token) when the passage does not
    answer.
    """

    ids: list[int]
    passage_start: int
    offsets: list[tuple[int, int]]
    start: int = 0
    end: int = 0
    answerable: bool = False


class Featurizer:
    """Turns questions and passages into features with the base model's tokenizer."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._cls, self._sep = (self._special(token) for token in ("[CLS]", "[SEP]"))

    def _special(self, token: str) -> int:
        number = self._tokenizer.token_to_id(token)
        if number is None:
            raise ValueError(f"the tokenizer has no token {token}: it is not of a BERT model")
        return int(number)

    def pairs(self, questions: list[str], passages: list[str]) -> list[Feature]:
        """Features without answers, in order; passages are cut to fit `MAX_TOKENS`."""
        asked = self._tokenizer.encode_batch(questions, add_special_tokens=False)
        read = self._tokenizer.encode_batch(passages, add_special_tokens=False)
        features = []
        for question, passage in zip(asked, read, strict=True):
            head = [self._cls, *question.ids[:MAX_QUESTION_TOKENS], self._sep]
            room = MAX_TOKENS - len(head) - 1
            features.append(
                Feature([*head, *passage.ids[:room], self._sep], len(head), passage.offsets[:room])
            )
        return features

    def examples(self, examples: list[Example]) -> list[Feature]:
        """Features with answers; an example whose answer was cut off is left out."""
        features = self.pairs(
            [example.question for example in examples], [example.passage for example in examples]
        )
        placed = (
            _placed(feature, example.answer) for feature, example in zip(features, examples, strict=True)
        )
        return [feature for feature in placed if feature is not None]


def _placed(feature: Feature, answer: tuple[int, int] | None) -> Feature | None:
    if answer is None:
        return feature
    inside = [n for n, (start, end) in enumerate(feature.offsets) if start < answer[1] and end > answer[0]]
    if not inside or feature.offsets[inside[-1]][1] < answer[1]:
        return None
    first, last = feature.passage_start + inside[0], feature.passage_start + inside[-1]
    return Feature(feature.ids, feature.passage_start, feature.offsets, first, last, True)


@dataclass(frozen=True)
class Batch:
    """Integer tensors `(batch, length)`, padded at the end, and the targets `(batch,)`."""

    token_ids: Tensor
    type_ids: Tensor
    attention: Tensor
    start: Tensor
    end: Tensor
    answerable: Tensor

    def to(self, device: str) -> Batch:
        """The batch on `device`."""
        return Batch(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))


def collated(features: list[Feature]) -> Batch:
    """One batch, padded to its longest feature."""
    length = max(len(feature.ids) for feature in features)
    token_ids = np.zeros((len(features), length), dtype=np.int64)
    type_ids = np.zeros_like(token_ids)
    attention = np.zeros_like(token_ids)
    for row, feature in enumerate(features):
        token_ids[row, : len(feature.ids)] = feature.ids
        type_ids[row, feature.passage_start : len(feature.ids)] = 1
        attention[row, : len(feature.ids)] = 1
    return Batch(
        torch.from_numpy(token_ids),
        torch.from_numpy(type_ids),
        torch.from_numpy(attention),
        torch.tensor([feature.start for feature in features]),
        torch.tensor([feature.end for feature in features]),
        torch.tensor([float(feature.answerable) for feature in features]),
    )


def batches(features: list[Feature], size: int, rng: random.Random) -> Iterator[list[Feature]]:
    """Batches of like length in random order: sorted within pools of 50 batches, so that little is padding."""
    shuffled = rng.sample(features, len(features))
    for first in range(0, len(shuffled), 50 * size):
        pool = sorted(shuffled[first : first + 50 * size], key=lambda feature: len(feature.ids))
        starts = list(range(0, len(pool), size))
        rng.shuffle(starts)
        for start in starts:
            yield pool[start : start + size]

"""Vectors like those that the model gives, for more passages than there is time to embed.

They are made of the model's own, passages of the same generator. A smoothed bootstrap (Silverman and Young 1987, "The
Bootstrap: To Smooth or Not to Smooth?") over two levels: the centre of a new document is mixed of those of a few real
ones, and what sets a passage apart from its document's centre is mixed of what does so for a few real passages. The
squares of the weights add up to 1, so that the covariances between documents and within them stay what they are, and
with them the clusters that documents are. All is then brought to unit length.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from rag.ports import Vector

# Of so many real ones each is mixed; fewer, and some would be all but copies of one another.
PARENTS = 4
# Of the Dirichlet distribution of their shares: the higher, the more alike these are.
EVENNESS = 4.0


class Imitation:
    """Draws vectors like those it is given, document by document."""

    def __init__(self, vectors: Vector, documents: Sequence[str]) -> None:
        """`vectors` has shape (n, dimensions), of the passages of `documents`, which has n names."""
        names, of_passage = np.unique(np.asarray(documents), return_inverse=True)
        sums = np.zeros((len(names), vectors.shape[1]))
        np.add.at(sums, of_passage, vectors)
        numbers = np.bincount(of_passage)[:, np.newaxis]
        centres = sums / numbers
        self._mean = centres.mean(axis=0)
        self._centres = centres - self._mean
        # Passages are nearer to the mean of their own few than to the centre that it estimates (Bessel's correction).
        self._apart = (vectors - centres[of_passage]) * np.sqrt(numbers / np.maximum(numbers - 1, 1))[
            of_passage
        ]

    def draw(self, passages: Sequence[int], random: Generator) -> Vector:
        """Unit vectors of documents with so many passages each: shape (sum of `passages`, dimensions), float32."""
        centres = np.repeat(_mixed(self._centres, len(passages), random), passages, axis=0)
        drawn = self._mean + centres + _mixed(self._apart, len(centres), random)
        return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), dtype=np.float32)


def _mixed(real: NDArray[np.float64], number: int, random: Generator) -> NDArray[np.float64]:
    weights = np.sqrt(random.dirichlet([EVENNESS] * PARENTS, size=number))
    mixed = np.zeros((number, real.shape[1]))
    for weight in weights.T:
        mixed += weight[:, np.newaxis] * real[random.integers(len(real), size=number)]
    return mixed


def neighbour_similarities(asked: Vector, among: Vector, ranks: Sequence[int]) -> NDArray[np.float32]:
    """Cosine similarity of the nearest of each rank, from 1 on: shape (number of `ranks`, number of `asked`)."""
    nearest = -np.sort(-(asked @ among.T), axis=1)
    return np.asarray(nearest[:, np.asarray(ranks) - 1].T)

"""txtai as its documentation has it: an `Embeddings` database that keeps the texts, saved to a folder."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from txtai import Embeddings

from eval.benchmarks.peer.contender import Contender, paragraphs, read_files


class Database(Contender):
    """`Embeddings(path=..., content=True)`; files are cut into paragraphs; three are found, which is the default."""

    def embed(self, text: str) -> list[float]:
        return [float(number) for number in self._embeddings.transform(text)]

    def ingest(self, documents: str) -> int:
        return self._index(
            (f"{name}#{number}", part)
            for name, text in read_files(documents)
            for number, part in enumerate(paragraphs(text))
        )

    def add(self) -> int:
        return self._index((f"{each.document_id}#{each.id}", each.text) for each in self.handed)

    def search(self, question: str) -> list[str]:
        return [found["id"].rpartition("#")[0] for found in self._embeddings.search(question)]

    def _index(self, rows: Iterable[tuple[str, str]]) -> int:
        self._embeddings.index(rows)
        self._embeddings.save(str(self.index))
        return int(self._embeddings.count())

    @cached_property
    def _embeddings(self) -> Embeddings:
        embeddings = Embeddings(path=str(self.model), content=True)
        if embeddings.exists(str(self.index)):
            embeddings.load(str(self.index))
        return embeddings

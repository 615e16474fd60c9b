"""This program: what the window, the server and the command line call."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cached_property
from pathlib import Path

from eval.benchmarks.peer.contender import Contender, Ready
from rag.domain import Document, Question
from rag.retrieve import DENSE, RETRIEVERS
from rag.settings import Settings
from rag.wiring import Application, build


class Fused(Contender):
    """Passages found by meaning and by words: `search`."""

    retrievers: tuple[str, ...] = RETRIEVERS

    def embed(self, text: str) -> list[float]:
        return [float(number) for number in self._application.embedder.embed_query(text)]

    def floor(self, question: str) -> None:
        """Embed the question and do no more."""
        self._application.embedder.embed_query(question)

    def ingest(self, documents: str) -> int:
        return self._application.synchronise(corpus=[Path(documents)]).embedded

    def hand_over(self, passages: str, documents: str) -> int:
        """It takes documents, not passages: they are read here, and cut into those passages by `add`."""
        from rag.ingest import passages_of

        self._documents = self._read(documents)
        # What is imported at first use is imported now, as it is with the others.
        passages_of(self._documents[0], self._application.embedder.count_tokens, 200)
        return super().hand_over(passages, documents)

    def add(self) -> int:
        from rag.ingest import Ingest  # as the program does: it is not needed to answer

        application = self._application
        ingest = Ingest(
            application.catalog,
            application.vectors,
            application.embedder,
            application.settings.passage_tokens,
            lambda _: iter(self._documents),
        )
        return ingest.synchronise([]).embedded

    def search(self, question: str) -> list[str]:
        asked = Question(question)
        found = self._application.pipeline.search(asked.text, asked.top_k)
        return [hit.passage.document_id for hit in found.hits]

    def cut(self, documents: str, into: str) -> int:
        """Write the passages of documents, as they are embedded, for the others to be handed."""
        from rag.ingest import embedded_text, passages_of

        count, most = self._application.embedder.count_tokens, self._application.settings.passage_tokens
        passages = [each for document in self._read(documents) for each in passages_of(document, count, most)]
        ready = [Ready(each.id, each.document_id, embedded_text(each)) for each in passages]
        Path(into).write_text("".join(f"{json.dumps(asdict(each))}\n" for each in ready), encoding="utf-8")
        return len(ready)

    def _read(self, folder: str) -> list[Document]:
        from rag.corpus import read_corpus

        read = list(read_corpus([Path(folder)]))
        return [each for each in read if isinstance(each, Document)]

    @cached_property
    def _application(self) -> Application:
        # The graphs stand beside the index: they are the program's, not the documents'.
        settings = Settings(
            data_dir=self.index,
            embedding_model=str(self.model),
            model_cache_dir=self.index.parent / "graphs",
        )
        return build(settings, retrievers=self.retrievers)


class Dense(Fused):
    """The same by meaning alone, as the other contenders search."""

    retrievers = (DENSE,)


class Reading(Fused):
    """The whole answer: found, read, cited. What it finds is what it cites: nothing where it does not answer."""

    def search(self, question: str) -> list[str]:
        return [
            citation.document_id for citation in self._application.pipeline.ask(Question(question)).citations
        ]

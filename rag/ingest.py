"""Documents -> Passages -> index: what is stored is brought in step with folders of documents.

What a new version needs is written beside what is in use, checked, and switched to in one transaction of the catalog;
only then is deleted what the old one alone used. A process killed at any moment leaves the old version in use, or the
new one.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from rag.catalog import Catalog, Revision, content_hash, fingerprint
from rag.corpus import read_corpus
from rag.domain import (
    BlockKind,
    Document,
    Failure,
    Filters,
    IngestReport,
    Manifest,
    Passage,
    Section,
    Segment,
    Sentence,
)
from rag.errors import IndexCorrupt
from rag.ports import Embedder, VectorStore
from rag.revise import as_it_is, revise
from rag.segments import Segments, to_merge
from rag.sentences import split_sentences, stripped

WRITE_BATCH = 250
# How many of the nearest are looked at for a passage's own, first and at last.
LOOKED_AT = (5, 1_000)
# No language has so many; a passage must not grow without end where the model sees but one unknown word.
_CHARACTERS_PER_TOKEN = 50

CountTokens = Callable[[Sequence[str]], list[int]]


# Called with what is being done, how much of it is done, and of how much; 0 where that is not known yet.
Report = Callable[[str, int, int], None]

ReadCorpus = Callable[[Sequence[Path]], Iterator[Document | Failure]]


def sentences_of(document: Document, section: Section) -> Iterator[Sentence]:
    """The sentences of a section; none runs over the end of a paragraph, list item, table row or piece of code."""
    first = bisect_left(document.blocks, section.start, key=lambda block: block.start)
    last = bisect_left(document.blocks, section.end, key=lambda block: block.start)
    for block in document.blocks[first:last]:
        text = document.text[block.start : block.end]
        whole = block.kind in (BlockKind.TABLE_ROW, BlockKind.CODE)
        for start, end in [stripped(text, 0, len(text))] if whole else split_sentences(text):
            first, last = block.start + start, block.start + end
            yield Sentence(first, last, text[start:end], block.kind, document.page_of(first))


def passages_of(document: Document, count_tokens: CountTokens, most_tokens: int) -> list[Passage]:
    """Cut a document into passages: whole sentences of one section, at most `most_tokens` tokens.

    A single sentence that is longer (a table row, text without full stops) is cut between words.
    """
    passages: list[Passage] = []
    for section in document.sections:
        sentences = list(sentences_of(document, section))
        pieces = [
            (replace(piece, page=document.page_of(piece.start)), length)
            for piece, length in _cut_long(sentences, count_tokens, most_tokens)
        ]
        group: list[Sentence] = []
        tokens = 0
        for sentence, length in pieces:
            if group and tokens + length > most_tokens:
                passages.append(_passage(document, section, group))
                group, tokens = [], 0
            group.append(sentence)
            tokens += length
        if group:
            passages.append(_passage(document, section, group))
    return passages


def _cut_long(
    sentences: Sequence[Sentence], count_tokens: CountTokens, most_tokens: int
) -> Iterator[tuple[Sentence, int]]:
    for sentence, length in zip(sentences, _lengths(sentences, count_tokens, most_tokens), strict=True):
        if length <= most_tokens:
            yield sentence, length
            continue
        pieces = list(_halve(sentence, count_tokens, most_tokens))
        yield from zip(pieces, _lengths(pieces, count_tokens, most_tokens), strict=True)


def _lengths(sentences: Sequence[Sentence], count_tokens: CountTokens, most_tokens: int) -> Iterator[int]:
    """Tokens of each; more where characters without end make few tokens, as an unbroken string of them does."""
    # What is too long by its characters alone is not worth counting.
    texts = [s.text if len(s.text) <= _CHARACTERS_PER_TOKEN * most_tokens else "" for s in sentences]
    for sentence, tokens in zip(sentences, count_tokens(texts) if texts else [], strict=True):
        yield max(tokens, -(-len(sentence.text) // _CHARACTERS_PER_TOKEN))


def _halve(sentence: Sentence, count_tokens: CountTokens, most_tokens: int) -> Iterator[Sentence]:
    """Cut at the space nearest to the middle (in the middle where there is none) until every piece fits."""
    pending = [sentence]
    while pending:
        piece = pending.pop()
        text = piece.text
        if len(text) <= 1 or next(_lengths([piece], count_tokens, most_tokens)) <= most_tokens:
            yield piece
            continue
        middle = len(text) // 2
        spaces = [at for at in (text.rfind(" ", 1, middle), text.find(" ", middle, len(text) - 1)) if at > 0]
        at = min(spaces, key=lambda space: abs(space - middle), default=middle)
        for start, end in (stripped(text, at, len(text)), stripped(text, 0, at)):
            pending.append(Sentence(piece.start + start, piece.start + end, text[start:end], piece.kind))


def _passage(document: Document, section: Section, sentences: Sequence[Sentence]) -> Passage:
    start, end = sentences[0].start, sentences[-1].end
    text = document.text[start:end]
    return Passage(
        id=passage_id(document.id, document.title, section.title, start, text),
        document_id=document.id,
        title=document.title,
        section=section.title,
        kind=document.kind,
        published=document.published,
        source=str(document.source) if document.source else None,
        text=text,
        start=start,
        end=end,
        sentences=tuple(sentences),
    )


def passage_id(document_id: str, title: str, section: str, start: int, text: str) -> str:
    """Decided by what is embedded and shown, so that an unchanged passage keeps its vector."""
    identity = "\x1f".join((document_id, title, section, str(start), text))
    return hashlib.sha256(identity.encode()).hexdigest()[:32]


def embedded_text(passage: Passage) -> str:
    """What of a passage is embedded: its headings say what its sentences are about."""
    return f"{passage.headings}\n{passage.text}"


def found_by_own_vector(store: VectorStore, collection: str, passage_id: str) -> bool:
    """Whether a search with a passage's stored vector finds it; an index that counts right can still search wrong."""
    vector = store.vectors(collection, [passage_id]).get(passage_id)
    if vector is None:
        return False
    # The search is approximate: among many passages that are nearly alike it may miss one at first, and looks at more
    # of them the more are asked for. In a graph that is broken it does not find it then either.
    return any(
        _is_found(store.query(collection, vector, limit, Filters()), passage_id) for limit in LOOKED_AT
    )


def _is_found(nearest: Sequence[tuple[str, float]], passage_id: str) -> bool:
    # Passages with the same text have the same vector: any of them at similarity 1 will do.
    return any(found == passage_id or similarity > 0.9999 for found, similarity in nearest)


class Ingest:
    """Brings the index in step with folders. One process at a time: the catalog's lock says so at once."""

    def __init__(
        self,
        catalog: Catalog,
        vectors: VectorStore,
        embedder: Embedder,
        passage_tokens: int,
        read: ReadCorpus = read_corpus,
    ) -> None:
        self._catalog = catalog
        self._vectors = vectors
        self._segments = Segments(catalog, vectors)
        self._embedder = embedder
        self._passage_tokens = passage_tokens
        self._read_corpus = read

    @property
    def fingerprint(self) -> str:
        """Of the index that this would make."""
        return fingerprint(self._embedder.fingerprint, self._passage_tokens)

    def synchronise(
        self, corpus: Sequence[Path], report: Report | None = None, rebuild: bool = False
    ) -> IngestReport:
        """Make the index hold exactly the readable documents of `corpus`: folders and single files.

        What has not changed is not embedded again. With `rebuild`, nothing stored is trusted or reused.

        Raises:
            IndexBusy: another process is writing.
            DocumentUnreadable: one of `corpus` is not there or cannot be listed.
            IndexCorrupt: what was written could not be read back; the index in use is left as it was.
        """
        tell = report or (lambda _stage, _done, _total: None)
        with self._catalog.writing():
            reusable = None if rebuild else self._reusable()
            stored = self._catalog.known() if reusable else {}
            documents, failed = self._read(corpus, stored, tell)
            present = {document.id: content_hash(document) for document in documents}
            changed = [document for document in documents if stored.get(document.id) != present[document.id]]
            del documents  # what is as before need not stay in memory
            done = self._revise(reusable, changed, stored.keys() - present.keys(), tell)
        return replace(done, failed=failed)

    def change(
        self, documents: Sequence[Document], gone: Collection[str], report: Report | None = None
    ) -> IngestReport | None:
        """Put documents into the index in use and take others out of it, by id, without reading anything else.

        Nothing is done, and None returned, where there is no index that could be changed: `synchronise` makes one.

        Raises:
            IndexBusy, IndexCorrupt: as `synchronise`.
        """
        tell = report or (lambda _stage, _done, _total: None)
        with self._catalog.writing():
            reusable = self._reusable()
            if reusable is None:
                return None
            stored = self._catalog.known()
            changed = [
                document for document in documents if stored.get(document.id) != content_hash(document)
            ]
            return self._revise(reusable, changed, stored.keys() & set(gone), tell)

    def _revise(
        self, reusable: Manifest | None, changed: Sequence[Document], gone: Collection[str], tell: Report
    ) -> IngestReport:
        """Write the version that follows, or the first, and switch to it."""
        if reusable and not changed and not gone:
            self._segments.sweep(reusable)
            return as_it_is(self._catalog, reusable)
        revised = revise(self._catalog if reusable else None, changed, gone, self._cut)
        index_id = self._index_id(revised.contents)
        segments, embedded = self._store(index_id, reusable, revised.revision, tell)
        manifest = Manifest(
            index_id=index_id,
            fingerprint=self.fingerprint,
            documents=len(revised.report.added + revised.report.updated + revised.report.unchanged),
            passages=sum(segment.passages for segment in segments),
            segments=segments,
        )
        self._catalog.switch(reusable, manifest, revised.revision)
        self._segments.sweep(manifest)
        return replace(revised.report, embedded=embedded, index_id=index_id)

    def _reusable(self) -> Manifest | None:
        """The index in use, if it is whole, was made the same way and its vectors are there."""
        manifest = self._catalog.current()
        if manifest is None or manifest.fingerprint != self.fingerprint or not self._catalog.whole():
            return None
        return manifest if self._segments.whole(manifest) else None

    def _read(
        self, corpus: Sequence[Path], stored: Mapping[str, str], tell: Report
    ) -> tuple[list[Document], tuple[Failure, ...]]:
        """The documents of the corpus by id. Of a file that cannot be used now, the version stored before is kept."""
        documents: dict[str, Document] = {}
        failed: list[Failure] = []
        for entry in self._read_corpus(corpus):
            if isinstance(entry, Failure):
                failed.append(entry)
            else:
                documents[entry.id] = entry
            tell("reading", len(documents) + len(failed), 0)
        paths = {failure.name: at for at, failure in enumerate(failed)}
        kept: set[int] = set()
        for document_id in stored.keys() - documents.keys():
            before = self._catalog.document(document_id)
            # The file itself, or a folder that it stands in.
            where = (before.path, *map(str, PurePosixPath(before.path).parents))
            at = next((paths[path] for path in where if path in paths), None)
            if at is not None:
                documents[document_id] = before
                kept.add(at)
        for at in kept:
            reason = f"{failed[at].reason} Its last readable version is kept."
            failed[at] = replace(failed[at], reason=reason)
        return [documents[document_id] for document_id in sorted(documents)], tuple(failed)

    def _cut(self, document: Document) -> list[Passage]:
        return passages_of(document, self._embedder.count_tokens, self._passage_tokens)

    def _index_id(self, contents: Mapping[str, str]) -> str:
        listed = "\n".join(f"{document_id} {contents[document_id]}" for document_id in sorted(contents))
        return hashlib.sha256(f"{self.fingerprint}\n{listed}".encode()).hexdigest()[:16]

    def _store(
        self, index_id: str, reusable: Manifest | None, revision: Revision, tell: Report
    ) -> tuple[tuple[Segment, ...], int]:
        """Write the segment that a revision needs, if it does; all of the version's, and how much was embedded."""
        before = self._catalog.segments_without(revision.removed) if reusable else ()
        merged = to_merge(before, len(revision.passages))
        taken_up = [segment.collection for segment in merged]
        passages = [
            *(self._catalog.passages_in(taken_up, revision.removed) if taken_up else ()),
            *revision.passages,
        ]
        kept = tuple(segment for segment in before if segment.passages and segment not in merged)
        if not passages:
            return kept, 0
        # The order of a rebuild, so that a segment is the same however it came about.
        passages.sort(key=lambda passage: (passage.document_id, passage.start))
        collection = self._catalog.next_collection(index_id)
        embedded = self._write(collection, passages, reusable is not None, tell)
        return (*kept, Segment(collection, len(passages), len(passages))), embedded

    def _write(self, collection: str, passages: Sequence[Passage], known: bool, tell: Report) -> int:
        """Write passages as one collection and see that it can be read; how many of them had to be embedded.

        With `known`, the vectors of those that are in the index are copied.
        """
        self._vectors.create(collection, len(passages))
        embedded = 0
        for start in range(0, len(passages), WRITE_BATCH):
            batch = passages[start : start + WRITE_BATCH]
            vectors = dict(self._segments.vectors([passage.id for passage in batch])) if known else {}
            missing = [passage for passage in batch if passage.id not in vectors]
            fresh = self._embedder.embed_passages([embedded_text(passage) for passage in missing])
            vectors |= {passage.id: vector for passage, vector in zip(missing, fresh, strict=True)}
            self._vectors.add(collection, batch, np.stack([vectors[passage.id] for passage in batch]))
            embedded += len(missing)
            tell("embedding", start + len(batch), len(passages))
        self._verify(collection, passages)
        return embedded

    def _verify(self, collection: str, passages: Sequence[Passage]) -> None:
        """The count, and that a spread of passages is found by its own vector."""
        problem = self._problem(collection, passages)
        if problem:
            self._vectors.delete(collection)
            raise IndexCorrupt(
                f"The new index could not be read back: {problem}. Run `mission-record rebuild`."
            )

    def _problem(self, collection: str, passages: Sequence[Passage]) -> str | None:
        stored = self._vectors.count(collection)
        if stored != len(passages):
            return f"{stored} of {len(passages)} vectors were stored"
        for passage in passages[:: max(1, len(passages) // 20)]:
            if not found_by_own_vector(self._vectors, collection, passage.id):
                return f"passage {passage.id} of {passage.document_id} is not found by its own vector"
        return None

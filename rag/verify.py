"""Verifies the index: the catalog against itself, the vectors against the catalog, the search against exact search.

Every check only reads, and names what cannot be read. For files that end the process that reads them, see
`rag.verification`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rag.catalog import Catalog, require_fingerprint
from rag.domain import Document, Filters, Passage
from rag.errors import IndexCorrupt, IndexEmpty, RagError
from rag.ingest import embedded_text, passage_id
from rag.ports import Embedder, Vector, VectorStore
from rag.segments import Segments, dead

_BATCH = 250
_SAMPLE = 40
_NEAREST = 10
# HNSW is approximate by design: its recall at Chroma's settings is above 0.99; what is damaged loses whole regions.
_LEAST_RECALL = 0.9
# Float32 arithmetic in batches of other shapes differs by about 1e-6.
_SAME = 1e-3
_REBUILD = "Run `mission-record rebuild`."
_MOST_NAMED = 3
# What stands both in the row of a document and in its content.
_LISTED = ("id", "title", "kind", "published", "sha256", "date", "path")


@dataclass(frozen=True, slots=True)
class Check:
    """What was checked, whether it is well, and what was found or is to be done."""

    subject: str
    well: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Index:
    """The parts of an index, and how this program would make it; `embedder` None leaves out what needs a model."""

    catalog: Catalog
    vectors: VectorStore
    fingerprint: str | None = None
    embedder: Embedder | None = None


def verify(index: Index) -> Iterator[Check]:
    """Each check as it is done, in the order in which one depends on another; all see one version of the index."""
    checks: list[tuple[str, Callable[[Index], str]]] = [
        ("catalog file", _file),
        ("manifest", _manifest),
        ("documents", _documents),
        ("passages", _passages),
        ("vectors", _vectors),
        ("search", _search),
    ]
    if index.embedder is not None:
        checks.append(("embedding", _embedding))
    for subject, check in checks:
        try:
            with index.catalog.reading():
                yield Check(subject, True, check(index))
        except RagError as error:
            yield Check(subject, False, str(error))
            if isinstance(error, IndexEmpty):
                return


def _file(index: Index) -> str:
    problems = index.catalog.problems()
    if problems:
        raise IndexCorrupt(f"{_some(problems)} {_REBUILD}")
    return "SQLite's integrity check and that of the lexical index pass"


def _manifest(index: Index) -> str:
    manifest = index.catalog.manifest()
    if index.fingerprint is not None:
        require_fingerprint(manifest, index.fingerprint)
    return f"index {manifest.index_id}, made as this program makes it"


def _documents(index: Index) -> str:
    manifest, listed = index.catalog.manifest(), index.catalog.summaries()
    _require_equal("documents", len(listed), manifest.documents)
    problems = []
    for summary in listed:
        document = index.catalog.document(summary.id)
        same = all(getattr(document, name) == getattr(summary, name) for name in _LISTED)
        if not same or len(document.text) != summary.characters:
            problems.append(f"the list and the content of {summary.id} differ")
    if problems:
        raise IndexCorrupt(f"{_some(problems)} {_REBUILD}")
    return f"{len(listed)} as the manifest says; list and content agree"


def _passages(index: Index) -> str:
    catalog, total, problems = index.catalog, 0, list[str]()
    for summary in catalog.summaries():
        document, passages = catalog.document(summary.id), catalog.passages_of(summary.id)
        total += len(passages)
        if len(passages) != summary.passages:
            problems.append(f"{summary.id} has {len(passages)} of {summary.passages} passages")
        problems += [wrong for passage in passages if (wrong := _wrong_with(passage, document))]
    _require_equal("passages", total, catalog.manifest().passages)
    if problems:
        raise IndexCorrupt(f"{_some(problems)} {_REBUILD}")
    return f"{total} as the manifest says; each is the text of its document at its offsets"


def _wrong_with(passage: Passage, document: Document) -> str | None:
    if document.text[passage.start : passage.end] != passage.text:
        return f"passage {passage.id} is not what {document.id} says there"
    # The id is a hash of what is embedded: it tells of a single letter that has changed.
    if passage_id(document.id, passage.title, passage.section, passage.start, passage.text) != passage.id:
        return f"passage {passage.id} of {document.id} does not have the id of its content"
    for sentence in passage.sentences:
        if not passage.start <= sentence.start < sentence.end <= passage.end:
            return f"passage {passage.id} of {document.id} has a sentence that is outside of it"
    return None


def _vectors(index: Index) -> str:
    manifest, passages = index.catalog.manifest(), _all(index.catalog)
    held = Counter(index.catalog.collections_of([passage.id for passage in passages]).values())
    for segment in manifest.segments:
        _require_equal("vectors", index.vectors.count(segment.collection), segment.vectors)
        _require_equal(f"passages of {segment.collection}", held[segment.collection], segment.passages)
    problems = []
    for ids, matrix in _stored(index, passages):
        with np.errstate(over="ignore", invalid="ignore"):  # damage may leave any number, or none
            norms = np.linalg.norm(matrix, axis=1)
        # Written so that what is not a number is wrong too.
        for at in np.flatnonzero(~(np.abs(norms - 1.0) < _SAME)):
            problems.append(f"the vector of passage {ids[at]} has the length {norms[at]:.3f} in place of 1")
    if problems:
        raise IndexCorrupt(f"{_some(problems)} {_REBUILD}")
    left = sum(map(dead, manifest.segments))
    beside = f"; beside them {left} of passages that are gone" if left else ""
    return f"{manifest.passages}, one for each passage, all of length 1{beside}"


def _search(index: Index) -> str:
    """Recall of the approximate search against exact search (brute force), on vectors stored and between two."""
    manifest, passages = index.catalog.manifest(), _all(index.catalog)
    queries = _queries(index, passages)
    parts = [queries @ matrix.T for _, matrix in _stored(index, passages)]
    exact = np.concatenate(parts, axis=1)
    ids = {passage.id: at for at, passage in enumerate(passages)}
    limit = min(_NEAREST, len(passages))
    segments = Segments(index.catalog, index.vectors)
    found = 0
    for query, similarities in zip(queries, exact, strict=True):
        least = np.partition(similarities, -limit)[-limit]
        nearest = segments.query(manifest, query, limit, Filters())
        strangers = [key for key, _ in nearest if key not in ids]
        if strangers:
            raise IndexCorrupt(f"A search finds {strangers[0]}, which is no passage. {_REBUILD}")
        # Passages with the same text are equally near: any of them will do.
        found += sum(similarities[ids[key]] >= least - _SAME for key, _ in nearest)
    recall = found / (limit * len(queries))
    if recall < _LEAST_RECALL:
        raise IndexCorrupt(f"Chroma's search finds {recall:.0%} of what exact search finds. {_REBUILD}")
    return f"recall@{limit} of Chroma's against exact search {recall:.3f} in {len(queries)} searches"


def _queries(index: Index, passages: Sequence[Passage]) -> Vector:
    own: Vector = np.concatenate([matrix for _, matrix in _stored(index, _spread(passages))])
    between = own + np.roll(own, 1, axis=0)
    queries: Vector = np.concatenate([own, between])
    lengths = np.linalg.norm(queries, axis=1, keepdims=True)
    return (queries / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)


def _embedding(index: Index) -> str:
    assert index.embedder is not None
    sample = _spread(_all(index.catalog))
    stored = np.concatenate([matrix for _, matrix in _stored(index, sample)])
    fresh = index.embedder.embed_passages([embedded_text(passage) for passage in sample])
    if stored.shape != fresh.shape:
        raise IndexCorrupt(
            f"Vectors have {stored.shape[1]} dimensions, the model {fresh.shape[1]}. {_REBUILD}"
        )
    for passage, before, now in zip(sample, stored, fresh, strict=True):
        similarity = float(before @ now)
        if not similarity > 1.0 - _SAME:
            raise IndexCorrupt(
                f"The model gives passage {passage.id} of {passage.document_id} another vector than the stored one"
                f" (similarity {similarity:.3f}). {_REBUILD}"
            )
    return f"a sample of {len(sample)} passages embedded again gives the vectors that are stored"


def _stored(index: Index, passages: Sequence[Passage]) -> Iterator[tuple[list[str], Vector]]:
    """Ids and vectors (n, dimensions), a batch at a time.

    Raises:
        IndexCorrupt: a passage has none.
    """
    segments = Segments(index.catalog, index.vectors)
    for start in range(0, len(passages), _BATCH):
        ids = [passage.id for passage in passages[start : start + _BATCH]]
        found = segments.vectors(ids)
        missing = [key for key in ids if key not in found]
        if missing:
            raise IndexCorrupt(f"{len(missing)} passages have no vector, {missing[0]} among them. {_REBUILD}")
        yield ids, np.stack([found[key] for key in ids])


def _all(catalog: Catalog) -> list[Passage]:
    return [passage for summary in catalog.summaries() for passage in catalog.passages_of(summary.id)]


def _spread(passages: Sequence[Passage]) -> Sequence[Passage]:
    return passages[:: max(1, len(passages) // _SAMPLE)]


def _require_equal(what: str, stored: int, expected: int) -> None:
    if stored != expected:
        raise IndexCorrupt(f"{stored} {what} are stored, the manifest says {expected}. {_REBUILD}")


def _some(problems: Sequence[str]) -> str:
    more = f" and {len(problems) - _MOST_NAMED} more" if len(problems) > _MOST_NAMED else ""
    return f"{'; '.join(problems[:_MOST_NAMED])}{more}."

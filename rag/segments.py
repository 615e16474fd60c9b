"""The vectors of an index: collections (segments) that are written once, searched together and merged now and then.

A change writes one new segment, with its own passages and with those of small ones that it takes up (a log-structured
merge, O'Neil, Cheng, Gawlick and O'Neil 1996, "The Log-Structured Merge-Tree", as Lucene does with its segments). Of a
passage that is gone or was replaced the vector stays in its segment, dead: the catalog knows in which segment each
passage has its vector, and what a search finds beside those is passed over. So the cost of a change follows its size.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from rag.catalog import Catalog
from rag.domain import Filters, Manifest, Segment
from rag.ports import Vector, VectorStore

# What is copied within a fifth of a second is taken up by any change.
SMALL = 250
# A segment is taken up if it is less than so many times what is written: each of them is larger by this factor than the
# next, so that there are no more than about 2 + log4(passages / SMALL), and each search asks all of them.
GROWTH = 4
# A segment is written anew when so much of it is dead.
MOST_DEAD = 0.25

Row = TypeVar("Row")


def to_merge(segments: Sequence[Segment], new: int) -> list[Segment]:
    """The segments that are to be written anew, beside so many new passages; those without any passage are not."""
    alive = sorted(
        (segment for segment in segments if segment.passages), key=lambda segment: segment.passages
    )
    merged = [segment for segment in alive if dead(segment) > MOST_DEAD * segment.vectors]
    written = new + sum(segment.passages for segment in merged)
    for segment in alive:
        if written and segment not in merged and segment.passages < max(SMALL, GROWTH * written):
            merged.append(segment)
            written += segment.passages
    return merged


def dead(segment: Segment) -> int:
    """How many vectors of a segment are of passages that are gone, or were replaced."""
    return segment.vectors - segment.passages


def nearest_alive(
    segment: Segment,
    limit: int,
    ask: Callable[[int], Sequence[Row]],
    alive: Callable[[Sequence[Row]], list[Row]],
) -> list[Row]:
    """What `ask` finds nearest in a segment, without what is dead: `limit` of it if there is so much."""
    if not dead(segment):
        return list(ask(limit))
    most = limit + dead(segment)
    asked = min(2 * limit, most)
    while True:
        nearest = ask(asked)
        found = alive(nearest)
        if len(found) >= limit or len(nearest) < asked or asked == most:
            return found[:limit]
        # Those that are dead lie near each other, as the passages of one document do.
        asked = min(2 * asked, most)


class Segments:
    """Reads the vectors of a version of the index, inside the same `catalog.reading()` as its manifest."""

    def __init__(self, catalog: Catalog, store: VectorStore) -> None:
        self._catalog = catalog
        self._store = store

    def query(
        self, manifest: Manifest, vector: Vector, limit: int, filters: Filters
    ) -> list[tuple[str, float]]:
        """The nearest passages as (id, cosine similarity), best first; ties by id.

        Raises:
            IndexCorrupt: a segment is not there or cannot be read.
        """
        found = [
            near for segment in manifest.segments for near in self._near(segment, vector, limit, filters)
        ]
        return sorted(found, key=lambda near: (-near[1], near[0]))[:limit]

    def vectors(self, ids: Sequence[str]) -> Mapping[str, Vector]:
        """The vectors of those of the passages that are in the index.

        Raises:
            IndexCorrupt: a segment is not there or cannot be read.
        """
        return self.stored(self.places(ids))

    def places(self, ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Those of the passages that are in the index, by the collections that their vectors are in."""
        kept: dict[str, list[str]] = defaultdict(list)
        for passage_id, collection in self._catalog.collections_of(ids).items():
            kept[collection].append(passage_id)
        return kept

    def stored(self, kept: Mapping[str, Sequence[str]]) -> Mapping[str, Vector]:
        """The vectors of passages whose `places` are known. Other threads than that which reads may ask for them.

        Raises:
            IndexCorrupt: a segment is not there or cannot be read.
        """
        found: dict[str, Vector] = {}
        for collection, chosen in kept.items():
            found |= self._store.vectors(collection, chosen)
        return found

    def alive(self, segment: Segment, ids: Sequence[str]) -> set[str]:
        """Those of the ids whose passages have their vectors in this segment."""
        kept = self._catalog.collections_of(ids)
        return {passage_id for passage_id in ids if kept.get(passage_id) == segment.collection}

    def whole(self, manifest: Manifest) -> bool:
        """Whether every segment holds as many vectors as the manifest says."""
        return all(self._store.count(segment.collection) == segment.vectors for segment in manifest.segments)

    def sweep(self, manifest: Manifest) -> None:
        """Delete the collections that no catalog points to: of older versions, and of runs that were killed."""
        used = {segment.collection for segment in manifest.segments}
        for collection in list(self._store.collections()):
            if collection not in used:
                self._store.delete(collection)

    def _near(
        self, segment: Segment, vector: Vector, limit: int, filters: Filters
    ) -> list[tuple[str, float]]:
        def ask(asked: int) -> Sequence[tuple[str, float]]:
            return self._store.query(segment.collection, vector, asked, filters)

        def alive(nearest: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
            ids = self.alive(segment, [passage_id for passage_id, _ in nearest])
            return [near for near in nearest if near[0] in ids]

        return nearest_alive(segment, limit, ask, alive)

"""What follow-ups find with their history, and fresh questions after the turns of others: R@5 by document."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from eval.cases import sample
from eval.conversation import Columns, ShareFigure, by_split, means
from eval.formats import Collection, Query, read_beir, read_squad_paragraphs
from eval.outcomes import Outcome
from eval.retrieval_run import run_queries
from eval.statistics import estimate_difference
from eval.workspace import Progress, opened, prepared
from rag.domain import Turn
from rag.settings import Settings

MEASURE, CUTOFF = "documents_recall@5", 5
# Each fresh question is asked after the turns of so many other conversations.
OTHERS = 5


@dataclass(frozen=True, slots=True)
class _Searched:
    """What a run of queries found."""

    outcomes: tuple[Outcome, ...]

    @property
    def scores(self) -> list[float]:
        return [outcome.measures[MEASURE] for outcome in self.outcomes]

    @property
    def first(self) -> list[list[str]]:
        """The documents found first, of each query."""
        return [
            list(dict.fromkeys(passage.document_id for passage in outcome.retrieved))[:CUTOFF]
            for outcome in self.outcomes
        ]


_Search = Callable[[Sequence[Query]], _Searched]


def last_turns(folder: Path, settings: Settings, advance: Progress | None = None) -> list[ShareFigure]:
    """Last turns of the conversations in a BEIR folder: alone, as a person rewrote them, and with their history.

    A question that opens a conversation is fresh by its nature: it is asked again after the turns of others.

    Raises:
        InvalidCases: the folder cannot be used, or its queries have no text under `rewritten`.
    """
    collection = read_beir(folder)
    asked = collection.queries
    rewriting = read_beir(folder, "rewritten").queries
    with _searching(collection, settings, advance) as search:
        alone = search([replace(query, history=()) for query in asked]).scores
        rewritten = search(rewriting).scores
        ours = search(asked).scores
        openings = [query for query in asked if not query.history]
        followed = [query for query in asked if query.history]
        fresh = _after_others(search, openings, followed, "opening question") if openings and followed else []
    clusters = [query.cluster for query in asked]
    return [
        ShareFigure("last turn alone", means(alone, clusters)),
        ShareFigure("rewritten by a person", means(rewritten, clusters)),
        ShareFigure("with the history", means(ours, clusters)),
        ShareFigure("  more than alone", _differences(alone, ours, clusters)),
        ShareFigure("  more than rewritten", _differences(rewritten, ours, clusters)),
        *fresh,
    ]


def fresh_questions(
    file: Path, settings: Settings, limit: int | None = None, advance: Progress | None = None
) -> list[ShareFigure]:
    """Questions of a SQuAD file, each fresh, asked after one of another article, and after one of their own.

    Raises:
        InvalidCases: the file cannot be used.
    """
    collection = read_squad_paragraphs(file)
    fresh = sample(collection.queries, limit)
    asked = [replace(query, history=_exchange(query, collection)) for query in collection.queries]
    by_chance = sample(asked, len(asked) // 7)
    with _searching(collection, settings, advance) as search:
        others = _after_others(search, fresh, by_chance, "question", 1)
        own = [(query, _neighbour(query, asked)) for query in fresh]
        same = _compared(search, [pair for pair in own if pair[1]], "question, after one of its article")
    return others + same


def _after_others(
    search: _Search, fresh: Sequence[Query], asked: Sequence[Query], name: str, others: int = OTHERS
) -> list[ShareFigure]:
    """Fresh questions after the turns of other clusters, evenly spread, against the same without any turns."""
    step = max(1, len(asked) // (others + 1))
    pairs = []
    for place, query in enumerate(fresh):
        turned = [asked[(place + step * turn) % len(asked)] for turn in range(len(asked))]
        strangers = [other for other in turned if other.cluster != query.cluster]
        pairs += [(query, other) for other in strangers[:others]]
    return _compared(search, pairs, f"{name}, after others")


def _compared(search: _Search, pairs: Sequence[tuple[Query, Query | None]], name: str) -> list[ShareFigure]:
    clusters = [query.cluster for query, _ in pairs]
    without = search([replace(query, history=()) for query, _ in pairs])
    after = search([replace(query, history=other.history if other else ()) for query, other in pairs])
    same = [float(one == other) for one, other in zip(without.first, after.first, strict=True)]
    return [
        ShareFigure(f"{name.partition(',')[0]} without turns", means(without.scores, clusters)),
        ShareFigure(name, means(after.scores, clusters)),
        ShareFigure("  more than without", _differences(without.scores, after.scores, clusters)),
        ShareFigure("  the same first five", means(same, clusters)),
    ]


def _neighbour(query: Query, asked: Sequence[Query]) -> Query | None:
    """The first question of the same article on another paragraph."""
    return next(
        (
            other
            for other in asked
            if other.cluster == query.cluster and other.gains.keys() != query.gains.keys()
        ),
        None,
    )


def _exchange(query: Query, collection: Collection) -> tuple[Turn, ...]:
    """A question with its paragraph as the answer."""
    paragraph = collection.entries[next(iter(query.gains))].paragraphs[0]
    return Turn("user", query.text), Turn("assistant", paragraph)


@contextmanager
def _searching(collection: Collection, settings: Settings, advance: Progress | None) -> Iterator[_Search]:
    with prepared(collection, settings) as place, opened(place, advance) as application:

        def search(queries: Sequence[Query]) -> _Searched:
            return _Searched(tuple(run_queries(queries, application.pipeline.stream)))

        yield search


def _differences(first: Sequence[float], second: Sequence[float], clusters: Sequence[str]) -> Columns:
    return {
        name: estimate_difference(
            [first[at] for at in places], [second[at] for at in places], [clusters[at] for at in places]
        )
        for name, places in by_split(clusters).items()
    }

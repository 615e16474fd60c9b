"""BM25 over the packed index gives what FTS5's own gives, whatever the passages, and reads no more than it must."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import bm25, lexical
from rag.catalog import CATALOG_FILE, Catalog, Revision, _conditions
from rag.domain import Document, Filters, Manifest, Passage, Segment, Source
from tests.fakes import passage_of

WORDS = "harbour harbours quay mission Mission budget x-ray X ray covid-19 3.5 the of organisation organization".split()
LIMITS = (1, 2, 5, 50)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that few passages take several rows of the index."""
    monkeypatch.setattr(lexical, "BLOCK", 8)
    monkeypatch.setattr(bm25, "BLOCK", 8)


def document_of(number: int, texts: Sequence[str]) -> tuple[Document, list[Passage]]:
    """A document with a passage for each text; every other has a date, and its title and section have words too."""
    name = f"d{number:03}"
    kind, title = ("report", "letter")[number % 2], ("Quay", "The mission budget")[number % 3 == 0]
    source = Source("G", published=f"20{number % 20:02}-05") if number % 2 else None
    document = Document(name, title, kind, "\n".join(texts), (), (), f"{name}.txt", "0", source=source)
    return document, [
        passage_of(text, start=100 * at, document_id=name, title=title, section=text.split()[0], kind=kind)
        for at, text in enumerate(texts)
    ]


def switch(
    catalog: Catalog, base: Manifest | None, removed: Sequence[str], texts: dict[int, list[str]]
) -> Manifest:
    """The next version: documents taken out, others put in."""
    made = [document_of(number, passages) for number, passages in texts.items()]
    revision = Revision(removed, [one for one, _ in made], [passage for _, of in made for passage in of])
    with catalog.writing():
        manifest = Manifest("i", "print", 1, 1, (Segment(catalog.next_collection("i"), 1, 1),))
        catalog.switch(base, manifest, revision)
    return manifest


def plain(catalog_file: Path, terms: Sequence[str], limit: int, filters: Filters) -> list[tuple[str, float]]:
    """What FTS5 alone finds: the statement that the search has to give the same as."""
    condition, values = _conditions(filters)
    with closing(sqlite3.connect(catalog_file)) as connection:
        return connection.execute(
            "SELECT passages.id, -bm25(lexical, 2.0, 1.5, 1.0) AS score FROM lexical"
            " JOIN passages ON number = lexical.rowid JOIN documents ON documents.id = document_id"
            f" WHERE lexical MATCH ? AND {condition} ORDER BY score DESC, passages.id LIMIT ?",
            (" OR ".join(map(lexical.quoted, terms)), *values, limit),
        ).fetchall()


def plain_count(catalog_file: Path, term: str) -> int:
    with closing(sqlite3.connect(catalog_file)) as connection:
        matching = "SELECT count(*) FROM lexical WHERE lexical MATCH ?"
        return int(connection.execute(matching, (lexical.quoted(term),)).fetchone()[0])


def require_same(catalog: Catalog, folder: Path, terms: Sequence[str], limit: int, filters: Filters) -> None:
    expected = plain(folder / CATALOG_FILE, terms, limit, filters)
    found = catalog.search(terms, limit, filters)
    assert [key for key, _ in found] == [key for key, _ in expected]
    assert [score for _, score in found] == pytest.approx([score for _, score in expected], rel=1e-12)


TEXT = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)
FILTERS = st.one_of(
    st.just(Filters()),
    st.builds(
        Filters,
        document_ids=st.lists(st.integers(0, 12).map("d{:03}".format), max_size=3, unique=True).map(tuple),
        kinds=st.sampled_from([(), ("report",), ("letter", "none"), ("none",)]),
        published_from=st.sampled_from([None, "2005", "2011-06"]),
        published_to=st.sampled_from([None, "2009"]),
    ),
)


@given(
    texts=st.lists(st.lists(TEXT, min_size=1, max_size=6), max_size=12),
    terms=st.lists(st.sampled_from([*WORDS, "absent", "mission budget", "…"]), min_size=1, max_size=7),
    limit=st.sampled_from(LIMITS),
    filters=FILTERS,
    gone=st.sets(st.integers(0, 11), max_size=4),
    more=st.dictionaries(st.integers(20, 24), st.lists(TEXT, min_size=1, max_size=9), max_size=3),
)
def test_the_scores_are_those_of_fts5(
    texts: list[list[str]],
    terms: list[str],
    limit: int,
    filters: Filters,
    gone: set[int],
    more: dict[int, list[str]],
) -> None:
    with TemporaryDirectory() as name, closing(Catalog(Path(name))) as catalog:
        base = switch(catalog, None, (), dict(enumerate(texts)))
        for _ in range(2):
            require_same(catalog, Path(name), terms, limit, filters)
            counts = {term: plain_count(Path(name) / CATALOG_FILE, term) for term in terms}
            assert catalog.passage_counts(terms) == counts
            assert catalog.problems() == []
            base = switch(catalog, base, [f"d{number:03}" for number in gone if number < len(texts)], more)
            more = {}


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Catalog, Path]]:
    """900 passages: of rank r as many have a word as 900 / r, as in any language (Zipf 1949), and many are as good."""
    folder = tmp_path_factory.mktemp("many")
    random_number = random.Random(5)
    texts = {
        number: [
            " ".join(
                f"w{int(1 / (1 - random_number.random()))}" for _ in range(random_number.choice((8, 30)))
            )
            for _ in range(9)
        ]
        for number in range(100)
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lexical, "BLOCK", 8)
        catalog = Catalog(folder)
        switch(catalog, None, (), texts)
    yield catalog, folder
    catalog.close()


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize(
    "terms",
    [
        "w1",
        "w1 w2",
        "w90 w1 w2 w3",
        "w40 w5 w40 w5",
        "w3 w9 w27 w81",
        "w700 w1 w1 w1 w1",
        "w2 quay mission w7",
    ],
)
def test_rare_words_among_common_ones(many: tuple[Catalog, Path], terms: str, limit: int) -> None:
    catalog, folder = many
    for filters in (
        Filters(),
        Filters(kinds=("letter",)),
        Filters(published_to="2001"),
        Filters(("d007", "d044")),
    ):
        require_same(catalog, folder, terms.split(), limit, filters)


def test_words_that_change_nothing_are_looked_up_only_where_it_matters(many: tuple[Catalog, Path]) -> None:
    catalog, folder = many
    with closing(sqlite3.connect(folder / CATALOG_FILE)) as connection:
        read: list[tuple[str, int]] = []

        class Counted(bm25.Bm25):
            def _found(self, connection, size, term, blocks=None):  # type: ignore[no-untyped-def]
                found = super()._found(connection, size, term, blocks)
                read.append((term.tokens[0].decode(), len(found.numbers)))
                return found

        search = Counted()
        search.best(connection, ["w1", "w40", "w60", "w30"], 3)
        search.close()
    passages = dict(read)
    held = catalog.passage_counts(["w1", "w30"])
    assert passages["w30"] == held["w30"]
    assert passages["w1"] < held["w1"] / 2


def test_the_same_phrase_is_looked_for_once_in_a_version(tmp_path: Path) -> None:
    with closing(Catalog(tmp_path)) as catalog:
        base = switch(catalog, None, (), {0: ["x-ray of the quay"], 1: ["ray x"]})
        first = catalog.search(["x-ray"], 5, Filters())
        assert catalog.search(["x-ray"], 5, Filters()) == first
        assert catalog.passage_counts(["x-ray"]) == {"x-ray": 1}
        switch(catalog, base, ["d000"], {2: ["an X-ray", "two x rays"], 3: ["the quay"]})
        assert catalog.passage_counts(["x-ray"]) == {"x-ray": 2}
        require_same(catalog, tmp_path, ["x-ray"], 5, Filters())


def test_phrases_that_are_kept_make_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bm25, "MOST_KEPT", 1)
    monkeypatch.setattr(bm25, "MOST_COUNTS", 1)
    with closing(Catalog(tmp_path)) as catalog:
        switch(catalog, None, (), {0: ["x-ray of the quay", "x-ray 3.5", "3.5"], 1: ["ray x"]})
        for terms in (["x-ray", "3.5"], ["3.5"], ["x-ray", "3.5"]):
            require_same(catalog, tmp_path, terms, 5, Filters())


def test_scores_go_down(many: tuple[Catalog, Path]) -> None:
    catalog, _ = many
    scores = [score for _, score in catalog.search(["w3", "w5", "w8"], 200, Filters())]
    assert len(scores) == 200
    assert all(one >= other for one, other in pairwise(scores))

"""From version to version: whatever changes, what is stored is what an ingest from nothing would store."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from rag.adapters.chroma import ChromaVectorStore
from rag.catalog import CATALOG_FILE, Catalog, Revision
from rag.corpus import read_corpus
from rag.domain import Copy, Document, Duplicate, Filters
from rag.errors import DocumentNotFound, IndexCorrupt
from rag.formats.parser import Parser
from rag.formats.read import read_file
from rag.ingest import Ingest
from rag.ports import VectorStore
from tests.contracts.index import check_index
from tests.fakes import HashingEmbedder, InMemoryVectorStore
from tests.test_duplicates import ABOUT, OTHER_RELEASE, RELEASE


class Place:
    """A folder and its index."""

    def __init__(self, folder: Path, parser: Parser, vectors: VectorStore | None = None) -> None:
        self.corpus = folder / "corpus"
        self.corpus.mkdir(parents=True)
        self.data = folder / "data"
        self.catalog = Catalog(self.data)
        self.vectors = vectors or ChromaVectorStore(self.data / "chroma")
        read = partial(read_corpus, parser=parser)
        self.ingest = Ingest(self.catalog, self.vectors, HashingEmbedder(), 60, read)

    def write(self, name: str, text: str, published: str | None = None) -> Document:
        source = f"source: {{title: Gazette, published: {published}}}\n" if published else ""
        path = self.corpus / f"{name}.md"
        path.write_text(f"---\ntitle: Quay\n{source}---\n{text}", encoding="utf-8")
        (document,) = read_file(path, path.name)
        assert isinstance(document, Document)
        return document

    def stored(self) -> dict[str, list[tuple[Any, ...]]]:
        """All that the catalog holds, but for numbers that nothing depends on."""
        connection = sqlite3.connect(self.data / CATALOG_FILE)
        try:
            connection.execute("INSERT INTO lexical (lexical, rank) VALUES ('integrity-check', 1)")
            tables = {
                "documents": "*",
                "copies": "*",
                "statements": "document_id, words",
                "vocabulary": "*",
                "passages": 'id, document_id, title, section, text, start, "end", sentences',
                "manifest": "index_id, fingerprint, documents, passages",
            }
            return {
                table: sorted(connection.execute(f"SELECT {columns} FROM {table}").fetchall(), key=repr)
                for table, columns in tables.items()
            }
        finally:
            connection.close()


@pytest.fixture
def place(tmp_path: Path, parser: Parser) -> Iterator[Place]:
    place = Place(tmp_path, parser)
    yield place
    place.catalog.close()


RELEASED, OTHER = " ".join((*RELEASE, *ABOUT)), " ".join(OTHER_RELEASE)


def test_a_release_that_several_carried_is_one_document(place: Place) -> None:
    place.write("gazette", RELEASED, "2023-05-05")
    place.write("herald", RELEASED + "\n\nSubscribe to the Herald.", "2023-05-04")
    place.write("times", RELEASED)
    place.write("other", OTHER)
    report = place.ingest.synchronise([place.corpus])
    assert report.added == ("herald", "other")
    assert report.duplicates == (Duplicate("gazette.md", "herald"), Duplicate("times.md", "herald"))
    assert place.catalog.manifest().documents == place.catalog.documents().total == 2
    assert place.catalog.summary("herald").also_in == (
        Copy("gazette", "Quay", "gazette.md", "Gazette, 2023-05-05"),
        Copy("times", "Quay", "times.md", str(place.catalog.document("times").source)),
    )
    assert place.catalog.documents().documents[0].also_in == place.catalog.summary("herald").also_in
    assert [copy.id for copy in place.catalog.summary("times").also_in] == ["herald"]
    assert "42 million" in place.catalog.document("times").text
    again = place.ingest.synchronise([place.corpus])
    assert (again.changed, again.embedded, again.duplicates) == (False, 0, report.duplicates)
    check_index(place.catalog, place.vectors)


def test_another_takes_the_place_of_one_that_is_gone(place: Place) -> None:
    for name, published in (("gazette", "2023-05-05"), ("herald", "2023-05-04"), ("times", None)):
        place.write(name, RELEASED, published)
    place.ingest.synchronise([place.corpus])
    (place.corpus / "herald.md").unlink()
    report = place.ingest.synchronise([place.corpus])
    assert (report.added, report.removed) == (("gazette",), ("herald",))
    assert report.duplicates == (Duplicate("times.md", "gazette"),)
    with pytest.raises(DocumentNotFound):
        place.catalog.document("herald")
    check_index(place.catalog, place.vectors)


def test_a_copy_that_comes_to_say_something_else_is_a_document_of_its_own(place: Place) -> None:
    place.write("gazette", RELEASED, "2023-05-04")
    place.write("times", RELEASED)
    place.ingest.synchronise([place.corpus])
    place.write("times", RELEASED.replace("42 million", "47 million"))
    report = place.ingest.synchronise([place.corpus])
    assert (report.added, report.unchanged, report.duplicates) == (("times",), ("gazette",), ())
    assert place.catalog.summary("gazette").also_in == ()
    check_index(place.catalog, place.vectors)


def test_documents_are_put_in_and_taken_out_without_reading_the_rest(place: Place) -> None:
    assert place.ingest.change([place.write("gazette", RELEASED)], []) is None
    place.ingest.synchronise([place.corpus])
    other = place.write("other", OTHER)
    (place.corpus / "gazette.md").unlink()  # nobody looks
    report = place.ingest.change([other], ["nothing"])
    assert report is not None
    assert (report.added, report.unchanged) == (("other",), ("gazette",))
    check_index(place.catalog, place.vectors)
    report = place.ingest.change([], ["gazette"])
    assert report is not None
    assert report.removed == ("gazette",)
    found = place.catalog.search(["brandt"], 10, Filters())
    assert {place.catalog.passages([key])[key].document_id for key, _ in found} == {"other"}


def test_a_catalog_that_is_another_than_was_thought_is_left_alone(place: Place) -> None:
    place.write("gazette", RELEASED)
    place.ingest.synchronise([place.corpus])
    before = place.stored()
    base = place.catalog.manifest()
    with place.catalog.writing(), pytest.raises(IndexCorrupt, match="not what it was a moment ago"):
        place.catalog.switch(replace(base, index_id="another"), base, Revision({"gazette"}, (), ()))
    assert place.stored() == before


TEXTS = (
    RELEASED,
    RELEASED + "\n\nSubscribe to the Herald.",
    RELEASED.replace("42 million", "47 million"),
    OTHER,
    OTHER.replace("January", "March"),
    "Adults pay 12 euros.",
)


@pytest.mark.parametrize("seed", range(2))
def test_any_changes_lead_to_what_an_ingest_from_nothing_gives(
    tmp_path: Path, parser: Parser, seed: int
) -> None:
    rng = random.Random(seed)
    place = Place(tmp_path, parser, InMemoryVectorStore())
    names = [f"d{number}" for number in range(7)]
    for step in range(12):
        documents, gone = [], []
        for name in rng.sample(names, rng.randint(1, 4)):
            if rng.random() < 0.3:
                (place.corpus / f"{name}.md").unlink(missing_ok=True)
                gone.append(name)
            else:
                published = rng.choice([None, "2023-05-04", "2022"])
                documents.append(place.write(name, rng.choice(TEXTS), published))
        if step == 0 or rng.random() < 0.5 or place.ingest.change(documents, gone) is None:
            place.ingest.synchronise([place.corpus])
        fresh = Place(tmp_path / f"fresh{step}", parser, InMemoryVectorStore())
        fresh.ingest.synchronise([place.corpus])
        assert place.stored() == fresh.stored()
        fresh.catalog.close()
        if place.catalog.current():
            check_index(place.catalog, place.vectors)
    place.catalog.close()

"""Damage and versions: what the next ingest makes anew, what is said of it, and what is left alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rag.catalog import CATALOG_FILE, CATALOG_VERSION
from rag.domain import Question
from rag.errors import DocumentUnreadable, IndexCorrupt, IndexNewer
from rag.seal import SEAL_FILE, Seal
from rag.settings import Settings
from rag.wiring import Application, build
from tests.contracts.index import check_index

MakeSettings = Callable[..., Settings]


def damage(file: Path, start: int = 0) -> None:
    content = file.read_bytes()
    file.write_bytes(content[:start] + b"\xaa" * (len(content) - start))


def vectors_file(data: Path) -> Path:
    return data / "chroma" / "chroma.sqlite3"


@pytest.fixture
def closed(small_application: Application) -> Application:
    """An index that nobody has open."""
    small_application.close()
    return small_application


@pytest.fixture
def again(closed: Application) -> Iterator[Application]:
    """The same settings, as the next start has them."""
    application = build(closed.settings)
    yield application
    application.close()


def check_answers(application: Application) -> None:
    check_index(application.catalog, application.vectors)
    assert Seal(application.settings.data_dir).broken() == []
    answer = application.pipeline.ask(Question("How much did the quay cost?"))
    assert "42 million euros" in answer.answer


def test_a_start_that_finds_all_well_makes_nothing_anew(again: Application) -> None:
    report = again.synchronise()
    assert (report.anew, report.embedded, report.changed) == ("", 0, False)


@pytest.mark.parametrize(
    ("pattern", "start"),
    [(CATALOG_FILE, 0), (CATALOG_FILE, 4_096), ("chroma/chroma.sqlite3", 4_096)],
)
def test_what_is_damaged_is_made_anew(again: Application, pattern: str, start: int) -> None:
    data = again.settings.data_dir
    (file,) = data.glob(pattern)
    damage(file, start)
    report = again.synchronise()
    assert report.anew.startswith("It was damaged")
    assert report.embedded > 0
    assert not (data / "damaged").exists()
    check_answers(again)


def test_a_rebuild_does_not_read_what_is_damaged(again: Application) -> None:
    damage(vectors_file(again.settings.data_dir), 4_096)
    assert again.synchronise(rebuild=True).anew == ""
    check_answers(again)


def test_what_cannot_be_made_anew_is_put_back(again: Application, tmp_path: Path) -> None:
    data = again.settings.data_dir
    damage(vectors_file(data), 4_096)
    before = vectors_file(data).read_bytes()
    with pytest.raises(DocumentUnreadable):
        again.synchronise(corpus=[tmp_path / "nowhere"])
    assert vectors_file(data).read_bytes() == before
    assert not (data / "damaged").exists()
    assert again.catalog.manifest().documents == 3


@pytest.mark.parametrize("rebuild", [False, True])
def test_damage_that_only_writing_shows_is_mended_too(
    again: Application, small_corpus: Path, monkeypatch: pytest.MonkeyPatch, rebuild: bool
) -> None:
    (small_corpus / "harbour.md").write_text("The quay cost 42 million euros.", encoding="utf-8")
    create, folder = again.vectors.create, again.settings.data_dir / "damaged"

    def refuse(collection: str, expected: int = 0) -> None:
        if not folder.exists():
            raise IndexCorrupt("database disk image is malformed")
        create(collection, expected)

    monkeypatch.setattr(again.vectors, "create", refuse)
    again.synchronise(rebuild=rebuild)
    check_answers(again)


def test_a_document_can_be_deleted_from_a_damaged_record(again: Application) -> None:
    damage(again.settings.data_dir / CATALOG_FILE)
    again.delete("harbour")
    assert "harbour" not in again.catalog.hashes()
    check_index(again.catalog, again.vectors)


def test_a_seal_that_is_lost_costs_a_look_and_no_embedding(again: Application) -> None:
    (again.settings.data_dir / SEAL_FILE).unlink()
    report = again.synchronise()
    assert (report.anew, report.embedded) == ("", 0)
    assert Seal(again.settings.data_dir).broken() == []


def set_version(application: Application, version: int) -> None:
    with closing(sqlite3.connect(application.settings.data_dir / CATALOG_FILE)) as connection:
        connection.execute(f"PRAGMA user_version = {version}")


def test_an_index_of_a_later_version_is_left_alone_until_a_rebuild(again: Application) -> None:
    set_version(again, CATALOG_VERSION + 1)
    before = (again.settings.data_dir / CATALOG_FILE).read_bytes()
    with pytest.raises(IndexNewer, match="Update the program"):
        again.synchronise()
    assert (again.settings.data_dir / CATALOG_FILE).read_bytes() == before
    again.synchronise(rebuild=True)
    check_answers(again)


def test_an_index_of_an_earlier_version_is_made_anew(again: Application) -> None:
    set_version(again, CATALOG_VERSION - 1)
    assert "earlier version of this program" in again.synchronise().anew
    check_answers(again)


def test_an_index_of_another_passage_size_is_made_anew(
    closed: Application, make_settings: MakeSettings
) -> None:
    settings = closed.settings
    other = build(make_settings(settings.data_dir, corpus_dir=settings.corpus_dir, passage_tokens=64))
    assert "another embedding model, passage size" in other.synchronise().anew
    check_answers(other)
    other.close()

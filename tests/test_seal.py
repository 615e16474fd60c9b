"""The seal: what a writer left is known again, readers do not break it, and damage does."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rag import seal as seal_module
from rag.adapters.chroma import ChromaVectorStore
from rag.catalog import CATALOG_FILE, Catalog
from rag.domain import Filters
from rag.ingest import Ingest
from rag.seal import SEAL_FILE, Seal
from tests.contracts.index import only_collection
from tests.fakes import HashingEmbedder, passage_of


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index with its seal; not to be changed."""
    folder = tmp_path_factory.mktemp("sealed")
    corpus, data = folder / "corpus", folder / "data"
    corpus.mkdir()
    # So many passages that Chroma writes its graph out.
    text = "\n\n".join(f"## Hold {number}\n\nSalt lies there." for number in range(1_100))
    (corpus / "ship.md").write_text(text, encoding="utf-8")
    catalog, vectors = Catalog(data), ChromaVectorStore(data / "chroma")
    Ingest(catalog, vectors, HashingEmbedder(), 60).synchronise([corpus])
    catalog.close()
    vectors.close()
    Seal(data).put()
    return data


@pytest.fixture
def data(sealed: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(sealed, tmp_path / "data"))


def graph(data: Path) -> Path:
    return next((data / "chroma").rglob("data_level0.bin"))


def test_nothing_stored_is_nothing_broken(tmp_path: Path) -> None:
    assert Seal(tmp_path).broken() == []
    assert Seal(tmp_path).altered() == []


def test_what_was_sealed_is_whole_also_after_it_was_read(data: Path) -> None:
    assert Seal(data).broken() == []
    catalog, vectors = Catalog(data), ChromaVectorStore(data / "chroma")
    vectors.query(only_collection(catalog), HashingEmbedder().embed_query("ship"), 5, Filters())
    assert Seal(data).broken() == []
    catalog.close()
    vectors.close()
    assert Seal(data).broken() == []


def test_a_graph_that_chroma_has_not_written_out_breaks_nothing(tmp_path: Path) -> None:
    vectors, embedder = ChromaVectorStore(tmp_path / "chroma"), HashingEmbedder()
    passages = [passage_of(f"Ship {number} sails.") for number in range(20)]
    vectors.create("passages-few")
    vectors.add("passages-few", passages, embedder.embed_passages([passage.text for passage in passages]))
    vectors.close()
    Seal(tmp_path).put()
    vectors.query("passages-few", embedder.embed_query("ship"), 5, Filters())
    vectors.close()
    assert Seal(tmp_path).broken() == []


def test_what_was_never_sealed_is_broken(data: Path) -> None:
    (data / SEAL_FILE).unlink()
    assert {CATALOG_FILE, "chroma/chroma.sqlite3"} < set(Seal(data).broken())
    assert Seal(data).altered() == []


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": 1}'])
def test_a_seal_that_is_none_seals_nothing(data: Path, content: str) -> None:
    (data / SEAL_FILE).write_text(content)
    assert CATALOG_FILE in Seal(data).broken()


def test_another_row_breaks_the_seal_and_is_no_damage(data: Path) -> None:
    with closing(sqlite3.connect(data / CATALOG_FILE)) as connection, connection:
        connection.execute("UPDATE documents SET title = 'Boat' WHERE id = 'ship'")
    assert Seal(data).broken() == [CATALOG_FILE]
    assert Seal(data).altered() == []


def test_one_bit_of_a_graph_is_damage(data: Path) -> None:
    file = graph(data)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.write_bytes(content)
    assert Seal(data).broken() == Seal(data).altered() == [file.relative_to(data).as_posix()]


def test_a_file_that_is_gone_breaks_the_seal(data: Path) -> None:
    graph(data).unlink()
    assert len(Seal(data).broken()) == 1
    assert Seal(data).altered() == []


def test_a_database_that_fails_its_own_check_is_damage(data: Path) -> None:
    file = data / "chroma" / "chroma.sqlite3"
    content = bytearray(file.read_bytes())
    content[4_096 : 4_096 * 20] = bytes(4_096 * 19)
    file.write_bytes(content)
    assert Seal(data).altered() == ["chroma/chroma.sqlite3"]
    Seal(data).put()
    assert not (data / SEAL_FILE).exists()


def test_what_was_read_is_read_again_only_when_it_was_written_to(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[str] = []

    def counted(path: Path) -> str | None:
        reads.append(path.name)
        return of_rows(path)

    of_rows = seal_module._of_rows
    monkeypatch.setattr(seal_module, "_of_rows", counted)
    seal = Seal(data)
    assert seal.broken() == []
    assert sorted(reads) == [CATALOG_FILE, "chroma.sqlite3"]
    seal.put()
    assert seal.broken() == []
    assert len(reads) == 2
    with closing(sqlite3.connect(data / CATALOG_FILE)) as held:
        with held:
            held.execute("UPDATE documents SET title = 'Boat' WHERE id = 'ship'")
        assert seal.broken() == [CATALOG_FILE]
        assert len(reads) == 3
    file = graph(data)
    file.write_bytes(file.read_bytes()[:-1] + b"\xaa")
    assert seal.altered() == [file.relative_to(data).as_posix()]
    assert Seal(data).broken() == seal.broken()

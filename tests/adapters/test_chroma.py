"""What is Chroma's own in the vector store; what every store does is in `tests/contracts`."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import chromadb
import numpy as np
import pytest
from chromadb.api.models.Collection import Collection

from rag.adapters.chroma import ADD_BATCH, DELETED_IN_MEMORY, MOST_ASKED, ChromaVectorStore, searched
from rag.adapters.chroma_engine import ChromaEngine
from rag.domain import Filters, Passage
from rag.errors import IndexCorrupt, InvalidInput
from rag.ports import Vector
from tests.fakes import HashingEmbedder

ROOT = Path(__file__).parent.parent.parent
NAME = "passages-one"
EMBEDDER = HashingEmbedder()
OPEN_FILES = Path("/proc/self/fd")


def passages(count: int) -> list[Passage]:
    return [
        Passage(
            f"{number:032x}", "d", "T", "S", "k", "2023-05", None, f"Ship {number}.", number, number + 7, ()
        )
        for number in range(count)
    ]


@pytest.fixture
def store(tmp_path: Path) -> ChromaVectorStore:
    return ChromaVectorStore(tmp_path / "chroma")


def fill(store: ChromaVectorStore, count: int = 3) -> list[Passage]:
    added = passages(count)
    store.create(NAME)
    store.add(NAME, added, EMBEDDER.embed_passages([passage.text for passage in added]))
    return added


def nearest(store: ChromaVectorStore, text: str, filters: Filters = Filters()) -> str:
    return store.query(NAME, EMBEDDER.embed_query(text), 1, filters)[0][0]


def test_nothing_is_opened_before_it_is_needed(tmp_path: Path) -> None:
    script = "import sys; from rag.adapters.chroma import ChromaVectorStore as S; S(__import__('pathlib').Path('x'));"
    script += "assert not [name for name in sys.modules if name.partition('.')[0] == 'chromadb']"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, check=True)
    assert list(tmp_path.iterdir()) == []


def test_vectors_outlast_the_process(store: ChromaVectorStore, tmp_path: Path) -> None:
    fill(store)
    store.close()
    script = (
        "from pathlib import Path; from rag.adapters.chroma import ChromaVectorStore;"
        f"store = ChromaVectorStore(Path({str(tmp_path / 'chroma')!r})); print(store.count({NAME!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "3\n"


def test_a_closed_store_opens_again(store: ChromaVectorStore) -> None:
    fill(store)
    store.close()
    store.close()
    assert store.count(NAME) == 3


def test_closing_one_store_leaves_another_of_the_same_folder_open(
    store: ChromaVectorStore, tmp_path: Path
) -> None:
    fill(store)
    other = ChromaVectorStore(tmp_path / "chroma")
    assert other.count(NAME) == 3
    store.close()
    assert nearest(other, "Ship 2.") == passages(3)[2].id


def found(store: ChromaVectorStore) -> list[object]:
    """What every way of reading gives."""
    some = [passage.id for passage in passages(8)[::2]]
    filters = (
        Filters(),
        Filters(document_ids=("d",), kinds=("k",), published_from="2023"),
        Filters(kinds=("x",)),
    )
    searches = [store.query(NAME, EMBEDDER.embed_query("Ship 2."), 4, chosen) for chosen in filters]
    vectors = {key: vector.tolist() for key, vector in store.vectors(NAME, some).items()}
    return [searches, vectors, store.count(NAME), store.count("absent"), list(store.collections())]


def test_the_engine_finds_what_the_client_finds(store: ChromaVectorStore, tmp_path: Path) -> None:
    fill(store, 5)
    by_client = found(store)
    by_engine = found(ChromaVectorStore(tmp_path / "chroma"))
    assert by_engine == by_client


def test_reading_imports_no_client(store: ChromaVectorStore, tmp_path: Path) -> None:
    fill(store)
    store.close()
    script = (
        "import sys; from pathlib import Path; from rag.adapters.chroma import ChromaVectorStore;"
        "from rag.domain import Filters; import numpy as np;"
        f"store = ChromaVectorStore(Path({str(tmp_path / 'chroma')!r}));"
        f"print(len(store.query({NAME!r}, np.ones({EMBEDDER.dimensions}, np.float32), 2, Filters())),"
        f" store.count({NAME!r}), 'chromadb' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "2 3 False\n"


def test_a_collection_that_another_process_made_anew_under_its_name_is_read(
    store: ChromaVectorStore, tmp_path: Path
) -> None:
    fill(store, 3)
    reading = ChromaVectorStore(tmp_path / "chroma")
    assert reading.count(NAME) == 3
    script = (
        "import sys; from pathlib import Path; from rag.adapters.chroma import ChromaVectorStore\n"
        "from tests.adapters.test_chroma import fill; fill(ChromaVectorStore(Path(sys.argv[1])), 5)"
    )
    store.close()
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "chroma")], cwd=ROOT, check=True)
    assert reading.count(NAME) == 5
    assert len(reading.query(NAME, EMBEDDER.embed_query("Ship 4."), 10, Filters())) == 5


def test_what_was_written_is_read_at_once(store: ChromaVectorStore, tmp_path: Path) -> None:
    fill(store)
    store.close()
    assert nearest(store, "Ship 2.") == passages(3)[2].id
    store.create("passages-two")
    assert set(store.collections()) == {NAME, "passages-two"}
    store.delete(NAME)
    with pytest.raises(IndexCorrupt):
        nearest(store, "Ship 2.")


@pytest.mark.parametrize("method", ["__init__", "query", "vectors", "count", "collections"])
def test_other_bindings_leave_reading_to_the_client(
    store: ChromaVectorStore, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    fill(store)
    expected = found(store)
    store.close()

    def differ(*_: object) -> None:
        raise TypeError("query() takes 3 positional arguments but 9 were given")

    monkeypatch.setattr(ChromaEngine, method, differ)
    assert found(store) == expected


def test_distances_are_cosines(store: ChromaVectorStore) -> None:
    fill(store)
    vector, third = EMBEDDER.embed_query("Ship 2."), passages(3)[2].id
    assert dict(store.query(NAME, vector * 5, 3, Filters()))[third] == pytest.approx(1.0, abs=1e-5)
    assert dict(store.query(NAME, -vector, 3, Filters()))[third] == pytest.approx(-1.0, abs=1e-5)


@pytest.mark.filterwarnings(
    "ignore:legacy embedding function config:DeprecationWarning"
)  # Chroma warns itself
def test_chroma_has_no_model_of_its_own(store: ChromaVectorStore) -> None:
    fill(store)
    with pytest.raises(ValueError, match="embedding function"):
        store.collection(NAME).query(query_texts=["Ship 2."])


def test_writes_are_small_enough_for_chroma(
    store: ChromaVectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    upsert = Collection.upsert

    def counted(self: Collection, ids: list[str], **values: object) -> None:
        sizes.append(len(ids))
        upsert(self, ids=ids, **values)  # type: ignore[arg-type]

    monkeypatch.setattr(Collection, "upsert", counted)
    fill(store, 2 * ADD_BATCH + 1)
    assert sizes == [ADD_BATCH, ADD_BATCH, 1]
    assert store.count(NAME) == 2 * ADD_BATCH + 1


def test_other_programs_find_text_and_metadata(store: ChromaVectorStore, tmp_path: Path) -> None:
    fill(store)
    store.close()
    client = chromadb.PersistentClient(
        str(tmp_path / "chroma"), settings=chromadb.Settings(anonymized_telemetry=False)
    )
    found = client.get_collection(NAME, embedding_function=None).get(ids=[passages(3)[1].id])
    assert found["documents"] == ["Ship 1."]
    assert found["metadatas"] == [
        {
            "document_id": "d",
            "title": "T",
            "section": "S",
            "kind": "k",
            "start": 1,
            "end": 8,
            "first_day": 20230501,
            "last_day": 20230531,
        }
    ]
    client.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "value", ["", "\x00", "a\x00b", "\ud800", "\u202e", "$in", "' OR 1=1 --", "x" * 100_000]
)
def test_any_text_can_be_filtered_by(store: ChromaVectorStore, value: str) -> None:
    fill(store)
    for filters in (Filters(kinds=(value,)), Filters(document_ids=(value, "other"))):
        assert store.query(NAME, EMBEDDER.embed_query("Ship 2."), 5, filters) == []
    assert nearest(store, "Ship 2.", Filters(kinds=(value, "k"))) == passages(3)[2].id


def test_a_thousand_values_can_be_filtered_by(store: ChromaVectorStore) -> None:
    fill(store)
    values = tuple(f"d{number}" for number in range(1_000))
    assert store.query(NAME, EMBEDDER.embed_query("Ship 2."), 5, Filters(document_ids=values)) == []
    assert nearest(store, "Ship 2.", Filters(document_ids=(*values, "d"))) == passages(3)[2].id


def test_a_filter_that_is_no_date(store: ChromaVectorStore) -> None:
    fill(store)
    with pytest.raises(InvalidInput, match="'soon' is not a date"):
        store.query(NAME, EMBEDDER.embed_query("x"), 5, Filters(published_to="soon"))


def test_errors_of_chroma_are_translated(store: ChromaVectorStore) -> None:
    fill(store)
    with pytest.raises(IndexCorrupt, match="Run `mission-record rebuild`"):
        store.query(NAME, np.ones(3, dtype=np.float32), 5, Filters())
    with pytest.raises(IndexCorrupt, match="NotFoundError"):
        store.collection("passages-two")


def test_a_folder_that_chroma_cannot_read_is_named_every_time_and_made_anew_by_create(
    store: ChromaVectorStore, tmp_path: Path
) -> None:
    (tmp_path / "chroma").mkdir()
    (tmp_path / "chroma" / "chroma.sqlite3").write_bytes(b"no database at all" * 500)
    for _ in range(3):
        with pytest.raises(IndexCorrupt, match="Run `mission-record rebuild`"):
            store.count(NAME)
    fill(store)
    assert store.count(NAME) == 3
    assert nearest(store, "Ship 1.") == passages(3)[1].id


def test_a_deleted_collection_leaves_nothing_on_disk(store: ChromaVectorStore, tmp_path: Path) -> None:
    fill(store)
    (kept,) = (path for path in (tmp_path / "chroma").iterdir() if path.is_dir())
    store.create("passages-two")
    store.add("passages-two", passages(3), EMBEDDER.embed_passages(["a", "b", "c"]))
    assert sum(path.is_dir() for path in (tmp_path / "chroma").iterdir()) == 2
    store.delete("passages-two")
    assert [path for path in (tmp_path / "chroma").iterdir() if path.is_dir()] == [kept]
    assert nearest(store, "Ship 1.") == passages(3)[1].id


def graphs_in_memory(folder: Path) -> int:
    """How many graphs of that folder this process has open."""
    if not OPEN_FILES.is_dir():
        pytest.skip("this system does not show what files a process has open")
    opened = [str(file.readlink()) for file in OPEN_FILES.iterdir() if file.is_symlink()]
    return sum(name.startswith(str(folder)) and "header.bin" in name for name in opened)


def test_graphs_of_deleted_collections_do_not_stay_in_memory(
    store: ChromaVectorStore, tmp_path: Path
) -> None:
    """Every upload leaves some: a server that takes documents in all day would run out of memory and of files."""
    most = 0
    for _ in range(2 * DELETED_IN_MEMORY + 2):
        fill(store)
        assert nearest(store, "Ship 1.") == passages(3)[1].id
        store.delete(NAME)
        most = max(most, graphs_in_memory(tmp_path))
    assert most <= DELETED_IN_MEMORY
    store.close()
    assert graphs_in_memory(tmp_path) == 0


def test_whoever_asks_while_graphs_are_put_out_of_memory_is_answered(store: ChromaVectorStore) -> None:
    fill(store)
    over = threading.Event()

    def ask() -> int:
        asked = 0
        while not over.is_set():
            assert nearest(store, "Ship 1.") == passages(3)[1].id
            asked += 1
        return asked

    with ThreadPoolExecutor(4) as threads:
        asking = [threads.submit(ask) for _ in range(4)]
        try:
            for _ in range(2 * DELETED_IN_MEMORY):
                store.create("another")
                store.delete("another")
        finally:
            over.set()
        assert all(one.result() for one in asking)


def test_another_process_that_reads_puts_graphs_out_of_memory_too(
    store: ChromaVectorStore, tmp_path: Path
) -> None:
    reading = ChromaVectorStore(tmp_path / "chroma")
    for name in [f"version-{number}" for number in range(MOST_ASKED + 3)]:
        store.create(name)
        store.add(name, passages(3), EMBEDDER.embed_passages(["a", "b", "c"]))
        assert reading.query(name, EMBEDDER.embed_query("a"), 1, Filters())
    store.close()
    assert graphs_in_memory(tmp_path) <= MOST_ASKED + 1


@pytest.mark.parametrize("written_here", [True, False])
def test_many_small_collections_can_all_be_read_over_and_over(
    store: ChromaVectorStore, tmp_path: Path, written_here: bool
) -> None:
    """Chroma cannot read again what it has put out of memory and not on disk."""
    names = [f"segment-{number}" for number in range(MOST_ASKED - 2)]
    for name in names:
        store.create(name)
        store.add(name, passages(3), EMBEDDER.embed_passages(["a", "b", "c"]))
    reading = store if written_here else ChromaVectorStore(tmp_path / "chroma")
    for name in 2 * names:
        assert len(reading.query(name, EMBEDDER.embed_query("a"), 3, Filters())) == 3


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(IndexCorrupt, match="file"):
        ChromaVectorStore(tmp_path / "file").count(NAME)


def test_the_approximate_search_misses_few_of_the_nearest(store: ChromaVectorStore) -> None:
    """In clusters, as the passages of documents are; with Chroma's own settings it misses one in eight of these."""
    random = np.random.default_rng(1)

    def drawn(number: int) -> Vector:
        vectors = np.repeat(random.normal(size=(number // 10, 384)), 10, axis=0)
        vectors += random.normal(0, 0.8, vectors.shape)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)

    vectors, asked = drawn(3_000), drawn(200)[::10]
    store.create(NAME)
    store.add(NAME, added := passages(len(vectors)), vectors)
    exact = np.argsort(-(asked @ vectors.T), axis=1)[:, :50]
    recalls = [
        len({key for key, _ in store.query(NAME, vector, 50, Filters())} & {added[at].id for at in nearest})
        / 50
        for vector, nearest in zip(asked, exact, strict=True)
    ]
    assert np.mean(recalls) > 0.95


def test_a_search_among_more_vectors_keeps_more_of_them_in_sight(store: ChromaVectorStore) -> None:
    assert [searched(number) for number in (0, 10_000, 100_000, 1_000_000)] == [200, 200, 400, 800]
    for expected, kept in ((0, 200), (100_000, 400)):
        store.create("passages-large", expected)
        assert store.collection("passages-large").configuration_json["hnsw"]["ef_search"] == kept

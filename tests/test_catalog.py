"""The catalog: what is stored comes back, words find passages, versions switch whole, and damage is named."""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.catalog import CATALOG_FILE, CATALOG_VERSION, Catalog, fingerprint, require_fingerprint
from rag.domain import Document, Filters, Manifest, Passage, Segment
from rag.errors import (
    DocumentNotFound,
    IndexBusy,
    IndexCorrupt,
    IndexEmpty,
    IndexMismatch,
    IndexNewer,
    InvalidInput,
    StorageError,
)
from rag.formats.read import read_file
from rag.ingest import passages_of
from tests.contracts.index import only_collection
from tests.fakes import HashingEmbedder

FILES = {
    "quay.md": "---\ntitle: The new quay\nkind: project\nsource: {title: G, published: 2023-06-01}\n---\n"
    "# Works\n\nThe container quay of Elsin opened in May. It is NEAR the old café.\n\n## Firms\n\n- Sól Dredging\n",
    "lamp.md": "---\ntitle: lighthouse\nkind: building\nsource: {title: G, published: 2022}\n---\n"
    "Its lamp shines.\n\nElsin.",
    "ferry.md": "---\ntitle: Ferry\nkind: project\nsource: {title: G, published: 2023-05}\n---\n"
    "Ferries leave Elsin daily.",
    "undated.txt": 'The harbour master\'s 3.5% fee — C++ and AI-driven, (so-called) "tariff": 100*2.',
    "港.txt": "新しい港は五月に開いた。",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def catalog(folder: Path) -> Iterator[Catalog]:
    catalog = Catalog(folder)
    yield catalog
    catalog.close()


@pytest.fixture
def documents(tmp_path: Path) -> list[Document]:
    found = []
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        found += read_file(tmp_path / name, name)
    return sorted(found, key=lambda document: document.id)


def cut(documents: list[Document]) -> list[Passage]:
    return [
        passage
        for document in documents
        for passage in passages_of(document, HashingEmbedder().count_tokens, 200)
    ]


def store(catalog: Catalog, documents: list[Document], index_id: str = "first") -> Manifest:
    with catalog.writing():
        passages = cut(documents)
        collection = catalog.next_collection(index_id)
        segment = Segment(collection, len(passages), len(passages))
        manifest = Manifest(index_id, "print", len(documents), len(passages), (segment,))
        catalog.replace(manifest, documents, passages)
    return manifest


@pytest.fixture
def filled(catalog: Catalog, documents: list[Document]) -> Catalog:
    store(catalog, documents)
    return catalog


# --- what is stored --------------------------------------------------------------------------------------------


def test_everything_stored_comes_back(filled: Catalog, documents: list[Document]) -> None:
    for document in documents:
        assert filled.document(document.id) == document
        assert filled.passages_of(document.id) == cut([document])
    passages = cut(documents)
    assert filled.passages([passage.id for passage in passages]) == {
        passage.id: passage for passage in passages
    }
    segment = Segment("passages-first-1", len(passages), len(passages))
    assert filled.manifest() == Manifest("first", "print", len(documents), len(passages), (segment,))
    assert filled.current() == filled.manifest()
    assert filled.hashes().keys() == {document.id for document in documents}
    assert filled.kinds() == ("building", "document", "project")


def test_a_summary_counts_characters_and_passages(filled: Catalog, documents: list[Document]) -> None:
    for document in documents:
        summary = filled.summary(document.id)
        assert summary.characters == len(document.text)
        assert summary.passages == len(cut([document]))
        assert (summary.title, summary.kind, summary.path) == (document.title, document.kind, document.path)
        assert summary.published == document.published
        assert summary.sha256 == document.sha256


def test_passages_that_are_not_there_are_left_out(filled: Catalog) -> None:
    assert filled.passages(["nothing"]) == {}
    assert filled.passages([]) == {}
    assert filled.passages_of("nothing") == []


@pytest.mark.parametrize(
    "document_id", ["nothing", "", "'; DROP TABLE documents; --", "a\x00b", "\ud800", "x" * 100_000]
)
def test_an_unknown_document(filled: Catalog, document_id: str) -> None:
    for find in (filled.document, filled.summary):
        with pytest.raises(DocumentNotFound, match="No document has the id"):
            find(document_id)
    assert filled.document("quay").id == "quay"


def test_a_new_version_takes_the_place_of_the_whole_old_one(
    filled: Catalog, documents: list[Document]
) -> None:
    store(filled, documents[:1], "second")
    assert filled.hashes().keys() == {documents[0].id}
    assert filled.manifest().index_id == "second"
    gone = cut(documents[1:])
    assert filled.passages([passage.id for passage in gone]) == {}
    assert found(filled, "elsin", "quay", "lamp") == {documents[0].id}


def test_names_of_collections_are_never_used_twice(filled: Catalog) -> None:
    with filled.writing():
        names = [filled.next_collection("first") for _ in range(3)]
    assert len({*names, only_collection(filled)}) == 4


# --- finding ---------------------------------------------------------------------------------------------------


def found(catalog: Catalog, *terms: str, filters: Filters = Filters()) -> set[str]:
    hits = catalog.search(list(terms), 10, filters)
    assert hits == sorted(hits, key=lambda hit: (-hit[1], hit[0]))
    assert all(score > 0 for _, score in hits)
    return {passage.document_id for passage in catalog.passages([key for key, _ in hits]).values()}


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        (["lamps"], {"lamp"}),
        (["ferry"], {"ferry"}),
        (["cafe"], {"quay"}),
        (["SÓL"], {"quay"}),
        (["firm"], {"quay"}),
        (["elsin"], {"quay", "lamp", "ferry"}),
        (["lamp", "ferries"], {"lamp", "ferry"}),
        (["nothing-like-it"], set()),
        (["ai-driven"], {"undated"}),
        (["driven-ai"], set()),
        (["3.5"], {"undated"}),
        ([], set()),
    ],
)
def test_words_find_passages_in_any_inflection(filled: Catalog, terms: list[str], expected: set[str]) -> None:
    assert found(filled, *terms) == expected


def test_a_title_counts_for_more_than_a_mention(filled: Catalog, documents: list[Document]) -> None:
    best, *_ = filled.search(["ferry", "quay"], 10, Filters())
    assert filled.passages([best[0]])[best[0]].document_id in ("ferry", "quay")


SYNTAX = [
    '"', '""', "'", "*", "-", "+", "^", "(", ")", "()", "{x}", ":", "title:quay", "quay*", "NEAR",
    "NEAR(quay elsin, 2)", "AND", "OR", "NOT", "quay NOT elsin", '"quay', "a OR",
    "; DROP TABLE passages", "\\", "\x00", "qu\x00ay",
    "%", "_", "\ud800", "\u202e", "🚢", "lexical", "rowid", "?", "--", "/*", "",
]  # fmt: skip


@pytest.mark.parametrize("term", SYNTAX)
def test_no_term_is_read_as_query_syntax(filled: Catalog, term: str) -> None:
    filled.search([term], 10, Filters())
    filled.search(["quay", term], 10, Filters())
    filled.passage_counts([term])
    filled.documents(query=term)
    assert found(filled, "container") == {"quay"}
    assert found(filled, "container", term) >= {"quay"}


def test_words_that_are_operators_are_words(filled: Catalog) -> None:
    assert found(filled, "NEAR") == {"quay"}
    assert found(filled, "AND") == {"undated"}
    assert found(filled, "NOT") == set()


@given(st.lists(st.text(max_size=40), max_size=5), st.text(max_size=60))
def test_any_terms_can_be_looked_for(shared: Catalog, terms: list[str], query: str) -> None:
    shared.search(terms, 5, Filters())
    assert set(shared.passage_counts(terms)) == set(terms)
    shared.documents(query=query)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    folder = tmp_path_factory.mktemp("shared")
    (folder / "x.txt").write_text("The quay.")
    catalog = Catalog(folder)
    store(catalog, list(read_file(folder / "x.txt", "x.txt")))
    yield catalog
    catalog.close()


def test_a_thousand_terms(filled: Catalog) -> None:
    assert found(filled, *(f"word{number}" for number in range(1_000)), "lamp") == {"lamp"}
    assert filled.documents(query=" ".join(["elsin"] * 500)).total == 3


def test_a_limit_cuts_the_worst(filled: Catalog) -> None:
    everything = filled.search(["elsin", "quay"], 10, Filters())
    assert filled.search(["elsin", "quay"], 2, Filters()) == everything[:2]


@pytest.mark.parametrize(
    ("terms", "columns", "expected"),
    [
        (["container quay"], "text", {"quay"}),
        (["quay container"], "text", set()),
        (["Elsin"], "text", {"quay", "lamp", "ferry"}),
        (["ELSIN", "ferry"], "text", {"ferry"}),
        (["CAFE"], "text", {"quay"}),
        (["ferry"], "title section", {"ferry"}),
        (["firms"], "title section", {"quay"}),
        (["firms"], "text", set()),
        (["firm"], "title section text", {"quay"}),
        (["Takeda"], "title section text", set()),
        (["", "Elsin"], "text", set()),
        (["-"], "text", set()),
    ],
)
def test_documents_that_mention_words_in_a_row(
    filled: Catalog, terms: list[str], columns: str, expected: set[str]
) -> None:
    found = filled.mentions(terms, columns)
    assert set(found) == expected
    passages = filled.passages([identifier for each in found.values() for identifier in each])
    assert {passage.document_id for passage in passages.values()} == expected


@given(term=st.text(max_size=30))
def test_any_words_can_be_looked_for(shared: Catalog, term: str) -> None:
    for columns in ("text", "title section"):
        shared.mentions([term], columns)
    shared.credits(term)


def test_whom_documents_name_themselves(catalog: Catalog, tmp_path: Path) -> None:
    (tmp_path / "quay.md").write_text(
        "---\npeople: [Ada Moreau, Ines Okafor, Ada Moreau]\norganisations: Port of Elsin\nplace: Elsin\n"
        "source: {title: Gazette, publisher: Elsin Press}\n---\n\nThe quay opened.",
        encoding="utf-8",
    )
    store(catalog, list(read_file(tmp_path / "quay.md", "quay.md")))
    assert catalog.credits("person") == [("quay", "Ada Moreau"), ("quay", "Ines Okafor")]
    assert catalog.credits("organisation", "place") == [("quay", "Elsin"), ("quay", "Port of Elsin")]
    assert catalog.credits("publisher", "author") == [("quay", "Elsin Press")]
    store(catalog, [], "second")
    assert catalog.credits("person") == []


def test_summaries_are_those_that_the_filters_let_through(filled: Catalog) -> None:
    assert [summary.id for summary in filled.summaries(Filters(kinds=("project",)))] == ["ferry", "quay"]
    assert len(filled.summaries()) == len(FILES)


def test_counts_are_of_passages(filled: Catalog) -> None:
    assert filled.passage_counts(["elsin", "lamps", "nothing"]) == {"elsin": 3, "lamps": 1, "nothing": 0}


def test_words_are_found_by_their_beginning_and_length(filled: Catalog) -> None:
    assert filled.words_like("e", 5, 5) == {"elsin": 3}
    assert filled.words_like("f", 4, 5) == {"ferry": 1, "firms": 1}
    assert filled.words_like("f", 4, 7) == {"ferry": 1, "ferries": 1, "firms": 1}
    assert filled.words_like("s", 3, 3) == {"sól": 1}
    assert filled.words_like("E", 5, 5) == filled.words_like("%", 1, 9) == filled.words_like("f", 5, 4) == {}


def test_stems_that_one_begins_with_and_one_that_goes_on(filled: Catalog) -> None:
    assert filled.stems_around("contain") == {"contain", "c"}
    assert filled.stems_around("lighthousekeep") == {"lighthous"}
    assert filled.stems_around("lightho") == {"lighthous"}
    assert filled.stems_around("fer") == {"ferri"}
    assert filled.stems_around("ferri") == {"ferri"}
    assert filled.stems_around("zebra") == set()


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(), {"quay", "lamp", "ferry"}),
        (Filters(document_ids=("quay", "nowhere")), {"quay"}),
        (Filters(document_ids=("nowhere",)), set()),
        (Filters(kinds=("project",)), {"quay", "ferry"}),
        (Filters(kinds=("project",), document_ids=("lamp", "ferry")), {"ferry"}),
        (Filters(kinds=("pro%", "'", "PROJECT")), set()),
        (Filters(published_from="2023"), {"quay", "ferry"}),
        (Filters(published_from="2023-05-20"), {"quay", "ferry"}),
        (Filters(published_from="2023-06"), {"quay"}),
        (Filters(published_to="2022"), {"lamp"}),
        (Filters(published_to="2022-03"), {"lamp"}),
        (Filters(published_to="2023-05-01"), {"lamp", "ferry"}),
        (Filters(published_from="2022-12-31", published_to="2023-05-31"), {"lamp", "ferry"}),
        (Filters(published_from="2024"), set()),
    ],
)
def test_filters(filled: Catalog, filters: Filters, expected: set[str]) -> None:
    assert found(filled, "elsin", filters=filters) == expected


def test_a_filter_that_is_no_date(filled: Catalog) -> None:
    with pytest.raises(InvalidInput, match="'soon' is not a date"):
        filled.search(["elsin"], 5, Filters(published_from="soon"))


# --- listing ---------------------------------------------------------------------------------------------------


def ids(catalog: Catalog, **criteria: object) -> list[str]:
    return [summary.id for summary in catalog.documents(**criteria).documents]  # type: ignore[arg-type]


def test_documents_are_listed_by_title(filled: Catalog) -> None:
    assert ids(filled) == ["ferry", "lamp", "quay", "undated", "港"]
    assert filled.documents().total == 5


def test_a_page_of_the_list(filled: Catalog) -> None:
    assert ids(filled, limit=2, offset=1) == ["lamp", "quay"]
    assert ids(filled, limit=2, offset=4) == ["港"]
    assert ids(filled, limit=2, offset=9) == []
    assert filled.documents(limit=2, offset=9).total == 5


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ({"kind": "project"}, ["ferry", "quay"]),
        ({"kind": "nothing"}, []),
        ({"query": "elsin"}, ["ferry", "lamp", "quay"]),
        ({"query": "elsin", "kind": "building"}, ["lamp"]),
        ({"query": "LIGHTHOUSE"}, ["lamp"]),
        ({"query": "lighth"}, ["lamp"]),
        ({"query": "lamp elsin"}, ["lamp"]),
        ({"query": "lighthouse Elsin"}, ["lamp"]),
        ({"query": "elsin lamp ferries"}, []),
        ({"query": "undat"}, ["undated"]),
        ({"query": "港"}, ["港"]),
        ({"query": "sol — dredging"}, ["quay"]),
        ({"query": "  "}, ["ferry", "lamp", "quay", "undated", "港"]),
        ({"query": "%"}, []),
    ],
)
def test_documents_that_are_asked_for(filled: Catalog, criteria: dict[str, str], expected: list[str]) -> None:
    assert ids(filled, **criteria) == expected
    assert filled.documents(**criteria).total == len(expected)  # type: ignore[arg-type]


def test_words_of_a_query_may_stand_in_different_passages(catalog: Catalog, tmp_path: Path) -> None:
    (tmp_path / "x.md").write_text("# Works\n\nThe quay.\n\n# Firms\n\nThe dredger.\n")
    store(catalog, list(read_file(tmp_path / "x.md", "x.md")))
    assert ids(catalog, query="quay dredger") == ["x"]
    assert ids(catalog, query="quay lighthouse") == []


# --- readers and writers ---------------------------------------------------------------------------------------


def test_a_reader_sees_one_version(filled: Catalog, documents: list[Document]) -> None:
    other = Catalog(filled._folder)
    with other.reading():
        assert other.manifest().index_id == "first"
        store(filled, documents[:1], "second")
        assert other.manifest().index_id == "first"
        assert other.hashes().keys() == {document.id for document in documents}
        assert filled.manifest().index_id == "second"
    assert other.manifest().index_id == "second"
    other.close()


def test_reading_within_reading_is_the_same_version(filled: Catalog, documents: list[Document]) -> None:
    other = Catalog(filled._folder)
    with other.reading():
        with other.reading():
            assert other.manifest().index_id == "first"
        store(filled, documents[:1], "second")
        assert other.documents().total == len(documents)
    other.close()


def test_an_error_while_reading_ends_the_reading(filled: Catalog, documents: list[Document]) -> None:
    with pytest.raises(DocumentNotFound), filled.reading():
        filled.document("nothing")
    store(filled, documents[:1], "second")
    assert filled.manifest().index_id == "second"


def test_a_second_writer_is_refused_at_once(filled: Catalog) -> None:
    other = Catalog(filled._folder)
    with filled.writing(), pytest.raises(IndexBusy, match="Another process is writing to"), other.writing():
        pass
    with other.writing():
        pass


def test_a_second_thread_may_not_write_either(filled: Catalog) -> None:
    refused: list[IndexBusy] = []

    def write() -> None:
        try:
            with filled.writing():
                pass
        except IndexBusy as error:
            refused.append(error)

    with filled.writing():
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    assert len(refused) == 1


def test_what_fails_while_writing_leaves_the_old_version(filled: Catalog, documents: list[Document]) -> None:
    passages = cut(documents)
    broken = Manifest("second", "print", 1, 2, (Segment("passages-second-2", 2, 2),))
    with pytest.raises(StorageError), filled.writing():
        filled.replace(broken, documents, [*passages, passages[0]])
    assert filled.manifest().index_id == "first"
    assert filled.hashes().keys() == {document.id for document in documents}
    assert found(filled, "lamp") == {"lamp"}


@pytest.mark.skipif(sys.platform != "linux", reason="counts open files in /proc, which only Linux has")
def test_threads_that_have_ended_keep_no_file_open(filled: Catalog) -> None:
    for _ in range(60):
        thread = threading.Thread(target=filled.manifest)
        thread.start()
        thread.join()
    opened = [
        os.path.realpath(entry.path) for entry in os.scandir("/proc/self/fd") if os.path.lexists(entry.path)
    ]
    assert sum(path == str((filled._folder / CATALOG_FILE).resolve()) for path in opened) < 10


def test_many_threads_read(filled: Catalog) -> None:
    expected = filled.search(["elsin"], 5, Filters())
    results: list[object] = []

    def read() -> None:
        for _ in range(20):
            with filled.reading():
                results.append(filled.search(["elsin"], 5, Filters()))

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 160


# --- what can be wrong -----------------------------------------------------------------------------------------


READS: list[Callable[[Catalog], object]] = [
    Catalog.manifest,
    Catalog.documents,
    Catalog.hashes,
    lambda catalog: catalog.document("quay"),
    lambda catalog: catalog.search(["elsin"], 5, Filters()),
    lambda catalog: catalog.passages(["x"]),
]


@pytest.mark.parametrize("read", READS)
def test_nothing_ingested(catalog: Catalog, folder: Path, read: Callable[[Catalog], object]) -> None:
    with pytest.raises(IndexEmpty, match="Run `mission-record ingest`"):
        read(catalog)
    assert catalog.current() is None
    assert not folder.exists()


def test_an_index_without_documents_is_empty(catalog: Catalog) -> None:
    store(catalog, [])
    with pytest.raises(IndexEmpty, match="holds no documents"):
        catalog.manifest()
    assert catalog.documents().total == 0


def set_version(folder: Path, version: int) -> None:
    connection = sqlite3.connect(folder / CATALOG_FILE)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()


@pytest.mark.parametrize("read", READS)
def test_a_catalog_of_another_version(
    filled: Catalog, folder: Path, documents: list[Document], read: Callable[[Catalog], object]
) -> None:
    filled.close()
    set_version(folder, CATALOG_VERSION - 1)
    with pytest.raises(IndexMismatch, match=rf"version {CATALOG_VERSION - 1};.*Run `mission-record ingest`"):
        read(filled)
    assert filled.current() is None
    store(filled, documents[:1], "second")
    assert filled.manifest().index_id == "second"
    assert filled.documents().total == 1


def test_a_disk_without_room_is_no_damage(filled: Catalog) -> None:
    # What SQLite says where the file through which readers and writers share memory does not fit.
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
    assert type(filled._unreadable(error)) is StorageError


@pytest.mark.parametrize("read", [*READS, Catalog.current])
def test_a_catalog_of_a_later_version_is_left_alone(
    filled: Catalog, folder: Path, documents: list[Document], read: Callable[[Catalog], object]
) -> None:
    before = filled.manifest().index_id
    filled.close()
    set_version(folder, CATALOG_VERSION + 1)
    with pytest.raises(IndexNewer, match=r"made by a later version.*Update the program"):
        read(filled)
    with pytest.raises(IndexNewer):
        store(filled, documents[:1], "second")
    set_version(folder, CATALOG_VERSION)
    assert filled.manifest().index_id == before


@pytest.mark.skipif(sys.platform != "linux", reason="counts open files in /proc, which only Linux has")
def test_asking_a_catalog_of_another_version_keeps_no_file_open(filled: Catalog, folder: Path) -> None:
    filled.close()
    set_version(folder, 1)
    before = len(list(os.scandir("/proc/self/fd")))
    for _ in range(20):
        assert filled.current() is None
    assert len(list(os.scandir("/proc/self/fd"))) < before + 10


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "start": lambda content: b"\xaa" * 4_096 + content[4_096:],
    "all": lambda content: b"no database at all",
    "middle": lambda content: content[:4_096] + b"\xaa" * (len(content) - 4_096),
    "cut": lambda content: content[: len(content) // 2],
}


def error_of(catalog: Catalog, read: Callable[[Catalog], object]) -> StorageError | None:
    try:
        read(catalog)
    except StorageError as error:
        return error
    return None


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named_and_mended_by_writing_anew(
    filled: Catalog, folder: Path, documents: list[Document], damage: str
) -> None:
    filled.close()
    file = folder / CATALOG_FILE
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    errors = [error for error in map(partial(error_of, filled), READS) if error]
    assert errors
    for error in errors:
        assert isinstance(error, IndexCorrupt)
        assert "Run `mission-record rebuild`" in str(error)
    store(filled, documents, "second")
    assert filled.manifest().index_id == "second"
    assert filled.document("quay") == next(document for document in documents if document.id == "quay")
    assert found(filled, "elsin") == {"quay", "lamp", "ferry"}


def test_a_reader_that_had_the_damaged_file_open_finds_the_new_one(
    filled: Catalog, folder: Path, documents: list[Document]
) -> None:
    reader = Catalog(folder)
    assert reader.manifest().index_id == "first"
    filled.close()
    file = folder / CATALOG_FILE
    file.write_bytes(DAMAGES["all"](file.read_bytes()))
    store(filled, documents, "second")
    assert reader.manifest().index_id == "second"
    reader.close()


def test_an_empty_file_is_no_catalog_yet(catalog: Catalog, folder: Path, documents: list[Document]) -> None:
    folder.mkdir()
    (folder / CATALOG_FILE).touch()
    with pytest.raises(StorageError, match="Run `mission-record"):
        catalog.manifest()
    store(catalog, documents)
    assert catalog.documents().total == len(documents)


def test_a_data_folder_that_is_a_file(folder: Path) -> None:
    folder.write_text("not a folder")
    catalog = Catalog(folder)
    with pytest.raises(IndexEmpty):
        catalog.manifest()
    with pytest.raises(InvalidInput, match=r"cannot be written.*--data-dir"), catalog.writing():
        pass


def test_a_catalog_that_may_not_be_read(documents: list[Document], unprivileged: Path) -> None:
    catalog = Catalog(unprivileged)
    store(catalog, documents)
    catalog.close()
    (unprivileged / CATALOG_FILE).chmod(0)
    with pytest.raises(StorageError, match="cannot be opened"):
        catalog.manifest()


def test_a_data_folder_that_may_not_be_written(unprivileged: Path) -> None:
    unprivileged.chmod(0o555)
    for folder in (unprivileged, unprivileged / "below"):
        with pytest.raises(InvalidInput, match=r"cannot be written.*--data-dir"), Catalog(folder).writing():
            pass
    unprivileged.chmod(0o755)


# --- fingerprints ----------------------------------------------------------------------------------------------


def test_a_fingerprint_tells_models_and_sizes_apart() -> None:
    assert fingerprint("model", 200) == fingerprint("model", 200)
    assert len({fingerprint("model", 200), fingerprint("other", 200), fingerprint("model", 100)}) == 3


def test_an_index_made_another_way_is_refused() -> None:
    manifest = Manifest("id", fingerprint("model", 200), 1, 1, (Segment("collection", 1, 1),))
    require_fingerprint(manifest, fingerprint("model", 200))
    with pytest.raises(IndexMismatch, match="Run `mission-record ingest`"):
        require_fingerprint(manifest, fingerprint("other", 200))

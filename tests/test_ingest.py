"""Documents to passages to index: sentences and offsets, what an ingest does, and what interrupts it."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.adapters.chroma import ChromaVectorStore
from rag.catalog import CATALOG_FILE, Catalog
from rag.corpus import read_corpus
from rag.domain import BlockKind, Document, Failure, Filters, IngestReport, Passage
from rag.errors import DocumentUnreadable, IndexBusy, IndexCorrupt, ModelError, StorageError
from rag.formats.parser import Parser
from rag.formats.read import read_file
from rag.ingest import Ingest, ReadCorpus, embedded_text, passages_of
from rag.ports import Embedder, Vector
from rag.segments import Segments
from rag.sentences import split_sentences
from rag.settings import bundled_corpus
from rag.text import TextBuilder
from tests.contracts.documents import check_document, check_passages
from tests.contracts.index import check_index, collections_of, only_collection
from tests.fakes import HashingEmbedder, InMemoryVectorStore, RecordingEmbedder, RecordingVectorStore, failing

ROOT = Path(__file__).parent.parent
PASSAGE_TOKENS = 60

# --- sentences -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sentences",
    [
        ["Dr. Ueno met Prof. Lee.", "They agreed."],
        ["Mr. J. R. Smith Jr. spoke.", "Mrs. Jones, Ph.D., answered."],
        ["She works at Foo Co., Ltd. in Tokyo.", "Bar Inc. signed."],
        ["Foo Co., Ltd. and Bar Inc. met.", "They agreed."],
        ["She works at Foo Inc.", "He works at Bar Ltd.", "They met."],
        ["J-TEC Inc.'s site opened.", "S-RACMO Co., Ltd. joined."],
        ["It is No. 5 of 10.", "Nos. 4 and 5 stayed."],
        ["It rose by 3.5%.", "Then it fell by 2.1%."],
        ["It cost $4.2 million.", "Really?"],
        ["It grew in the U.S. last year.", "The U.S. Food agency agreed."],
        ["He lives in the U.S.", "She lives in Japan."],
        ["It opened on Apr. 21, 2025.", "The 14th was in Oct. 2024."],
        ["At 7:30 a.m. the ferry left.", "At 5 p.m. it came back."],
        ["Tools, e.g. this one, i.e. that one, were shown.", "See Fig. 3 and Sec. 4.2."],
        ["Version 2.0.1 was out.", "Visit www.example.com.", "OK!"],
        ['"It works," she said.', '"We knew."'],
        ["“It is done.”", "The mayor agreed."],
        ["It ended (see above).", "Next one."],
        ["Who?", "Me!", "And so on… maybe."],
        ["1. First item.", "2. Second item.", "10) Tenth."],
        ["(a) One thing.", "(b) Another."],
        ["Tokyo is big.", "It is."],
        ["One without a full stop"],
    ],
)
def test_sentences_end_where_they_should(sentences: list[str]) -> None:
    text = " ".join(sentences)
    assert [text[start:end] for start, end in split_sentences(text)] == sentences


@pytest.mark.parametrize(
    "sentences",
    [
        ["彼は来た。", "私は行った！", "本当？", "はい"],
        ["新しい港が開いた。", "「やった！」"],
        ["彼は「はい。」と言った。", "私は帰った。"],
        ["台灣的代表團抵達東京。", "他們參觀了（三家）診所。"],
        ["価格は3.5%上がった。", "次。"],
    ],
)
def test_chinese_and_japanese_sentences_need_no_space(sentences: list[str]) -> None:
    text = "".join(sentences)
    assert [text[start:end] for start, end in split_sentences(text)] == sentences


@given(
    st.text()
    | st.lists(st.sampled_from(["Dr.", "No.", "5", "。", "「", "」", "a.", "B", "?", "\n", " ", "2."])).map(
        "".join
    )
)
def test_no_character_falls_between_sentences(text: str) -> None:
    spans = split_sentences(text)
    end = 0
    for start, stop in spans:
        assert end <= start < stop
        assert text[start:stop].strip() == text[start:stop]
        end = stop
    assert "".join("".join(text[start:stop].split()) for start, stop in spans) == "".join(text.split())


# --- passages --------------------------------------------------------------------------------------------------


def document_of(source: str, name: str = "x.md") -> Document:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(source, encoding="utf-8", errors="replace")
        (document,) = read_file(path, name)
        assert isinstance(document, Document)
        return document


def cut(document: Document, most_tokens: int, embedder: Embedder | None = None) -> list[Passage]:
    count_tokens = (embedder or HashingEmbedder()).count_tokens
    passages = passages_of(document, count_tokens, most_tokens)
    check_document(document)
    check_passages(document, passages, count_tokens, most_tokens)
    return passages


def test_passages_fill_up_to_the_limit_and_stay_in_their_section() -> None:
    passages = cut(document_of("One two three. Four five.\n\nSix seven.\n\n# Next\n\nEight.\n"), 8)
    assert [(passage.section, passage.text) for passage in passages] == [
        ("", "One two three. Four five."),
        ("", "Six seven."),
        ("Next", "Eight."),
    ]


def test_a_passage_carries_what_its_document_says() -> None:
    document = document_of(
        "---\nid: q\ntitle: T\nkind: k\nsource: {title: S, publisher: P, published: 2023-05}\n---\n# H\n\nText."
    )
    (passage,) = cut(document, 20)
    assert (passage.document_id, passage.title, passage.section, passage.kind) == ("q", "T", "H", "k")
    assert (passage.published, passage.source) == ("2023-05", "P, S, 2023-05")


def test_no_sentence_runs_over_a_block() -> None:
    document = document_of("No full stop\n\n- Item one\n- Item two\n\nThe end")
    (passage,) = cut(document, 50)
    assert [(sentence.kind, sentence.text) for sentence in passage.sentences] == [
        (BlockKind.PARAGRAPH, "No full stop"),
        (BlockKind.LIST_ITEM, "Item one"),
        (BlockKind.LIST_ITEM, "Item two"),
        (BlockKind.PARAGRAPH, "The end"),
    ]


def test_a_sentence_that_is_too_long_is_cut_between_words() -> None:
    document = document_of(" ".join(f"word{number}" for number in range(100)))
    passages = cut(document, 16)
    assert len(passages) >= 7
    assert all(word.startswith("word") for passage in passages for word in passage.text.split())


@pytest.mark.parametrize(
    "source",
    [
        "x" * 30_000,
        "港" * 5_000,
        "```\n" + " " * 4_000 + "x" * 4_000 + " " * 4_000 + "\n```",
        "```\n" + " " * 4_000 + "x y " * 4_000 + " " * 4_000 + "\n```",
        "```\n" + "line\n" * 3_000 + "```",
        "| a |\n|---|\n| " + "cell " * 2_000 + "|\n",
        "a. " * 2_000,
        "." * 5_000,
    ],
)
@pytest.mark.parametrize("most_tokens", [32, 200])
def test_text_that_is_hard_to_cut(embedder: Embedder, source: str, most_tokens: int) -> None:
    cut(document_of(source), most_tokens)
    cut(document_of(source), most_tokens, embedder)


def test_sentences_of_a_paragraph_that_goes_over_a_page_know_their_pages() -> None:
    builder = TextBuilder()
    builder.begin_page()
    builder.add(BlockKind.PARAGRAPH, "One is here. Two goes on")
    builder.add_over_page("over the page. Three is there.")
    document = replace(
        document_of("x"),
        text=builder.text,
        blocks=tuple(builder.blocks),
        sections=builder.sections(),
        page_starts=tuple(builder.page_starts),
    )
    (passage,) = cut(document, 60)
    assert [(sentence.text, sentence.page) for sentence in passage.sentences] == [
        ("One is here.", 1),
        ("Two goes on over the page.", 1),
        ("Three is there.", 2),
    ]
    assert passage.page == 1
    pieces = [sentence for passage in cut(document, 2) for sentence in passage.sentences]
    assert [piece.page for piece in pieces] == [document.page_of(piece.start) for piece in pieces]


@pytest.mark.parametrize("source", ["x" * 200_000, "x" * 9_000 + " " + "y" * 9_000, ("z" * 900 + " ") * 200])
def test_no_passage_grows_with_a_word_that_the_model_sees_as_one(embedder: Embedder, source: str) -> None:
    assert max(len(passage.text) for passage in cut(document_of(source), 32, embedder)) <= 32 * 50


def test_a_document_of_thousands_of_sections() -> None:
    source = "".join(f"# Heading {number}\n\nText {number}.\n\n" for number in range(5_000))
    document = document_of(source)
    assert len(passages_of(document, HashingEmbedder().count_tokens, 50)) == 5_000


def test_the_id_of_a_passage_changes_with_what_is_embedded_and_with_nothing_else() -> None:
    def ids(source: str) -> set[str]:
        return {passage.id for passage in cut(document_of(source), 50)}

    assert ids("# A\n\nText.") == ids("# A\n\nText.\n\n")
    assert ids("---\nkind: other\ntitle: A\n---\n# A\n\nText.") == ids("# A\n\nText.")
    assert len(ids("# A\n\nText.") | ids("# B\n\nText.") | ids("# A\n\nOther.")) == 3


def test_headings_are_embedded_with_the_text() -> None:
    document = document_of("# Works\n\n## Firms\n\nThree.\n\n# Else\n\nFour.")
    assert [embedded_text(passage) for passage in cut(document, 50)] == [
        "Works > Firms\nThree.",
        "Works > Else\nFour.",
    ]


def test_every_document_of_the_bundled_record_is_cut_whole(embedder: Embedder) -> None:
    documents = list(read_corpus([bundled_corpus()]))
    assert documents
    for document in documents:
        assert isinstance(document, Document), document
        cut(document, 200, embedder)


SENTENCES = st.lists(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=60)
    | st.sampled_from(
        ["Dr. A met B Co., Ltd. in Tokyo.", "It rose 3.5%. No. 5 fell.", "彼は来た。「はい。」", "a " * 80]
    ),
    min_size=1,
    max_size=8,
).map(" ".join)
SOURCES = st.lists(
    st.one_of(
        SENTENCES,
        SENTENCES.map("# {}".format),
        SENTENCES.map("- {}".format),
        SENTENCES.map("> {}".format),
        SENTENCES.map("```\n{}\n```".format),
        SENTENCES.map("| a | b |\n|---|---|\n| {} | x |".format),
    ),
    min_size=1,
    max_size=10,
).map("\n\n".join)


@settings(max_examples=150)
@given(SOURCES, st.sampled_from(["x.md", "x.txt", "x.html"]), st.integers(1, 60))
def test_whatever_a_document_holds_is_cut_into_passages_whole(
    source: str, name: str, most_tokens: int
) -> None:
    document = document_of("Begins.\n\n" + source, name)
    assert cut(document, most_tokens)


# --- what an ingest does ---------------------------------------------------------------------------------------


class Place:
    """A corpus folder and a data folder, with the real catalog and Chroma, and a model that records what it does."""

    def __init__(self, folder: Path, read: ReadCorpus = read_corpus) -> None:
        self.read = read
        self.corpus = folder / "corpus"
        self.data = folder / "data"
        self.corpus.mkdir()
        self.embedder = RecordingEmbedder(HashingEmbedder())
        self.open()

    def open(self) -> None:
        """Take hold of the data folder, as another process would."""
        self.catalog = Catalog(self.data)
        self.vectors = ChromaVectorStore(self.data / "chroma")

    def close(self) -> None:
        self.catalog.close()
        self.vectors.close()

    def write(self, **files: str) -> None:
        for name, text in files.items():
            path = self.corpus / f"{name}.md"
            path.write_text(text, encoding="utf-8")

    def run(
        self,
        rebuild: bool = False,
        embedder: object = None,
        vectors: object = None,
        most_tokens: int = PASSAGE_TOKENS,
    ) -> IngestReport:
        """Ingest; what was embedded before is forgotten."""
        self.embedder.calls.clear()
        ingest = Ingest(
            self.catalog, vectors or self.vectors, embedder or self.embedder, most_tokens, self.read
        )  # type: ignore[arg-type]
        return ingest.synchronise([self.corpus], rebuild=rebuild)

    def texts(self, word: str, embedder: Embedder | None = None) -> set[str]:
        """The passages that hold a word, by either index."""
        manifest = self.catalog.manifest()
        ids = [key for key, _ in self.catalog.search([word], 100, Filters())]
        vector = (embedder or HashingEmbedder()).embed_query(word)
        near = Segments(self.catalog, self.vectors).query(manifest, vector, 100, Filters())
        found = self.catalog.passages([*ids, *(key for key, _ in near)])
        assert found.keys() == {*ids, *(key for key, _ in near)}
        return {passage.text for passage in found.values() if word in passage.text}

    def check(self, swept: bool = True) -> str:
        return check_index(self.catalog, self.vectors, swept).index_id


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    place.write(quay="The quay is long.", lamp="The lamp is bright.", ferry="The ferry is late.")
    yield place
    place.close()


def test_the_first_ingest_adds_everything(place: Place) -> None:
    report = place.run()
    assert report.added == ("ferry", "lamp", "quay")
    assert (report.updated, report.unchanged, report.removed, report.failed) == ((), (), (), ())
    assert report.embedded == 3
    assert report.changed
    assert place.check() == report.index_id
    assert place.texts("quay") == {"The quay is long."}


def test_the_second_ingest_embeds_nothing_and_changes_nothing(place: Place) -> None:
    first = place.run()
    collections = list(place.vectors.collections())
    again = place.run()
    assert again.unchanged == ("ferry", "lamp", "quay")
    assert not again.changed
    assert again.embedded == 0
    assert place.embedder.embedded == []
    assert again.index_id == first.index_id
    assert list(place.vectors.collections()) == collections


def test_a_changed_file_takes_the_place_of_its_old_passages(place: Place) -> None:
    first = place.run()
    place.write(quay="The quay is short.\n\n# New\n\nIt has a crane.")
    report = place.run()
    assert report.updated == ("quay",)
    assert report.unchanged == ("ferry", "lamp")
    assert report.embedded == 2
    assert [text.splitlines()[-1] for text in place.embedder.embedded] == [
        "The quay is short.",
        "It has a crane.",
    ]
    assert report.index_id != first.index_id
    assert place.texts("long") == set()
    assert place.texts("short") == {"The quay is short."}
    place.check()


def test_only_the_new_passages_of_a_changed_file_are_embedded(place: Place) -> None:
    place.write(quay="# Old\n\nIt is long.\n\n# Newer\n\nIt is wide.")
    place.run()
    place.write(quay="# Old\n\nIt is long.\n\n# Newer\n\nIt is deep.")
    assert place.run().embedded == 1
    assert len(place.embedder.embedded) == 1


def test_a_change_of_kind_or_date_reaches_the_filters_without_embedding(place: Place) -> None:
    place.run()
    place.write(quay="---\nkind: works\nsource: {title: G, published: 2021}\n---\nThe quay is long.")
    report = place.run()
    assert report.updated == ("quay",)
    assert report.embedded == 0
    vector = HashingEmbedder().embed_query("quay")
    collection = only_collection(place.catalog)
    for filters in (Filters(kinds=("works",)), Filters(published_to="2021")):
        assert len(place.vectors.query(collection, vector, 10, filters)) == 1
        assert len(place.catalog.search(["quay"], 10, filters)) == 1


def test_a_deleted_file_is_gone(place: Place) -> None:
    place.run()
    (place.corpus / "lamp.md").unlink()
    report = place.run()
    assert report.removed == ("lamp",)
    assert report.embedded == 0
    assert place.texts("lamp") == set()
    place.check()


def test_a_renamed_file_with_its_own_id_is_the_same_document(place: Place) -> None:
    place.write(quay="---\nid: q\ntitle: Quay\n---\nThe quay is long.")
    place.run()
    (place.corpus / "quay.md").rename(place.corpus / "pier.md")
    report = place.run()
    assert (report.added, report.updated, report.removed, report.embedded) == ((), ("q",), (), 0)
    assert place.catalog.document("q").path == "pier.md"


def test_an_old_state_of_the_folder_gives_the_old_index(place: Place) -> None:
    first = place.run().index_id
    place.write(quay="The quay is short.")
    assert place.run().index_id != first
    place.write(quay="The quay is long.")
    assert place.run().index_id == first
    place.check()


def test_a_file_that_cannot_be_used_is_named_and_the_others_are_ingested(place: Place) -> None:
    (place.corpus / "broken.md").write_bytes(b"caf\xe9\x00")
    report = place.run()
    assert [failure.name for failure in report.failed] == ["broken.md"]
    assert "UTF-8" in report.failed[0].reason
    assert report.added == ("ferry", "lamp", "quay")
    again = place.run()
    assert again.failed == report.failed
    assert not again.changed


BREAKS: dict[str, Callable[[Path], object]] = {
    "not text": lambda path: path.write_bytes(b"caf\xe9\x00"),
    "empty": lambda path: path.write_text(""),
    "bad front matter": lambda path: path.write_text("---\ndate: never\n---\nThe quay is short."),
    "link to nowhere": lambda path: (path.unlink(), path.symlink_to("missing")),
    "another's id": lambda path: path.write_text("---\nid: ferry\n---\nThe quay is short."),
}


@pytest.mark.parametrize("how", BREAKS)
def test_a_file_that_becomes_unreadable_keeps_its_last_version(place: Place, how: str) -> None:
    first = place.run()
    BREAKS[how](place.corpus / "quay.md")
    report = place.run()
    assert report.unchanged == ("ferry", "lamp", "quay")
    assert not report.changed
    assert report.failed[0].name == "quay.md"
    assert report.failed[0].reason.endswith("Its last readable version is kept.")
    place.write(lamp="The lamp is dim.")
    assert place.run().updated == ("lamp",)
    assert place.texts("quay") == {"The quay is long."}
    (place.corpus / "quay.md").unlink()
    place.write(quay="The quay is long.", lamp="The lamp is bright.")
    assert place.run().index_id == first.index_id
    place.check()


def test_a_folder_that_becomes_unlisted_keeps_its_documents(unprivileged: Path, parser: Parser) -> None:
    place = Place(unprivileged, read=partial(read_corpus, parser=parser))
    below = place.corpus / "below"
    below.mkdir()
    (below / "quay.md").write_text("The quay is long.")
    place.write(lamp="The lamp is bright.")
    place.run()
    below.chmod(0)
    try:
        report = place.run()
    finally:
        below.chmod(0o755)
    assert report.unchanged == ("below-quay", "lamp")
    assert not report.removed
    assert report.failed == (
        Failure(
            "below",
            "It cannot be listed: Permission denied. Its last readable version is kept.",
        ),
    )
    place.close()


def test_a_deleted_file_whose_name_begins_like_a_broken_one_is_gone(place: Place) -> None:
    place.write(quays="The quays are old.")
    place.run()
    (place.corpus / "quays.md").unlink()
    (place.corpus / "quay.md").write_bytes(b"\xff\x00")
    assert place.run().removed == ("quays",)


def test_an_emptied_folder_empties_the_index(place: Place) -> None:
    place.run()
    for path in place.corpus.iterdir():
        path.unlink()
    report = place.run()
    assert report.removed == ("ferry", "lamp", "quay")
    assert place.catalog.current() is None
    place.write(quay="The quay is long.")
    assert place.run().added == ("quay",)
    place.check()


def test_a_missing_folder_leaves_the_index_as_it_is(place: Place) -> None:
    first = place.run().index_id
    shutil.rmtree(place.corpus)
    with pytest.raises(DocumentUnreadable, match="There is no folder"):
        place.run()
    assert place.check() == first


def test_another_model_or_passage_size_makes_everything_anew(place: Place) -> None:
    place.run()
    other = RecordingEmbedder(HashingEmbedder(dimensions=32))
    report = place.run(embedder=other)
    assert report.embedded == len(other.embedded) == 3
    assert place.vectors.vectors(only_collection(place.catalog), [*_ids(place)])[_ids(place)[0]].shape == (
        32,
    )
    assert place.texts("quay", HashingEmbedder(dimensions=32)) == {"The quay is long."}
    assert place.run(embedder=other, most_tokens=PASSAGE_TOKENS + 1).embedded == 3
    assert list(place.vectors.collections()) == collections_of(place.catalog)


def _ids(place: Place) -> list[str]:
    return [passage.id for name in ("ferry", "lamp", "quay") for passage in place.catalog.passages_of(name)]


def test_a_rebuild_trusts_nothing_that_is_stored(place: Place) -> None:
    first = place.run()
    collection = only_collection(place.catalog)
    report = place.run(rebuild=True)
    assert report.embedded == len(place.embedder.embedded) == 3
    assert report.index_id == first.index_id
    assert only_collection(place.catalog) != collection
    place.check()


def test_lost_vectors_are_made_again(place: Place) -> None:
    place.run()
    place.close()
    shutil.rmtree(place.data / "chroma")
    place.open()
    report = place.run()
    assert report.embedded == 3
    place.check()


def test_more_passages_than_one_batch_holds(place: Place) -> None:
    place.write(**{f"ship{number}": f"Ship number {number} sails at {number}." for number in range(300)})
    stages: list[tuple[str, int, int]] = []
    ingest = Ingest(place.catalog, place.vectors, HashingEmbedder(), PASSAGE_TOKENS)
    report = ingest.synchronise([place.corpus], lambda *progress: stages.append(progress))
    assert report.embedded == 303
    assert [stage for stage in stages if stage[0] == "embedding"] == [
        ("embedding", 250, 303),
        ("embedding", 303, 303),
    ]
    assert ("reading", 303, 0) in stages
    assert place.texts("number 299") == {"Ship number 299 sails at 299."}
    place.check()


def test_passages_of_the_same_text_in_several_documents(place: Place) -> None:
    same = "# T\n\nThe same."
    place.write(**{f"ship{number}": f"{same}\n\n# Own\n\nNumber {number}." for number in range(10)})
    assert place.run().embedded == 23
    place.check()


# --- what interrupts it ----------------------------------------------------------------------------------------


@pytest.fixture
def begun(place: Place) -> tuple[Place, str]:
    """An index in use, and a folder that is ahead of it."""
    index_id = place.run().index_id
    place.write(quay="The quay is short.", pier="The pier is new.")
    (place.corpus / "lamp.md").unlink()
    return place, index_id


def check_old(place: Place, index_id: str) -> None:
    assert place.check(swept=False) == index_id
    assert place.texts("quay") == {"The quay is long."}
    assert place.texts("lamp") == {"The lamp is bright."}
    assert place.texts("pier") == set()


def check_recovers(place: Place) -> None:
    report = place.run()
    assert (report.added, report.updated, report.removed) == (("pier",), ("quay",), ("lamp",))
    place.check()


@pytest.mark.parametrize(("method", "at"), [("embed_passages", 0), ("count_tokens", 1)])
def test_a_model_that_fails_leaves_the_old_index(begun: tuple[Place, str], method: str, at: int) -> None:
    place, index_id = begun
    broken = RecordingEmbedder(HashingEmbedder(), failing(method, at, ModelError("no memory")))
    with pytest.raises(ModelError, match="no memory"):
        place.run(embedder=broken)
    check_old(place, index_id)
    check_recovers(place)


@pytest.mark.parametrize(
    ("method", "at"),
    [("create", 0), ("add", 0), ("vectors", 0), ("vectors", 1), ("count", 1), ("query", 0), ("query", 2)],
)
def test_a_store_that_fails_leaves_the_old_index(begun: tuple[Place, str], method: str, at: int) -> None:
    place, index_id = begun
    broken = RecordingVectorStore(place.vectors, failing(method, at, IndexCorrupt("disk gone")))
    with pytest.raises(IndexCorrupt, match="disk gone"):
        place.run(vectors=broken)
    check_old(place, index_id)
    check_recovers(place)


class Lossy(InMemoryVectorStore):
    """Stores a passage fewer than it is given."""

    def add(self, collection: str, passages: list[Passage], vectors: Vector) -> None:  # type: ignore[override]
        super().add(collection, passages[1:], vectors[1:])


class Scrambled(InMemoryVectorStore):
    """Counts right and finds nothing that it should, as a graph that was half written."""

    def query(self, collection: str, vector: Vector, limit: int, filters: Filters) -> list[tuple[str, float]]:
        return super().query(collection, -vector, 1, filters)


@pytest.mark.parametrize(
    ("store", "reason"), [(Lossy, "2 of 3 vectors"), (Scrambled, "not found by its own vector")]
)
def test_vectors_that_cannot_be_read_back_are_not_used(
    place: Place, store: type[InMemoryVectorStore], reason: str
) -> None:
    vectors = store()
    with pytest.raises(IndexCorrupt, match=reason) as raised:
        place.run(vectors=vectors)
    assert "mission-record rebuild" in str(raised.value)
    assert place.catalog.current() is None
    assert list(vectors.collections()) == []


def test_a_catalog_that_fails_leaves_the_old_index(
    begun: tuple[Place, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place, index_id = begun
    with monkeypatch.context() as patch:
        patch.setattr("rag.catalog._passage_row", lambda passage: ("too", "few"))
        with pytest.raises(StorageError):
            place.run()
    check_old(place, index_id)
    check_recovers(place)


def test_leftovers_of_a_run_that_was_cut_off_are_swept(place: Place) -> None:
    place.run()
    place.vectors.create("passages-left-over")
    report = place.run()
    assert not report.changed
    assert list(place.vectors.collections()) == collections_of(place.catalog)


def overwrite(file: Path, start: int = 0) -> None:
    content = file.read_bytes()
    file.write_bytes(content[:start] + b"\xaa" * (len(content) - start))


@pytest.mark.parametrize("start", [0, 4_096])
def test_a_damaged_catalog_is_mended_by_a_rebuild(place: Place, start: int) -> None:
    first = place.run().index_id
    place.close()
    overwrite(place.data / CATALOG_FILE, start)
    place.open()
    with pytest.raises(IndexCorrupt, match="Run `mission-record rebuild`"):
        place.catalog.manifest()
    report = place.run(rebuild=True)
    assert report.embedded == 3
    assert report.index_id == first
    place.check()


@pytest.mark.parametrize("pattern", ["chroma.sqlite3", "*/data_level0.bin", "*/header.bin", "**/*"])
def test_damaged_vectors_are_named_and_mended_by_a_rebuild(place: Place, pattern: str) -> None:
    place.write(**{f"ship{number}": f"Ship number {number} sails." for number in range(20)})
    first = place.run().index_id
    place.close()
    damaged = [path for path in (place.data / "chroma").glob(pattern) if path.is_file()]
    if not damaged:
        pytest.skip(f"this version of Chroma keeps no {pattern} for so few vectors")
    for path in damaged:
        overwrite(path)
    # A process of its own: Chroma keeps what it has read for as long as the process lasts. And it does not look at what
    # stands in its graphs before it follows their pointers, so that to read a damaged one may end the process.
    look = pattern in ("chroma.sqlite3", "**/*")
    outcome = in_new_process(MEND, place.data, place.corpus, *["look"] * look)
    assert outcome["before"] == ("IndexCorrupt: named" if look else None)
    assert outcome["after"] == first


MEND = """
import json, sys
from pathlib import Path
from rag.adapters.chroma import ChromaVectorStore
from rag.catalog import Catalog
from rag.errors import IndexCorrupt
from rag.ingest import Ingest
from tests.contracts.index import check_index
from tests.fakes import HashingEmbedder

data, corpus = map(Path, sys.argv[1:3])
catalog, vectors, before = Catalog(data), ChromaVectorStore(data / "chroma"), None
if "look" in sys.argv:
    for _ in range(3):
        try:
            check_index(catalog, vectors)
        except IndexCorrupt as error:
            before = "IndexCorrupt: " + ("named" if "mission-record rebuild" in str(error) else str(error))
Ingest(catalog, vectors, HashingEmbedder(), 60).synchronise([corpus], rebuild=True)
print(json.dumps({"before": before, "after": check_index(catalog, vectors).index_id}))
"""


def in_new_process(script: str, *arguments: object) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


# --- other processes -------------------------------------------------------------------------------------------

HOLD = """
import sys
from pathlib import Path
from rag.catalog import Catalog

with Catalog(Path(sys.argv[1])).writing():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_writing_process_is_refused_at_once(place: Place) -> None:
    first = place.run().index_id
    place.write(quay="The quay is short.")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(place.data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == "held\n"
        with pytest.raises(IndexBusy, match="Wait until it is done, or give another --data-dir"):
            place.run()
        assert place.check() == first
        other.send_signal(signal.SIGKILL)
    # The lock of a process that is gone is no lock.
    assert place.run().updated == ("quay",)


READER = """
import json, sys
from pathlib import Path
from rag.adapters.chroma import ChromaVectorStore
from rag.catalog import Catalog
from rag.ingest import Ingest
from rag.retrieve import Retrieve
from tests.fakes import HashingEmbedder

data, stop = map(Path, sys.argv[1:])
catalog, vectors, embedder = Catalog(data), ChromaVectorStore(data / "chroma"), HashingEmbedder()
fingerprint = Ingest(catalog, vectors, embedder, 60).fingerprint
retrieve = Retrieve(catalog, vectors, embedder, fingerprint=fingerprint, candidates=50)
seen, mixed = [], 0
while not stop.exists():
    hits = retrieve(["the tide of ships"], 10).hits
    tides = {hit.passage.text.split()[-1] for hit in hits}
    mixed += len(tides) != 1 or len(hits) != 10
    seen += [tide for tide in tides if tide not in seen[-1:]]
    print(len(seen), flush=True)
print(json.dumps({"seen": seen, "mixed": mixed}), flush=True)
"""


def test_a_reader_in_another_process_sees_the_old_version_or_the_new_one(
    place: Place, tmp_path: Path
) -> None:
    def turn(tide: int) -> None:
        place.write(**{f"ship{number}": f"Ship {number} sails with tide{tide}" for number in range(30)})
        place.run()

    for path in place.corpus.iterdir():
        path.unlink()
    turn(0)
    stop = tmp_path / "stop"
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(place.data), str(stop)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as reader:
        assert reader.stdout
        for tide in range(1, 6):
            # Each version is seen before the next is made, so that switches fall into the midst of reading.
            while (line := reader.stdout.readline()) and int(line) < tide:
                pass
            assert line, "the reader has ended"
            turn(tide)
        while (line := reader.stdout.readline()) and int(line) < 6:
            pass
        stop.touch()
        *_, last = reader.stdout
    assert json.loads(last) == {"seen": [f"tide{tide}" for tide in range(6)], "mixed": 0}
    place.check()


KILL = """
import json, os, random, signal, sys, time, traceback
from pathlib import Path
import chromadb
from rag.adapters.chroma import ChromaVectorStore
from rag.catalog import Catalog
from rag.ingest import Ingest
from tests.contracts.index import check_index
from tests.fakes import HashingEmbedder

data, *corpora = map(Path, sys.argv[1:])

def ingest(corpus):
    Ingest(Catalog(data), ChromaVectorStore(data / "chroma"), HashingEmbedder(), 60).synchronise([corpus])

def forked(work, *arguments):
    # Nothing is open here that a child could inherit: only what is imported.
    child = os.fork()
    if child == 0:
        try:
            work(*arguments)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    return child

def wait(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def check(swept):
    print(check_index(Catalog(data), ChromaVectorStore(data / "chroma"), swept).index_id, flush=True)

began = time.monotonic()
assert wait(forked(ingest, corpora[0])) == 0
taken = time.monotonic() - began
moments = random.Random(5)
for number in range(12):
    child = forked(ingest, corpora[(number + 1) % 2])
    time.sleep(taken * (number + moments.random()) / 12)
    os.kill(child, signal.SIGKILL)
    killed = wait(child) == -signal.SIGKILL
    print("killed" if killed else "done", flush=True)
    assert wait(forked(check, False)) == 0
assert wait(forked(ingest, corpora[1])) == 0
assert wait(forked(check, True)) == 0
"""


def test_a_process_that_is_killed_leaves_a_whole_index(tmp_path: Path) -> None:
    names = []
    for version in range(2):
        corpus = tmp_path / f"corpus{version}"
        corpus.mkdir()
        for number in range(50):
            (corpus / f"ship{number}.md").write_text(
                f"# Ship {number}\n\nIt sails with tide {version * number}.\n\n## More\n\nYes."
            )
        catalog = Catalog(tmp_path / f"data{version}")
        names.append(
            Ingest(catalog, InMemoryVectorStore(), HashingEmbedder(), 60).synchronise([corpus]).index_id
        )
        catalog.close()
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            KILL,
            str(tmp_path / "data"),
            str(tmp_path / "corpus0"),
            str(tmp_path / "corpus1"),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.split()
    assert lines.count("killed") >= 6, lines
    assert set(lines) <= {"killed", "done", *names}
    assert lines[-1] == names[1]

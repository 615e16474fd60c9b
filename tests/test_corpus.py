"""Folders to documents: which files there are, whose id is whose, links, and folders that cannot be listed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.corpus import read_corpus
from rag.domain import Document, Failure, ReadingLimits
from rag.duplicates import copied_id
from rag.errors import DocumentUnreadable, UnsupportedFormat
from rag.formats.parser import Parser
from rag.formats.read import read_file
from tests.contracts.documents import check_document, read_bytes


@pytest.fixture(scope="module", autouse=True)
def _shared_parser(parser: Parser) -> Iterator[None]:
    """All tests here read with one process."""
    SHARED.append(parser)
    yield
    SHARED.clear()


SHARED: list[Parser] = []


def failures(folder: Path) -> dict[str, str]:
    found = read_corpus([folder], SHARED[0])
    return {entry.name: entry.reason for entry in found if isinstance(entry, Failure)}


def read_ids(folder: Path) -> list[str]:
    return [entry.id for entry in read_corpus([folder], SHARED[0]) if isinstance(entry, Document)]


def test_files_are_read_in_the_order_of_paths_at_any_depth(tmp_path: Path) -> None:
    for name in ("b.md", "a/z.md", "a/b/c.md", "c.txt"):
        read_bytes(tmp_path, name, "Text.")
    assert read_ids(tmp_path) == ["a-b-c", "a-z", "b", "c"]


def test_hidden_files_and_folders_are_passed_over(tmp_path: Path) -> None:
    read_bytes(tmp_path, "seen.md", "Text.")
    for name in (".hidden.md", ".git/config.md", "a/.b/c.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("Text.")
    assert read_ids(tmp_path) == ["seen"]
    assert failures(tmp_path) == {}


@pytest.mark.parametrize("name", ["paper.djvu", "no-ending", "x.MD.bak", "data.json"])
def test_an_ending_that_no_reader_reads_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("Text.")
    with pytest.raises(UnsupportedFormat, match=r"\.html.*\.md.*\.txt"):
        list(read_file(tmp_path / name, name))
    assert list(failures(tmp_path)) == [name]


def test_one_bad_file_does_not_keep_the_others_out(tmp_path: Path) -> None:
    read_bytes(tmp_path, "good.md", "Text.")
    (tmp_path / "broken.txt").write_bytes(b"\xff\xff\x00")
    (tmp_path / "empty.md").touch()
    (tmp_path / "matter.md").write_text("---\ndate: never\n---\nText.")
    assert read_ids(tmp_path) == ["good"]
    assert list(failures(tmp_path)) == ["broken.txt", "empty.md", "matter.md"]


def test_a_second_document_of_the_same_id_is_refused(tmp_path: Path) -> None:
    for name in ("a.md", "b.md"):
        read_bytes(tmp_path, name, f"---\nid: quay\n---\nText of {name}.")
    read_bytes(tmp_path, "quay.txt", "Text.")
    assert read_ids(tmp_path) == ["quay"]
    found = failures(tmp_path)
    assert list(found) == ["b.md", "quay.txt"]
    assert "'quay' is also that of a.md" in found["b.md"]


def test_the_same_file_again_gets_an_id_of_its_own(tmp_path: Path) -> None:
    for name in ("a.md", "b.md"):
        read_bytes(tmp_path, name, "---\nid: quay\n---\nText.")
    assert read_ids(tmp_path) == ["quay", copied_id("quay", "b.md")]


def test_uploads_come_first_and_what_was_withdrawn_not_at_all(tmp_path: Path) -> None:
    read_bytes(tmp_path, "corpus/a.md", "---\nid: quay\n---\nText.")
    read_bytes(tmp_path, "corpus/b.md", "Unwanted.")
    read_bytes(tmp_path, "documents/a.md", "---\nid: quay\n---\nOther text.")
    unwanted = hashlib.sha256(b"Unwanted.").hexdigest()
    found = list(
        read_corpus([tmp_path / "corpus"], uploads=tmp_path / "documents", withdrawn=frozenset({unwanted}))
    )
    assert [entry.path if isinstance(entry, Document) else entry.name for entry in found] == [
        "uploads/a.md",
        "a.md",
    ]
    assert isinstance(found[1], Failure)
    assert "also that of uploads/a.md" in found[1].reason


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "large.txt").open("wb") as file:
        file.truncate(ReadingLimits().file_bytes + 1)
    with pytest.raises(DocumentUnreadable, match="104,857,601 bytes; at most 104,857,600"):
        list(read_file(tmp_path / "large.txt", "large.txt"))


def test_a_folder_that_is_named_like_a_document_is_a_folder(tmp_path: Path) -> None:
    read_bytes(tmp_path, "x.md/y.md", "Text.")
    assert read_ids(tmp_path) == ["x-md-y"]
    with pytest.raises(DocumentUnreadable, match="not a file that can be read"):
        list(read_file(tmp_path / "x.md", "x.md"))


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    assert "pipe.md" in failures(tmp_path)


def test_links_that_lead_nowhere_or_in_circles_are_named(tmp_path: Path) -> None:
    read_bytes(tmp_path, "real.md", "Text.")
    (tmp_path / "nowhere.md").symlink_to("missing.md")
    (tmp_path / "circle.md").symlink_to("circle.md")
    (tmp_path / "up").symlink_to(tmp_path, target_is_directory=True)
    assert read_ids(tmp_path) == ["real"]
    assert failures(tmp_path).keys() == {"nowhere.md", "circle.md", "up"}
    assert "link to a folder" in failures(tmp_path)["up"]


def test_a_link_within_the_folder_is_read_and_one_that_leads_out_of_it_only_if_allowed(
    tmp_path: Path,
) -> None:
    read_bytes(tmp_path, "elsewhere/secret.md", "Text.")
    read_bytes(tmp_path, "folder/real.md", "Text.")
    folder = tmp_path / "folder"
    (folder / "inner.md").symlink_to(folder / "real.md")
    (folder / "outer.md").symlink_to(tmp_path / "elsewhere" / "secret.md")
    assert read_ids(folder) == ["inner", "real"]
    assert "leads out of the folder" in failures(folder)["outer.md"]
    followed = [entry.id for entry in read_corpus([folder], follow_links=True) if isinstance(entry, Document)]
    assert followed == ["inner", "outer", "real"]


def test_a_name_that_is_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.md")).write_text("Text.")
    (document,) = read_corpus([tmp_path])
    assert isinstance(document, Document)
    assert document.text == "Text."
    document.path.encode()
    check_document(document)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(
        DocumentUnreadable, match=r"There is no folder or file .*Set --corpus or RAG_CORPUS_DIR"
    ):
        list(read_corpus([tmp_path / "missing"]))


def test_several_folders_and_files_make_one_corpus(tmp_path: Path) -> None:
    for name in ("ships/a.md", "ships/below/b.md", "ports/a.md", "alone.txt"):
        read_bytes(tmp_path, name, "Text.")
    found = list(read_corpus([tmp_path / "ships", tmp_path / "ports", tmp_path / "alone.txt"]))
    assert [entry.id for entry in found if isinstance(entry, Document)] == [
        "ships-a",
        "ships-below-b",
        "ports-a",
        "alone",
    ]
    assert [entry.path for entry in found if isinstance(entry, Document)][:2] == [
        "ships/a.md",
        "ships/below/b.md",
    ]


def test_a_folder_or_file_given_twice_is_the_same_documents(tmp_path: Path) -> None:
    for name in ("ships/a.md", "ports/b.md"):
        read_bytes(tmp_path, name, "Text.")
    found = list(read_corpus([tmp_path / "ships", tmp_path / "ports" / ".." / "ships"]))
    assert {entry.id for entry in found if isinstance(entry, Document)} == {"ships-a"}
    assert not [entry for entry in found if isinstance(entry, Failure)]


def test_documents_of_folders_of_the_same_name_are_never_mistaken_for_one_another(tmp_path: Path) -> None:
    read_bytes(tmp_path, "one/docs/a.md", "Text of one.")
    read_bytes(tmp_path, "two/docs/a.md", "Text of two.")
    found = list(read_corpus([tmp_path / "one" / "docs", tmp_path / "two" / "docs"]))
    (document,) = (entry for entry in found if isinstance(entry, Document))
    (failure,) = (entry for entry in found if isinstance(entry, Failure))
    assert document.text == "Text of one."
    assert str(tmp_path / "one" / "docs" / "a.md") in failure.reason


def test_a_file_without_permission_is_named(unprivileged: Path) -> None:
    read_bytes(unprivileged, "open.md", "Text.")
    read_bytes(unprivileged, "closed.md", "Text.")
    (unprivileged / "closed.md").chmod(0)
    assert read_ids(unprivileged) == ["open"]
    assert failures(unprivileged) == {"closed.md": "It cannot be opened: Permission denied."}


@pytest.mark.parametrize("mode", [0o000, 0o444])
def test_a_folder_without_permission_is_named(unprivileged: Path, mode: int) -> None:
    read_bytes(unprivileged, "open.md", "Text.")
    read_bytes(unprivileged, "closed/x.md", "Text.")
    (unprivileged / "closed").chmod(mode)
    try:
        assert read_ids(unprivileged) == ["open"]
        (name,) = failures(unprivileged)
        assert name in ("closed", "closed/x.md")
        assert "Permission denied" in failures(unprivileged)[name]
    finally:
        (unprivileged / "closed").chmod(0o755)

"""Names of uploaded files, and what is kept of uploads and deletions on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.domain import Upload
from rag.errors import IndexCorrupt, InvalidUpload, StorageError
from rag.uploads import Uploads, Withdrawal, Withdrawn


@pytest.mark.parametrize(
    "name",
    [
        "",
        "  ",
        ".",
        "..",
        "../a.md",
        "a/b.md",
        "a\\b.md",
        "/etc/passwd",
        "C:\\a.md",
        "C:a.md",
        "a\x00.md",
        "a\n.md",
        "\x7fa.md",
        ".hidden.md",
        "a.md.",
        "CON",
        "con.md",
        "Nul.tar.gz",
        "COM1.txt",
        "lpt9 .md",
        "a*.md",
        "a?.md",
        'a".md',
        "a<b>.md",
        "a|b.md",
        "txt\u202e.dm",
        "\ud800.md",
        "x" * 198 + ".md",
        "港" * 70 + ".md",
    ],
)
def test_a_name_that_is_refused(name: str) -> None:
    with pytest.raises(InvalidUpload, match=r"Rename it|Shorten it|has no name"):
        Upload(name, b"")


@pytest.mark.parametrize(
    "name", ["a.md", "Elsin report (2nd).pdf", "港.txt", "console.md", "a..b.md", "-rf.md", "~a.md"]
)
def test_a_name_that_is_taken_as_it_is(name: str) -> None:
    assert Upload(name, b"").name == name


def test_a_name_is_in_one_form_and_without_white_space_around_it() -> None:
    assert Upload(" cafe\u0301.md\u3000", b"").name == "caf\xe9.md"


@given(st.text(max_size=80))
def test_whatever_name_is_taken_is_one_file_in_the_folder(name: str) -> None:
    try:
        upload = Upload(name, b"x")
    except InvalidUpload:
        return
    path = Path("/folder") / upload.name
    assert path.parent == Path("/folder")
    assert path.name == upload.name
    assert Upload(upload.name, b"x") == upload


def names(uploads: Uploads) -> list[str]:
    return sorted(path.name for path in uploads.folder.iterdir())


def test_nothing_is_seen_before_it_is_accepted_and_nothing_staged_stays(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path)
    staged = uploads.stage(Upload("a.md", b"one"))
    assert not uploads.folder.exists()
    assert uploads.accept(staged, "a.md") is None
    assert (uploads.folder / "a.md").read_bytes() == b"one"
    uploads.stage(Upload("b.md", b"two"))
    uploads.sweep()
    assert names(uploads) == ["a.md"]
    assert not list((tmp_path / "incoming").iterdir())


def test_what_was_accepted_can_be_undone(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path)
    uploads.undo("a.md", uploads.accept(uploads.stage(Upload("a.md", b"one")), "a.md"))
    assert names(uploads) == []
    uploads.accept(uploads.stage(Upload("a.md", b"one")), "a.md")
    before = uploads.accept(uploads.stage(Upload("a.md", b"two")), "a.md")
    assert (uploads.folder / "a.md").read_bytes() == b"two"
    uploads.undo("a.md", before)
    assert (uploads.folder / "a.md").read_bytes() == b"one"


def test_only_the_content_that_was_meant_is_removed(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path)
    uploads.accept(uploads.stage(Upload("a.md", b"one")), "a.md")
    one = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
    assert not uploads.remove("uploads/a.md", "0" * 64)
    assert not uploads.remove("a.md", one)
    assert not uploads.remove("uploads/a.md/b.md", one)
    assert uploads.remove("uploads/a.md", one)
    assert not uploads.remove("uploads/a.md", one)


def test_a_data_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "incoming").write_text("in the way")
    with pytest.raises(StorageError, match="incoming cannot be written"):
        Uploads(tmp_path).stage(Upload("a.md", b"x"))


def test_a_list_of_deletions_that_cannot_be_read_is_an_error_and_not_an_empty_one(tmp_path: Path) -> None:
    withdrawn = Withdrawn(tmp_path)
    assert withdrawn.all() == {}
    withdrawn.restore({"0": Withdrawal(("a.md",), "A")})
    assert json.loads((tmp_path / "deleted.json").read_text()) == {"0": {"paths": ["a.md"], "title": "A"}}
    assert withdrawn.all() == {"0": Withdrawal(("a.md",), "A")}
    for content in ("", "{", "[]", '{"0": 1}', '{"0": {}}'):
        (tmp_path / "deleted.json").write_text(content)
        with pytest.raises(IndexCorrupt, match=r"deleted\.json.*cannot be read"):
            withdrawn.all()

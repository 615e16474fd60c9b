"""The process that reads: what ends it, what is said then, and that the next file is read all the same."""

from __future__ import annotations

import os
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.domain import Document, Failure, ReadingLimits
from rag.errors import RagError
from rag.formats import parser as parser_module
from rag.formats.parser import MAX_DEATHS, Parser

FIXTURES = Path(__file__).parent / "fixtures"
# Takes far longer to read than anybody waits.
SLOW = "<div>" * 1_000_000 + "deep"
IMPATIENT = ReadingLimits(seconds=2)


@pytest.fixture(scope="module")
def impatient() -> Iterator[Parser]:
    with Parser(IMPATIENT) as parser:
        yield parser


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(parser: Parser, path: Path) -> list[Document | Failure]:
    return parser.read(path, path.name)


def one(parser: Parser, path: Path) -> Document | Failure:
    (found,) = read(parser, path)
    return found


def test_a_document_comes_back_whole(parser: Parser) -> None:
    from rag.formats.read import read_file

    for name in ("report.pdf", "minutes.docx", "japanese.txt", "archive.zip"):
        assert parser.read(FIXTURES / name, name) == list(read_file(FIXTURES / name, name))


def test_what_takes_too_long_is_ended_and_the_next_is_read(impatient: Parser, tmp_path: Path) -> None:
    slow = one(impatient, write(tmp_path, "slow.html", SLOW))
    assert slow == Failure("slow.html", "Reading it takes longer than 2 seconds (RAG_READ_SECONDS).")
    assert isinstance(one(impatient, write(tmp_path, "next.md", "The quay.")), Document)


def test_in_an_archive_only_what_takes_too_long_is_left_out(impatient: Parser, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (("a.txt", "The quay."), ("slow.html", SLOW), ("z.txt", "The lamp.")):
            archive.writestr(name, text)
    first, slow, last = read(impatient, tmp_path / "x.zip")
    assert isinstance(first, Document)
    assert isinstance(slow, Failure)
    assert slow.name == "x.zip/slow.html"
    assert isinstance(last, Document)
    assert last.text == "The lamp."


def test_an_archive_that_keeps_ending_its_reader_is_given_up(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(MAX_DEATHS + 2):
            archive.writestr(f"{number}.html", SLOW)
    with Parser(ReadingLimits(seconds=1)) as parser:
        found = read(parser, tmp_path / "x.zip")
    assert len(found) == MAX_DEATHS + 1
    assert found[-1] == Failure("x.zip", f"After {MAX_DEATHS} such files the rest of it is not read.")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit for the memory of a process")
def test_what_needs_too_much_memory_is_named(tmp_path: Path) -> None:
    with Parser(ReadingLimits(memory_bytes=200 * 2**20)) as parser:
        failure = one(parser, write(tmp_path, "large.md", "[a](b) *c " * 400_000))
        assert isinstance(failure, Failure)
        assert "memory" in failure.reason
        assert isinstance(one(parser, write(tmp_path, "next.md", "The quay.")), Document)


def test_more_text_than_the_limit(tmp_path: Path) -> None:
    with Parser(ReadingLimits(characters=1_000)) as parser:
        plain = one(parser, write(tmp_path, "x.txt", "word " * 201))
        assert plain == Failure(
            "x.txt", "It holds 1,005 characters of text; at most 1,000 are read. Split it."
        )
        table = one(
            parser, write(tmp_path, "x.csv", "name,number\n" + "a,1\n" * 150)
        )  # rows grow when they are named
        assert isinstance(table, Failure)
        assert "more than 1,000 characters" in table.reason


def test_a_process_that_is_killed_is_started_again(parser: Parser, tmp_path: Path) -> None:
    path = write(tmp_path, "x.md", "The quay.")
    before = one(parser, path)
    children = children_of(os.getpid())
    assert children
    for child in children:
        if b"rag.formats.child" in Path(f"/proc/{child}/cmdline").read_bytes():
            os.kill(child, 9)
    assert one(parser, path) == before


def test_nothing_of_the_folder_it_is_started_in_is_run_and_no_key_is_handed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = "open('sprung', 'w').close()"
    for name in ("json.py", "struct.py", "rag.py", "sitecustomize.py", "pydantic.py"):
        write(tmp_path, name, trap)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAG_LLM__API_KEY", "secret")
    with Parser() as parser:
        assert isinstance(one(parser, write(tmp_path, "x.md", "The quay.")), Document)
        environments = [Path(f"/proc/{child}/environ").read_bytes() for child in children_of(os.getpid())]
    assert not (tmp_path / "sprung").exists()
    assert environments
    assert not any(b"API_KEY" in environment for environment in environments)


def test_a_process_that_cannot_be_started_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = write(tmp_path, "x.md", "The quay.")
    monkeypatch.setattr(
        parser_module, "command", lambda _: [sys.executable, "-c", "raise SystemExit('no luck')"]
    )
    with Parser() as parser, pytest.raises(RagError, match="does not start: no luck"):
        read(parser, path)
    monkeypatch.setattr(parser_module, "command", lambda _: [str(tmp_path / "missing")])
    with Parser() as parser, pytest.raises(RagError, match=r"does not start: .*missing"):
        read(parser, path)


def test_a_closed_parser_leaves_no_process_and_can_be_used_again(tmp_path: Path) -> None:
    path = write(tmp_path, "x.md", "The quay.")
    before = children_of(os.getpid())
    parser = Parser()
    for _ in range(2):
        assert isinstance(one(parser, path), Document)
        parser.close()
    assert children_of(os.getpid()) <= before


def children_of(process: int) -> set[int]:
    """The processes that another has started and that still are."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = entry.read_text().rpartition(")")[2].split()[:2]
        except OSError:  # it has just ended
            continue
        if int(parent) == process and state != "Z":
            found.add(int(entry.parent.name))
    return found

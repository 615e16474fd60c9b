"""Files that are made to do harm, made here: each is named with a reason, and the rest is read."""

from __future__ import annotations

import io
import os
import random
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.corpus import read_corpus
from rag.domain import Document, Failure, ReadingLimits
from rag.formats.parser import Parser
from tests.contracts.documents import check_document

FIXTURES = Path(__file__).parent / "fixtures"
LIMITS = ReadingLimits(
    seconds=5, memory_bytes=400 * 2**20, characters=2_000_000, archive_files=50, archive_bytes=50 * 2**20
)


@pytest.fixture(scope="module")
def strict() -> Iterator[Parser]:
    with Parser(LIMITS) as parser:
        yield parser


def reasons(parser: Parser, folder: Path) -> dict[str, str]:
    """Why files of a folder are not read; the file that is well must be."""
    (folder / "~well.md").write_text("The quay is long.")
    found = list(read_corpus([folder], parser))
    assert [entry.path for entry in found if isinstance(entry, Document)] == ["~well.md"]
    return {entry.name: entry.reason for entry in found if isinstance(entry, Failure)}


def rewritten(name: str, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """A fixture with one of its parts changed."""
    written = io.BytesIO()
    with (
        zipfile.ZipFile(FIXTURES / name) as source,
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        assert part in source.namelist()
        for member in source.infolist():
            content = source.read(member)
            target.writestr(member, change(content) if member.filename == part else content)
    return written.getvalue()


def zipped(**members: bytes) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return written.getvalue()


def pdf(stream: bytes, filters: bytes) -> bytes:
    """A PDF of one page that is drawn by a compressed stream."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d/Filter %s>>stream\n%s\nendstream" % (len(stream), filters, stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    written, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(written))
        written += b"%d 0 obj%sendobj\n" % (number, content)
    table = b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    return written + table + b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % len(written)


def deflated(piece: bytes, times: int) -> bytes:
    compressor = zlib.compressobj(9)
    return b"".join(compressor.compress(piece) for _ in range(times)) + compressor.flush()


# --- bombs -----------------------------------------------------------------------------------------------------


def test_archives_that_grow(strict: Parser, tmp_path: Path) -> None:
    (tmp_path / "large.zip").write_bytes(zipped(**{f"{n}.txt": b"0" * (9 * 2**20) for n in range(6)}))
    (tmp_path / "many.zip").write_bytes(zipped(**{f"{n}.txt": b"x" for n in range(51)}))
    (tmp_path / "liar.zip").write_bytes(_understated(zipped(**{"x.txt": b"0" * (40 * 2**20)})))
    deep = zipped(**{"x.txt": b"Deep."})
    for _ in range(4):
        deep = zipped(**{"x.zip": deep})
    (tmp_path / "deep.zip").write_bytes(deep)
    found = reasons(strict, tmp_path)
    assert "would unpack to 56,623,104 bytes" in found["large.zip"]
    assert "holds 51 files; at most 50" in found["many.zip"]
    assert "damaged" in found["liar.zip/x.txt"]
    assert "within 3 others" in found["deep.zip/x.zip/x.zip/x.zip"]


def _understated(archive: bytes) -> bytes:
    """An archive that says of its one member that it is small."""
    size = (40 * 2**20).to_bytes(4, "little")
    assert archive.count(size) == 2
    return archive.replace(size, (10).to_bytes(4, "little"))


def test_an_archive_of_archives_is_bounded_as_a_whole(strict: Parser, tmp_path: Path) -> None:
    inner = zipped(**{f"{n}.txt": b"Text." for n in range(30)})
    (tmp_path / "x.zip").write_bytes(zipped(**{"a.zip": inner, "b.zip": inner}))
    found = list(read_corpus([tmp_path], strict))
    assert len([entry for entry in found if isinstance(entry, Document)]) < 50
    (failure,) = (entry for entry in found if isinstance(entry, Failure))
    assert "holds more than is read of one archive" in failure.reason


def test_pdfs_that_grow(strict: Parser, tmp_path: Path) -> None:
    twice = zlib.compress(deflated(b" " * 2**24, 64), 9)  # a gigabyte in a few thousand bytes
    assert len(twice) < 10_000
    (tmp_path / "stream.pdf").write_bytes(pdf(twice, b"[/FlateDecode/FlateDecode]"))
    drawn = b"BT /F1 12 Tf 10 10 Td " + b"(Hello there everybody) Tj " * 300_000 + b" ET"
    (tmp_path / "letters.pdf").write_bytes(pdf(zlib.compress(drawn), b"/FlateDecode"))
    assert set(reasons(strict, tmp_path)) == {"letters.pdf", "stream.pdf"}


LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "ha">'
    + b"".join(b'<!ENTITY e%d "%s">' % (n, b"&e%d;" % (n - 1) * 10) for n in range(1, 10))
    + b"]>"
)
OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e9 SYSTEM "file:///etc/hostname">]>'
PARTS = {
    "minutes.docx": "word/document.xml",
    "slides.pptx": "ppt/presentation.xml",
    "fares.xlsx": "xl/workbook.xml",
    "minutes.odt": "content.xml",
    "book.epub": "EPUB/content.opf",
}


@pytest.mark.parametrize("declaration", [LAUGHS, OUTSIDE], ids=["that grow", "that read files"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_in_every_format_that_is_xml(
    strict: Parser, tmp_path: Path, declaration: bytes, encoding: str
) -> None:
    for name, part in PARTS.items():
        used = rewritten(
            name,
            part,
            lambda xml: (
                declaration.decode() + xml.decode().split("?>", 1)[1].replace("harbour", "&e9;")
            ).encode(encoding),
        )
        (tmp_path / name).write_bytes(used)
    found = reasons(strict, tmp_path)
    assert found.keys() == PARTS.keys()
    assert all("entities" in reason or "damaged" in reason for reason in found.values())


def test_office_files_that_grow_or_are_nested_or_far_apart(strict: Parser, tmp_path: Path) -> None:
    paragraph, table = b"<w:p><w:r><w:t>x</w:t></w:r></w:p>", b"<w:tbl><w:tr><w:tc>"
    ends = b"</w:tc></w:tr></w:tbl>"
    made = {
        "large.docx": rewritten(
            "minutes.docx",
            "word/document.xml",
            lambda xml: xml.replace(b"<w:body>", b"<w:body>" + paragraph * 1_000_000),
        ),
        "deep.docx": rewritten(
            "minutes.docx",
            "word/document.xml",
            lambda xml: xml.replace(b"<w:body>", b"<w:body>" + table * 20_000 + ends * 20_000),
        ),
        "deep.odt": rewritten(
            "minutes.odt",
            "content.xml",
            lambda xml: xml.replace(b"<office:text>", b"<office:text>" + b"<text:section>" * 20_000).replace(
                b"</office:text>", b"</text:section>" * 20_000 + b"</office:text>"
            ),
        ),
        "far.xlsx": rewritten(
            "fares.xlsx",
            "xl/worksheets/sheet1.xml",
            lambda xml: xml.replace(
                b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
            ),
        ),
    }
    for name, content in made.items():
        (tmp_path / name).write_bytes(content)
    assert reasons(strict, tmp_path).keys() == made.keys()


# --- text without end ------------------------------------------------------------------------------------------


def test_100_mb_of_text_and_one_line_of_50_mb(tmp_path: Path) -> None:
    (tmp_path / "large.txt").write_bytes(b"All work and no play.\n" * (100_000_000 // 22))
    (tmp_path / "line.md").write_bytes(b"word" * (50_000_000 // 4))
    (tmp_path / "column.csv").write_bytes(b"a," * (50_000_000 // 2))
    with Parser() as parser:  # as it is by default
        found = reasons(parser, tmp_path)
    assert found.keys() == {"large.txt", "line.md", "column.csv"}
    assert all("of text; at most 20,000,000 are read" in reason for reason in found.values())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.html", b"<div>" * 20_000 + b"deep"),
        ("x.html", b"<table><tr><td>" * 5_000 + b"deep"),
        ("x.html", b'<script type="application/ld+json">' + b"[" * 200_000 + b"</script>deep"),
        ("x.md", b"[" * 20_000 + b"deep" + b"](" * 20_000),
        ("x.rtf", b"{\\rtf1" + b"{" * 200_000 + b"deep"),
        ("x.csv", b'"' + b"deep," * 100_000),
        ("x.eml", b"Subject: " + b"deep" * 100_000 + b"\n\ndeep"),
        (
            "x.eml",
            b"".join(
                b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(5_000)
            ),
        ),
        ("x.mbox", b"From x\n" * 60),
        ("x.pdf", b"%PDF-1.7\n" + random.Random(7).randbytes(50_000)),
    ],
)
def test_what_is_nested_deep_or_makes_no_sense_is_read_or_named(
    strict: Parser, tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    for entry in strict.read(tmp_path / name, name):
        if isinstance(entry, Document):
            check_document(entry)
            assert "deep" in entry.text
        else:
            assert 0 < len(entry.reason) < 500


# --- paths -----------------------------------------------------------------------------------------------------


def test_paths_that_lead_out_of_an_archive(strict: Parser, tmp_path: Path) -> None:
    names = ["../up.txt", "a/../../up.txt", "/etc/cron.txt", "..\\up.txt", "C:\\up.txt", "C:/up.txt"]
    (tmp_path / "x.zip").write_bytes(zipped(**dict.fromkeys(names, b"Text.")))
    found = list(read_corpus([tmp_path], strict))
    assert len(found) == len(names)
    assert all(isinstance(entry, Failure) and "leads out of it" in entry.reason for entry in found)
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]
    assert not (tmp_path.parent / "up.txt").exists()


def test_links_and_devices_in_an_archive(strict: Parser, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name, mode in (("link.txt", 0o120777), ("pipe.txt", 0o010644), ("device.txt", 0o020644)):
            member = zipfile.ZipInfo(name)
            member.external_attr = mode << 16
            archive.writestr(member, "/etc/passwd")
    found = reasons(strict, tmp_path)
    assert set(found.values()) == {"It is a link or a device in an archive, not a file."}
    assert len(found) == 3


def test_links_to_secrets_and_devices_pipes_and_folders(strict: Parser, tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (tmp_path / "secret.txt").write_text("Secret.")
    (folder / "secret.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "zero.txt").symlink_to("/dev/zero")
    (folder / "zero.pdf").symlink_to("/dev/zero")
    (folder / "outside").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe.pdf")
    found = reasons(strict, folder)
    assert found.keys() == {"secret.txt", "zero.txt", "zero.pdf", "outside", "pipe.pdf"}


def test_a_device_is_not_read_even_where_links_are_followed(strict: Parser, tmp_path: Path) -> None:
    (tmp_path / "zero.pdf").symlink_to("/dev/zero")
    (entry,) = read_corpus([tmp_path], strict, follow_links=True)
    assert isinstance(entry, Failure)
    assert "device" in entry.reason


# --- anything --------------------------------------------------------------------------------------------------

SAMPLES = {
    path.name: path.read_bytes()
    for path in FIXTURES.iterdir()
    if path.suffix not in ("", ".sh") and "locked" not in path.name
}


@st.composite
def damaged(draw: st.DrawFn, *names: str) -> tuple[str, bytes]:
    """A file of some format, cut short, with bytes changed, or with a stretch doubled or left out."""
    name = draw(st.sampled_from(names or sorted(SAMPLES)))
    content = bytearray(SAMPLES[name])
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, max(len(content) - 1, 0)))
        length = draw(st.integers(0, 200))
        match draw(st.sampled_from(["change", "cut", "double", "leave out"])):
            case "change":
                content[at : at + 1] = draw(st.binary(min_size=1, max_size=4))
            case "cut" if draw(st.booleans()):
                del content[at:]
            case "double":
                content[at:at] = content[at : at + length]
            case "leave out":
                del content[at : at + length]
    return name, bytes(content)


@settings(max_examples=300)
@given(damaged() | st.tuples(st.sampled_from(sorted(SAMPLES)), st.binary(max_size=300)))
def test_a_damaged_file_is_read_or_named_and_never_ends_the_ingest(file: tuple[str, bytes]) -> None:
    check_read(FUZZED, *file)


@settings(max_examples=6)
@given(damaged("scanned.pdf"))
def test_a_damaged_scan_is_recognised_or_named(file: tuple[str, bytes]) -> None:
    check_read(SCANS, *file)


def check_read(parser: Parser, name: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        found = parser.read(path, name)
    assert found or name.endswith((".zip", ".mbox"))
    for entry in found:
        if isinstance(entry, Document):
            check_document(entry)
        else:
            assert 0 < len(entry.reason) < 1_000
            assert "\n" not in entry.reason


@pytest.fixture(scope="module", autouse=True)
def _one_process() -> Iterator[None]:
    yield
    FUZZED.close()
    SCANS.close()


# Text is recognised in a few scans only: it takes seconds, also for every page that has lost its text.
FUZZED, SCANS = Parser(replace(LIMITS, recognise=False)), Parser(LIMITS)

"""Every format, read from files that another program made (see fixtures/make.sh)."""

from __future__ import annotations

import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.domain import BlockKind, Document, Failure, ReadingLimits, Source
from rag.errors import DocumentError, DocumentMalformed, DocumentUnreadable, ReaderMissing, UnsupportedFormat
from rag.formats.read import ENDINGS, READERS, read_file
from tests.contracts.documents import Read, check_document, read_bytes, shown

FIXTURES = Path(__file__).parent / "fixtures"
HEADING, PARAGRAPH, ITEM, ROW = (
    BlockKind.HEADING,
    BlockKind.PARAGRAPH,
    BlockKind.LIST_ITEM,
    BlockKind.TABLE_ROW,
)


def fixture(name: str, limits: ReadingLimits = ReadingLimits()) -> Document:
    """The first document of a fixture."""
    document = next(iter(read_file(FIXTURES / name, name, limits)))
    assert isinstance(document, Document)
    check_document(document)
    return document


def pages(document: Document) -> list[int | None]:
    return [document.page_of(block.start) for block in document.blocks]


REPORT = [
    (HEADING, 1, "The quay of Elsin"),
    (
        PARAGRAPH,
        0,
        "The Port of Elsin opened its container quay in the spring of 2023. It took the place of a timber pier, which a"
        " storm had damaged beyond repair, and it was paid for by the port alone.",
    ),
    (HEADING, 2, "Building"),
    (
        PARAGRAPH,
        0,
        "Brandt Marine drove 312 steel piles into the sea bed. Work went on by night as well, because the tide left"
        " only a few hours a day in which divers could see what they did.",
    ),
    (ITEM, 1, "The piles are 28 metres long."),
    (ITEM, 1, "The deck is made of precast concrete."),
    (HEADING, 2, "Cranes"),
    (
        PARAGRAPH,
        0,
        "The larger crane lifts 65 tonnes and can serve ships that are nineteen rows wide. It was delivered from Gdansk"
        " on a barge, and the crossing took eleven days.",
    ),
    (HEADING, 2, "Traffic"),
    (PARAGRAPH, 0, "The table gives the traffic of each year."),
    (ROW, 0, "Year: 2023; Containers: 41,200; Ships: 388"),
    (ROW, 0, "Year: 2024; Containers: 57,900; Ships: 451"),
    (PARAGRAPH, 0, "The harbour master of Elsin is Jonas Lindqvist."),
]


@pytest.mark.parametrize("name", ["report.pdf", "report.docx", "report.odt"])
def test_one_report_reads_the_same_in_three_formats(name: str) -> None:
    document = fixture(name)
    assert shown(document) == REPORT
    assert document.title == "Report on the quay of Elsin"
    assert document.source is not None
    assert (document.source.author, document.source.title) == ("Ada Moreau", name)


def test_a_pdf_keeps_its_pages() -> None:
    document = fixture("report.pdf")
    assert pages(document) == [1] * 6 + [2] * 2 + [3] * 5
    assert document.published is not None


def test_columns_are_read_one_after_the_other_and_running_heads_left_out() -> None:
    document = fixture("gazette.pdf")
    assert document.title == "Elsin Gazette, June 2023"
    years = [int(text.split()[1]) for kind, _, text in shown(document) if text.startswith("In ")]
    assert years == sorted(years)
    assert len(years) == 48
    assert [text for kind, _, text in shown(document) if kind is HEADING] == [
        f"The {place} harbour" for place in ("north", "east", "south", "west")
    ]
    assert "Gazette" not in document.text
    assert "Page" not in document.text
    assert all(kind is HEADING or text.endswith(".") for kind, _, text in shown(document))
    assert set(pages(document)) == {1, 2, 3, 4}


MINUTES = [
    (HEADING, 1, "Minutes"),
    (PARAGRAPH, 0, "The board met in the customs house. Seven of nine members were present."),
    (HEADING, 2, "Decisions"),
    (ITEM, 1, "The board chose Halden Engineering to repair the north lock."),
    (ITEM, 1, "The fee for overnight berths rises to 18 euros."),
    (ITEM, 2, "Boats below six metres pay half."),
    (HEADING, 2, "Money"),
    (ROW, 0, "Item: Lock gates; Cost in euros: 730,000"),
    (ROW, 0, "Item: Dredging; Cost in euros: 215,000"),
    (PARAGRAPH, 0, "The next meeting takes place on 9 May 2024."),
]


@pytest.mark.parametrize("name", ["minutes.docx", "minutes.odt", "minutes.html"])
def test_minutes_keep_lists_tables_and_footnotes(name: str) -> None:
    document = fixture(name)
    assert shown(document)[3:13] == MINUTES
    assert shown(document)[13][2] == "The date was moved because of the regatta."
    assert document.title == "Minutes of the harbour board"
    assert document.source is not None
    assert document.source.author == "Ines Okafor"
    assert document.published == ("2024-03-14" if name.endswith("html") else "2024-06-01")


def test_rtf_as_a_word_processor_writes_it() -> None:
    document = fixture("notice.rtf")
    assert shown(document) == [
        (HEADING, 1, "Notice to mariners"),
        (PARAGRAPH, 0, "The buoy off Cape Morrow shows a green light every six seconds."),
        (HEADING, 2, "Closures"),
        (PARAGRAPH, 0, "The swing bridge is closed to ships on 3 November 2024."),
        (ITEM, 1, "Tugs may pass."),
        (ITEM, 1, "Yachts must wait."),
        (ROW, 0, "Channel: 16; Use: Distress"),
        (ROW, 0, "Channel: 12; Use: Port control"),
    ]
    assert document.source == Source("notice.rtf", author="Harbour Office")


def test_rtf_as_a_converter_writes_it() -> None:
    blocks = shown(fixture("minutes.rtf"))
    assert [text for _, _, text in blocks[3:12]] == [text for _, _, text in MINUTES[:9]]
    assert [kind for kind, _, _ in blocks[3:12]] == [kind for kind, _, _ in MINUTES[:9]]
    assert "The date was moved because of the regatta." in blocks[-1][2]


def test_slides_are_pages_with_tables_and_notes() -> None:
    document = fixture("slides.pptx")
    assert shown(document)[3:] == [
        (HEADING, 1, "Why a new ferry"),
        (PARAGRAPH, 0, "The old ferry was built in 1971."),
        (HEADING, 1, "Batteries"),
        (ITEM, 1, "The new ferry stores 4.2 megawatt-hours."),
        (ITEM, 1, "Charging takes eleven minutes."),
        (PARAGRAPH, 0, "The supplier of the batteries is Corvane."),
        (HEADING, 1, "Timetable"),
        (ROW, 0, "Quay: Elsin; Departures a day: 16"),
        (ROW, 0, "Quay: Varn; Departures a day: 15"),
    ]
    assert pages(document)[3:] == [2, 2, 3, 3, 3, 3, 4, 4, 4]
    assert document.title == "The ferry of the future"


@pytest.mark.parametrize("name", ["fares.xlsx", "fares.ods", "fares.xls"])
def test_a_row_of_a_sheet_says_what_its_columns_are(name: str) -> None:
    assert shown(fixture(name)) == [
        (HEADING, 1, "fares"),
        (ROW, 0, "Passenger: Adult; Single fare: 12.5; Return fare: 22; Valid from: 2024-01-01"),
        (ROW, 0, "Passenger: Student; Single fare: 7; Return fare: 13; Valid from: 2024-01-01"),
        (ROW, 0, "Passenger: Bicycle; Single fare: 3; Return fare: 5; Valid from: 2024-06-15"),
    ]


def test_csv_in_the_encoding_and_with_the_delimiter_of_an_office() -> None:
    assert [text for _, _, text in shown(fixture("tides.csv"))] == [
        "Place: Elsin; Höchststand: 4,1 m; Remark: Measured at the old pier",
        "Place: Sankt Jürgen; Höchststand: 3,6 m; Remark: Measured by the café",
    ]


def test_japanese_text_of_another_age() -> None:
    assert (
        fixture("japanese.txt").text == "エルシン港は一八九二年に開港した。灯台の高さは六十一メートルである。"
    )


def test_a_book_is_read_chapter_by_chapter() -> None:
    document = fixture("book.epub")
    assert [text for kind, _, text in shown(document) if kind is HEADING][1:] == ["The keeper", "The storm"]
    assert document.source == Source("book.epub", "Elsin Press", "1931-10-05", "Maud Ferrier")


def test_a_message_says_who_wrote_it_and_its_attachment_is_a_document_too() -> None:
    message, attached = read_file(FIXTURES / "message.eml", "message.eml")
    assert isinstance(message, Document)
    assert isinstance(attached, Document)
    assert message.title == "Inspection of the silo"
    assert message.published == "2024-08-12"
    assert message.text.startswith("From: Jonas Lindqvist <jonas@elsin.example>; To: Ada Moreau")
    assert "the inspection of the silo is set for 21 August 2024." in message.text
    assert attached.path == "message.eml/tides.csv"
    assert attached.id == "message-eml-tides-csv"


def test_a_mailbox_gives_each_message() -> None:
    found = [entry for entry in read_file(FIXTURES / "mail.mbox", "mail.mbox") if isinstance(entry, Document)]
    assert [document.path for document in found] == [
        "mail.mbox/Inspection of the silo.eml",
        "mail.mbox/Inspection of the silo.eml/tides.csv",
        "mail.mbox/Buoys.eml",
    ]
    assert found[2].text.endswith("The buoys are stored in shed 9. From there they go out in May.")


def test_an_archive_gives_each_file_in_it() -> None:
    found = list(read_file(FIXTURES / "archive.zip", "archive.zip"))
    assert [entry.path for entry in found if isinstance(entry, Document)] == [
        "archive.zip/message.txt",
        "archive.zip/fares.csv",
        "archive.zip/minutes.docx",
        "archive.zip/report.pdf",
    ]
    assert len({entry.sha256 for entry in found if isinstance(entry, Document)}) == 4


def test_the_same_report_in_two_formats_has_two_ids() -> None:
    assert {fixture(name).id for name in ("report.pdf", "report.docx", "report.odt")} == {
        "report-pdf",
        "report-docx",
        "report-odt",
    }


# --- what is not read, and why ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["locked.pdf", "locked.docx"])
def test_a_locked_file_is_named_as_such(name: str) -> None:
    with pytest.raises(DocumentUnreadable, match="locked with a password"):
        fixture(name)


def test_a_locked_archive_names_what_is_locked() -> None:
    (failure,) = read_file(FIXTURES / "locked.zip", "locked.zip")
    assert isinstance(failure, Failure)
    assert failure.name == "locked.zip/sources/message.txt"
    assert "locked with a password" in failure.reason


def test_a_scan_is_named_as_such() -> None:
    with pytest.raises(DocumentMalformed, match=r"Its pages \(2\) hold no text: it is a scan"):
        fixture("scan.pdf", ReadingLimits(recognise=False))
    with pytest.raises(DocumentMalformed, match=r"Its pages \(2\) hold no text, and none was recognised"):
        fixture("scan.pdf")


@pytest.mark.parametrize(("name", "most"), [("report.pdf", 2), ("slides.pptx", 3)])
def test_more_pages_than_the_limit(name: str, most: int) -> None:
    with pytest.raises(DocumentUnreadable, match=rf"at most {most} are read\. Split it"):
        fixture(name, ReadingLimits(pages=most))
    assert fixture(name, ReadingLimits(pages=most + 1))


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("pypdfium2", "report.pdf"),
        ("mammoth", "report.docx"),
        ("pptx", "slides.pptx"),
        ("python_calamine", "fares.xlsx"),
        ("striprtf.striprtf", "notice.rtf"),
    ],
)
def test_a_reader_that_is_not_installed_is_named_with_the_command(
    monkeypatch: pytest.MonkeyPatch, module: str, name: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ReaderMissing, match=r"pip install 'mission-record\[documents\]'"):
        fixture(name)


@pytest.mark.parametrize("taken_for", sorted(ENDINGS - {".eml", ".mbox"}))
@pytest.mark.parametrize("name", ["report.pdf", "minutes.docx", "fares.xls", "notice.rtf", "tides.csv"])
def test_a_wrong_ending_is_named_or_the_file_is_text(tmp_path: Path, name: str, taken_for: str) -> None:
    (tmp_path / f"x{taken_for}").write_bytes((FIXTURES / name).read_bytes())
    try:
        found = list(read_file(tmp_path / f"x{taken_for}", f"x{taken_for}"))
    except DocumentError as error:
        assert "ending" in str(error) or "hold" in str(error)  # noqa: PT017
    else:
        # An archive of any kind can be opened, and does not hold what anybody reads.
        assert name.endswith(taken_for) or name == "tides.csv" or taken_for == ".zip"
        assert all(isinstance(entry, Failure) for entry in found) == (taken_for == ".zip")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("photo.txt", b"\x89PNG\r\n\x1a\n", "It is a picture"),
        ("old.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", r"Save it as \.docx"),
    ],
)
def test_what_no_reader_reads_is_named(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnsupportedFormat, match=reason):
        list(read_file(tmp_path / name, name))


@pytest.mark.parametrize(
    "text", ["BMW builds cars.", "A file that begins with %PDF-1.7 is a PDF.", "GIF8 is no word."]
)
def test_text_that_looks_like_something_else_is_text(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.txt").write_text(text)
    (document,) = read_file(tmp_path / "x.txt", "x.txt")
    assert isinstance(document, Document)
    assert document.text == text


def test_a_pdf_may_have_something_before_it(tmp_path: Path) -> None:
    (tmp_path / "x.pdf").write_bytes(b"\r\njunk\n" + (FIXTURES / "gazette.pdf").read_bytes())
    assert list(read_file(tmp_path / "x.pdf", "x.pdf"))


@pytest.mark.parametrize("ending", sorted(ENDINGS))
def test_an_empty_file_is_named_in_every_format(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"x{ending}").touch()
    with pytest.raises(DocumentError):
        list(read_file(tmp_path / f"x{ending}", f"x{ending}"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.md", ""),
        ("x.md", "\ufeff"),
        ("x.md", " \n\t\n"),
        ("x.md", "---\ntitle: Alone\n---\n"),
        ("x.md", "# A heading alone\n"),
        ("x.txt", "\u200b\x07"),
        ("x.html", ""),
        ("x.html", "<script>x</script>"),
        ("x.html", "<frameset></frameset>"),
    ],
)
def test_a_file_without_text_is_malformed(read: Read, name: str, content: str) -> None:
    with pytest.raises(DocumentMalformed, match="holds no text"):
        read(name, content)


@pytest.mark.parametrize(
    "ending", [".md", ".markdown", ".txt", ".text", ".html", ".htm", ".xhtml", ".MD", ".Html"]
)
def test_every_known_ending_is_read(read: Read, ending: str) -> None:
    assert read(f"x{ending}", "Text.").text == "Text."


@given(st.sampled_from(sorted(READERS)), st.text(max_size=500) | st.binary(max_size=500))
def test_any_file_is_read_or_refused(ending: str, content: str | bytes) -> None:
    written = content if isinstance(content, bytes) else content.encode("utf-8", "replace")
    with tempfile.TemporaryDirectory() as folder, suppress(DocumentError):
        read_bytes(Path(folder), f"x{ending}", written)

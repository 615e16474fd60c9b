"""A folder with every format, ingested in one go by the real program, and asked about."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from rag.api.app import create_app
from rag.domain import Filters, IngestReport, Question
from rag.settings import Settings
from rag.wiring import Application, build

FIXTURES = Path(__file__).parent / "fixtures"
# Each tells something that no other does.
DISTINCT = """report.pdf gazette.pdf minutes.docx slides.pptx fares.xlsx tides.csv book.epub mail.mbox notice.rtf
japanese.txt scan.pdf locked.pdf locked.docx locked.zip""".split()
QUESTIONS = [
    ("How many steel piles did Brandt Marine drive?", "report.pdf", 1, "312"),
    ("How many tonnes does the larger crane lift?", "report.pdf", 2, "65 tonnes"),
    ("Who is the harbour master of Elsin?", "report.pdf", 3, "Jonas Lindqvist"),
    ("How many containers were there in 2023?", "report.pdf", 3, "41,200"),
    ("Who forged the gate of the west harbour?", "gazette.pdf", 4, "Piet Vanderlip"),
    ("Which firm was chosen to repair the north lock?", "minutes.docx", None, "Halden Engineering"),
    ("How much did the dredging cost?", "minutes.docx", None, "215,000"),
    ("Who supplies the batteries of the new ferry?", "slides.pptx", 3, "Corvane"),
    ("How many departures a day are there from Varn?", "slides.pptx", 4, "15"),
    ("What is the return fare for a bicycle?", "fares.xlsx", None, "Return fare: 5"),
    ("What is the Höchststand in Sankt Jürgen?", "tides.csv", None, "3,6 m"),
    ("Who kept the lighthouse for forty-one years?", "book.epub", None, "Tobias Wren"),
    (
        "When does the inspection of the silo take place?",
        "mail.mbox/Inspection of the silo.eml",
        None,
        "21 August",
    ),
    ("Where are the buoys stored?", "mail.mbox/Buoys.eml", None, "shed 9"),
    ("What colour is the light of the buoy off Cape Morrow?", "notice.rtf", None, "green"),
    ("When is the swing bridge closed?", "notice.rtf", None, "3 November 2024"),
]
# Other formats of what the first set tells. What is told twice counts as one document, so these are ingested in turns.
TURNS = (
    ("report.docx", "minutes.odt", "fares.ods", "message.eml"),
    ("report.odt", "minutes.rtf", "fares.xls"),
    ("archive.zip",),
    ("minutes.html",),
)
OTHERS = [
    ("How many tonnes does the larger crane lift?", "report.docx", "65 tonnes"),
    ("Who is the harbour master of Elsin?", "report.odt", "Jonas Lindqvist"),
    ("Which firm was chosen to repair the north lock?", "minutes.odt", "Halden Engineering"),
    ("Which firm was chosen to repair the north lock?", "minutes.rtf", "Halden Engineering"),
    ("When does the next meeting take place?", "minutes.html", "9 May 2024"),
    ("What is the return fare for a bicycle?", "fares.ods", "Return fare: 5"),
    ("What is the return fare for a bicycle?", "fares.xls", "Return fare: 5"),
    ("When does the inspection of the silo take place?", "message.eml", "21 August 2024"),
    ("How many steel piles did Brandt Marine drive?", "archive.zip/report.pdf", "312"),
    ("Which firm was chosen to repair the north lock?", "archive.zip/minutes.docx", "Halden Engineering"),
]
Asked = tuple[Application, IngestReport]


def ingested(folder: Path, names: Sequence[str], make_settings: Callable[..., Settings]) -> Asked:
    corpus = folder / "corpus"
    corpus.mkdir()
    for name in names:
        shutil.copy(FIXTURES / name, corpus)
    application = build(make_settings(folder / "data", corpus_dir=corpus))
    return application, application.synchronise()


@pytest.fixture(scope="module")
def distinct(
    tmp_path_factory: pytest.TempPathFactory, make_settings: Callable[..., Settings]
) -> Iterator[Asked]:
    application, report = ingested(tmp_path_factory.mktemp("distinct"), DISTINCT, make_settings)
    yield application, report
    application.close()


@pytest.fixture(scope="module")
def others(
    tmp_path_factory: pytest.TempPathFactory, make_settings: Callable[..., Settings]
) -> Iterator[dict[str, Application]]:
    found: dict[str, Application] = {}
    for names in TURNS:
        application, report = ingested(tmp_path_factory.mktemp("others"), names, make_settings)
        assert (report.failed, report.duplicates) == ((), ())
        found |= dict.fromkeys(names, application)
    yield found
    for application in found.values():
        application.close()


def test_what_cannot_be_read_is_named_and_the_rest_is_ingested(distinct: Asked) -> None:
    _, report = distinct
    assert {failure.name for failure in report.failed} == {
        "locked.docx",
        "locked.pdf",
        "locked.zip/sources/message.txt",
        "scan.pdf",
    }
    assert len(report.added) == 11
    # It is also attached to a message.
    (attached,) = report.duplicates
    assert (attached.path, attached.document_id) == (
        "mail.mbox/Inspection of the silo.eml/tides.csv",
        "tides-csv",
    )


@pytest.mark.parametrize(("question", "path", "page", "words"), QUESTIONS)
def test_an_answer_is_cited_to_the_right_file_and_page(
    distinct: Asked, question: str, path: str, page: int | None, words: str
) -> None:
    application, _ = distinct
    answer = application.pipeline.ask(Question(question))
    assert answer.status == "answered"
    citation = answer.citations[0]
    document = application.catalog.document(citation.document_id)
    assert document.path == path
    assert citation.page == page == document.page_of(citation.start)
    assert words in citation.quote
    assert document.text[citation.start : citation.end] == citation.quote


@pytest.mark.parametrize(("question", "path", "words"), OTHERS)
def test_every_other_format_can_be_asked_about(
    others: dict[str, Application], question: str, path: str, words: str
) -> None:
    application = others[path.partition("/")[0]]
    (document,) = (entry for entry in application.catalog.documents().documents if entry.path == path)
    answer = application.pipeline.ask(Question(question, filters=Filters(document_ids=(document.id,))))
    assert answer.status == "answered"
    assert any(words in citation.quote for citation in answer.citations)
    assert {citation.document_id for citation in answer.citations} == {document.id}


def test_the_page_is_in_what_the_api_sends(distinct: Asked) -> None:
    application, _ = distinct
    client = TestClient(create_app(application))
    body = client.post("/ask", json={"question": QUESTIONS[1][0]}).json()
    assert body["citations"][0]["page"] == 2
    assert {hit["page"] for hit in body["retrieved"] if hit["document_id"] == "report-pdf"} <= {1, 2, 3}
    found = client.post("/search", json={"query": "Gdansk barge", "top_k": 1}).json()["hits"][0]
    assert (found["document_id"], found["page"]) == ("report-pdf", 2)


def test_a_second_ingest_changes_nothing(distinct: Asked) -> None:
    application, first = distinct
    again = application.synchronise()
    assert not again.changed
    assert again.unchanged == first.added
    assert again.failed == first.failed

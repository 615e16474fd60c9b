import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval.cases import CaseType, InvalidCases
from eval.formats import read_beir, read_squad, read_squad_paragraphs
from rag.corpus import read_corpus
from rag.domain import Document, Turn

Write = Callable[..., Path]

FIRST = "The  lighthouse of Elsin <61 m> was built in 1887. It was restored in 1998 & 2004."
SECOND = "Ines Okafor restored the lamp in 1998."
SQUAD: dict[str, Any] = {
    "version": "v2.0",
    "data": [
        {
            "title": "Elsin_lighthouse",
            "paragraphs": [
                {
                    "context": FIRST,
                    "qas": [
                        {
                            "id": "built",
                            "question": "When was it built?",
                            "answers": [{"text": "1887", "answer_start": FIRST.index("1887")}],
                        },
                        {"id": "keeper", "question": "Who keeps it?", "answers": [], "is_impossible": True},
                    ],
                },
                {
                    "context": SECOND,
                    "qas": [
                        {
                            "id": "lamp",
                            "question": "Who restored the lamp?",
                            "answers": [
                                {"text": "Ines Okafor", "answer_start": 0},
                                {"text": "Okafor", "answer_start": 5},
                            ],
                        }
                    ],
                },
            ],
        }
    ],
}


@pytest.fixture
def squad_file(tmp_path: Path) -> Path:
    path = tmp_path / "squad.json"
    path.write_text(json.dumps(SQUAD))
    return path


def ingested(collection: Any, folder: Path) -> dict[str, Document]:
    """The collection's documents after they were written and read as any user's are."""
    folder.mkdir()
    collection.write(folder)
    documents = [document for document in read_corpus([folder]) if isinstance(document, Document)]
    assert len(documents) == len(collection.entries)
    return {document.id: document for document in documents}


def test_a_squad_article_is_a_document_and_its_questions_are_cases(squad_file: Path, tmp_path: Path) -> None:
    collection = read_squad(squad_file)
    documents = ingested(collection, tmp_path / "documents")
    (document,) = documents.values()
    assert document.title == "Elsin lighthouse"
    assert "Elsin <61 m> was" in document.text
    assert collection.cases is not None
    built, keeper, lamp = collection.cases(documents)
    assert (built.type, built.expect, built.cluster) == (CaseType.WHEN, "answered", "Elsin lighthouse")
    assert (keeper.type, keeper.expect, keeper.gold) == (CaseType.NEAR_MISS, "not_found", ())
    assert lamp.short == ("Ines Okafor", "Okafor")
    assert len(lamp.nuggets) == 1


def test_squad_answers_are_located_in_the_ingested_text(squad_file: Path, tmp_path: Path) -> None:
    squad = json.loads(squad_file.read_text())
    second = SECOND.index("1998")
    squad["data"][0]["paragraphs"][1]["qas"][0]["answers"] = [{"text": "1998", "answer_start": second}]
    squad_file.write_text(json.dumps(squad))
    collection = read_squad(squad_file)
    documents = ingested(collection, tmp_path / "documents")
    assert collection.cases is not None
    lamp = collection.cases(documents)[2]
    text = documents[lamp.gold[0].document_id].text
    # of the two years 1998 in the article, the one in the question's own paragraph
    assert text[: lamp.gold[0].end].endswith("restored the lamp in 1998")
    assert text[lamp.gold[0].start : lamp.gold[0].end] == "1998"


def test_a_squad_file_may_say_sections_splits_and_types(squad_file: Path, tmp_path: Path) -> None:
    squad = json.loads(squad_file.read_text())
    trained = {"title": "Trained on", "split": "train", "paragraphs": squad["data"][0]["paragraphs"]}
    squad["data"][0] |= {"split": "test", "alone": True}
    squad["data"][0]["paragraphs"][1]["section"] = "The lamp & its keepers"
    squad["data"][0]["paragraphs"][0]["qas"][1]["type"] = "other-subject"
    squad_file.write_text(json.dumps({"data": [*squad["data"], trained]}))
    collection = read_squad(squad_file)
    documents = ingested(collection, tmp_path / "documents")
    assert len(documents) == 2
    assert collection.cases is not None
    cases = collection.cases(documents)
    assert [case.split for case in cases] == ["test"] * 3
    assert {case.document_ids for case in cases} == {(cases[2].gold[0].document_id,)}
    assert cases[1].type == CaseType.OTHER_SUBJECT
    lamp = documents[cases[2].gold[0].document_id]
    assert [section.path[-1] for section in lamp.sections if section.path][-1] == "The lamp & its keepers"


def test_squad_paragraphs_are_documents_for_retrieval(squad_file: Path) -> None:
    collection = read_squad_paragraphs(squad_file)
    assert len(collection.entries) == 2
    assert [query.id for query in collection.queries] == ["built", "lamp"]
    assert collection.queries[1].gains == {"paragraph-000002": 1.0}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "is not JSON"),
        ("{}", "data: Field required"),
        ('{"data": []}', "data"),
        ('{"data": [{"paragraphs": [{"context": "x"}]}]}', "qas: Field required"),
    ],
)
def test_a_squad_file_that_cannot_be_used_is_an_error(tmp_path: Path, content: str, problem: str) -> None:
    path = tmp_path / "broken.json"
    path.write_text(content)
    with pytest.raises(InvalidCases, match=problem):
        read_squad(path)


@pytest.fixture
def beir_folder(tmp_path: Path, write_lines: Write) -> Path:
    write_lines(
        {"_id": "a/1", "title": "Ferry", "text": "The ferry leaves at 7:30.\n\nIt is white."},
        {"_id": "a/2", "title": "", "text": "The quay is new."},
        name="corpus.jsonl",
    )
    history = [{"role": "user", "content": "Is there a ferry?"}, {"role": "assistant", "content": "Yes."}]
    write_lines(
        {"_id": "q1", "text": "Is there a ferry?", "rewritten": "Is there a ferry?"},
        {"_id": "q2", "text": "When?", "history": history, "rewritten": "When does the ferry leave?"},
        {"_id": "unjudged", "text": "Why?"},
        name="queries.jsonl",
    )
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\nq1\ta/1\t1\nq2\ta/1\t2\nq2\ta/2\t0\n"
    )
    return tmp_path


def test_each_entry_of_a_beir_corpus_is_one_document(beir_folder: Path, tmp_path: Path) -> None:
    documents = ingested(read_beir(beir_folder), tmp_path / "documents")
    first = documents["entry-0000001"]
    assert (first.title, first.text) == ("Ferry", "The ferry leaves at 7:30.\n\nIt is white.")
    assert len(documents) == 2


def test_a_beir_query_carries_its_history_and_its_conversation_is_a_cluster(beir_folder: Path) -> None:
    first, second = read_beir(beir_folder).queries
    assert second.history == (Turn("user", "Is there a ferry?"), Turn("assistant", "Yes."))
    assert first.cluster == second.cluster
    assert second.gains == {"entry-0000001": 2.0}


def test_another_form_of_a_query_is_asked_without_its_history(beir_folder: Path) -> None:
    _, second = read_beir(beir_folder, "rewritten").queries
    assert (second.text, second.history) == ("When does the ferry leave?", ())
    with pytest.raises(InvalidCases, match="no text under 'summary'"):
        read_beir(beir_folder, "summary")


@pytest.mark.parametrize(
    ("judgements", "problem"),
    [
        ("q1\ta/9\t1\n", r"test.tsv:1: there is no entry 'a/9'"),
        ("query-id\tcorpus-id\tscore\nq1\ta/1\n", r"test.tsv:2: .* is not a query id"),
        ("q1\ta/1\tgood\n", "is not a query id"),
        ("q9\ta/1\t1\n", "no query of queries.jsonl has a judgement"),
    ],
)
def test_judgements_that_cannot_be_used_are_errors(beir_folder: Path, judgements: str, problem: str) -> None:
    (beir_folder / "qrels" / "test.tsv").write_text(judgements)
    with pytest.raises(InvalidCases, match=problem):
        read_beir(beir_folder)


def test_a_line_of_a_beir_file_that_cannot_be_used_is_named(beir_folder: Path) -> None:
    (beir_folder / "corpus.jsonl").write_text('{"_id": "a/1", "text": "x"}\n{"text": "y"}\n')
    with pytest.raises(InvalidCases, match=r"corpus.jsonl:2: _id: Field required"):
        read_beir(beir_folder)

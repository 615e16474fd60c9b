"""Whole runs on small collections, with the real pipeline, model and index."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval.ablate import ablate
from eval.calibrate import fit_decision, reader_sha256, write
from eval.cases import InvalidCases, split_of
from eval.evaluate import Plan, evaluate
from eval.runner import Conditions
from rag.errors import InvalidInput
from rag.settings import LanguageModelSettings, Settings
from tests.llm_server import LLMServer, Reply

Write = Callable[..., Path]
MakeSettings = Callable[..., Settings]


def line(case_id: str, question: str, *nuggets: object, gold: str = "", **values: object) -> dict[str, Any]:
    quotes = [{"document_id": "harbour", "quote": gold}] if gold else []
    return {
        "id": case_id,
        "type": "fact" if nuggets else "near-miss",
        "split": split_of(case_id),
        "turns": [question],
        "expect": "answered" if nuggets else "not_found",
        "nuggets": [[nugget] for nugget in nuggets],
        "gold": quotes,
    } | values


CASES = [
    line(
        "cost",
        "How much did the container quay of the Port of Elsin cost?",
        {"number": 42_000_000},
        gold="The quay cost 42 million euros.",
    ),
    line(
        "leader",
        "Who led the building of the quay?",
        "Ada Moreau",
        gold="Ada Moreau led the building of the quay.",
    ),
    line("height", "How tall is the lighthouse of Elsin?", {"number": 61}),
    line("moon", "What is the chemical formula of caffeine?"),
]


@pytest.fixture
def settings(make_settings: MakeSettings, small_corpus: Path, tmp_path: Path) -> Settings:
    return make_settings(tmp_path / "data", corpus_dir=small_corpus)


def test_our_cases_are_asked_of_any_folder_of_documents(settings: Settings, write_lines: Write) -> None:
    run = evaluate(Plan((write_lines(*CASES),)), settings)
    figures = run.report.figures["all"]
    assert run.report.failed == {}
    assert figures["citation_integrity"].value == 1.0
    assert figures["passages_success@5"].value == 1.0
    assert run.report.controls["gold sentences"]["right"].n == 4
    assert run.report.index_id
    assert {record.id for record in run.records} == {"cost", "leader", "height", "moon"}
    cost = next(record for record in run.records if record.id == "cost")
    assert cost.outcome.timings_ms["total"] > 0
    assert cost.outcome.evidence


def test_one_split_and_a_sample_can_be_asked(settings: Settings, write_lines: Write) -> None:
    path = write_lines(*CASES)
    splits = {split: [c["id"] for c in CASES if c["split"] == split] for split in ("development", "test")}
    for split, ids in splits.items():
        if ids:
            run = evaluate(Plan((path,), split), settings)  # type: ignore[arg-type]
            assert [record.id for record in run.records] == ids
    assert len(evaluate(Plan((path,), limit=2), settings).records) == 2


def test_a_split_without_cases_is_an_error(settings: Settings, write_lines: Write) -> None:
    only = next(case for case in CASES if case["split"] == "test")
    with pytest.raises(InvalidCases, match="in the split 'development'"):
        evaluate(Plan((write_lines(only),), "development"), settings)


def test_questions_that_run_out_of_time_are_wrong_and_listed(settings: Settings, write_lines: Write) -> None:
    run = evaluate(Plan((write_lines(*CASES),), conditions=Conditions(timeout=1e-9)), settings)
    assert set(run.report.failed) == {"cost", "leader", "height", "moon"}
    assert run.report.figures["all"]["right"].value == 0.0


def test_answers_that_a_model_writes_are_measured(settings: Settings, write_lines: Write) -> None:
    with LLMServer("openai") as server:
        server.script(
            Reply.text("The quay cost 42 million euros. It is painted in 90 colours."),
            Reply.text("Ada Moreau led the building of the quay."),
            Reply.status(500),
        )
        llm = LanguageModelSettings(base_url=server.url, model="scripted", retries=0, seconds=30)
        plan = Plan((write_lines(*CASES),), conditions=Conditions("generative"))
        run = evaluate(plan, settings.model_copy(update={"llm": llm}))
    figures = run.report.figures["all"]
    assert figures["right_answerable"].value == 1.0
    assert figures["supported_sentences"].value == pytest.approx(3 / 4)
    assert figures["faithful"].value == 0.5
    # The fourth question is refused before any model is asked.
    assert figures["fell_back"].value == pytest.approx(1 / 3)
    assert figures["tokens_read"].value == 11
    assert [record.outcome.model for record in run.records] == ["scripted", "scripted", None, None]


def test_a_squad_file_is_asked_on_an_index_of_its_own(make_settings: MakeSettings, tmp_path: Path) -> None:
    context = "The lighthouse of Elsin was built in 1887. Ines Okafor restored its lamp."
    questions = [
        {
            "id": "built",
            "question": "When was the lighthouse of Elsin built?",
            "answers": [_answer("1887", context)],
        },
        {
            "id": "formula",
            "question": "What is the formula of caffeine?",
            "answers": [],
            "is_impossible": True,
        },
    ]
    articles = [{"title": "Elsin", "paragraphs": [{"context": context, "qas": questions}]}]
    path = tmp_path / "squad.json"
    path.write_text(json.dumps({"version": "v2.0", "data": articles}))
    run = evaluate(Plan((path,)), make_settings(tmp_path / "data"))
    assert run.report.name == "squad"
    assert run.report.documents == 1
    assert run.report.figures["all"]["passages_success@1"].value == 1.0
    assert run.report.figures["all"]["right_answerable"].value == 1.0
    assert not (tmp_path / "data" / "catalog.sqlite").exists()


def _answer(text: str, context: str) -> dict[str, object]:
    return {"text": text, "answer_start": context.index(text)}


@pytest.fixture
def beir_folder(tmp_path: Path, write_lines: Write) -> Path:
    write_lines(
        {
            "_id": "ferry",
            "title": "The Elsin ferry",
            "text": "The ferry to Varn leaves at 7:30 every morning.",
        },
        {"_id": "quay", "title": "", "text": "The new quay cost 42 million euros."},
        {"_id": "lamp", "title": "Lighthouse", "text": "Dr. Ines Okafor restored the lamp in 1998."},
        name="corpus.jsonl",
    )
    history = [
        {"role": "user", "content": "Tell me about the ferry to Varn."},
        {"role": "assistant", "content": "The ferry to Varn leaves every morning."},
    ]
    write_lines(
        {"_id": "q1", "text": "How much was the quay?"},
        {"_id": "q2", "text": "When does it leave?", "history": history},
        name="queries.jsonl",
    )
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\tquay\t1\nq2\tferry\t1\n")
    return tmp_path


def test_a_beir_folder_is_searched_with_the_histories_of_its_queries(
    make_settings: MakeSettings, beir_folder: Path
) -> None:
    run = evaluate(Plan((beir_folder,)), make_settings(beir_folder / "data"))
    assert run.report.figures["all"]["documents_ndcg@10"].value == 1.0
    assert run.report.figures["all"]["documents_success@1"].n == 2
    _, follow_up = run.records
    assert "it" not in follow_up.outcome.standalone_question.split()
    assert follow_up.outcome.status == "retrieved"


def test_an_ablation_has_a_row_a_configuration(make_settings: MakeSettings, beir_folder: Path) -> None:
    rows = ablate(Plan((beir_folder,)), make_settings(beir_folder / "data"))
    assert [row.name for row in rows] == ["full pipeline", "dense only", "BM25 only", "fused by rank"]
    assert all("documents_ndcg@10" in row.changes for row in rows[1:])


def test_documents_that_cannot_be_read_are_an_error(
    settings: Settings, write_lines: Write, small_corpus: Path
) -> None:
    (small_corpus / "broken.md").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(InvalidInput, match="documents cannot be read"):
        evaluate(Plan((write_lines(*CASES),)), settings)


def test_a_decision_is_fitted_and_stored_with_what_it_was_fitted_on(
    settings: Settings, write_lines: Write, tmp_path: Path
) -> None:
    questions = [("cost", "How much did the quay cost?", "The quay cost 42 million euros.")]
    questions += [("leader", "Who led the building of the quay?", "Ada Moreau led the building of the quay.")]
    lines = [
        line(f"{name}-{n}", question, gold, gold=gold)
        for name, question, gold in questions
        for n in range(12)
    ] + [line(f"caffeine-{n}", "What is the formula of caffeine?") for n in range(12)]
    path = write_lines(*lines)
    decision = fit_decision((path,), settings)
    assert decision.fit.cases == sum(entry["split"] == "development" for entry in lines)
    assert decision.fit.auroc > 0.9
    stored = tmp_path / "calibration.json"
    write(decision, stored)
    content = json.loads(stored.read_text())
    assert len(content["feature_names"]) == len(content["weights"]) == len(content["prior"])
    assert content["fitted_on"]["reader_sha256"] == reader_sha256()
    (collection,) = content["fitted_on"]["collections"]
    assert collection["index_id"]
    assert collection["cases"] == decision.fit.cases
    assert collection["auroc"] == pytest.approx(decision.fit.auroc, abs=1e-4)
    assert 0 < content["threshold"] < 1
    assert {"threshold", "refused_answerable", "answered_unanswerable"} <= content["error_rates"][0].keys()


def test_each_collection_of_a_decision_counts_as_much_as_any_other(
    settings: Settings, write_lines: Write, tmp_path: Path
) -> None:
    few = write_lines(
        *(
            line(f"few-{n}", "How much did the quay cost?", "The quay cost 42 million euros.")
            for n in range(8)
        ),
        *(line(f"none-{n}", "What is the formula of caffeine?") for n in range(8)),
    )
    lamps = [
        {
            "title": f"Lamp {number}",
            "split": "development" if number % 2 else "train",
            "paragraphs": [
                {
                    "section": f"Lamp {number}",
                    "context": f"The lamp of tower {number} was lit in {1800 + number}.",
                    "qas": [
                        {
                            "id": f"lit-{number}",
                            "question": f"When was the lamp of tower {number} lit?",
                            "answers": [{"text": str(1800 + number), "answer_start": 31 + len(str(number))}],
                        },
                        {"id": f"cost-{number}", "question": "What does coffee cost?", "answers": []},
                    ],
                }
            ],
        }
        for number in range(30)
    ]
    many = tmp_path / "lamps.json"
    many.write_text(json.dumps({"data": lamps}))
    decision = fit_decision((few, many), settings)
    assert [its.collection for its in decision.collections] == [few.stem, "lamps"]
    # 15 of the 30 lamps are of the development split; those of "train" are read, not asked about
    assert decision.collections[1].cases == 30
    assert decision.fit.cases == sum(its.cases for its in decision.collections)

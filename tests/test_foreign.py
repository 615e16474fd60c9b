"""Questions in languages that the models do not read are told from English ones, and only those."""

from __future__ import annotations

import pytest

from eval.languages import bundled_languages, load_languages
from rag.foreign import LanguageGate, reads_many_languages
from rag.ports import Embedder


@pytest.fixture(scope="module")
def gate(embedder: Embedder) -> LanguageGate:
    return LanguageGate(embedder, embedder_reads_all=False, reader_reads_all=False)


@pytest.mark.parametrize(
    "question",
    [
        "Who is 山田太郎?",
        "What does 再生医療 mean?",
        "Where was Søren Kierkegaard born?",
        "Rio de Janeiro",
        "Casa de la Moneda Madrid",
        'What does "je ne sais quoi" mean?',
        "regenerative medicine",
        "GoldNanoTech",
        "wat is the capitl of japn",
        "orgnizer of missoin",
        "How old is Zlatan Ibrahimović?",
        "?",
        "42",
        "🚢",
        "",
    ],
)
def test_names_key_words_and_typos_are_let_through(gate: LanguageGate, question: str) -> None:
    assert gate(question) is None


@pytest.mark.parametrize(
    "question",
    [
        "再生医療とは何ですか？",
        "iPSC是什么",
        "Akousist展示了什麼？",
        "대표단은 언제 도쿄에 왔나요?",
        "Кто организовал миссию?",
        "من نظم البعثة؟",
        "¿Quién organizó la misión?",
        "Wer leitet BPIPO?",
        "Où est la clinique ?",
        "Hvem ejer bryggeriet?",
        "Kapan museum dibuka?",
    ],
)
def test_other_languages_are_refused_with_what_to_configure(gate: LanguageGate, question: str) -> None:
    said = gate(question)
    assert said is not None
    assert "RAG_EMBEDDING_MODEL" in said
    assert "mission-record ingest" in said


def test_what_is_refused_depends_on_what_the_models_read(embedder: Embedder) -> None:
    question = "Wer leitet BPIPO?"
    assert LanguageGate(embedder, embedder_reads_all=True, reader_reads_all=True)(question) is None
    said = LanguageGate(embedder, embedder_reads_all=True, reader_reads_all=False)(question)
    assert said is not None
    assert "RAG_READER_MODEL" in said


def test_the_default_model_reads_english_alone(embedder: Embedder) -> None:
    assert not reads_many_languages(embedder)


def test_the_cases_are_told_apart(gate: LanguageGate) -> None:
    cases = load_languages(bundled_languages())
    english = [case for case in cases if case.language == "en"]
    others = [case for case in cases if case.language != "en"]
    for split, refused in (("development", 0.95), ("test", 0.85)):
        asked = [case for case in others if case.split == split]
        assert len(asked) >= 100
        assert len({case.language for case in asked}) >= 10
        assert sum(gate.is_foreign(case.question) for case in asked) / len(asked) >= refused
        assert sum(case.split == split for case in english) >= 100
    assert [case.question for case in english if gate.is_foreign(case.question)] == []

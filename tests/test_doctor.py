"""The doctor: a healthy installation is well, and each thing that can be wrong is named with what to do."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rag.catalog import CATALOG_FILE
from rag.doctor import Finding, examine, mend
from rag.formats import read
from rag.settings import LanguageModelSettings, Settings
from rag.wiring import Application, build
from tests.contracts.index import only_collection
from tests.llm_server import LLMServer, Reply

SECRET = "sk-not-to-be-seen-4711"
MakeSettings = Callable[..., Settings]


def wrong(application: Application) -> dict[str, str]:
    """What is not well, by subject."""
    return {finding.subject: finding.detail for finding in examine(application) if not finding.well}


def test_all_is_well_with_a_fresh_index(small_application: Application) -> None:
    findings = examine(small_application)
    assert all(isinstance(finding, Finding) and finding.well for finding in findings), findings
    details = {finding.subject: finding.detail for finding in findings}
    assert "3 readable files" in details["documents"]
    assert "384 dimensions, int8" in details["embedding model"]
    assert "3 documents" in details["index"]
    assert "recall@" in details["contents"]
    assert details["language model"] == "none configured; answers are extractive"


def language_model(settings: Settings, **values: str) -> Finding:
    llm = LanguageModelSettings(model="harbour-7b", retries=0, **values)  # type: ignore[arg-type]
    application = build(settings.model_copy(update={"llm": llm}))
    *_, found = examine(application)
    application.close()
    return found


def test_a_language_model_that_writes(tmp_path: Path, make_settings: MakeSettings) -> None:
    with LLMServer(key=SECRET) as server:
        server.script(Reply.text("Ready."))
        found = language_model(make_settings(tmp_path), base_url=server.url, api_key=SECRET)
        assert found == Finding("language model", True, f"harbour-7b writes; openai at {server.url}")


def test_a_language_model_that_does_not_write(tmp_path: Path, make_settings: MakeSettings) -> None:
    settings = make_settings(tmp_path)
    with LLMServer(models=["quay-70b"], key=SECRET) as server:
        server.script(Reply.status(404))
        unknown = language_model(settings, base_url=server.url, api_key=SECRET)
        locked = language_model(settings, base_url=server.url, api_key=f"{SECRET}-wrong")
    gone = language_model(settings, base_url=server.url, api_key=SECRET)
    assert "'harbour-7b' is not among its models: quay-70b." in unknown.detail
    assert "Set RAG_LLM__API_KEY" in locked.detail
    assert "See that the server runs and that RAG_LLM__BASE_URL is its address" in gone.detail
    for found in (unknown, locked, gone):
        assert not found.well
        assert server.url in found.detail
        assert SECRET not in found.detail


def test_a_language_model_whose_library_is_missing(
    tmp_path: Path, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ollama", None)
    found = language_model(make_settings(tmp_path), provider="ollama")
    assert not found.well
    assert "pip install 'mission-record[ollama]'" in found.detail


def test_looking_changes_nothing(tmp_path: Path, small_corpus: Path, make_settings: MakeSettings) -> None:
    assert wrong(build(make_settings(tmp_path / "data", corpus_dir=small_corpus))).keys() == {
        "index",
        "contents",
    }
    assert not (tmp_path / "data").exists()


def test_an_index_that_is_not_there(tmp_path: Path, small_corpus: Path, make_settings: MakeSettings) -> None:
    found = wrong(build(make_settings(tmp_path / "data", corpus_dir=small_corpus)))
    assert found.keys() == {"index", "contents"}
    assert "Run `mission-record ingest`" in found["index"]


def test_documents_that_are_not_there(tmp_path: Path, make_settings: MakeSettings) -> None:
    found = wrong(build(make_settings(tmp_path / "data", corpus_dir=tmp_path / "nowhere")))
    assert "nowhere" in found["documents"]
    assert "Set --corpus or RAG_CORPUS_DIR" in found["documents"]


def test_a_folder_without_anything_to_read(tmp_path: Path, make_settings: MakeSettings) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "paper.djvu").write_bytes(b"AT&T")
    (tmp_path / "corpus" / "nowhere.md").symlink_to("missing")
    found = wrong(build(make_settings(tmp_path / "data", corpus_dir=tmp_path / "corpus")))
    assert "holds no file that can be read" in found["documents"]
    assert ".md" in found["documents"]


def test_a_data_folder_that_is_a_file(
    tmp_path: Path, small_corpus: Path, make_settings: MakeSettings
) -> None:
    (tmp_path / "data").write_text("in the way")
    found = wrong(build(make_settings(tmp_path / "data", corpus_dir=small_corpus)))
    assert "Set --data-dir or RAG_DATA_DIR" in found["data folder"]


def test_folders_without_permission(
    small_corpus: Path, make_settings: MakeSettings, unprivileged: Path
) -> None:
    closed = unprivileged / "closed"
    closed.mkdir()
    closed.chmod(0)
    for settings in (
        make_settings(closed / "data", corpus_dir=closed / "corpus"),
        make_settings(closed, corpus_dir=closed),
    ):
        found = wrong(build(settings))
        assert found.keys() >= {"documents", "data folder", "embedding model", "index"}
        assert "Set --data-dir or RAG_DATA_DIR" in found["data folder"]
    closed.chmod(0o755)


def test_a_model_that_is_not_there(tmp_path: Path, small_corpus: Path) -> None:
    settings = Settings(
        data_dir=tmp_path, corpus_dir=small_corpus, embedding_model="nobody/nothing", download_models=False
    )
    assert "nobody/nothing" in wrong(build(settings))["embedding model"]


def test_an_index_of_another_passage_size(
    small_application: Application, make_settings: MakeSettings
) -> None:
    settings = small_application.settings
    other = build(make_settings(settings.data_dir, corpus_dir=settings.corpus_dir, passage_tokens=64))
    found = wrong(other)
    assert found.keys() == {"index"}
    assert "Run `mission-record ingest`" in found["index"]
    other.close()


def test_a_damaged_catalog(small_application: Application) -> None:
    small_application.close()
    (small_application.settings.data_dir / CATALOG_FILE).write_bytes(b"no database at all")
    found = wrong(small_application)
    assert found.keys() == {"index", "contents"}
    assert "Run `mission-record rebuild`" in found["index"]


def test_vectors_that_are_lost(small_application: Application) -> None:
    small_application.vectors.delete(only_collection(small_application.catalog))
    found = wrong(small_application)
    assert found.keys() == {"contents"}
    assert "0 vectors are stored, the manifest says" in found["contents"]
    assert "Run `mission-record rebuild`" in found["contents"]


def test_vectors_of_something_else(small_application: Application) -> None:
    catalog, vectors = small_application.catalog, small_application.vectors
    collection = only_collection(catalog)
    passages = [
        passage for summary in catalog.documents().documents for passage in catalog.passages_of(summary.id)
    ]
    stored = vectors.vectors(collection, [passage.id for passage in passages])
    embeddings = small_application.embedder.embed_passages([passage.text for passage in passages])
    vectors.create(collection)
    vectors.add(collection, [replace(passage, id=f"other-{passage.id}") for passage in passages], embeddings)
    assert len(stored) == vectors.count(collection)
    found = wrong(small_application)
    assert found.keys() == {"contents"}
    assert "Run `mission-record rebuild`" in found["contents"]


def test_a_vector_store_that_cannot_be_read(small_application: Application) -> None:
    small_application.close()
    folder = small_application.settings.data_dir / "chroma"
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "chroma.sqlite3").write_bytes(b"no database at all" * 100)
    found = wrong(small_application)
    assert found.keys() == {"contents"}
    assert "Run `mission-record rebuild`" in found["contents"]
    small_application.synchronise(rebuild=True)
    assert wrong(small_application) == {}


def test_what_is_wrong_is_mended_and_said(small_application: Application) -> None:
    small_application.close()
    data = small_application.settings.data_dir
    (data / "corpus.part").write_text("[")
    (data / "chroma" / "chroma.sqlite3").write_bytes(b"no database at all" * 1_000)
    done = mend(small_application)
    assert done[0].startswith(f"removed {data / 'corpus.part'}")
    assert done[1].startswith("made the index anew. It was damaged")
    assert wrong(small_application) == {}
    assert mend(small_application) == []


def test_readers_that_are_missing_are_counted(
    small_application: Application, small_corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (small_corpus / "report.PDF").write_bytes(b"%PDF-1.4")
    monkeypatch.setattr(read, "find_spec", lambda name: None)
    found = {finding.subject: finding for finding in examine(small_application)}["readers"]
    assert not found.well
    assert "1 .pdf" in found.detail
    assert "pip install 'mission-record[documents]'" in found.detail

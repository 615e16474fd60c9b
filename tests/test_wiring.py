"""An Application from Settings: nothing before it is needed, everything once, and one record behind all of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rag.domain import Question
from rag.errors import IndexEmpty, IndexMismatch, InvalidSettings, LanguageModelError, ModelMissing
from rag.ports import Message
from rag.settings import LanguageModelSettings, Settings
from rag.wiring import Application, build
from tests.llm_server import LLMServer, Reply

MakeSettings = Callable[..., Settings]


def test_building_opens_and_writes_nothing(tmp_path: Path, make_settings: MakeSettings) -> None:
    application = build(make_settings(tmp_path / "data"))
    assert not (tmp_path / "data").exists()
    application.close()


def test_an_application_without_an_index_says_so(tmp_path: Path, make_settings: MakeSettings) -> None:
    application = build(make_settings(tmp_path / "data"))
    with pytest.raises(IndexEmpty, match="mission-record ingest"):
        application.check()
    with pytest.raises(IndexEmpty, match="mission-record ingest"):
        application.pipeline.ask(Question("Who?"))


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, embedding_model="nobody/no-such-model", download_models=False)
    with pytest.raises(ModelMissing, match="nobody/no-such-model"):
        build(settings).synchronise()


def test_a_reader_that_is_not_there_is_named_with_its_setting(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, reader_model="nobody/no-such-reader", download_models=False)
    with pytest.raises(ModelMissing, match="nobody/no-such-reader"):
        _ = build(settings).reader
    folder = Settings(data_dir=tmp_path, reader_model="./nowhere/at all", download_models=False)
    with pytest.raises(ModelMissing, match="RAG_READER_MODEL"):
        _ = build(folder).reader


def test_what_is_heavy_is_loaded_once_by_however_many_threads(
    tmp_path: Path, small_corpus: Path, make_settings: MakeSettings
) -> None:
    application = build(make_settings(tmp_path / "data", corpus_dir=small_corpus))
    with ThreadPoolExecutor(8) as threads:
        assert len({id(found) for found in threads.map(lambda _: application.pipeline, range(8))}) == 1
    assert application.embedder is application.embedder
    application.close()


def test_an_ingested_folder_can_be_asked_at_once(small_application: Application, small_corpus: Path) -> None:
    manifest = small_application.check()
    assert manifest.documents == 3
    answer = small_application.pipeline.ask(Question("How tall is the lighthouse of Elsin?"))
    assert answer.status == "answered"
    assert "61 metres" in answer.answer
    assert answer.index_id == manifest.index_id


def test_a_change_is_seen_by_a_pipeline_that_is_already_there(
    small_application: Application, small_corpus: Path
) -> None:
    question = Question("How tall is the lighthouse of Elsin?")
    before = small_application.pipeline.ask(question)
    text = (small_corpus / "lighthouse.txt").read_text(encoding="utf-8")
    (small_corpus / "lighthouse.txt").write_text(text.replace("61 metres", "75 metres"), encoding="utf-8")
    report = small_application.synchronise()
    assert report.updated == ("lighthouse",)
    after = small_application.pipeline.ask(question)
    assert "75 metres" in after.answer
    assert "61 metres" not in "".join(hit.passage.text for hit in after.retrieved)
    assert after.index_id == report.index_id != before.index_id


def test_an_index_of_another_passage_size_is_refused_until_it_is_made_anew(
    small_application: Application, make_settings: MakeSettings
) -> None:
    settings = small_application.settings
    other = build(make_settings(settings.data_dir, corpus_dir=settings.corpus_dir, passage_tokens=100))
    with pytest.raises(IndexMismatch, match="mission-record ingest"):
        other.check()
    with pytest.raises(IndexMismatch, match="mission-record ingest"):
        other.pipeline.ask(Question("Who?"))
    assert other.synchronise().embedded
    assert other.check().documents == 3
    other.close()


def test_a_closed_application_opens_again(small_application: Application) -> None:
    small_application.close()
    assert small_application.check().documents == 3
    assert small_application.pipeline.search("ferry", 1).hits[0].passage.document_id == "ferry"


def test_the_folders_of_the_last_ingest_are_remembered(tmp_path: Path, make_settings: MakeSettings) -> None:
    folders = [tmp_path / "ships", tmp_path / "ports"]
    for folder in folders:
        folder.mkdir()
        (folder / "a.md").write_text(f"All about {folder.name}.")
    application = build(make_settings(tmp_path / "data"))
    assert application.corpus == (application.settings.corpus_dir,)
    assert application.synchronise(corpus=folders).added == ("ports-a", "ships-a")
    application.close()
    again = build(make_settings(tmp_path / "data"))
    assert [path.resolve() for path in again.corpus] == folders
    (folders[0] / "b.md").write_text("More about ships.")
    assert again.synchronise().added == ("ships-b",)
    again.close()
    chosen = build(make_settings(tmp_path / "data", corpus_dir=folders[1]))
    assert chosen.corpus == (folders[1],)
    assert chosen.synchronise().removed == ("ports-a", "ships-a", "ships-b")
    chosen.close()


def test_without_a_provider_there_is_no_language_model(tmp_path: Path, make_settings: MakeSettings) -> None:
    assert build(make_settings(tmp_path / "data")).language_model is None


def test_the_language_model_is_made_once_and_lets_go_when_closed(
    tmp_path: Path, make_settings: MakeSettings
) -> None:
    with LLMServer() as server:
        llm = LanguageModelSettings(base_url=server.url)
        application = build(make_settings(tmp_path / "data", llm=llm))
        model = application.language_model
        assert model is not None
        assert model is application.language_model
        assert server.requests == []
        server.script(Reply.stalled("and so on "))
        pieces = model.write([Message("user", "Go on.")], 100)
        next(pieces)
        application.close()
        assert server.requests[0].ended.wait(10)
        with pytest.raises(LanguageModelError):
            list(pieces)


def test_nothing_of_telemetry_is_loaded_unless_a_collector_is_named(tmp_path: Path) -> None:
    """In a process of its own, since other tests load it. (Chroma brings and loads parts of OpenTelemetry itself.)"""
    code = (
        "import sys\n"
        "from rag.api.app import create_app\n"
        "from rag.settings import load_settings\n"
        "from rag.wiring import build\n"
        "create_app(build(load_settings()))\n"
        "print([name for name in sys.modules if name == 'rag.telemetry' or '.otlp.proto.http' in name])\n"
    )
    environment = os.environ | {"RAG_DATA_DIR": str(tmp_path), "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x:4318"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_telemetry_that_is_not_installed_is_named_with_what_installs_it(
    tmp_path: Path, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "rag.telemetry", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    application = build(make_settings(tmp_path / "data", telemetry_endpoint="http://127.0.0.1:4318"))
    with pytest.raises(
        InvalidSettings, match=r"RAG_TELEMETRY_ENDPOINT .*pip install 'mission-record\[telemetry\]'"
    ):
        _ = application.telemetry

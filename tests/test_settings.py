"""Settings: the environment, what wins, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rag.domain import ReadingLimits
from rag.errors import InvalidSettings
from rag.settings import Settings, bundled_corpus, load_settings

RAG = Path(__file__).parent.parent / "rag"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in [name for name in os.environ if name.startswith("RAG_")]:
        monkeypatch.delenv(name)


def test_the_defaults_serve_the_bundled_record_to_this_machine_alone() -> None:
    settings = load_settings()
    assert settings.corpus_dir == bundled_corpus()
    assert any(settings.corpus_dir.glob("*.md"))
    assert settings.host == "127.0.0.1"
    assert settings.data_dir == Path(".mission-record")
    assert settings.models_dir == settings.data_dir / "models"


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RAG_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("RAG_CORPUS_DIR", str(tmp_path / "docs"))
    monkeypatch.setenv("RAG_PORT", "9000")
    monkeypatch.setenv("RAG_MODEL_CACHE_DIR", "~/models")
    settings = load_settings()
    assert (settings.data_dir, settings.corpus_dir, settings.port) == (
        tmp_path / "data",
        tmp_path / "docs",
        9000,
    )
    assert settings.models_dir == Path.home() / "models"


def test_the_limits_of_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().reading == ReadingLimits()
    monkeypatch.setenv("RAG_READ_SECONDS", "2.5")
    monkeypatch.setenv("RAG_READ_MEMORY_MB", "512")
    monkeypatch.setenv("RAG_READ_PAGES", "10")
    assert load_settings().reading == ReadingLimits(seconds=2.5, memory_bytes=512 * 2**20, pages=10)


def test_an_argument_wins_over_the_environment_unless_it_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_PORT", "9000")
    assert load_settings(port=9001).port == 9001
    assert load_settings(port=None).port == 9000


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_DATA_DIR", "")
    monkeypatch.setenv("RAG_CORPUS_DIR", "")
    monkeypatch.setenv("RAG_PORT", "")
    assert load_settings() == Settings()
    assert load_settings().data_dir == Path(".mission-record")
    assert load_settings().corpus_dir == bundled_corpus()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RAG_PORT", "99999"),
        ("RAG_PORT", "eighty"),
        ("RAG_THREADS", "0"),
        ("RAG_PASSAGE_TOKENS", "5"),
        ("RAG_CANDIDATES", "-1"),
        ("RAG_DOWNLOAD_MODELS", "perhaps"),
        ("RAG_DATA_DIR", "~no-such-user-here/data"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings, match=rf"{name} = '{re.escape(value)}': "):
        load_settings()


def test_all_values_that_cannot_be_used_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_PORT", "-1")
    monkeypatch.setenv("RAG_THREADS", "many")
    with pytest.raises(InvalidSettings, match=r"(?s)RAG_THREADS.*RAG_PORT|RAG_PORT.*RAG_THREADS"):
        load_settings()


def test_an_argument_that_is_no_setting_is_refused() -> None:
    with pytest.raises(InvalidSettings, match="RAG_COLOUR"):
        load_settings(colour="red")


def test_only_the_settings_read_the_environment() -> None:
    readers = [
        path.relative_to(RAG).as_posix()
        for path in RAG.rglob("*.py")
        if re.search(
            r"os\.(environ|getenv)|from os import .*(environ|getenv)", path.read_text(encoding="utf-8")
        )
    ]
    assert readers == []

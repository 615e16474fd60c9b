"""Settings: the environment, what wins, and what is refused."""

from __future__ import annotations

import re
import traceback
from pathlib import Path

import pytest

from rag.domain import ReadingLimits
from rag.errors import InvalidSettings
from rag.settings import LanguageModelSettings, Settings, bundled_corpus, load_settings

SECRET = "sk-not-to-be-seen-4711"
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


def given(monkeypatch: pytest.MonkeyPatch, **values: str) -> LanguageModelSettings:
    for name, value in values.items():
        monkeypatch.setenv(f"RAG_LLM__{name}", value)
    return load_settings().llm


def test_no_language_model_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().llm.provider == "none"
    assert given(monkeypatch, PROVIDER="", BASE_URL="", MODEL="", API_KEY="") == LanguageModelSettings()


def test_two_variables_are_enough_for_a_language_model(monkeypatch: pytest.MonkeyPatch) -> None:
    llm = given(monkeypatch, BASE_URL="http://127.0.0.1:8001/v1/", MODEL="harbour-7b")
    assert (llm.provider, llm.base_url, llm.model) == ("openai", "http://127.0.0.1:8001/v1", "harbour-7b")
    assert llm.patience == 10


@pytest.mark.parametrize(
    "values",
    [
        {"BASE_URL": "http://127.0.0.1:8001"},
        {"PROVIDER": "ollama"},
        {"PROVIDER": "ollama", "MODEL": "llama3"},
        {"PROVIDER": "openai", "MODEL": "gpt-4o", "API_KEY": SECRET},
        {"PROVIDER": "anthropic", "MODEL": "claude-sonnet-4-5", "API_KEY": SECRET},
        {"PROVIDER": "anthropic", "BASE_URL": "https://gateway.example"},
        {"PROVIDER": "none", "MODEL": "harbour-7b", "BASE_URL": "http://127.0.0.1:8001"},
    ],
)
def test_what_is_enough_for_a_language_model(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    assert given(monkeypatch, **values).provider == values.get("PROVIDER", "openai")


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"PROVIDER": "openai"}, "RAG_LLM__MODEL and RAG_LLM__API_KEY must be set as well"),
        ({"PROVIDER": "openai", "MODEL": "gpt-4o"}, "RAG_LLM: RAG_LLM__API_KEY must be set as well"),
        ({"PROVIDER": "anthropic", "API_KEY": SECRET}, "RAG_LLM: RAG_LLM__MODEL must be set as well"),
        ({"MODEL": "llama3"}, "RAG_LLM__MODEL is set, but neither"),
        ({"API_KEY": SECRET}, "RAG_LLM__API_KEY is set, but neither"),
        ({"PROVIDER": "bard"}, "RAG_LLM__PROVIDER = 'bard': Input should be 'none', 'openai'"),
        ({"BASE_URL": "localhost:8001"}, "RAG_LLM__BASE_URL: write the address as http://"),
        ({"BASE_URL": "http://"}, "RAG_LLM__BASE_URL: write the address as http://"),
        ({"BASE_URL": f"http://me:{SECRET}@host"}, "RAG_LLM__BASE_URL: a key does not belong in the address"),
        ({"BASE_URL": f"http://host:{SECRET}"}, "RAG_LLM__BASE_URL: write the address"),
        ({"BASE_URL": "http://host", "API_KEY": f"{SECRET}…"}, "RAG_LLM__API_KEY: a key holds plain"),
        ({"BASE_URL": "http://host", "API_KEY": f"{SECRET}\nx"}, "RAG_LLM__API_KEY: a key holds plain"),
        ({"APIKEY": SECRET}, "RAG_LLM__APIKEY: Extra inputs"),
        ({"BASE_URL": "http://host", "API_KEY": SECRET, "SECONDS": "0"}, "RAG_LLM__SECONDS = '0': "),
        (
            {"BASE_URL": "http://host", "API_KEY": SECRET, "ANSWER_TOKENS": "9000"},
            "RAG_LLM__ANSWER_TOKENS must be less than RAG_LLM__CONTEXT_TOKENS",
        ),
    ],
)
def test_what_is_wrong_with_a_language_model_is_named_and_no_key_is_shown(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], problem: str
) -> None:
    with pytest.raises(InvalidSettings) as raised:
        given(monkeypatch, **values)
    assert problem in str(raised.value)
    assert SECRET not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("group", ["LLM", "CHROMA"])
@pytest.mark.parametrize(
    "value", [SECRET, f'{{"api_key": "{SECRET}", "nothing": "{SECRET}"}}', f'["{SECRET}"]']
)
def test_a_group_that_cannot_be_read_is_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, group: str, value: str
) -> None:
    monkeypatch.setenv(f"RAG_{group}", value)
    with pytest.raises(InvalidSettings, match=f"RAG_{group}") as raised:
        load_settings()
    assert SECRET not in "".join(traceback.format_exception(raised.value))


def test_settings_that_are_printed_show_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_CHROMA__TOKEN", SECRET)
    given(monkeypatch, PROVIDER="ollama", API_KEY=SECRET)
    settings = load_settings()
    assert settings.llm.api_key.get_secret_value() == SECRET
    assert SECRET not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"


def test_nothing_is_sent_to_a_collector_unless_this_program_is_told_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """OpenTelemetry's own variable is often set for a whole machine, for other programs."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")
    assert load_settings().telemetry_endpoint == ""
    monkeypatch.setenv("RAG_TELEMETRY_ENDPOINT", "http://127.0.0.1:4318/")
    assert load_settings().telemetry_endpoint == "http://127.0.0.1:4318"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("collector:4318", "write the address"),
        ("grpc://collector", "write the address"),
        (f"http://host:{SECRET}", "write the address"),
        (f"https://me:{SECRET}@host", "OTEL_EXPORTER_OTLP_HEADERS"),
        (f"https://host/?key={SECRET}", "OTEL_EXPORTER_OTLP_HEADERS"),
    ],
)
def test_what_is_wrong_with_a_collector_is_named_and_no_key_is_shown(
    monkeypatch: pytest.MonkeyPatch, value: str, problem: str
) -> None:
    monkeypatch.setenv("RAG_TELEMETRY_ENDPOINT", value)
    with pytest.raises(InvalidSettings, match=f"RAG_TELEMETRY_ENDPOINT: .*{problem}") as raised:
        load_settings()
    assert SECRET not in "".join(traceback.format_exception(raised.value))


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

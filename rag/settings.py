"""All that can be configured, read from the environment (prefix `RAG_`) in one place."""

from __future__ import annotations

import ipaddress
import os
from importlib.resources import files
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from rag.domain import FetchLimits, ReadingLimits, WorkLimits
from rag.errors import InvalidSettings

# Settings in groups, and those of them whose values are never shown; nor is a group as a whole, or a misspelt setting.
GROUPS, HIDDEN = {"chroma", "llm"}, {"api_key", "token", "base_url", "url"}
# Those outside groups whose values are never shown either.
PRIVATE = {"telemetry_endpoint"}
BUNDLED, NO_READER = "bundled", "none"
# A page of the window takes some 60 requests.
DEFAULT_RATE = 600
DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"


def bundled_corpus() -> Path:
    """The record that comes with the program: inside an installed package, or beside it in a checkout."""
    installed = Path(str(files("rag"))) / "bundled_corpus" / "documents"
    return (
        installed if installed.is_dir() else Path(__file__).resolve().parent.parent / "corpus" / "documents"
    )


class ChromaSettings(BaseModel):
    """A Chroma server that holds the vectors, in place of the data folder: `RAG_CHROMA__URL` ..."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: str = Field("", description="http://host:8000; unset, the vectors are in the data folder")
    token: SecretStr | None = Field(None, description="sent with every request, for a proxy in front of it")
    token_header: str = Field("Authorization", min_length=1, description="the header that carries the token")
    ca_file: Path | None = Field(None, description="certificates to trust, in place of the system's")
    tenant: str = Field("default_tenant", min_length=1)
    database: str = Field("default_database", min_length=1)
    namespace: str = Field(
        "mission-record",
        pattern=r"^[a-zA-Z0-9](?:[a-zA-Z0-9_-]{0,98}[a-zA-Z0-9])?$",
        description="begins the names of this record's collections; each record on a server needs its own",
    )
    seconds: float = Field(10, gt=0, le=3_600, description="longest wait for an answer of the server")

    @field_validator("url")
    @classmethod
    def _check_address(cls, value: str) -> str:
        address = urlsplit(value)
        if value and (address.scheme not in {"http", "https"} or not address.hostname):
            raise ValueError("write the address as http://host:port or https://host")
        if address.username or address.password:
            raise ValueError("a password does not belong in the address; set RAG_CHROMA__TOKEN")
        if address.path.strip("/") or address.query:
            raise ValueError("the address ends with the port; a path is not supported")
        return value.rstrip("/")


class LanguageModelSettings(BaseModel):
    """An LLM that writes answers: `RAG_LLM__PROVIDER`, `RAG_LLM__MODEL` ... Where only `BASE_URL` is set, `openai`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    provider: Literal["none", "openai", "ollama", "anthropic"] = Field(
        "none", description="`openai` is for every server that speaks its protocol"
    )
    model: str = Field("", description="its name; where a server with a single model was named, that one")
    base_url: str = Field("", description="of the server; the provider's own if unset")
    api_key: SecretStr = Field(SecretStr(""), description="sent to the server, shown nowhere")
    seconds: float | None = Field(
        None,
        gt=0,
        le=3_600,
        description="longest silence; 10 if unset, 30 for Ollama, which may load a model",
    )
    total_seconds: float = Field(60, gt=0, le=86_400, description="longest that one answer may take")
    retries: int = Field(2, ge=0, le=10, description="further attempts, before anything is written")
    context_tokens: int = Field(
        8_192, ge=512, description="most that the model reads and writes for an answer"
    )
    answer_tokens: int = Field(1_024, ge=16, description="most that it writes, thinking included")
    temperature: float = Field(0.0, ge=0, le=2)
    stream: bool = Field(True, description="whether the server can send an answer piece by piece")
    gate: Literal["evidence", "names", "open"] = Field(
        "evidence",
        description="asked where the reader finds an answer; where the record has the names of the question; always",
    )
    keep_unsupported: bool = Field(
        False,
        description="whether sentences that no source supports are shown, with a mark, instead of left out",
    )

    @property
    def patience(self) -> float:
        """The longest silence, in seconds."""
        return self.seconds or (30.0 if self.provider == "ollama" else 10.0)

    @model_validator(mode="before")
    @classmethod
    def _infer_provider(cls, values: object) -> object:
        if isinstance(values, dict) and values.get("base_url") and not values.get("provider"):
            return {**values, "provider": "openai"}
        return values

    @field_validator("base_url")
    @classmethod
    def _check_address(cls, value: str) -> str:
        if value and not _is_address(value):
            raise ValueError("write the address as http://host:port/path or https://host/path")
        if "@" in value:
            raise ValueError("a key does not belong in the address; set RAG_LLM__API_KEY")
        return value.rstrip("/")

    @field_validator("api_key")
    @classmethod
    def _check_key(cls, value: SecretStr) -> SecretStr:
        key = value.get_secret_value().strip()
        if not (key.isascii() and key.isprintable()):
            raise ValueError("a key holds plain characters only; see that it was copied whole")
        return SecretStr(key)

    @model_validator(mode="after")
    def _check_complete(self) -> Self:
        key = self.api_key.get_secret_value()
        given = {"RAG_LLM__MODEL": bool(self.model), "RAG_LLM__API_KEY": bool(key)}
        if self.provider == "none":
            if any(given.values()) and "provider" not in self.model_fields_set:
                names = " and ".join(name for name in given if given[name])
                raise ValueError(f"{names} is set, but neither RAG_LLM__PROVIDER nor RAG_LLM__BASE_URL")
            return self
        if self.provider != "ollama" and not self.base_url and not all(given.values()):
            names = " and ".join(name for name in given if not given[name])
            raise ValueError(f"{names} must be set as well, or RAG_LLM__BASE_URL to a server of yours")
        if self.answer_tokens >= self.context_tokens:
            raise ValueError("RAG_LLM__ANSWER_TOKENS must be less than RAG_LLM__CONTEXT_TOKENS")
        return self


class Settings(BaseSettings):
    """Every field can be set by an environment variable: `RAG_DATA_DIR`, `RAG_CORPUS_DIR`, `RAG_PORT` ..."""

    model_config = SettingsConfigDict(
        env_prefix="RAG_",
        env_nested_delimiter="__",
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
    )

    data_dir: Path = Field(Path(".mission-record"), description="holds the index; can be rebuilt at any time")
    corpus_dir: Path = Field(default_factory=bundled_corpus, description="the folder of documents")
    embedding_model: str = Field(DEFAULT_MODEL, min_length=1, description="name on the hub, or a folder")
    embedding_precision: Literal["int8", "float32"] = Field(
        "int8", description="of its products; int8 is kept to where its vectors come near those of float32"
    )
    reader_model: str = Field(
        BUNDLED,
        description="`bundled`, `none`, or a BERT that points at spans or grades passages: name on the hub, or folder",
    )
    model_cache_dir: Path | None = Field(
        None, description="fetched and built models; in the data folder if unset"
    )
    download_models: bool = Field(True, description="whether `ingest` and `serve` may fetch a missing model")
    languages: Literal["auto", "english", "any"] = Field(
        "auto",
        description="of questions: `auto` tells from the embedding model's vocabulary and the reader what they read",
    )
    threads: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, le=256)
    host: str = Field("127.0.0.1", min_length=1)
    port: int = Field(8000, ge=0, le=65535)
    passage_tokens: int = Field(200, ge=32, le=480, description="most tokens in a passage")
    read_seconds: float = Field(
        120, gt=0, le=86_400, description="longest that reading one document may take"
    )
    read_memory_mb: int = Field(1_024, ge=256, description="most memory of the process that reads files")
    read_file_mb: int = Field(100, ge=1, description="largest file, also within an archive")
    read_characters: int = Field(20_000_000, ge=1_000, description="longest text of one document")
    read_pages: int = Field(5_000, ge=1, description="most pages or slides of one document")
    read_archive_files: int = Field(10_000, ge=1, description="most files in an archive or mailbox")
    read_archive_mb: int = Field(1_000, ge=1, description="most that an archive may unpack to")
    read_pictures: bool = Field(
        True,
        description="whether text in pictures and scans is recognised, where the extra `ocr` is installed",
    )
    upload_files: int = Field(100, ge=1, le=1_000, description="most files in one upload")
    upload_mb: int = Field(200, ge=1, description="largest upload, all files of it together")
    fetch_hosts: str = Field(
        "",
        description="names of servers that `fetch` may take documents from, parted by commas; `*.example.org`, `*`",
    )
    fetch_networks: str = Field(
        "", description="addresses inside that it may do so from, as `10.1.0.0/16`, parted by commas"
    )
    fetch_seconds: float = Field(
        30, gt=0, le=3_600, description="longest that fetching one document may take"
    )
    follow_links: bool = Field(False, description="whether links that lead out of the folder are read")
    candidates: int = Field(50, ge=1, le=500, description="passages each retriever proposes before fusion")
    llm: LanguageModelSettings = Field(
        LanguageModelSettings(), description="the LLM that writes answers, if any"
    )

    chroma: ChromaSettings = Field(ChromaSettings(), description="a server for the vectors, if any")

    workers: int = Field(
        default_factory=lambda: min(max(os.cpu_count() or 1, 2), 8),
        ge=1,
        le=256,
        description="questions that are answered at the same time",
    )
    queue: int = Field(16, ge=0, le=10_000, description="questions that may wait for a worker")
    queue_seconds: float = Field(15, gt=0, le=3_600, description="longest that a question may wait")
    answer_seconds: float = Field(120, gt=0, le=3_600, description="longest that an answer may take")

    api_keys_file: Path | None = Field(None, description="`keys.json` in the data folder if unset")
    allow_open: bool = Field(False, description="whether others than this machine may come in without a key")
    allowed_hosts: str = Field(
        "", description="names that the server answers to, parted by commas; `*` is any. See `hosts`"
    )
    cors_origins: str = Field(
        "", description="sites whose pages may call the API, as `https://example.org`, parted by commas"
    )
    rate_per_minute: int | None = Field(
        None, ge=0, le=1_000_000, description="requests a minute of one key or address; 0: no limit"
    )
    trusted_proxies: str = Field(
        "127.0.0.1", description="addresses whose X-Forwarded-For is believed, parted by commas"
    )

    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="what a server logs")
    log_questions: bool = Field(False, description="whether questions are written into the log and spans")
    telemetry_endpoint: str = Field(
        "", description="collector that a server sends spans to (OTLP over HTTP), as `http://127.0.0.1:4318`"
    )

    @field_validator("data_dir", "corpus_dir", "model_cache_dir", "api_keys_file")
    @classmethod
    def _expand_home(cls, value: Path | None) -> Path | None:
        try:
            return value.expanduser() if value is not None else None
        except RuntimeError as error:  # "~somebody" who is not known here
            raise ValueError(f"{error} Write the path in full.") from error

    @field_validator("telemetry_endpoint")
    @classmethod
    def _check_collector(cls, value: str) -> str:
        if value and not _is_address(value):
            raise ValueError("write the address of the collector as http://host:4318 or https://host")
        if "@" in value or "?" in value:
            raise ValueError(
                "a password or key does not belong in the address; set OTEL_EXPORTER_OTLP_HEADERS"
            )
        return value.rstrip("/")

    @field_validator("fetch_networks")
    @classmethod
    def _check_networks(cls, value: str) -> str:
        for network in _listed(value):
            ipaddress.ip_network(network)
        return value

    @property
    def fetching(self) -> FetchLimits:
        """From where documents may be fetched, and how much."""
        return FetchLimits(
            hosts=tuple(_listed(self.fetch_hosts)),
            networks=tuple(map(ipaddress.ip_network, _listed(self.fetch_networks))),
            most_bytes=self.read_file_mb * 2**20,
            seconds=self.fetch_seconds,
        )

    @property
    def models_dir(self) -> Path:
        """Where fetched weights and built graphs are kept."""
        return self.model_cache_dir or self.data_dir / "models"

    @property
    def reading(self) -> ReadingLimits:
        """How far the reading of one file may go."""
        return ReadingLimits(
            seconds=self.read_seconds,
            memory_bytes=self.read_memory_mb * 2**20,
            file_bytes=self.read_file_mb * 2**20,
            characters=self.read_characters,
            pages=self.read_pages,
            archive_files=self.read_archive_files,
            archive_bytes=self.read_archive_mb * 2**20,
            recognise=self.read_pictures,
        )

    @property
    def keys_file(self) -> Path:
        """Where the API keys are kept."""
        return self.api_keys_file or self.data_dir / "keys.json"

    @property
    def is_local(self) -> bool:
        """Whether nobody but this machine can reach the server.

        A name that it answers to and that is not of this machine tells of a proxy, through which others come.
        """
        return all(_is_loopback(name) for name in (self.host, *_listed(self.allowed_hosts)))

    @property
    def hosts(self) -> frozenset[str]:
        """The names that the server answers to; `*` is any.

        Where nothing is set: on this machine its own names; beyond it any, since there the keys keep strangers out.
        """
        if self.allowed_hosts:
            return frozenset(name.lower().strip("[]") for name in _listed(self.allowed_hosts))
        if self.is_local:
            return frozenset({"localhost", "127.0.0.1", "::1", self.host.lower()})
        return frozenset({"*"})

    @property
    def origins(self) -> frozenset[str]:
        """The sites whose pages may call the API."""
        return frozenset(_listed(self.cors_origins))

    @property
    def requests_per_minute(self) -> int:
        """Of one key or address; 0: no limit, as on this machine where nothing is set."""
        if self.rate_per_minute is None:
            return 0 if self.is_local else DEFAULT_RATE
        return self.rate_per_minute

    @property
    def work(self) -> WorkLimits:
        """How many questions may be answered at a time, and for how long."""
        return WorkLimits(self.workers, self.queue, self.queue_seconds, self.answer_seconds)


def _is_address(value: str) -> bool:
    try:
        address = urlsplit(value)
        return address.scheme in {"http", "https"} and bool(address.hostname) and address.port != 0
    except ValueError:  # its words repeat what was given
        return False


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _listed(value: str) -> list[str]:
    return [part for entry in value.split(",") if (part := entry.strip())]


def load_settings(**overrides: object) -> Settings:
    """Read the settings; `overrides` that are not None win over the environment.

    Raises:
        InvalidSettings: names each setting that cannot be used, its value and what is allowed.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except SettingsError:  # its text may hold what was given, and so a key
        raise InvalidSettings(
            "Settings cannot be used: RAG_LLM and RAG_CHROMA are groups; set RAG_LLM__PROVIDER, RAG_CHROMA__URL ..."
        ) from None
    except ValidationError as error:
        problems = "; ".join(map(_describe, error.errors()))
        raise InvalidSettings(f"Settings cannot be used: {problems}") from error


def _describe(problem: ErrorDetails) -> str:
    """The setting, its value unless that may hold a key, and what is wrong with it."""
    group, *names = problem["loc"]
    name = f"RAG_{'__'.join(str(part) for part in problem['loc']).upper()}"
    hidden = group in PRIVATE or (
        group in GROUPS and (not set(names) - HIDDEN or problem["type"] == "extra_forbidden")
    )
    message = problem["msg"].removeprefix("Value error, ")
    return f"{name}: {message}" if hidden else f"{name} = {problem['input']!r}: {message}"

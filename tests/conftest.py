"""What the tests share: the real record, ingested once with the real model into a real Chroma folder."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from rag.domain import Document
from rag.formats.parser import Parser
from rag.ports import Embedder
from rag.settings import Settings
from rag.wiring import Application, build
from tests.contracts.documents import Read, read_bytes

# The same examples on every machine, however slow it is.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=100)
hypothesis.settings.load_profile("repeatable")

NOBODY = 65534

# The files that take longest, the longest first. A worker is given whole files: one of these that is begun last keeps
# it busy long after the others have nothing left to do.
LONGEST = (
    "ui/test_window.py",
    "test_cli.py",
    "test_pipeline.py",
    "test_faults.py",
    "formats/test_hostile.py",
    "ui/test_accessibility.py",
    "ui/test_record.py",
    "api/test_hostile.py",
    "ui/test_sign_in.py",
    "ui/test_pictures.py",
    "test_offline.py",
    "test_watch.py",
)

SMALL_CORPUS = {
    "harbour.md": """---
title: Harbour works
kind: project
date: "2023-05"
people: [Ada Moreau]
organisations: [Port of Elsin]
source: {title: Elsin Gazette, publisher: Elsin Press, published: 2023-06-01}
---

The Port of Elsin opened a new container quay on 4 May 2023. The quay cost 42 million euros.

## Who built it

Ada Moreau led the building of the quay. These firms took part:

- Brandt Marine Co., Ltd.
- Sól Dredging Inc.
- Okafor & Daughters
""",
    "lighthouse.txt": """The lighthouse of Elsin stands 61 metres tall. Dr. Ines Okafor restored its lamp in 1998.

Visitors may climb it on Sundays.""",
    "ferry.html": """<html><head><title>The Elsin ferry</title></head><body><h1>The Elsin ferry</h1>
<p>The ferry to Varn leaves at 7:30 every morning.</p>
<ul><li>Adults pay 12 euros.</li><li>Children travel free.</li></ul>
</body></html>""",
}


def pytest_configure() -> None:
    """Let what the tests start be interrupted, also where a shell started them in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first; the others, and the tests of each, in their order."""
    here = Path(__file__).parent
    places = {(here / name).resolve(strict=True): place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(LONGEST)))


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the model's graph is built, once for all tests."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def make_settings(models_dir: Path) -> Callable[..., Settings]:
    """Settings that share the built model and may fetch nothing."""

    def make(data_dir: Path, **values: object) -> Settings:
        return Settings(data_dir=data_dir, model_cache_dir=models_dir, download_models=False, **values)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def embedder(make_settings: Callable[..., Settings], tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    """The real model."""
    return build(make_settings(tmp_path_factory.mktemp("model"))).embedder


@pytest.fixture(scope="session")
def application(
    make_settings: Callable[..., Settings], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Application]:
    """The bundled record, ready to be asked. Tests that use it leave it as it is."""
    application = build(make_settings(tmp_path_factory.mktemp("record")))
    application.synchronise()
    yield application
    application.close()


@pytest.fixture(scope="session")
def parser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parser]:
    """A process that reads files, and is running already: another user could not start one everywhere."""
    file = tmp_path_factory.mktemp("parser") / "first.txt"
    file.write_text("Text.")
    with Parser() as parser:
        parser.read(file, file.name)
        yield parser


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Writes a file, reads it and checks what holds of every document."""

    def write_and_read(name: str, content: str | bytes) -> Document:
        return read_bytes(tmp_path, name, content)

    return write_and_read


@pytest.fixture
def small_corpus(tmp_path: Path) -> Path:
    """A folder with three documents of three formats, about something else than the bundled record."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    for name, text in SMALL_CORPUS.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def small_application(
    make_settings: Callable[..., Settings], small_corpus: Path, tmp_path: Path
) -> Iterator[Application]:
    """Those three documents, ingested."""
    application = build(make_settings(tmp_path / "data", corpus_dir=small_corpus))
    application.synchronise()
    yield application
    application.close()


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A folder of somebody who is not allowed everything, and that somebody as the user."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if os.geteuid() != 0:
            yield folder
            return
        os.chown(folder, NOBODY, NOBODY)
        try:
            os.seteuid(NOBODY)
        except OSError as error:
            pytest.skip(f"root cannot become another user here ({error}), and root may read everything")
        try:
            yield folder
        finally:
            os.seteuid(0)

"""Documents handed in and taken away, with the real model and Chroma on disk; and processes killed in between."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from rag.domain import Question, Upload
from rag.errors import DocumentNotFound, IndexBusy, IndexCorrupt
from rag.ingest import Ingest
from rag.settings import Settings
from rag.wiring import Application, build
from tests.contracts.index import check_index

ROOT = Path(__file__).parent.parent
MakeSettings = Callable[..., Settings]
BEACON = Upload("beacon.md", b"# The beacon of Varn\n\nThe beacon of Varn stands 17 metres tall.\n")
ALL = ("ferry", "harbour", "lighthouse")


def found(application: Application, query: str) -> set[str]:
    return {hit.passage.document_id for hit in application.pipeline.search(query, 20).hits}


def documents(application: Application) -> tuple[str, ...]:
    check_index(application.catalog, application.vectors)
    return tuple(sorted(summary.id for summary in application.catalog.documents().documents))


def uploaded(application: Application) -> list[str]:
    folder = application.uploads_folder
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def archive(**members: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as opened:
        for name, text in members.items():
            opened.writestr(f"{name}.md", text)
    return file.getvalue()


def test_an_upload_is_found_and_still_there_after_a_rebuild(small_application: Application) -> None:
    report = small_application.upload([BEACON])
    assert (report.added, report.unchanged, report.failed) == (("uploads-beacon",), (), ())
    answer = small_application.pipeline.ask(Question("How tall is the beacon of Varn?"))
    assert "17 metres" in answer.answer
    assert small_application.synchronise().unchanged == (*ALL, "uploads-beacon")
    small_application.synchronise(rebuild=True)
    assert "uploads-beacon" in found(small_application, "How tall is the beacon of Varn?")


def test_an_upload_does_not_read_the_folders(small_application: Application, small_corpus: Path) -> None:
    (small_corpus / "new.md").write_text("Not seen yet.")
    small_application.upload([BEACON])
    assert documents(small_application) == (*ALL, "uploads-beacon")
    assert small_application.synchronise().added == ("new",)


def test_a_version_that_cannot_be_read_leaves_the_one_before(small_application: Application) -> None:
    small_application.upload([BEACON])
    report = small_application.upload([Upload("beacon.md", b"caf\xe9\x00"), Upload("new.md", b"")])
    assert [failure.name for failure in report.failed] == ["beacon.md", "new.md"]
    assert not report.changed
    assert uploaded(small_application) == ["beacon.md"]
    assert (small_application.uploads_folder / "beacon.md").read_bytes() == BEACON.content
    assert documents(small_application) == (*ALL, "uploads-beacon")


def test_an_id_that_another_document_has_is_refused(small_application: Application) -> None:
    report = small_application.upload([Upload("mine.md", b"---\nid: ferry\n---\nAnother ferry.")])
    assert [failure.name for failure in report.failed] == ["mine.md"]
    assert "also that of ferry.html" in report.failed[0].reason
    assert uploaded(small_application) == []
    twice = [Upload("notes.md", b"One."), Upload("notes.txt", b"Two.")]
    report = small_application.upload(twice)
    assert report.added == ("uploads-notes",)
    assert "also that of uploads/notes.md" in report.failed[0].reason
    assert uploaded(small_application) == ["notes.md"]


def test_a_new_version_of_an_archive_takes_out_what_it_lacks(small_application: Application) -> None:
    report = small_application.upload([Upload("a.zip", archive(one="One buoy.", two="Two buoys."))])
    assert report.added == ("uploads-a-zip-one", "uploads-a-zip-two")
    report = small_application.upload([Upload("a.zip", archive(two="Two buoys.", three="Three buoys."))])
    assert (report.added, report.removed) == (("uploads-a-zip-three",), ("uploads-a-zip-one",))
    assert report.unchanged == ("uploads-a-zip-two",)
    small_application.delete("uploads-a-zip-two")
    assert uploaded(small_application) == ["a.zip"]
    small_application.synchronise(rebuild=True)
    assert documents(small_application) == (*ALL, "uploads-a-zip-three")


def test_what_is_deleted_stays_away_until_its_file_changes(
    small_application: Application, small_corpus: Path, make_settings: MakeSettings
) -> None:
    small_application.upload([BEACON])
    small_application.delete("uploads-beacon")
    small_application.delete("ferry")
    assert not {"uploads-beacon", "ferry"} & found(small_application, "the ferry and the beacon of Varn")
    with pytest.raises(DocumentNotFound):
        small_application.delete("ferry")
    assert (small_corpus / "ferry.html").exists()
    assert uploaded(small_application) == []
    (small_corpus / "ferry.html").rename(small_corpus / "boat.html")
    small_application.synchronise(rebuild=True)
    assert documents(small_application) == ("harbour", "lighthouse")
    again = build(make_settings(small_application.settings.data_dir, corpus_dir=small_corpus))
    assert again.synchronise().unchanged == ("harbour", "lighthouse")
    (small_corpus / "boat.html").write_text("<p>The ferry to Varn leaves at 8:30.</p>")
    assert again.synchronise().added == ("boat",)
    again.close()


def test_what_was_deleted_can_be_uploaded_again(small_application: Application, small_corpus: Path) -> None:
    small_application.delete("ferry")
    report = small_application.upload([Upload("ferry.html", (small_corpus / "ferry.html").read_bytes())])
    assert report.added == ("uploads-ferry",)
    assert "ferry" not in documents(small_application)
    assert small_application.synchronise().added == ("ferry",)


def test_with_a_document_all_its_copies_are_deleted(
    small_application: Application, small_corpus: Path
) -> None:
    content = (small_corpus / "ferry.html").read_bytes()
    (small_corpus / "boat.html").write_bytes(content)
    report = small_application.upload([Upload("ship.html", content)])
    assert [duplicate.path for duplicate in report.duplicates] == ["uploads/ship.html"]
    small_application.synchronise()
    small_application.delete("uploads-ship")
    assert uploaded(small_application) == []
    small_application.synchronise(rebuild=True)
    assert documents(small_application) == ("harbour", "lighthouse")


def test_an_index_of_another_passage_size_is_made_anew_by_an_upload(
    small_application: Application, make_settings: MakeSettings
) -> None:
    settings = small_application.settings
    other = build(make_settings(settings.data_dir, corpus_dir=settings.corpus_dir, passage_tokens=100))
    assert other.upload([BEACON]).added == ("uploads-beacon",)
    assert documents(other) == (*ALL, "uploads-beacon")
    other.close()


def test_an_upload_is_the_first_document(tmp_path: Path, make_settings: MakeSettings) -> None:
    (tmp_path / "corpus").mkdir()
    application = build(make_settings(tmp_path / "data", corpus_dir=tmp_path / "corpus"))
    assert application.upload([BEACON]).added == ("uploads-beacon",)
    application.delete("uploads-beacon")
    assert application.catalog.current() is None
    application.close()


def test_a_change_that_fails_is_undone(
    small_application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_application.upload([BEACON])
    before = small_application.check()

    def fail(*_: object) -> None:
        raise IndexCorrupt("disk gone")

    with monkeypatch.context() as patch:
        patch.setattr(Ingest, "change", fail)
        newer = Upload("beacon.md", BEACON.content.replace(b"17", b"19"))
        with pytest.raises(IndexCorrupt, match="disk gone"):
            small_application.upload([newer, Upload("other.md", b"Another.")])
        with pytest.raises(IndexCorrupt, match="disk gone"):
            small_application.delete("ferry")
    assert uploaded(small_application) == ["beacon.md"]
    assert (small_application.uploads_folder / "beacon.md").read_bytes() == BEACON.content
    assert small_application.synchronise().index_id == before.index_id


def test_a_writer_that_takes_too_long_is_not_waited_for(
    small_application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.intake.WAIT_SECONDS", 0.1)
    other = build(small_application.settings)
    with other.catalog.writing():
        with pytest.raises(IndexBusy):
            small_application.upload([BEACON])
        with pytest.raises(IndexBusy):
            small_application.delete("ferry")
    other.close()
    assert uploaded(small_application) == []


# --- processes that are killed -------------------------------------------------------------------------------------

DIE = """
import os, signal, sys
from pathlib import Path
import rag.intake, rag.uploads
from rag.domain import Upload
from rag.ingest import Ingest
from rag.settings import Settings
from rag.wiring import build

data, corpus, models, place, what = sys.argv[1:]
owner, name = {"change": (Ingest, "change"), "accept": (rag.uploads.Uploads, "accept"),
               "remove": (rag.uploads.Uploads, "remove")}[place]

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

settings = Settings(data_dir=data, corpus_dir=corpus, model_cache_dir=models, download_models=False)
application = build(settings)
setattr(owner, name, die)
if what == "upload":
    application.upload([Upload("beacon.md", b"The beacon of Varn stands 17 metres tall.")])
else:
    application.delete(what)
"""


def killed(application: Application, place: str, what: str) -> None:
    settings = application.settings
    arguments = (settings.data_dir, settings.corpus_dir, settings.models_dir, place, what)
    done = subprocess.run(
        [sys.executable, "-c", DIE, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_a_process_killed_before_an_upload_is_in_place_leaves_nothing(small_application: Application) -> None:
    killed(small_application, "accept", "upload")
    assert uploaded(small_application) == []
    assert small_application.synchronise().unchanged == ALL
    small_application.upload([Upload("other.md", b"Another.")])
    assert not list((small_application.settings.data_dir / "incoming").iterdir())


def test_a_process_killed_before_an_upload_is_in_the_index_leaves_a_file_that_is_picked_up(
    small_application: Application,
) -> None:
    killed(small_application, "change", "upload")
    assert documents(small_application) == ALL
    assert small_application.synchronise().added == ("uploads-beacon",)
    assert documents(small_application) == (*ALL, "uploads-beacon")


def test_a_deletion_that_a_process_was_killed_in_is_completed(small_application: Application) -> None:
    small_application.upload([BEACON])
    killed(small_application, "change", "uploads-beacon")
    assert documents(small_application) == (*ALL, "uploads-beacon")
    assert small_application.synchronise().removed == ("uploads-beacon",)
    small_application.delete("ferry")
    assert uploaded(small_application) == []
    assert documents(small_application) == ("harbour", "lighthouse")

"""Documents handed in and taken away, with the real model and Chroma on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rag.domain import Question, Upload
from rag.errors import DocumentNotFound
from rag.settings import Settings
from rag.wiring import Application, build

BEACON = Upload("beacon.md", b"# The beacon of Varn\n\nThe beacon of Varn stands 17 metres tall.\n")


def found(application: Application, query: str) -> set[str]:
    return {hit.passage.document_id for hit in application.pipeline.search(query, 20).hits}


def test_an_upload_is_found_and_still_there_after_a_rebuild(small_application: Application) -> None:
    report = small_application.upload([BEACON])
    assert (report.added, report.failed) == (("uploads-beacon",), ())
    answer = small_application.pipeline.ask(Question("How tall is the beacon of Varn?"))
    assert "17 metres" in answer.answer
    assert small_application.synchronise().unchanged == ("ferry", "harbour", "lighthouse", "uploads-beacon")
    assert (
        "uploads-beacon"
        in small_application.synchronise(rebuild=True).unchanged + small_application.synchronise().unchanged
    )


def test_what_is_deleted_stays_away_until_its_file_changes(
    small_application: Application, small_corpus: Path, make_settings: Callable[..., Settings]
) -> None:
    small_application.upload([BEACON])
    small_application.delete("uploads-beacon")
    small_application.delete("ferry")
    assert not {"uploads-beacon", "ferry"} & found(small_application, "the ferry and the beacon of Varn")
    with pytest.raises(DocumentNotFound):
        small_application.delete("ferry")
    assert (small_corpus / "ferry.html").exists()
    small_application.synchronise(rebuild=True)
    again = build(make_settings(small_application.settings.data_dir, corpus_dir=small_corpus))
    assert again.synchronise().unchanged == ("harbour", "lighthouse")
    (small_corpus / "ferry.html").write_text("<p>The ferry to Varn leaves at 8:30.</p>")
    assert again.synchronise().added == ("ferry",)
    again.close()

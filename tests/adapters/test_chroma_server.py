"""Several processes' worth of applications over one real Chroma server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from rag.adapters.chroma_server import ChromaServerVectorStore
from rag.api.app import create_app
from rag.domain import Filters, Question
from rag.errors import InvalidSettings, VectorsUnreachable
from rag.settings import ChromaSettings, Settings, load_settings
from rag.wiring import Application, build
from tests.chroma_server import ChromaServer, chroma_server
from tests.fakes import HashingEmbedder

QUESTION = "How tall is the lighthouse of Elsin?"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ChromaServer]:
    with chroma_server(tmp_path / "server") as started:
        yield started


@pytest.fixture
def application(
    server: ChromaServer, make_settings: Callable[..., Settings], small_corpus: Path, tmp_path: Path
) -> Iterator[Callable[[], Application]]:
    """Makes applications that share a data folder and a Chroma server, as processes on one machine would."""
    made: list[Application] = []

    def make() -> Application:
        chroma = ChromaSettings(url=server.url, seconds=5)
        made.append(build(make_settings(tmp_path / "data", corpus_dir=small_corpus, chroma=chroma)))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_one_writes_while_another_answers(application: Callable[[], Application], small_corpus: Path) -> None:
    writer, reader = application(), application()
    writer.synchronise()
    expected = reader.pipeline.ask(Question(QUESTION))
    assert expected.status == "answered"
    ended = threading.Event()
    problems: list[object] = []

    def answer() -> None:
        while not ended.is_set():
            try:
                answer = reader.pipeline.ask(Question(QUESTION))
            except Exception as error:
                problems.append(error)
                return
            if answer.answer_plain != expected.answer_plain:
                problems.append(answer)

    asking = threading.Thread(target=answer)
    asking.start()
    for number in range(4):
        (small_corpus / f"new-{number}.txt").write_text(f"The mole of Elsin has {number} bollards.", "utf-8")
        writer.synchronise()
    ended.set()
    asking.join()
    assert problems == []
    found = reader.pipeline.ask(Question("How many bollards does the mole of Elsin have?"))
    assert found.status == "answered"
    assert found.index_id == writer.check().index_id
    # The versions before are swept.
    assert len(list(reader.vectors.collections())) == 1


def test_a_server_that_is_gone_is_said_and_back_again_all_is_well(
    application: Callable[[], Application], server: ChromaServer
) -> None:
    running = application()
    running.synchronise()
    client = TestClient(create_app(running))
    assert client.post("/ask", json={"question": QUESTION}).status_code == 200
    server.stop()
    for body in ({"question": QUESTION}, {"question": QUESTION, "stream": True}):
        response = client.post("/ask", json=body)
        assert (response.status_code, response.json()["code"]) == (503, "not_ready")
        assert int(response.headers["Retry-After"]) > 0
        assert "RAG_CHROMA__URL" in response.json()["detail"]
        assert str(server.port) not in response.text
    server.start()
    assert client.post("/ask", json={"question": QUESTION}).json()["status"] == "answered"


def test_an_ingest_without_its_server_changes_nothing(
    application: Callable[[], Application], server: ChromaServer, small_corpus: Path
) -> None:
    running = application()
    before = running.synchronise().index_id
    (small_corpus / "new.txt").write_text("The mole of Elsin has nine bollards.", "utf-8")
    server.stop()
    with pytest.raises(VectorsUnreachable):
        running.synchronise()
    server.start()
    assert running.check().index_id == before
    assert running.pipeline.ask(Question(QUESTION)).status == "answered"
    assert running.synchronise().added


def test_records_on_one_server_do_not_touch_each_other(server: ChromaServer) -> None:
    ours, theirs = (
        ChromaServerVectorStore(ChromaSettings(url=server.url, namespace=name)) for name in ("one", "one-b")
    )
    ours.create("passages-1")
    theirs.create("passages-1")
    theirs.create("passages-2")
    ours.delete("passages-1")
    assert list(ours.collections()) == []
    assert sorted(theirs.collections()) == ["passages-1", "passages-2"]
    ours.close()
    theirs.close()


def test_a_server_that_takes_the_connection_and_says_nothing_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        store = ChromaServerVectorStore(ChromaSettings(url=address, seconds=0.2))
        with pytest.raises(VectorsUnreachable, match="ReadTimeout"):
            store.query("passages-1", HashingEmbedder().embed_query("quay"), 3, Filters())


def test_the_token_goes_with_every_request() -> None:
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                asked.append(connection.recv(65_536))
                connection.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        answering = threading.Thread(target=answer)
        answering.start()
        settings = ChromaSettings(
            url=f"http://127.0.0.1:{listener.getsockname()[1]}", token="s3cret", token_header="X-Chroma-Token"
        )
        with pytest.raises(VectorsUnreachable) as raised:
            list(ChromaServerVectorStore(settings).collections())
        answering.join()
    assert b"x-chroma-token: s3cret" in asked[0].lower()
    assert "s3cret" not in str(raised.value)
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    "address", ["127.0.0.1:8000", "ftp://host", "http://", "http://name:word@host", "http://host/path"]
)
def test_an_address_that_cannot_be_one_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_CHROMA__URL", address)
    with pytest.raises(InvalidSettings, match="RAG_CHROMA__URL"):
        load_settings()

"""The command line: in this process through its own `main`, and as users run it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from io import StringIO
from pathlib import Path

import pytest

from rag import cli
from rag.domain import Question
from rag.feedback import FeedbackFile
from rag.settings import Settings
from rag.terminal import print_answer
from rag.wiring import build
from tests.api.stand_in import ANSWER
from tests.collector import Collector
from tests.conftest import SMALL_CORPUS

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture(scope="module")
def environment(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Settings for all commands: three documents, ingested. Tests that use it leave the index as it is."""
    folder = tmp_path_factory.mktemp("cli")
    (folder / "corpus").mkdir()
    for name, text in SMALL_CORPUS.items():
        (folder / "corpus" / name).write_text(text, encoding="utf-8")
    settings = Settings(
        data_dir=folder / "data",
        corpus_dir=folder / "corpus",
        model_cache_dir=models_dir,
        download_models=False,
    )
    application = build(settings)
    application.synchronise()
    application.close()
    return {
        "RAG_DATA_DIR": str(settings.data_dir),
        "RAG_CORPUS_DIR": str(settings.corpus_dir),
        "RAG_MODEL_CACHE_DIR": str(models_dir),
        "RAG_DOWNLOAD_MODELS": "false",
    }


@pytest.fixture
def run(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Runs a command in this process."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def run_main(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["mission-record", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        printed = capsys.readouterr()
        return Ran(code, printed.out, printed.err)

    return run_main


@pytest.fixture
def run_process(environment: dict[str, str]) -> Run:
    """Runs a command as a process of its own."""

    def run(*arguments: str, **variables: str) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "rag.cli", *arguments],
            env=os.environ | environment | variables,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


def check_refused(ran: Ran, *said: str) -> None:
    """One line on standard error that says what is wrong, and exit status 2."""
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.startswith("mission-record: ")
    assert len(ran.err.splitlines()) == 1, ran.err
    for text in said:
        assert text in ran.err


# --- as users run it -------------------------------------------------------------------------------------------


def test_from_a_folder_to_an_answer(
    run_process: Run, environment: dict[str, str], tmp_path: Path, small_corpus: Path
) -> None:
    data = str(tmp_path / "data")
    ran = run_process("ingest", str(small_corpus), "--data-dir", data)
    assert ran.code == 0, ran.err
    assert ran.out == ""
    assert "added: 3  (ferry, harbour, lighthouse)" in ran.err
    ran = run_process("ask", "How tall is the lighthouse of Elsin?", "--data-dir", data)
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert lines[0] == "The lighthouse of Elsin stands 61 metres tall. [1]"
    assert "[1] lighthouse" in lines
    assert "    “The lighthouse of Elsin stands 61 metres tall.”" in lines


# What no first answer needs. Chroma's client is among it: until something is written, its engine alone is asked.
NOT_TO_ANSWER = (
    "chromadb fastapi gradio grpc httpx kubernetes llama_index markdown_it nupunkt onnx opentelemetry pandas"
    " prometheus_client rag.answer.verify rag.api rag.formats rag.ingest rag.verify requests safetensors starlette"
    " uvicorn yaml"
).split()
BY_COMMAND = """
import sys
sys.argv = ["mission-record", "ask", "How tall is the lighthouse of Elsin?"]
from rag.cli import main
main()
"""
BY_PYTHON = """
from rag.domain import Question
from rag.settings import load_settings
from rag.wiring import Application
print(Application(load_settings()).pipeline.ask(Question("How tall is the lighthouse of Elsin?")).answer)
"""


@pytest.mark.parametrize("script", [BY_COMMAND, BY_PYTHON], ids=["command", "python"])
def test_an_answer_imports_nothing_that_it_does_not_need(environment: dict[str, str], script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"{script}\nimport sys; print(*sys.modules, file=sys.stderr)"],
        env=os.environ | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "61 metres" in done.stdout
    imported = done.stderr.split()
    assert [
        module for module in imported if any(f"{module}.".startswith(f"{name}.") for name in NOT_TO_ANSWER)
    ] == []


@pytest.mark.parametrize("arguments", [["--help"], ["ask", "--help"], ["eval", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    script = (
        "import sys; sys.argv = ['mission-record', *sys.argv[1:]]\n"
        "from rag.cli import main\n"
        "try: main()\n"
        "except SystemExit as ended: assert not ended.code\n"
        "heavy = {'chromadb', 'onnxruntime', 'onnx', 'gradio', 'llama_index', 'fastapi', 'numpy', 'nupunkt'}\n"
        "assert not heavy & {name.partition('.')[0] for name in sys.modules}, heavy & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Usage:" in done.stdout


def test_an_error_is_one_line_without_a_traceback(run_process: Run, tmp_path: Path) -> None:
    check_refused(
        run_process("ask", "Who?", RAG_DATA_DIR=str(tmp_path / "none")),
        "There is no index in",
        "mission-record ingest",
    )


def test_what_is_printed_survives_any_terminal(run_process: Run) -> None:
    ran = run_process("search", "Sól Dredging", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert ran.code == 0, ran.err
    assert "S?l Dredging" in ran.out


def test_a_reader_that_has_seen_enough_is_no_error(environment: dict[str, str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "rag.cli", "documents"],
        env=os.environ | environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        process.stdout.close()
        assert process.stderr
        assert "Traceback" not in process.stderr.read()


def test_the_console_script_is_the_same_program() -> None:
    (script,) = (found for found in entry_points(group="console_scripts") if found.name == "mission-record")
    assert script.load() is cli.main


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_stopped_answers_first_tells_the_collector_and_closes_the_record(
    environment: dict[str, str], stop: signal.Signals
) -> None:
    with (
        Collector() as collector,
        subprocess.Popen(
            [sys.executable, "-m", "rag.cli", "serve", "--port", "0"],
            env=os.environ | environment | {"RAG_WORKERS": "1", "RAG_TELEMETRY_ENDPOINT": collector.address},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as server,
        ThreadPoolExecutor(8) as clients,
    ):
        try:
            assert server.stdout
            address = server.stdout.readline().split()[2]
            assert address.startswith("http://127.0.0.1:")
            with urllib.request.urlopen(f"{address}/") as response:
                assert b"<html" in response.read().lower()
            asked = urllib.request.Request(
                f"{address}/ask",
                json.dumps({"question": "How tall is the lighthouse of Elsin?"}).encode(),
                {"Content-Type": "application/json"},
            )
            waiting = [clients.submit(urllib.request.urlopen, asked, timeout=60) for _ in range(8)]
            first = next(as_completed(waiting)).result()
            server.send_signal(stop)
            answers = [one.result() for one in waiting if one.exception() is None]
            assert {answer.status for answer in answers} == {200}
            assert first in answers
            assert all(b"61 metres" in answer.read() for answer in answers)
            assert server.stderr
            log = server.stderr.read()
            assert server.wait() in (130, 143)
            told = [
                span for span in collector.spans if span.attributes.get("http.response.status_code") == 200
            ]
            assert [span.name for span in told] == ["GET /", *["POST /ask"] * len(answers)]
        finally:
            server.kill()  # which does nothing to one that has ended
    assert "Traceback" not in log
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert lines[-1]["event"] == "stopped"
    assert lines[-1]["logger"] == "rag.serving"


def test_serving_beyond_this_machine_without_a_key_is_refused_before_anything_is_built(
    run_process: Run, tmp_path: Path
) -> None:
    ran = run_process("serve", "--host", "0.0.0.0", RAG_DATA_DIR=str(tmp_path / "data"))
    check_refused(ran, "At 0.0.0.0", "mission-record keys add", "RAG_ALLOW_OPEN=true")
    assert not (tmp_path / "data").exists()


def test_a_port_that_is_in_use_is_named_before_anything_is_built(run_process: Run, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ran = run_process("serve", "--port", str(port), RAG_DATA_DIR=str(tmp_path / "data"))
    check_refused(ran, f"Cannot listen on 127.0.0.1:{port}", "--port")
    assert not (tmp_path / "data").exists()


# --- ask and search --------------------------------------------------------------------------------------------


def test_an_answer_as_json_is_what_the_api_sends(run: Run) -> None:
    ran = run("ask", "--json", "How tall is the lighthouse of Elsin?")
    answer = json.loads(ran.out)
    assert answer["status"] == "answered"
    assert answer["citations"][0]["quote"] == "The lighthouse of Elsin stands 61 metres tall."
    assert answer["citations"][0]["document_id"] == "lighthouse"


def test_a_follow_up_with_its_history_in_a_file(run: Run, tmp_path: Path) -> None:
    history = tmp_path / "history.json"
    turns = [
        {"role": "user", "content": "Who led the building of the quay?"},
        {"role": "assistant", "content": "Ada Moreau led the building of the quay. [1]"},
    ]
    history.write_text(json.dumps(turns))
    done = run("ask", "Where does she work?", "--history", history)
    assert done.code == 0
    assert done.out.startswith("Searched for: Where does Ada Moreau work?")
    missing = run("ask", "Who?", "--history", tmp_path / "nowhere.json")
    assert missing.code == 2
    assert "nowhere.json cannot be read" in missing.err


def test_a_conversation_is_piped_in(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", StringIO("Who led the building of the quay?\nWhere does she work?\n"))
    done = run("chat")
    assert done.code == 0
    assert "Ada Moreau led the building of the quay." in done.out
    assert "Searched for: Where does Ada Moreau work?" in done.out


def test_what_the_record_does_not_say(run: Run) -> None:
    ran = run("ask", "Who won the football world cup?")
    assert ran.code == 0
    assert "The record does not" in ran.out
    assert "The closest passages:" in ran.out


def test_an_answer_by_a_language_model_takes_one(run: Run) -> None:
    ran = run("ask", "What is MediNet?", "--mode", "generative")
    assert ran.code == 2
    assert "RAG_LLM__PROVIDER" in ran.err


def test_what_became_of_the_language_model_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    written = replace(ANSWER, answerer="generative", model="parrot-1", unsupported=("It leaks.",))
    print_answer(written, Question("How many?"))
    out = capsys.readouterr().out
    assert "supported by no source:\n    It leaks." in out
    assert "written by parrot-1" in out
    print_answer(replace(ANSWER, fallback_reason="It timed out."), Question("How many?"))
    assert "Answered without the language model: It timed out." in capsys.readouterr().out


def test_text_is_shown_without_the_escapes_of_markdown(run: Run, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    sentence = "The quay_*code* of Elsin & Varn is [A-1] <b>|2| \\ `x` ~ #3."
    (corpus / "quay.txt").write_text(sentence)
    where = ("--data-dir", tmp_path / "data", "--corpus", corpus)
    assert run("ingest", *where).code == 0
    ran = run("ask", "What is the code of the quay of Elsin & Varn?", *where)
    assert ran.out.splitlines()[0] == f"{sentence} [1]"


def test_hits_are_listed_with_who_found_them(run: Run) -> None:
    ran = run("search", "ferry to Varn", "--top-k", "2")
    assert ran.code == 0
    assert ran.out.startswith("1. The Elsin ferry")
    assert "bm25, dense" in ran.out
    assert "\n    The ferry to Varn leaves at 7:30 every morning." in ran.out
    assert "\n2. " in ran.out
    assert "\n3. " not in ran.out


@pytest.mark.parametrize("command", ["ask", "search"])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["  "], "The question is empty"),
        (["x" * 10_000], "10,000 characters"),
        (["Who?", "--top-k", "0"], "top_k is 0"),
        (["Who?", "--top-k", "21"], "top_k is 21"),
    ],
)
def test_a_question_that_cannot_be_asked(run: Run, command: str, arguments: list[str], said: str) -> None:
    check_refused(run(command, *arguments), said)


@pytest.mark.parametrize("question", ["\udcff", "\x1b[31m\u202eWho?", "--"])
def test_whatever_is_asked_gets_an_answer(run: Run, question: str) -> None:
    for options in ([], ["--json"]):
        ran = run("ask", *options, "--", question)
        assert ran.code == 0, ran.err
        assert "\x1b" not in ran.out
    assert run("search", "--", question).code == 0


# --- ingest and rebuild ----------------------------------------------------------------------------------------


@pytest.fixture
def own(tmp_path: Path, small_corpus: Path) -> tuple[object, ...]:
    """Folders that a test may change."""
    return ("--data-dir", tmp_path / "data", "--corpus", small_corpus)


def test_an_ingest_reports_what_it_did(run: Run, own: tuple[object, ...], small_corpus: Path) -> None:
    assert "added: 3" in run("ingest", *own).err
    again = run("ingest", *own)
    assert again.code == 0
    assert "unchanged: 3" in again.err
    assert "added" not in again.err
    assert ": 0 passages embedded" in again.err
    (small_corpus / "ferry.html").unlink()
    (small_corpus / "lighthouse.txt").write_text("The lighthouse is new.")
    (small_corpus / "broken.md").write_bytes(b"\xff\xff\x00")
    changed = run("ingest", *own)
    assert "removed: 1  (ferry)" in changed.err
    assert "updated: 1  (lighthouse)" in changed.err
    assert "failed: broken.md: It is not text in any encoding" in changed.err
    assert changed.code == 0


def test_copies_are_named_and_listed_once(run: Run, own: tuple[object, ...], small_corpus: Path) -> None:
    (small_corpus / "boat.html").write_bytes((small_corpus / "ferry.html").read_bytes())
    assert "folded: ferry.html says the same as boat" in run("ingest", *own).err
    listed = run("documents", *own[:2]).out
    assert "boat" in listed
    assert "3 of 3 documents" in listed


def test_what_users_said_is_printed_as_lines_of_json(run: Run, tmp_path: Path) -> None:
    assert run("feedback", "--data-dir", tmp_path).out == ""
    FeedbackFile(tmp_path).add("a-1", "down", "Wrong – it’s 61 m.")
    (line,) = run("feedback", "--data-dir", tmp_path).out.splitlines()
    said = json.loads(line)
    assert (said["answer_id"], said["rating"], said["comment"]) == ("a-1", "down", "Wrong – it’s 61 m.")


def test_an_answer_names_the_page(run: Run, tmp_path: Path) -> None:
    report = Path(__file__).parent / "formats" / "fixtures" / "report.pdf"
    data = ("--data-dir", tmp_path / "data")
    assert "added: 1" in run("ingest", report, *data).err
    found = run("ask", "How many tonnes does the larger crane lift?", *data).out
    assert "[1] Report on the quay of Elsin · The quay of Elsin > Cranes · page 2 · " in found
    assert " · page 2" in run("search", "Gdansk barge", *data).out


def test_a_rebuild_embeds_everything_again(run: Run, own: tuple[object, ...]) -> None:
    embedded = run("ingest", *own).err.splitlines()[-1].split(": ")[1]
    assert embedded != "0 passages embedded."
    assert run("rebuild", *own).err.splitlines()[-1].split(": ")[1] == embedded


def test_several_folders_and_the_folders_of_last_time(run: Run, tmp_path: Path) -> None:
    for name in ("ships", "ports"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.md").write_text(f"All about {name}.")
    where = ("--data-dir", tmp_path / "data")
    assert "added: 2" in run("ingest", tmp_path / "ships", tmp_path / "ports", *where).err


def test_folders_that_cannot_be_ingested(run: Run, tmp_path: Path) -> None:
    where = ("--data-dir", tmp_path / "data")
    check_refused(run("ingest", tmp_path / "missing", *where), "missing", "RAG_CORPUS_DIR")
    (tmp_path / "file").write_text("in the way")
    check_refused(run("ingest", "--data-dir", tmp_path / "file"), "cannot be written", "--data-dir")


def test_an_index_that_another_process_writes(run: Run, own: tuple[object, ...], tmp_path: Path) -> None:
    from rag.catalog import Catalog

    with Catalog(tmp_path / "data").writing():
        check_refused(run("ingest", *own), "Another process is writing")


def test_damage_is_named_and_a_rebuild_mends_it(run: Run, own: tuple[object, ...], tmp_path: Path) -> None:
    run("ingest", *own)
    for file in ("catalog.sqlite", "chroma/chroma.sqlite3"):
        path = tmp_path / "data" / file
        path.write_bytes(b"\xaa" * path.stat().st_size)
    shutil.rmtree(tmp_path / "data" / "models", ignore_errors=True)
    check_refused(run("ask", "How tall is the lighthouse?", *own), "Run `mission-record rebuild`")
    assert run("doctor", *own).code == 1
    assert run("rebuild", *own).code == 0
    assert "61 metres" in run("ask", "How tall is the lighthouse of Elsin?", *own).out
    assert run("doctor", *own).code == 0


# --- documents, doctor and settings ----------------------------------------------------------------------------


def test_documents_are_listed_whole(run: Run) -> None:
    ran = run("documents")
    lines = [line.split() for line in ran.out.splitlines()]
    assert lines[0] == ["id", "title", "kind", "published", "passages"]
    assert ["harbour", "Harbour", "works", "project", "2023-06-01", "2"] in lines
    assert ran.out.splitlines()[-1] == "3 of 3 documents"


@pytest.mark.parametrize(
    ("arguments", "listed"),
    [
        (["--kind", "project"], "1 of 1"),
        (["--kind", "nothing"], "0 of 0"),
        (["--query", "lamp"], "1 of 1"),
        (["-q", "elsin", "--limit", "1"], "1 of 3"),
    ],
)
def test_documents_that_are_asked_for(run: Run, arguments: list[str], listed: str) -> None:
    assert run("documents", *arguments).out.splitlines()[-1] == f"{listed} documents"


def test_long_names_are_not_cut_in_a_pipe(run: Run, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    name = "a-very-long-name-" * 8 + "end"
    (corpus / f"{name}.md").write_text(f"# {'A very long title ' * 10}end\n\nText.")
    where = ("--data-dir", tmp_path / "data", "--corpus", corpus)
    run("ingest", *where)
    (line,) = (line for line in run("documents", *where).out.splitlines() if line.startswith("a-very"))
    assert name in line
    assert "title end" in line
    assert not line.endswith(" ")


def test_a_whole_index_is_verified(run: Run, own: tuple[object, ...]) -> None:
    run("ingest", *own)
    ran = run("verify", *own, "--json")
    assert ran.code == 0, ran
    report = json.loads(ran.out)
    assert report["well"]
    assert [check["subject"] for check in report["checks"]] == [
        *("files", "catalog file", "manifest", "documents", "passages", "vectors", "search", "embedding")
    ]


def test_an_index_that_is_not_whole_fails_verification(
    run: Run, own: tuple[object, ...], tmp_path: Path
) -> None:
    run("ingest", *own)
    with closing(sqlite3.connect(tmp_path / "data" / "catalog.sqlite")) as connection, connection:
        connection.execute("DELETE FROM passages WHERE number = 1")
    ran = run("verify", *own)
    assert ran.code == 1
    assert "FAIL  passages: " in ran.out
    assert "Run `mission-record rebuild`" in ran.out


def test_the_doctor_finds_nothing(run: Run) -> None:
    ran = run("doctor")
    assert ran.code == 0, ran.out
    assert all(line.startswith("ok") for line in ran.out.splitlines())


def test_the_doctor_finds_something(run: Run, tmp_path: Path) -> None:
    ran = run("doctor", "--data-dir", tmp_path / "none")
    assert ran.code == 1
    assert "FAIL  index: There is no index" in ran.out
    assert "ok    documents: 3 readable files" in ran.out


@pytest.mark.parametrize(
    ("name", "value"), [("RAG_PORT", "none"), ("RAG_PASSAGE_TOKENS", "5"), ("RAG_THREADS", "0")]
)
def test_a_setting_that_cannot_be_used(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    check_refused(run("documents"), f"{name} = '{value}'")


def test_an_argument_wins_over_the_environment(run: Run, tmp_path: Path) -> None:
    check_refused(run("documents", "--data-dir", tmp_path / "none"), str(tmp_path / "none"))


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["ask"], ["ask", "Who?", "--colour"], ["documents", "--limit", "0"]]
)
def test_a_command_that_there_is_not(run: Run, arguments: list[str]) -> None:
    ran = run(*arguments)
    assert ran.code == 2
    assert "Traceback" not in ran.err
    assert ran.err


# --- keys ------------------------------------------------------------------------------------------------------


def test_a_key_is_shown_once_listed_without_it_and_revoked(run: Run, tmp_path: Path) -> None:
    data = ("--data-dir", tmp_path / "data")
    added = run("keys", "add", "ada", "--scope", "ingest", *data)
    token = added.out.strip()
    assert (added.code, token.startswith("mrk_")) == (0, True)
    assert "cannot be shown again" in added.err
    listed = run("keys", "list", *data)
    assert listed.out.startswith("ada\tingest\t20")
    assert token not in listed.out
    check_refused(run("keys", "add", "ada", *data), "ada", "Revoke it first")
    check_refused(run("keys", "add", "a b", *data), "'a b'")
    assert run("keys", "revoke", "ada", *data).code == 0
    assert run("keys", "list", *data).out == ""
    check_refused(run("keys", "revoke", "ada", *data), "'ada'")


def test_the_file_of_keys_can_be_elsewhere(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_API_KEYS_FILE", str(tmp_path / "secret" / "keys"))
    assert run("keys", "add", "ada").code == 0
    assert (tmp_path / "secret" / "keys").is_file()
    (tmp_path / "secret" / "keys").write_text("nonsense")
    check_refused(run("keys", "list"), str(tmp_path / "secret" / "keys"), "cannot be read")


def test_no_command_shows_the_help(run: Run) -> None:
    ran = run()
    for command in ("ingest", "rebuild", "ask", "search", "documents", "serve", "fetch-model", "doctor"):
        assert command in ran.out + ran.err


def test_an_interruption_ends_quietly(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("rag.catalog.Catalog.documents", interrupt)
    ran = run("documents")
    assert ran.code == 130
    assert "Traceback" not in ran.err

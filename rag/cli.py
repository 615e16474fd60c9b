"""The command line. Each command imports what it needs when it runs, so that `--help` is instant."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from eval.commands import eval_app
from rag.errors import RagError

if TYPE_CHECKING:
    from rag.domain import Turn
    from rag.keys import KeyFile
    from rag.wiring import Application

app = typer.Typer(
    help="Ask a record of documents; every statement of an answer is cited to the sentence it comes from.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.add_typer(eval_app, name="eval")

keys_app = typer.Typer(help="API keys: who may use the server, and for what.", no_args_is_help=True)
app.add_typer(keys_app, name="keys")

DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Folder of the index. [env: RAG_DATA_DIR]")]
Corpus = Annotated[Path | None, typer.Option("--corpus", help="Folder of documents. [env: RAG_CORPUS_DIR]")]

AnswerMode = Annotated[
    Literal["auto", "extractive", "generative"],
    typer.Option(help="`auto` asks the language model of the settings, if there is one."),
]


def _application(data_dir: Path | None, corpus: Path | None, **overrides: object) -> Application:
    from rag.settings import load_settings
    from rag.wiring import build

    return build(load_settings(data_dir=data_dir, corpus_dir=corpus, **overrides))


@app.command()
def ingest(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Folders or files; by default those of the last time.")
    ] = None,
    data_dir: DataDir = None,
    corpus: Corpus = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on, and follow every change, until interrupted (Ctrl+C).")
    ] = False,
) -> None:
    """Bring the index in step with the documents: new, changed and removed ones; the rest is left alone."""
    application = _application(data_dir, corpus)
    if watch:
        _watch(application, paths or ())
    else:
        _synchronise(application, rebuild=False, corpus=paths or ())


@app.command()
def rebuild(data_dir: DataDir = None, corpus: Corpus = None) -> None:
    """Make the index anew from the documents, trusting nothing that is stored."""
    _synchronise(_application(data_dir, corpus), rebuild=True)


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="In plain language.")],
    data_dir: DataDir = None,
    corpus: Corpus = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the whole answer as `POST /ask` would.")
    ] = False,
    top_k: Annotated[int, typer.Option(help="Passages to read.")] = 6,
    mode: AnswerMode = "auto",
    history: Annotated[
        Path | None,
        typer.Option(help='JSON file of the turns before: [{"role": "user", "content": "..."}, ...]'),
    ] = None,
) -> None:
    """Answer one question, with the sentences that the answer comes from."""
    from rag.domain import Question

    asked = Question(question, _turns(history), top_k=top_k, mode=mode)
    answer = _application(data_dir, corpus).pipeline.ask(asked)
    if as_json:
        from rag.api.schemas import answer_of

        typer.echo(answer_of(answer).model_dump_json(indent=2))
    else:
        from rag.terminal import print_answer

        print_answer(answer, asked)


@app.command()
def chat(
    data_dir: DataDir = None,
    corpus: Corpus = None,
    top_k: Annotated[int, typer.Option(help="Passages to read.")] = 6,
) -> None:
    """Answer questions one after the other, each with those before it in mind. Ends with the input (Ctrl+D)."""
    from rag.chat import converse
    from rag.terminal import print_answer, questions

    pipeline = _application(data_dir, corpus).pipeline
    converse(
        questions(),
        pipeline.ask,
        lambda question, answer: print_answer(answer, question),
        lambda problem: typer.echo(f"mission-record: {problem}", err=True),
        top_k,
    )


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="What to look for.")],
    data_dir: DataDir = None,
    corpus: Corpus = None,
    top_k: Annotated[int, typer.Option(help="Passages to show.")] = 6,
) -> None:
    """Show the passages nearest to a query, without answering."""
    from rag.domain import Question
    from rag.terminal import print_hits

    asked = Question(query, top_k=top_k)
    print_hits(_application(data_dir, corpus).pipeline.search(asked.text, asked.top_k).hits)


@app.command()
def documents(
    data_dir: DataDir = None,
    corpus: Corpus = None,
    kind: Annotated[str | None, typer.Option(help="Only documents of this kind.")] = None,
    query: Annotated[
        str | None, typer.Option("--query", "-q", help="Only documents with these words.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 1_000,
) -> None:
    """List the documents of the index."""
    from rag.terminal import print_documents

    application = _application(data_dir, corpus)
    application.catalog.manifest()
    print_documents(application.catalog.documents(kind, query, limit))


@app.command()
def serve(
    data_dir: DataDir = None,
    corpus: Corpus = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on. [env: RAG_HOST]")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on. [env: RAG_PORT]")] = None,
) -> None:
    """Serve the chat window and the HTTP API; first bring the index in step with the documents."""
    from rag.serving import listen, require_guarded, serve_forever, url

    application = _application(data_dir, corpus, host=host, port=port)
    settings = application.settings
    if warning := require_guarded(settings):
        typer.echo(f"mission-record: warning: {warning}", err=True)
    _ = application.telemetry  # where it cannot be had, that is said before anything else is done
    # The address is taken before the index is built: that can be long, and all for nothing if it is in use.
    with listen(settings.host, settings.port) as listener:
        _synchronise(application, rebuild=False)
        from rag.api.app import create_app, rules_of
        from ui.window import mount

        server = mount(create_app(application, rules_of(settings)), application)
        application.load()
        typer.echo(f"Serving on {url(listener)} (Ctrl+C stops)")
        serve_forever(server, listener, settings, application.close)


@keys_app.command("add")
def add_key(
    name: Annotated[
        str, typer.Argument(help="Whose key it is: letters, digits, dots, hyphens, underscores.")
    ],
    scope: Annotated[
        Literal["ask", "ingest", "admin"],
        typer.Option(help="What it is for; each scope may do what the ones before it may."),
    ] = "ask",
    data_dir: DataDir = None,
) -> None:
    """Make a key and print it: the only time that it can be seen."""
    from rag.keys import Scope

    token = _key_file(data_dir).add(name, Scope[scope.upper()])
    typer.echo(f"The key {name}, for {scope}. Keep it now, it cannot be shown again:", err=True)
    typer.echo(token)


@keys_app.command("list")
def list_keys(data_dir: DataDir = None) -> None:
    """Show whose keys there are, what each is for and since when."""
    for key in _key_file(data_dir).stored():
        typer.echo(f"{key.name}\t{key.scope.label}\t{key.created}")


@keys_app.command("revoke")
def revoke_key(
    name: Annotated[str, typer.Argument(help="Whose key it is.")], data_dir: DataDir = None
) -> None:
    """Make a key worthless, at once, also for a server that is running."""
    _key_file(data_dir).revoke(name)


def _key_file(data_dir: Path | None) -> KeyFile:
    from rag.keys import KeyFile
    from rag.settings import load_settings

    return KeyFile(load_settings(data_dir=data_dir).keys_file)


@app.command()
def feedback(data_dir: DataDir = None) -> None:
    """Print what users said of answers, oldest first: one JSON object a line."""
    import json
    from dataclasses import asdict

    from rag.feedback import FeedbackFile

    for given in FeedbackFile(_application(data_dir, None).settings.data_dir).all():
        typer.echo(json.dumps(asdict(given), ensure_ascii=False))


@app.command()
def fetch(
    addresses: Annotated[list[str], typer.Argument(help="Addresses of documents: https://...")],
    data_dir: DataDir = None,
) -> None:
    """Take documents from the web into the record, from the servers that RAG_FETCH_HOSTS names."""
    from rag.terminal import print_report, progress_bar

    application = _application(data_dir, None)
    with progress_bar() as report:
        done = application.fetch(addresses, report)
    print_report(done, application.corpus)


@app.command("fetch-model")
def fetch_model(data_dir: DataDir = None) -> None:
    """Fetch the models of the settings that are not there, and build their graphs; nothing else is ever fetched."""
    application = _application(data_dir, None, download_models=True)
    embedder = application.embedder
    typer.echo(
        f"Embedding model ready: {application.settings.embedding_model}, {embedder.dimensions} dimensions, "
        f"{embedder.precision}."
    )
    if application.reader is not None:
        typer.echo(f"Reader ready: {application.settings.reader_model}.")


@app.command()
def verify(
    data_dir: DataDir = None,
    corpus: Corpus = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the checks as JSON.")] = False,
) -> None:
    """Check all that is stored against each other and against exact search; exit 1 if anything is wrong."""
    from rag.terminal import print_checks
    from rag.verification import verify_in_child

    checks = verify_in_child(_application(data_dir, corpus).settings)
    print_checks(checks, as_json)
    if not all(check.well for check in checks):
        raise typer.Exit(1)


@app.command()
def doctor(
    data_dir: DataDir = None,
    corpus: Corpus = None,
    mending: Annotated[
        bool, typer.Option("--mend", help="Mend what can be mended, and say what was.")
    ] = False,
) -> None:
    """Say what is wrong with this installation and how to mend it; exit 1 if anything is. Looking changes nothing."""
    from rag.doctor import examine, mend
    from rag.terminal import print_findings, progress_bar

    application = _application(data_dir, corpus)
    if mending:
        with progress_bar() as report:
            done = mend(application, report)
        typer.echo("\n".join(f"mended  {what}" for what in done) or "There was nothing to mend.")
    findings = examine(application)
    print_findings(findings)
    if not all(finding.well for finding in findings):
        raise typer.Exit(1)


def _turns(history: Path | None) -> tuple[Turn, ...]:
    if history is None:
        return ()
    from rag.chat import read_history

    return read_history(history)


def _synchronise(application: Application, rebuild: bool, corpus: Sequence[Path] = ()) -> None:
    from rag.terminal import print_report, progress_bar

    with progress_bar() as report:
        done = application.synchronise(report, rebuild, corpus)
    print_report(done, corpus or application.corpus)


def _watch(application: Application, corpus: Sequence[Path]) -> None:
    from threading import Event

    from rag.terminal import print_outcome
    from rag.watch import follow

    chosen = tuple(corpus) or application.corpus
    typer.echo(f"Watching {', '.join(map(str, chosen))} (Ctrl+C stops)", err=True)
    try:
        follow(
            lambda: (*chosen, application.uploads_folder),
            application.settings.data_dir,
            lambda: application.synchronise(corpus=chosen),
            print_outcome,
            Event(),
        )
    except KeyboardInterrupt:
        typer.echo("Stopped watching.", err=True)
    finally:
        application.close()


def main() -> None:
    """The console script: errors of this program are one line on standard error, and exit status 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal may lack characters that the record has
            stream.reconfigure(errors="replace")
    try:
        app()
    except RagError as error:
        typer.echo(f"mission-record: {error}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()

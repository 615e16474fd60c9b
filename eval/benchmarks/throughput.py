"""Questions a second over HTTP, for few clients and many, beside the same questions asked without a server."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel

from eval.benchmarks.clients import Call, Reply, bodies, send
from eval.benchmarks.ratios import ratio_of_medians, spread, times
from eval.benchmarks.section import Draw, Plan, Section, Table, Target, Tell
from eval.benchmarks.served import Server, build, serving
from eval.benchmarks.threads import Threads, in_process
from rag.settings import Settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CASES = Path(__file__).resolve().parent.parent / "cases" / "mission" / "development.jsonl"
CLIENTS = (1, 4, 16, 64)
QUICK_CLIENTS = (1, 8)
# Of the throughput in-process, what the server must reach at least: within 30 %.
LEAST_SHARE = 0.7
TOP_K = 6

Kind = Literal["ask", "search"]


class Run(BaseModel):
    """One round: so many requests, of so many clients, or threads where there is no server.

    `ms` are the latencies of what was answered; `refused` counts the 429 that came before. `clients_cpu` and
    `server_cpu` are seconds.
    """

    clients: int
    seconds: float
    ms: list[float]
    refused: int = 0
    failed: int = 0
    clients_cpu: float = 0.0
    server_cpu: float = 0.0

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return len(self.ms) / self.seconds


class Measured(BaseModel):
    """Rounds in turns. `defaults`: a server with the queue that it has by itself, and clients that come again.

    `health` is what the same clients get of a route that does nothing.
    """

    workers: int
    queue: int
    in_process: dict[Kind, list[Run]]
    one_thread: list[Run]
    http: dict[Kind, list[Run]]
    defaults: list[Run]
    health: Run


def questions() -> list[str]:
    """The development questions about the bundled record that stand alone."""
    cases = (json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines())
    return [case["turns"][0] for case in cases if len(case["turns"]) == 1]


def measure(plan: Plan, tell: Tell) -> Measured:
    """In each round every number of clients, and in-process before and after them in turns; then the defaults."""
    data, settings = plan.workspace / "record", Settings()
    asked = questions()[: 12 if plan.quick else None]
    clients = QUICK_CLIENTS if plan.quick else CLIENTS
    build(data)
    measured = Measured(
        workers=settings.workers,
        queue=settings.queue,
        in_process={"ask": [], "search": []},
        one_thread=[],
        http={"ask": [], "search": []},
        defaults=[],
        health=Run(clients=0, seconds=1, ms=[]),
    )
    rounds = 1 if plan.quick else 3
    with serving(data, queue=2 * max(clients)) as server, in_process(data) as threads:
        tell("warming up", 0, rounds)
        _over_http(server, "ask", asked, max(clients))
        _without(threads, "ask", asked, settings.workers)
        for number in range(rounds):
            tell("asking over HTTP and in-process", number, rounds)
            # Each round begins with another number, so that none is always asked when the machine is fresh.
            turned = [*clients[number % len(clients) :], *clients[: number % len(clients)]]
            _round(measured, server, threads, asked, turned)
        measured.health = _run(
            server, Call(address=server.address, path="/healthz", clients=64, requests=2_000)
        )
    with serving(data) as server:
        tell("asking with the queue as it is by default", rounds, rounds)
        measured.defaults = [_over_http(server, "ask", asked, number) for number in clients]
    return measured


def _round(
    measured: Measured, server: Server, threads: Threads, asked: Sequence[str], clients: Sequence[int]
) -> None:
    kinds: tuple[Kind, ...] = ("ask", "search")
    for kind in kinds:
        # A search is over so soon that it is asked for more often.
        chosen = list(asked) * (1 if kind == "ask" else 3)
        measured.in_process[kind].append(_without(threads, kind, chosen, measured.workers))
        measured.http[kind] += [_over_http(server, kind, chosen, number) for number in clients]
    measured.one_thread.append(_without(threads, "ask", asked, 1))


def _without(threads: Threads, kind: Kind, asked: Sequence[str], number: int) -> Run:
    took = threads.ask(asked, number, kind == "search")
    return Run(clients=number, seconds=took.seconds, ms=took.ms)


def _over_http(server: Server, kind: Kind, asked: Sequence[str], clients: int) -> Run:
    sent = bodies(asked) if kind == "ask" else [{"query": text, "top_k": TOP_K} for text in asked]
    path: Literal["/ask", "/search"] = "/ask" if kind == "ask" else "/search"
    return _run(
        server,
        Call(
            address=server.address,
            path=path,
            bodies=sent,
            clients=clients,
            requests=len(sent),
            come_again=True,
        ),
    )


def _run(server: Server, call: Call) -> Run:
    before = server.cpu_seconds()
    replies = send(call)
    return Run(
        clients=call.clients,
        seconds=replies.seconds,
        ms=[round(reply.ms, 1) for reply in replies.answered],
        refused=sum(map(_refusals, replies.replies)),
        failed=len(replies.failed),
        clients_cpu=replies.cpu_seconds,
        server_cpu=server.cpu_seconds() - before,
    )


def _refusals(reply: Reply) -> int:
    return len(reply.refused_ms)


def section(measured: Measured) -> Section:
    """Answers a second and latencies by the number of clients, and the share of the throughput in-process."""
    asking, without = measured.http["ask"], measured.in_process["ask"]
    most = max(run.clients for run in asking)
    ratio = ratio_of_medians(_rates(_of(asking, most)), _rates(without))
    failed = sum(run.failed for runs in (asking, measured.http["search"], measured.defaults) for run in runs)
    return Section(
        title="Throughput",
        text=(
            f"One server with {measured.workers} workers, and HTTP clients in a process of their own, each of which "
            "sends its next question when it has the answer to the one before. The same questions, which are those "
            "for development about the bundled record, are asked in another process by as many threads as the server "
            "has workers, in turns with the server: that is what the cores allow. The queue is long enough for all "
            "clients, except in the table of the defaults."
        ),
        tables=[
            _table("questions", measured, "ask", _pace(measured)),
            _table("searches", measured, "search", ""),
            _defaults(measured),
        ],
        plots={"throughput": _draw_rates(measured), "throughput-latency": _draw_latency(measured)},
        targets=[
            Target(
                f"throughput of the server with {most} clients, of that in-process",
                f"≥ {LEAST_SHARE:g}",
                times(ratio),
                ratio.value >= LEAST_SHARE,
            ),
            Target("requests that failed with other than 429", "0", str(failed), not failed),
        ],
    )


def _pace(measured: Measured) -> str:
    """How one knows that the clients did not set the pace."""
    asking = measured.http["ask"]
    share = sum(run.clients_cpu for run in asking) / sum(run.clients_cpu + run.server_cpu for run in asking)
    return (
        f"The clients took {share:.1%} of the processor time, the server the rest; of a route that does nothing they "
        f"get {measured.health.per_second:,.0f} responses a second."
    )


def _table(what: str, measured: Measured, kind: Kind, note: str) -> Table:
    http, without = measured.http[kind], measured.in_process[kind]
    rows = [_row(f"{number} over HTTP", _of(http, number)) for number in _clients(http)]
    rows.append(_row(f"{measured.workers} threads in-process", without))
    if kind == "ask":
        rows.append(_row("1 thread in-process", measured.one_thread))
    return Table(
        (f"{what}: clients", "a second (median of rounds)", "median ms", "95 % ms", "99 % ms"), rows, note
    )


def _row(name: str, runs: Sequence[Run]) -> tuple[str, ...]:
    rate, _, _ = spread(_rates(runs))
    return (name, f"{rate:.1f}", *(f"{value:,.0f}" for value in spread(_latencies(runs))))


def _defaults(measured: Measured) -> Table:
    rows = [
        (
            *_row(str(run.clients), [run]),
            f"{run.refused / (run.refused + len(run.ms)):.1%}",
        )
        for run in measured.defaults
    ]
    return Table(
        ("by default: clients", "a second", "median ms", "95 % ms", "99 % ms", "429"),
        rows,
        f"{measured.queue} may wait. Clients come again after the seconds of `Retry-After`, and their time runs on.",
    )


def _clients(runs: Sequence[Run]) -> list[int]:
    return sorted({run.clients for run in runs})


def _of(runs: Sequence[Run], clients: int) -> list[Run]:
    return [run for run in runs if run.clients == clients]


def _rates(runs: Sequence[Run]) -> list[float]:
    return [run.per_second for run in runs]


def _latencies(runs: Sequence[Run]) -> list[float]:
    return [ms for run in runs for ms in run.ms]


def _draw_rates(measured: Measured) -> Draw:
    def draw(axes: Axes) -> None:
        asking = measured.http["ask"]
        numbers = _clients(asking)
        axes.plot(
            numbers, [spread(_rates(_of(asking, number)))[0] for number in numbers], marker="o", label="HTTP"
        )
        axes.axhline(
            spread(_rates(measured.in_process["ask"]))[0], linestyle="--", color="grey", label="in-process"
        )
        axes.set_xscale("log", base=2)
        axes.set_ylim(bottom=0)
        axes.set_xticks(numbers, [str(number) for number in numbers])
        axes.set_xlabel("clients")
        axes.set_ylabel("answers a second")
        axes.legend()

    return draw


def _draw_latency(measured: Measured) -> Draw:
    def draw(axes: Axes) -> None:
        asking = measured.http["ask"]
        numbers = _clients(asking)
        for index, name in enumerate(("median", "95th percentile", "99th percentile")):
            values = [spread(_latencies(_of(asking, number)))[index] for number in numbers]
            axes.plot(numbers, values, marker="o", label=name)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xticks(numbers, [str(number) for number in numbers])
        axes.set_xlabel("clients")
        axes.set_ylabel("milliseconds")
        axes.legend()

    return draw

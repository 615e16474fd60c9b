"""What becomes of a server under load: changes of the record meanwhile, ten times too many questions, bad clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel

from eval.benchmarks.changes import Change, Writer, changing, idle_answers
from eval.benchmarks.clients import Call, Replies, Reply, bodies, send
from eval.benchmarks.nuisances import going_on, nuisances
from eval.benchmarks.ratios import gain, ratio_of_medians, scaled, slope, spread, times
from eval.benchmarks.section import Draw, Plan, Section, Table, Target, Tell
from eval.benchmarks.served import Sample, Server, build, serving
from eval.benchmarks.throughput import questions
from eval.statistics import Estimate
from rag.settings import Settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CLIENTS = 64
TIMES_CAPACITY = 10
# The same load before anything is watched: so long it takes until the memory of all threads is what it stays.
WARM_UP_SECONDS = 120
# Long enough for a slope: memory goes up and down as versions of the record come and go.
WATCHED_SECONDS = 180
# What memory may grow by in a minute, of what it was after the first third of the time; the slope's upper end counts.
MOST_GROWTH = 0.02
# How many times longer a question may take: of those that are let in when there are ten times too many, beside a full
# queue; right after that, beside before; and beside a client that would hold up others.
MOST_OVERLOADED, MOST_AFTER, MOST_BESIDE = 1.5, 1.2, 3.0
MOST_REFUSAL_MS = 100.0


class Busy(BaseModel):
    """Many clients while the record changes. `unlike`: answers that an idle server gives in no state of the record."""

    seconds: float
    answered: int
    unlike: int
    refused: int
    failed: list[Reply]
    ambiguous: int
    questions: int
    ms: list[float]
    changes: list[Change]
    samples: list[Sample]


class Overload(BaseModel):
    """Arrivals that nobody could serve: `capacity` a second was reached just before, with a full queue."""

    capacity: float
    full_ms: list[float]
    arrivals: float
    seconds: float
    accepted_ms: list[float]
    refused_ms: list[float]
    without_retry: int
    failed: int
    before_ms: list[float]
    after_ms: list[float]


class Beside(BaseModel):
    """The latency of single questions, alone and beside somebody who is a nuisance, in turns."""

    alone_ms: list[float]
    beside_ms: list[float]
    failed: int


class Measured(BaseModel):
    """`workers` and `queue` as they are by default."""

    workers: int
    queue: int
    busy: Busy
    overload: Overload
    beside: dict[str, Beside]


def measure(plan: Plan, tell: Tell) -> Measured:
    """On one server with the settings that it has by itself, one thing after the other."""
    data, settings = plan.workspace / "record", Settings()
    asked = questions()[:: 25 if plan.quick else 6]
    build(data)
    with serving(data) as server:
        tell("many clients, and the record changes", 0, 3)
        writer = Writer(server, plan.seed)
        busy = _busy(server, writer, asked, *((1, 3) if plan.quick else (WARM_UP_SECONDS, WATCHED_SECONDS)))
        tell("ten times too many questions", 1, 3)
        overload = _overload(server, asked, settings, 3 if plan.quick else 25)
        tell("slow clients and huge uploads", 2, 3)
        beside = _beside(server, asked[: 4 if plan.quick else 25], plan)
    return Measured(
        workers=settings.workers, queue=settings.queue, busy=busy, overload=overload, beside=beside
    )


def _busy(server: Server, writer: Writer, asked: list[str], before: float, seconds: float) -> Busy:
    right = idle_answers(server, writer, asked)
    call = Call(
        address=server.address, bodies=bodies(asked), clients=CLIENTS, seconds=seconds, come_again=True
    )
    with changing(writer):
        send(call.model_copy(update={"seconds": before}))
    with server.watched() as samples, changing(writer) as changes:
        replies = send(call)
    return Busy(
        seconds=replies.seconds,
        answered=len(replies.answered),
        unlike=sum(reply.digest not in right[reply.body] for reply in replies.answered),
        refused=sum(len(reply.refused_ms) for reply in replies.replies),
        failed=replies.failed,
        ambiguous=sum(len(digests) > 1 for digests in right),
        questions=len(asked),
        ms=_ms(replies.answered),
        changes=changes,
        samples=samples,
    )


def _overload(server: Server, asked: list[str], settings: Settings, seconds: float) -> Overload:
    sent = bodies(asked)
    full = send(
        Call(
            address=server.address,
            bodies=sent,
            clients=settings.workers + settings.queue,
            requests=max(len(sent), 2 * settings.queue),
        )
    )
    before = _single(server, asked)
    rate = TIMES_CAPACITY * full.per_second
    over = send(Call(address=server.address, bodies=sent, per_second=rate, seconds=seconds))
    after = _single(server, asked)
    return Overload(
        capacity=full.per_second,
        full_ms=_ms(full.answered),
        arrivals=len(over.replies) / seconds,
        seconds=over.seconds,
        accepted_ms=_ms(over.answered),
        refused_ms=_ms(over.refused),
        without_retry=sum(reply.retry_after is None for reply in over.refused),
        failed=sum(len(each.failed) for each in (full, before, over, after)),
        before_ms=_by_body(before),
        after_ms=_by_body(after),
    )


def _beside(server: Server, asked: list[str], plan: Plan) -> dict[str, Beside]:
    found = {}
    for name, (nuisance, at_once) in nuisances(plan.quick, plan.seed).items():
        alone, beside = [], []
        for _ in range(1 if plan.quick else 2):
            alone.append(_single(server, asked))
            with going_on(nuisance, server.address, at_once):
                beside.append(_single(server, asked))
        found[name] = Beside(
            alone_ms=[ms for replies in alone for ms in _by_body(replies)],
            beside_ms=[ms for replies in beside for ms in _by_body(replies)],
            failed=sum(len(replies.failed) + len(replies.refused) for replies in (*alone, *beside)),
        )
    return found


def _single(server: Server, asked: list[str]) -> Replies:
    return send(Call(address=server.address, bodies=bodies(asked), requests=len(asked)))


def _ms(replies: list[Reply]) -> list[float]:
    return [round(reply.ms, 1) for reply in replies]


def _by_body(replies: Replies) -> list[float]:
    """In the order of the questions, so that those of two runs are pairs."""
    return _ms(sorted(replies.answered, key=lambda reply: reply.body))


def section(measured: Measured) -> Section:
    """Wrong answers, errors and memory under load, latency of those let in and turned away, and beside bad clients."""
    busy, overload = measured.busy, measured.overload
    return Section(
        title="Under load",
        text=(
            f"One server as it is by default: {measured.workers} workers, {measured.queue} may wait. First {CLIENTS} "
            f"clients ask for {busy.seconds:.0f} s, coming again when told to, while a document about another subject "
            "is uploaded, changed and deleted without pause, as for two minutes before. Each answer (its text, status "
            "and citations) has to be one that the idle server gave with the document, with its other version, or "
            f"without it. Then questions come {TIMES_CAPACITY} times as fast as the server answered a moment before. "
            "Last, single questions are asked beside somebody who would hold them up."
        ),
        tables=[_busy_table(busy), _overload_table(measured), _beside_table(measured)],
        plots={"load-memory": _draw_memory(busy), "load-overload": _draw_overload(overload)},
        targets=_targets(measured),
    )


def _targets(measured: Measured) -> list[Target]:
    busy, overload = measured.busy, measured.overload
    accepted, after = _accepted(overload), ratio_of_medians(overload.after_ms, overload.before_ms)
    beside = {name: ratio_of_medians(each.beside_ms, each.alone_ms) for name, each in measured.beside.items()}
    worst = max(beside, key=lambda name: beside[name].value)
    refusal = spread(overload.refused_ms)[1] if overload.refused_ms else 0.0
    failed = len(busy.failed) + overload.failed + sum(each.failed for each in measured.beside.values())
    failed += sum(change.status not in (200, 204) for change in busy.changes)
    growth = _growth(busy.samples)
    return [
        Target(
            f"wrong answers, {CLIENTS} clients and a changing record",
            "0",
            f"{busy.unlike} of {busy.answered:,}",
            not busy.unlike,
        ),
        Target("errors other than 429 under load", "0", str(failed), not failed),
        Target(
            "growth of memory a minute under load",
            f"≤ {MOST_GROWTH:.0%}",
            gain(growth),
            growth.high <= MOST_GROWTH,
        ),
        Target(
            f"95 % latency of those let in at {TIMES_CAPACITY} times capacity, of that with a full queue",
            f"≤ {MOST_OVERLOADED:g}",
            times(accepted),
            accepted.value <= MOST_OVERLOADED,
        ),
        Target(
            "95 % latency of a 429 then",
            f"≤ {MOST_REFUSAL_MS:.0f} ms",
            f"{refusal:.0f} ms; {overload.without_retry} without Retry-After",
            refusal <= MOST_REFUSAL_MS and not overload.without_retry,
        ),
        Target(
            "a question right after overload, of one before",
            f"≤ {MOST_AFTER:g}",
            times(after),
            after.value <= MOST_AFTER,
        ),
        Target(
            f"a question beside the worst nuisance ({worst}), of one alone",
            f"≤ {MOST_BESIDE:g}",
            times(beside[worst]),
            beside[worst].value <= MOST_BESIDE,
        ),
    ]


def _growth(samples: list[Sample]) -> Estimate:
    """Of memory a minute, as a share of what it was when a third of the time was over."""
    settled = samples[len(samples) // 3 :]
    found = slope([sample.second for sample in settled], [sample.mib for sample in settled])
    return scaled(found, 60 / settled[0].mib)


def _accepted(overload: Overload) -> Estimate:
    """The 95th percentile of those let in under overload over that with a full queue, of resampled blocks of ten."""
    return ratio_of_medians(_highs(overload.accepted_ms), _highs(overload.full_ms))


def _highs(ms: list[float]) -> list[float]:
    """The 95th percentile of each twenty requests, one after the other."""
    parts = np.array_split(np.asarray(ms, float), max(1, len(ms) // 20))
    return [float(np.percentile(part, 95)) for part in parts if part.size]


def _busy_table(busy: Busy) -> Table:
    median, most, _ = spread(busy.ms)
    changed = [change.ms for change in busy.changes if change.status in (200, 204)]
    rows = [
        ("questions answered", f"{busy.answered:,}"),
        ("answered as an idle server never does", str(busy.unlike)),
        ("told to come again (429)", f"{busy.refused:,}"),
        ("other errors", str(len(busy.failed))),
        ("latency with all coming again, median and 95 %", f"{median / 1000:.1f} s, {most / 1000:.1f} s"),
        ("changes of the record", f"{len(busy.changes)}, {len(busy.changes) - len(changed)} failed"),
        *([("a change, median", f"{spread(changed)[0] / 1000:.2f} s")] if changed else []),
        ("memory at first and at last", f"{busy.samples[0].mib:.0f} and {busy.samples[-1].mib:.0f} MiB"),
        ("files and threads at last", f"{busy.samples[-1].files} and {busy.samples[-1].threads}"),
    ]
    note = f"{busy.ambiguous} of {busy.questions} questions have another answer with the document than without it."
    return Table((f"{CLIENTS} clients for {busy.seconds:.0f} s", ""), rows, note)


def _overload_table(measured: Measured) -> Table:
    overload = measured.overload
    rows = [
        ("before, one at a time", "", *_percentiles(overload.before_ms)),
        ("a full queue", f"{overload.capacity:.1f}", *_percentiles(overload.full_ms)),
        ("let in under overload", _rate(overload.accepted_ms, overload), *_percentiles(overload.accepted_ms)),
        ("turned away (429)", _rate(overload.refused_ms, overload), *_percentiles(overload.refused_ms)),
        ("right after, one at a time", "", *_percentiles(overload.after_ms)),
    ]
    bound = (measured.workers + measured.queue) / overload.capacity
    note = (
        f"{overload.arrivals:.0f} questions a second were sent. Who is let in has at most {measured.queue} before "
        f"them, so that the queue alone bounds the mean latency at {bound:.1f} s."
    )
    return Table(("overload", "a second", "median ms", "95 % ms", "99 % ms"), rows, note)


def _rate(ms: list[float], overload: Overload) -> str:
    return f"{len(ms) / overload.seconds:.1f}"


def _percentiles(ms: list[float]) -> tuple[str, ...]:
    return tuple(f"{value:,.0f}" for value in spread(ms)) if ms else ("", "", "")


def _beside_table(measured: Measured) -> Table:
    rows = [
        (
            name,
            f"{spread(each.alone_ms)[0]:.0f}",
            f"{spread(each.beside_ms)[0]:.0f}",
            f"{spread(each.beside_ms)[1]:.0f}",
            times(ratio_of_medians(each.beside_ms, each.alone_ms)),
        )
        for name, each in measured.beside.items()
    ]
    return Table(("a question beside", "alone, ms", "beside, ms", "95 % ms", "ratio of medians"), rows)


def _draw_memory(busy: Busy) -> Draw:
    def draw(axes: Axes) -> None:
        axes.plot([sample.second for sample in busy.samples], [sample.mib for sample in busy.samples])
        axes.set_ylim(bottom=0)
        axes.set_xlabel("seconds")
        axes.set_ylabel("MiB resident")

    return draw


def _draw_overload(overload: Overload) -> Draw:
    chosen = {
        "a full queue": overload.full_ms,
        f"let in at {TIMES_CAPACITY} times capacity": overload.accepted_ms,
        "turned away": overload.refused_ms,
    }

    def draw(axes: Axes) -> None:
        for name, ms in chosen.items():
            if ms:
                axes.plot(np.sort(ms), np.linspace(0, 1, len(ms)), label=name)
        axes.set_xscale("log")
        axes.set_xlabel("milliseconds")
        axes.set_ylabel("share of requests")
        axes.legend()

    return draw

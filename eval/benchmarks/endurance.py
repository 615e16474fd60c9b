"""Ten thousand questions to one server: whether memory, files and threads stay what they are."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from eval.benchmarks.clients import Call, bodies, send
from eval.benchmarks.ratios import gain, scaled, slope
from eval.benchmarks.section import Draw, Plan, Section, Table, Target, Tell
from eval.benchmarks.served import Sample, Server, build, peak_mib, serving
from eval.benchmarks.texts import write_texts
from eval.benchmarks.throughput import questions
from eval.statistics import Estimate
from rag.settings import Settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

QUESTIONS, LARGE_QUESTIONS = 10_000, 1_000
PASSAGES = 10_000
# So many questions between two samples.
EACH = 250
# Until then caches fill and threads are started, which is no leak.
SETTLED = 2_000
MOST_GROWTH = 0.05
MOST_MIB = 600
BUNDLED, LARGE = "the bundled record", "ten thousand passages"

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
# Of several writing systems and directions, combining, beyond the first plane, without width, and of no meaning at all.
_ODD = "éßøžΩжשم漢かह한𝕬🧬\u0301\u200b\u200d\u202e\ufeff\u00a0¼ﬁ²"


class Run(BaseModel):
    """One server: what it held after so many questions, how many of them failed, and the peak of `ask`."""

    asked: list[int]
    samples: list[Sample]
    failed: int
    seconds: float
    command_mib: float


class Measured(BaseModel):
    """By the record. `passages` of each, as asked for where it is generated."""

    runs: dict[str, Run]


def varied(known: Sequence[str], seed: int) -> Iterator[str]:
    """Questions without end that are seldom the same: real ones, misspelt, about words that nobody knows, and odd."""
    generator = random.Random(seed)
    changes = (lambda text, _: text, _misspelt, _about_unknown, _odd, _made_up)
    while True:
        yield generator.choice(changes)(generator.choice(known), generator)


def measure(plan: Plan, tell: Tell) -> Measured:
    """Each server is asked by as many clients as it has workers."""
    data, large = plan.workspace / "record", plan.workspace / "large"
    count, large_count = (60, 20) if plan.quick else (QUESTIONS, LARGE_QUESTIONS)
    build(data)
    runs = {BUNDLED: _run(data, list(islice(varied(questions(), plan.seed), count)), plan, tell)}
    known = write_texts(large / "texts", 50 if plan.quick else PASSAGES, plan.seed)
    tell("building the index of ten thousand passages", 0, 0)
    build(large / "data", [large / "texts"])
    asked = list(islice(varied([one.question for one in known], plan.seed), large_count))
    runs[LARGE] = _run(large / "data", asked, plan, tell)
    return Measured(runs=runs)


def _run(data: Path, asked: Sequence[str], plan: Plan, tell: Tell) -> Run:
    each = 20 if plan.quick else EACH
    with serving(data) as server:
        first = server.sample()
        run = Run(asked=[0], samples=[first], failed=0, seconds=0, command_mib=0)
        for begin in range(0, len(asked), each):
            tell("asking one after the other", begin, len(asked))
            _ask(server, asked[begin : begin + each], run)
    run.command_mib = peak_mib(["ask", asked[0], "--data-dir", str(data)])
    return run


def _ask(server: Server, asked: Sequence[str], run: Run) -> None:
    replies = send(
        Call(address=server.address, bodies=bodies(asked), clients=Settings().workers, requests=len(asked))
    )
    run.failed += len(replies.replies) - len(replies.answered)
    run.seconds += replies.seconds
    run.asked.append(run.asked[-1] + len(asked))
    sample = server.sample()
    sample.second = round(run.seconds, 1)
    run.samples.append(sample)


def _misspelt(text: str, generator: random.Random) -> str:
    """Two letters swapped and one lost."""
    at = generator.randrange(max(1, len(text) - 2))
    swapped = text[:at] + text[at : at + 2][::-1] + text[at + 2 :]
    lost = generator.randrange(len(swapped))
    return (swapped[:lost] + swapped[lost + 1 :]) or text


def _about_unknown(text: str, generator: random.Random) -> str:
    """One of its words is another that nobody knows."""
    words = text.split()
    words[generator.randrange(len(words))] = _word(generator)
    return " ".join(words)


def _odd(text: str, generator: random.Random) -> str:
    """Characters that come from anywhere, put anywhere."""
    for _ in range(generator.randint(1, 8)):
        at = generator.randrange(len(text) + 1)
        text = text[:at] + generator.choice(_ODD) + text[at:]
    return text


def _made_up(_: str, generator: random.Random) -> str:
    """A question of which nobody knows a word."""
    return f"Who is the {_word(generator)} of {_word(generator).title()} {_word(generator).title()}?"


def _word(generator: random.Random) -> str:
    return "".join(generator.choices(_LETTERS, k=generator.randint(4, 12)))


def section(measured: Measured) -> Section:
    """What each server held at first and later, and the slope of its memory when caches are full."""
    runs = measured.runs
    return Section(
        title="Endurance",
        text=(
            "One server is asked by as many clients as it has workers: real questions, misspelt ones, such with words "
            "that nobody knows or of nothing else, and such with characters of many writing systems or of none, so "
            f"that caches fill. Growth is the slope of its memory over the questions from the first {SETTLED:,} on: "
            "words that were never seen before are kept, with their vectors and stems, up to bounds of which some lie "
            "beyond the end."
        ),
        tables=[_table(name, run) for name, run in runs.items()],
        plots={"endurance": _draw(runs)},
        targets=_targets(runs),
    )


def _targets(runs: dict[str, Run]) -> list[Target]:
    bundled, large = runs[BUNDLED], runs[LARGE]
    failed = sum(run.failed for run in runs.values())
    asked = sum(run.asked[-1] for run in runs.values())
    served = max(sample.mib for sample in large.samples)
    targets = [
        Target("failed questions of many odd ones", "0", f"{failed} of {asked:,}", not failed),
        _under(f"memory of the server at {LARGE}", served),
        _under(f"peak memory of `ask` at {LARGE}", large.command_mib),
        _kept("threads", bundled.samples[-1].threads, _settled(bundled)[0][1].threads),
        _kept("open files", bundled.samples[-1].files, _settled(bundled)[0][1].files),
    ]
    if growth := _growth(bundled):
        targets.insert(
            1,
            Target(
                f"growth of memory from {SETTLED:,} to {bundled.asked[-1]:,} questions",
                f"≤ {MOST_GROWTH:.0%}",
                gain(growth),
                growth.high <= MOST_GROWTH,
            ),
        )
    return targets


def _under(what: str, mib: float) -> Target:
    megabytes = mib * 2**20 / 1e6
    return Target(what, f"≤ {MOST_MIB} MB", f"{megabytes:.0f} MB", megabytes <= MOST_MIB)


def _kept(what: str, last: int, settled: int) -> Target:
    return Target(
        f"{what} of the server, of those when caches are full",
        "no more",
        f"{last} of {settled}",
        last <= settled,
    )


def _settled(run: Run) -> list[tuple[int, Sample]]:
    """The samples from `SETTLED` questions on; where there are so few questions, the last."""
    pairs = list(zip(run.asked, run.samples, strict=True))
    return [pair for pair in pairs if pair[0] >= SETTLED] or pairs[-1:]


def _growth(run: Run) -> Estimate | None:
    """From `SETTLED` questions to the last, as a share of the memory then; None if there are too few."""
    settled = _settled(run)
    if len(settled) < 3:
        return None
    asked = [float(number) for number, _ in settled]
    found = slope(asked, [sample.mib for _, sample in settled])
    return scaled(found, (asked[-1] - asked[0]) / settled[0][1].mib)


def _table(name: str, run: Run) -> Table:
    wanted = (0, 1_000, SETTLED, 5_000, run.asked[-1])
    shown = {
        number: sample for number, sample in zip(run.asked, run.samples, strict=True) if number in wanted
    }
    rows = [
        (f"{number:,}", f"{sample.mib:.0f}", str(sample.files), str(sample.threads))
        for number, sample in shown.items()
    ]
    note = (
        f"{run.asked[-1] / run.seconds:.1f} questions a second, {run.failed} failed. `mission-record ask`, a process "
        f"of its own, had {run.command_mib:.0f} MiB at most."
    )
    return Table((f"{name}: questions", "MiB", "open files", "threads"), rows, note)


def _draw(runs: dict[str, Run]) -> Draw:
    def draw(axes: Axes) -> None:
        for name, run in runs.items():
            axes.plot(run.asked, [sample.mib for sample in run.samples], marker=".", label=name)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("questions asked")
        axes.set_ylabel("MiB resident")
        axes.legend()

    return draw

"""What the samples of the contenders show: tables with ratios to ours, plots, and the targets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from statistics import median
from typing import TYPE_CHECKING

from eval.benchmarks.contenders import FUSED, LLAMAINDEX, OURS, TITLES
from eval.benchmarks.peers_samples import Measured
from eval.benchmarks.ratios import ratio_of_medians, spread, times
from eval.benchmarks.section import Section, Table, Target
from eval.statistics import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FLOOR = "floor"
NAMES = {**TITLES, FLOOR: "embedding the question alone (ours)"}
OUR_NAMES = {FLOOR, *(each.name for each in OURS)}
MOST_ABOVE_FLOOR, FASTER, FASTER_START, FASTER_INGEST = 2.5, 3.0, 10.0, 1.5


def section(measured: Measured) -> Section:
    """Tables, plots and targets; those of a peer only where it was measured."""
    return Section(
        title="Beside what else there is",
        text=_text(measured),
        tables=[_setups(measured), _ingest(measured), _cold(measured), _warm(measured)],
        plots={
            "peers-question": partial(_plot_question, measured),
            "peers-start": partial(_plot_start, measured),
            "peers-ingest": partial(_plot_ingest, measured),
        },
        targets=list(_targets(measured)),
    )


def _text(measured: Measured) -> str:
    said = (
        f"Every contender got the same {measured.documents:,} generated documents ({measured.characters:,} "
        f"characters), the same {measured.questions:,} questions and the same weights (all-MiniLM-L6-v2), set up as "
        "its own documentation says, with its own defaults for how it cuts and how many passages it finds. Each ran in "
        "a process of its own, with all cores, without network and telemetry; they took turns. Files were in the cache "
        "of the disk. The whole answer is a text with citations; what the others give is a list of passages."
    )
    reasons = [f"- {NAMES.get(name, name)}: {reason}" for name, reason in measured.missing.items()]
    return "\n\n".join([said, *(["Not measured:", "\n".join(reasons)] if reasons else [])])


def _setups(measured: Measured) -> Table:
    rows = []
    for name, setup in measured.setups.items():
        installed = ", ".join(f"{package} {version}" for package, version in setup.versions.items())
        title = "ours" if name == FUSED.name else NAMES[name]
        rows.append((title, installed, f"{setup.agreement:.5f}"))
    return Table(
        ("what was measured", "versions", "cosine to ours"),
        rows,
        "The cosine is of the vectors that each makes of one question: the weights are the same, ours rounded to int8.",
    )


def _ingest(measured: Measured) -> Table:
    rows = []
    ours = measured.handed_seconds[FUSED.name]
    for name, files in measured.files.items():
        seconds = measured.handed_seconds[name]
        rows.append(
            (
                "ours" if name == FUSED.name else NAMES[name],
                f"{files.passages:,}",
                f"{measured.documents / files.seconds:.2f}",
                f"{measured.characters / files.seconds:,.0f}",
                f"{files.peak_mb:,.0f}",
                f"{files.disk_mb:.1f}",
                f"{measured.handed / median(seconds):.1f}",
                _to_ours(name, seconds, ours),
            )
        )
    return Table(
        (
            "ingest",
            "passages it cuts",
            "documents/s",
            "characters/s",
            "peak MB",
            "MB on disk",
            "the same passages/s",
            "its time to ours",
        ),
        rows,
        "First all files, each cut as the contender cuts; then the same passages handed over ready "
        f"({measured.handed:,}, {len(ours)} times). Ours takes documents: its time for those holds cutting them, and "
        "in both it holds the lexical index, the copy in the catalog and reading the new version back. Chroma cuts "
        "nothing, and like txtai it was given paragraphs. Models were loaded before. Memory is of the process and of "
        "those that it started.",
    )


def _cold(measured: Measured) -> Table:
    ours = measured.cold[FUSED.name].seconds
    rows = [
        (
            NAMES[name],
            f"{median(cold.seconds):.2f}",
            f"{min(cold.seconds):.2f} to {max(cold.seconds):.2f}",
            f"{median(cold.memory_mb):,.0f}",
            _to_ours(name, cold.seconds, ours),
        )
        for name, cold in measured.cold.items()
    ]
    return Table(
        ("start to first answer", "median s", "all", "MB then", "to ours, search"),
        rows,
        f"From starting the interpreter to the answer, the index being there; times measured: {len(ours)}.",
    )


def _warm(measured: Measured) -> Table:
    ours = measured.warm[FUSED.name].ms
    rows = [
        (NAMES[FLOOR], *_milliseconds(measured.floor_ms), _to_ours(FLOOR, measured.floor_ms, ours), *[""] * 4)
    ]
    for name, warm in measured.warm.items():
        rows.append(
            (
                NAMES[name],
                *_milliseconds(warm.ms),
                _to_ours(name, warm.ms, ours),
                f"{median(warm.found):g}",
                _share(warm.first, measured.questions),
                _share(warm.among, measured.questions),
                f"{warm.memory_mb:,.0f}",
            )
        )
    return Table(
        (
            "one question",
            "median ms",
            "95 %",
            "99 %",
            "to ours, search",
            "passages",
            "right document first",
            "among five",
            "MB",
        ),
        rows,
        "All processes up, one asked at a time. Of the whole answer, what is counted are the sentences that it cites; "
        "it may also refuse.",
    )


def _targets(measured: Measured) -> Iterator[Target]:
    ours = measured.warm[FUSED.name].ms
    above = ratio_of_medians(ours, measured.floor_ms)
    yield Target(
        "A list of passages, to embedding the question alone",
        f"at most {MOST_ABOVE_FLOOR:g} ×",
        times(above),
        above.value <= MOST_ABOVE_FLOOR,
    )
    if LLAMAINDEX.name not in measured.warm:
        return
    peer, title = LLAMAINDEX.name, LLAMAINDEX.title
    yield _faster(f"{title}: a question, to ours", FASTER, ratio_of_medians(measured.warm[peer].ms, ours))
    started = ratio_of_medians(measured.cold[peer].seconds, measured.cold[FUSED.name].seconds)
    yield _faster(f"{title}: cold start to first answer, to ours", FASTER_START, started)
    ingested = ratio_of_medians(measured.handed_seconds[peer], measured.handed_seconds[FUSED.name])
    yield _faster(f"Ingest: our passages/s, to those of the {title}", FASTER_INGEST, ingested)


def _faster(what: str, least: float, reached: Estimate) -> Target:
    return Target(what, f"at least {least:g} ×", times(reached), reached.value >= least)


def _to_ours(name: str, samples: Sequence[float], ours: Sequence[float]) -> str:
    return "1" if name == FUSED.name else times(ratio_of_medians(samples, ours))


def _milliseconds(samples: Sequence[float]) -> tuple[str, str, str]:
    middle, most, nearly_all = spread(samples)
    return f"{middle:.1f}", f"{most:.1f}", f"{nearly_all:.1f}"


def _share(number: int, of: int) -> str:
    return f"{number / of:.0%}"


def _plot_question(measured: Measured, axes: Axes) -> None:
    spreads = {
        name: spread(samples)
        for name, samples in {
            FLOOR: measured.floor_ms,
            **{name: warm.ms for name, warm in measured.warm.items()},
        }.items()
    }
    _bars(axes, {name: middle for name, (middle, _, _) in spreads.items()})
    for place, (middle, most, _) in enumerate(spreads.values()):
        axes.plot([middle, most], [place, place], color="black", linewidth=1, marker="|")
    axes.set_xscale("log")
    axes.set_xlabel("ms a question: median, and line to the 95th percentile (logarithmic)")


def _plot_start(measured: Measured, axes: Axes) -> None:
    _bars(axes, {name: median(cold.seconds) for name, cold in measured.cold.items()})
    for place, cold in enumerate(measured.cold.values()):
        axes.plot(cold.seconds, [place] * len(cold.seconds), color="black", linestyle="", marker="|")
    axes.set_xlabel("s from starting the process to its first answer: median, and every round")


def _plot_ingest(measured: Measured, axes: Axes) -> None:
    rates = {
        name: [measured.handed / second for second in seconds]
        for name, seconds in measured.handed_seconds.items()
    }
    _bars(axes, {name: median(each) for name, each in rates.items()})
    for place, each in enumerate(rates.values()):
        axes.plot(each, [place] * len(each), color="black", linestyle="", marker="|")
    axes.set_xlabel("passages/s, the same passages for all: median, and every round")


def _bars(axes: Axes, values: Mapping[str, float]) -> None:
    colours = ["tab:blue" if name in OUR_NAMES else "tab:gray" for name in values]
    axes.barh(range(len(values)), list(values.values()), color=colours)
    axes.set_yticks(range(len(values)), [NAMES[name] for name in values])
    axes.invert_yaxis()

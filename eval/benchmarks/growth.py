"""How time, memory, disk and what is found change from a thousand passages to a million."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel

from eval.benchmarks.growth_asked import DEPTHS, FIRST, STAGES, Asked
from eval.benchmarks.growth_index import NEIGHBOURS, QUANTILES, REAL_DOCUMENTS, Built, Likeness, Place
from eval.benchmarks.growth_steps import result_of
from eval.benchmarks.ratios import exponent, ratio_of_medians
from eval.benchmarks.section import Draw, Plan, Section, Table, Target, Tell
from eval.statistics import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZES = (1_000, 10_000, 100_000, 1_000_000)
QUICK_SIZES = (50, 100)
# Above, the vectors of most passages imitate those of the model, which would take half an hour for a hundred thousand.
MOST_INGESTED = 10_000
COMPARED, MOST_TIMES = (10_000, 1_000_000), 3.0

# What is made of the samples of one size.
Values = Callable[["Size"], Sequence[float]]


class Size(BaseModel):
    """A record of one size: `likeness` only where its vectors are imitated."""

    built: Built
    asked: Asked
    likeness: Likeness | None = None


class Measured(BaseModel):
    """By the number of passages asked for; the number that there are stands in `built`."""

    sizes: dict[int, Size]


def measure(plan: Plan, tell: Tell) -> Measured:
    """Each size in processes of its own. What the workspace holds from before is not measured again."""
    chosen = QUICK_SIZES if plan.quick else [size for size in SIZES if size <= plan.largest]
    sizes = {}
    for number, size in enumerate(chosen):
        place = Place(plan.workspace.resolve() / f"growth-{plan.seed}-{size}")
        step = "ingest" if size <= MOST_INGESTED else "imitate"
        tell(f"{size:,} passages: {step}", number, len(chosen))
        built = result_of(step, place, size, plan.seed, Built)
        tell(f"{size:,} passages: ask", number, len(chosen))
        asked = result_of("ask", place, size, plan.seed, Asked)
        likeness = place.folder / "likeness.json"
        sizes[size] = Size(
            built=built,
            asked=asked,
            likeness=Likeness.model_validate_json(likeness.read_text(encoding="utf-8"))
            if likeness.is_file()
            else None,
        )
    return Measured(sizes=sizes)


def section(measured: Measured) -> Section:
    """Tables of every size with the exponents, plots on two logarithmic axes, and the growth of a question's time."""
    sizes = {size.built.passages: size for _, size in sorted(measured.sizes.items())}
    imitated = {number: size.likeness for number, size in sizes.items() if size.likeness}
    tables = [_ingest_table(sizes), _time_table(sizes), _quality_table(sizes)]
    return Section(
        title="Growth",
        text=_text(sizes, imitated),
        # All sizes imitate the same documents.
        tables=[*tables, *(_likeness_table(likeness) for likeness in [*imitated.values()][-1:])],
        plots={
            "growth-time": _plot(sizes, {stage: _times(stage) for stage in STAGES}, "milliseconds (median)"),
            "growth-size": _plot(
                sizes,
                {
                    "catalog on disk": lambda size: [size.built.catalog_mib],
                    "vectors on disk": lambda size: [size.built.vectors_mib],
                    "memory, answering": lambda size: [size.asked.resident_mib],
                    "peak memory, ingest": lambda size: [size.built.peak_mib],
                },
                "MiB",
            ),
        },
        targets=_targets(measured),
    )


def _text(sizes: Mapping[int, Size], imitated: Mapping[int, Likeness]) -> str:
    asked = next(iter(sizes.values())).asked
    text = (
        "Documents are generated, with word frequencies, vocabulary growth and bursts as in real text, and taken in "
        "by the real ingest from files. The same questions, in other words than the sentences that answer them, are "
        f"asked at every size: {len(asked.found)} with a known answer, {len(asked.refused_unanswerable)} without any. "
        "An exponent is the slope of the logarithm of the median over that of the number of passages; 1 is growth "
        "in proportion."
    )
    if not imitated:
        return text
    return text + (
        f" At {', '.join(f'{number:,}' for number in imitated)} passages, those of the first {REAL_DOCUMENTS:,} "
        "documents, of which the questions are, have the model's vectors; the others' are drawn to be like them "
        "(`imitation.py` says how), everything else being real. How like they are is shown last."
    )


def _times(stage: str) -> Values:
    return lambda size: size.asked.times[stage]


def _grown(sizes: Mapping[int, Size], values: Values) -> str:
    if len(sizes) < 2:
        return ""
    return _said(exponent({number: values(size) for number, size in sizes.items()}))


def _said(estimate: Estimate) -> str:
    if estimate.low == estimate.high:
        return f"{estimate.value:.2f}"
    return f"{estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"


def _table(
    sizes: Mapping[int, Size],
    rows: Sequence[tuple[str, Callable[[Size], str], Values | None]],
    note: str,
    only: Callable[[Size], bool] = lambda _: True,
) -> Table:
    """A row a figure, a column a size, and last the exponent of those that have one."""
    kept = {number: size for number, size in sizes.items() if only(size)}
    return Table(
        ("passages", *(f"{number:,}" for number in kept), "exponent"),
        [
            (name, *(cell(size) for size in kept.values()), _grown(kept, values) if values else "")
            for name, cell, values in rows
        ],
        note,
    )


def _figure(values: Values, form: str = ",.0f") -> Callable[[Size], str]:
    return lambda size: format(float(np.median(values(size))), form)


def _row(name: str, values: Values, form: str = ",.0f") -> tuple[str, Callable[[Size], str], Values]:
    return name, _figure(values, form), values


def _ingest_table(sizes: Mapping[int, Size]) -> Table:
    rows = [
        _row("time of the ingest (s)", lambda size: [size.built.seconds], ",.1f"),
        _row("passages a second", lambda size: [size.built.passages / size.built.seconds], ",.1f"),
        _row("peak memory (MiB)", lambda size: [size.built.peak_mib]),
        _row("catalog on disk (MiB)", lambda size: [size.built.catalog_mib], ",.1f"),
        _row("vectors on disk (MiB)", lambda size: [size.built.vectors_mib], ",.1f"),
    ]
    note = "One ingest each, the models being loaded. Peak memory is that of the process that ingests, all counted."
    return _table(sizes, rows, note, lambda size: size.likeness is None)


def _time_table(sizes: Mapping[int, Size]) -> Table:
    def percentile(size: Size) -> str:
        return f"{np.percentile(size.asked.times[STAGES[-1]], 95):,.1f}"

    rows: list[tuple[str, Callable[[Size], str], Values | None]] = [
        *(_row(f"{stage} (ms)", _times(stage), ",.2f") for stage in STAGES),
        ("whole answer, 95th percentile (ms)", percentile, None),
        _row("first question of a process (ms)", lambda size: [size.asked.first_question_ms]),
        _row("memory, answering (MiB)", lambda size: [size.asked.resident_mib]),
        _row("disk (MiB)", lambda size: [size.built.catalog_mib + size.built.vectors_mib]),
    ]
    return _table(
        sizes, rows, "Medians over questions, one at a time; each search is the median of its repetitions."
    )


def _quality_table(sizes: Mapping[int, Size]) -> Table:
    def share(values: Callable[[Asked], Sequence[float]]) -> Callable[[Size], str]:
        return lambda size: f"{np.mean(values(size.asked)):.1%}"

    def recall(depth: int) -> Callable[[Size], str]:
        return share(lambda asked: asked.recalls[depth])

    rows = [
        (f"passage with the answer among the first {FIRST}", share(lambda asked: asked.found), None),
        ("answered right", share(lambda asked: asked.right), None),
        ("refused, though the answer is there", share(lambda asked: asked.refused), None),
        ("refused, having no answer", share(lambda asked: asked.refused_unanswerable), None),
        *((f"recall@{depth} of the approximate search", recall(depth), None) for depth in DEPTHS),
    ]
    return _table(
        sizes,
        rows,
        "Recall: of the passages exactly nearest to a question, the share that Chroma's search found.",
    )


def _likeness_table(likeness: Likeness) -> Table:
    rows = [
        (f"{rank} ({name})", *(f"{value:.3f}" for value in values))
        for at, rank in enumerate(NEIGHBOURS)
        for name, values in (("real", likeness.real[at]), ("imitated", likeness.imitated[at]))
    ]
    return Table(
        ("neighbour", *(f"{quantile} %" for quantile in QUANTILES)),
        rows,
        f"Quantiles of the cosine similarity of the nearest, 10th and 50th nearest other passage, of "
        f"{likeness.compared} passages among as many imitated as there are real ones.",
    )


def _targets(measured: Measured) -> list[Target]:
    """Growth between the two sizes of the target; where one was not measured, there is nothing to say."""
    if not all(size in measured.sizes for size in COMPARED):
        return []
    small, large = (measured.sizes[size].asked.times for size in COMPARED)
    targets = []
    for stage, name in zip(STAGES[-2:], ("a search", "an answer"), strict=True):
        grown = ratio_of_medians(large[stage], small[stage])
        what = f"time of {name} at {COMPARED[1]:,} passages over that at {COMPARED[0]:,}"
        targets.append(Target(what, f"under {MOST_TIMES:g}", _said(grown), grown.value < MOST_TIMES))
    return targets


def _plot(sizes: Mapping[int, Size], lines: Mapping[str, Values], unit: str) -> Draw:
    def draw(axes: Axes) -> None:
        for name, values in lines.items():
            medians = [float(np.median(values(size))) for size in sizes.values()]
            slope = (
                f" ({np.polyfit(np.log(list(sizes)), np.log(medians), 1)[0]:.2f})" if len(sizes) > 1 else ""
            )
            axes.plot(list(sizes), medians, marker="o", label=name + slope)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("passages")
        axes.set_ylabel(unit)
        axes.legend(title="(slope)")

    return draw

"""Plots as inline SVG: no script, no file beside the page, colours from the page's own variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from eval.statistics import Estimate
from eval.summary import Knowing, Latency

WIDTH, HEIGHT = 480, 320
LEFT, RIGHT, TOP, BOTTOM = 66, 26, 14, 46


@dataclass(frozen=True, slots=True)
class Axes:
    """Maps values to places on a plot; `y` grows upwards. Both ranges begin at 0."""

    x_most: float = 1.0
    y_most: float = 1.0

    def x(self, value: float) -> float:
        """The place of a value across."""
        return LEFT + value / self.x_most * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """The place of a value up."""
        return HEIGHT - BOTTOM - value / self.y_most * (HEIGHT - TOP - BOTTOM)

    def path(self, points: Sequence[tuple[float, float]]) -> str:
        """The path through points."""
        return "M" + "L".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)

    def frame(self, x_title: str, y_title: str) -> str:
        """Grid, tick labels and titles."""
        parts = []
        for step in range(6):
            x, y = self.x(self.x_most * step / 5), self.y(self.y_most * step / 5)
            parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
            parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(_text(x, HEIGHT - BOTTOM + 16, f"{100 * self.x_most * step / 5:.0f} %", "middle"))
            parts.append(_text(LEFT - 6, y + 4, f"{100 * self.y_most * step / 5:.0f} %", "end"))
        parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, x_title, "middle", "axis"))
        middle = (TOP + HEIGHT - BOTTOM) / 2
        parts.append(
            f'<text class="axis" text-anchor="middle" transform="translate(12,{middle:.0f}) rotate(-90)">'
            f"{escape(y_title)}</text>"
        )
        return "".join(parts)


def risk_coverage_plot(knowing: Knowing) -> str:
    """Risk over coverage, beside the best that these answers allow and no knowledge at all."""
    curve = [(point.coverage, point.risk) for point in knowing.risk_coverage]
    all_risk = curve[-1][1]
    axes = Axes(y_most=_round_up(max([all_risk, knowing.risk, *(risk for _, risk in curve)])))
    reach = 1 - all_risk
    ideal = [(x, max(0.0, (x - reach) / x)) for x in np.linspace(0.01, 1, 100)]
    shaded = [(curve[0][0], 0.0), *curve, (1.0, 0.0)]
    marks = (
        axes.frame("coverage: share of all questions answered", "risk: share of those wrong"),
        f'<path class="area" d="{axes.path(shaded)}Z"/>',
        f'<path class="reference" d="{axes.path([(0.0, all_risk), (1.0, all_risk)])}"/>',
        f'<path class="reference" d="{axes.path(ideal)}"/>',
        f'<path class="curve" d="{axes.path(curve)}"/>',
        f'<circle class="point" cx="{axes.x(knowing.coverage):.1f}" cy="{axes.y(knowing.risk):.1f}" r="5"/>',
        _text(axes.x(0.02), axes.y(all_risk) - 6, "no knowledge", "start", "note"),
        _text(axes.x(min(reach, 0.8)), axes.y(0) - 6, "ideal", "end", "note"),
        _text(axes.x(knowing.coverage) - 2, axes.y(knowing.risk) + 19, "this run", "end", "strong"),
    )
    return _svg("".join(marks), "Risk-coverage curve")


def calibration_plot(knowing: Knowing) -> str:
    """How right against how sure: a dot a bin, its area by the number of answers."""
    axes = Axes()
    most = max((found.n for found in knowing.calibration), default=1)
    parts = [
        axes.frame("confidence", "share right"),
        f'<path class="reference" d="{axes.path([(0.0, 0.0), (1.0, 1.0)])}"/>',
    ]
    for found in knowing.calibration:
        x, y = axes.x(found.confidence), axes.y(found.accuracy)
        radius = 4 + 12 * (found.n / most) ** 0.5
        parts.append(
            f'<line class="gap" x1="{x:.1f}" x2="{x:.1f}" y1="{y:.1f}" y2="{axes.y(found.confidence):.1f}"/>'
        )
        title = f"{found.n} answers, confidence {found.confidence:.2f}, right {found.accuracy:.2f}"
        parts.append(
            f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"><title>{title}</title></circle>'
        )
        parts.append(_text(x, y + 4, str(found.n), "middle", "inside" if radius > 9 else "hidden"))
    return _svg("".join(parts), "Calibration of the answers given")


def latency_plot(latencies: Mapping[str, Latency]) -> str:
    """A bar a stage: median full, 95th percentile light."""
    row, label, width = 30, 90, 900
    most = max((stage.p95 for stage in latencies.values()), default=1.0) or 1.0
    scale = (width - label - 300) / most
    parts = []
    for place, (name, stage) in enumerate(latencies.items()):
        y = place * row + 4
        numbers = f"median {stage.median:.1f} ms, 95 % {stage.p95:.1f} ms, 99 % {stage.p99:.1f} ms"
        parts.append(_text(label - 8, y + 15, name, "end", "strong"))
        parts.append(
            f'<rect class="light" x="{label}" y="{y}" width="{stage.p95 * scale:.1f}" height="20" rx="3"/>'
        )
        parts.append(
            f'<rect class="full" x="{label}" y="{y}" width="{stage.median * scale:.1f}" height="20" rx="3"/>'
        )
        parts.append(_text(label + stage.p95 * scale + 8, y + 15, numbers, "start"))
    return _svg("".join(parts), "Time of each stage", width, len(latencies) * row + 4)


def whisker(estimate: Estimate, better_high: bool = True) -> str:
    """A figure between 0 and 1 as a dot on its interval, to stand in a table."""
    width, height, pad = 150, 18, 6

    def at(value: float) -> float:
        return pad + min(max(value, 0.0), 1.0) * (width - 2 * pad)

    kind = "good" if better_high else "bad"
    marks = (
        f'<line class="grid" x1="{pad}" x2="{width - pad}" y1="9" y2="9"/>'
        f'<line class="{kind} range" x1="{at(estimate.low):.1f}" x2="{at(estimate.high):.1f}" y1="9" y2="9"/>'
        f'<circle class="{kind}" cx="{at(estimate.value):.1f}" cy="9" r="4"/>'
    )
    title = f"{estimate.value:.3f}, 95 % interval {estimate.low:.3f} to {estimate.high:.3f}"
    return _svg(marks, title, width, height, "whisker")


def bars(counts: Mapping[str, int]) -> str:
    """A horizontal bar for each count."""
    row, label, width = 28, 210, 620
    most = max(counts.values(), default=1)
    parts = []
    for place, (name, count) in enumerate(counts.items()):
        y, length = place * row + 4, count / most * (width - label - 50)
        parts.append(_text(label - 8, y + 15, name, "end"))
        parts.append(f'<rect class="bad" x="{label}" y="{y}" width="{length:.1f}" height="20" rx="3"/>')
        parts.append(_text(label + length + 8, y + 15, str(count), "start", "strong"))
    return _svg("".join(parts), "Causes of wrong answers", width, len(counts) * row + 4)


def _text(x: float, y: float, text: str, anchor: str, kind: str = "tick") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(marks: str, title: str, width: int = WIDTH, height: int = HEIGHT, kind: str = "plot") -> str:
    return (
        f'<svg class="{kind}" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">'
        f"<title>{escape(title)}</title>{marks}</svg>"
    )


def _round_up(value: float) -> float:
    """The next tenth above, at least one and at most ten."""
    return float(min(1.0, max(0.1, np.ceil(value * 10) / 10)))

"""Curves as inline SVG in the colours of the window, each with a description for those who do not see it. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ui.evaluation import Bin, Curves, Figure
from ui.messages import message

WIDTH, HEIGHT = 480, 320
LEFT, RIGHT, TOP, BOTTOM = 56, 18, 14, 48
STEPS = 5


@dataclass(frozen=True, slots=True)
class Axes:
    """Places of values on a plot; across from 0 to 1, up from 0 to `most`."""

    most: float = 1.0

    def x(self, value: float) -> float:
        """The place of a value across."""
        return LEFT + value * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """The place of a value up."""
        return HEIGHT - BOTTOM - value / self.most * (HEIGHT - TOP - BOTTOM)

    def path(self, points: Sequence[tuple[float, float]]) -> str:
        """A line through points."""
        return "M" + "L".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)

    def frame(self, across: str, up: str) -> str:
        """Grid, numbers and what the axes say."""
        parts = []
        for step in range(STEPS + 1):
            x, y = self.x(step / STEPS), self.y(self.most * step / STEPS)
            parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(_text(x, HEIGHT - BOTTOM + 18, _percent(step / STEPS), "middle"))
            parts.append(_text(LEFT - 8, y + 4, _percent(self.most * step / STEPS), "end"))
        middle = (TOP + HEIGHT - BOTTOM) / 2
        parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, across, "middle"))
        parts.append(
            f'<text text-anchor="middle" transform="translate(13,{middle:.0f}) rotate(-90)">{up}</text>'
        )
        return "".join(parts)


def risk_coverage(curves: Curves, language: str) -> str:
    """How many of the answers would be wrong, the more questions are answered."""
    points = [(point.coverage, point.risk) for point in curves.risk_coverage]
    if not points:
        return ""
    axes = Axes(_round_up(max(curves.risk, *(risk for _, risk in points))))
    told = message(
        "accuracy.risk.told", language, coverage=_percent(curves.coverage), risk=_percent(curves.risk)
    )
    marks = (
        axes.frame(message("accuracy.coverage", language), message("accuracy.risk", language)),
        f'<path class="area" d="{axes.path([(points[0][0], 0), *points, (points[-1][0], 0)])}Z"/>',
        f'<path class="curve" d="{axes.path(points)}"/>',
        f'<circle class="here" cx="{axes.x(curves.coverage):.1f}" cy="{axes.y(curves.risk):.1f}" r="6"/>',
        _text(
            axes.x(curves.coverage) - 10,
            axes.y(curves.risk) - 8,
            message("accuracy.here", language),
            "end",
            "strong",
        ),
    )
    return _svg("".join(marks), told)


def calibration(bins: Sequence[Bin], language: str) -> str:
    """How often answers are right against how sure they are; the larger a dot, the more answers it stands for."""
    if not bins:
        return ""
    axes, most = Axes(), max(found.n for found in bins)
    parts = [
        axes.frame(message("accuracy.confidence", language), message("accuracy.share", language)),
        f'<path class="reference" d="{axes.path([(0, 0), (1, 1)])}"/>',
    ]
    for found in bins:
        radius = 4 + 10 * (found.n / most) ** 0.5
        told = message(
            "accuracy.bin",
            language,
            n=found.n,
            confidence=_percent(found.confidence),
            right=_percent(found.accuracy),
        )
        parts.append(
            f'<circle class="dot" cx="{axes.x(found.confidence):.1f}" cy="{axes.y(found.accuracy):.1f}"'
            f' r="{radius:.1f}"><title>{told}</title></circle>'
        )
    return _svg("".join(parts), message("accuracy.calibration.told", language))


def interval(figure: Figure) -> str:
    """A share as a dot on its interval, beside the numbers that say the same."""
    width, height, pad = 160, 14, 6

    def at(value: float) -> float:
        return pad + min(max(value, 0.0), 1.0) * (width - 2 * pad)

    return (
        f'<svg class="interval" viewBox="0 0 {width} {height}" preserveAspectRatio="xMinYMid" aria-hidden="true">'
        f'<line class="grid" x1="{pad}" x2="{width - pad}" y1="7" y2="7"/>'
        f'<line class="range" x1="{at(figure.low):.1f}" x2="{at(figure.high):.1f}" y1="7" y2="7"/>'
        f'<circle cx="{at(figure.value):.1f}" cy="7" r="5"/></svg>'
    )


def _percent(value: float) -> str:
    return f"{100 * value:.0f}%"


def _round_up(value: float) -> float:
    """The next tenth above, at least one and at most ten."""
    return min(max(math.ceil(value * 10), 1), 10) / 10


def _text(x: float, y: float, words: str, anchor: str, kind: str = "") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{words}</text>'


def _svg(marks: str, told: str) -> str:
    return (
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{told}"><title>{told}</title>'
        f"{marks}</svg>"
    )

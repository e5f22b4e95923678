"""A linear axis: values to places, round ticks, labels that tell neighbours apart.

python -c "from mores.report.figures.axis import ticks; print(ticks(-0.13, 0.21))"
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from mores.report.figures.scene import WIDTH, Item, Line, Mark, Text
from mores.report.words import fmt


@dataclass(frozen=True)
class Axis:
    """Maps values from low to high onto places from start to end."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return the place of a value, held within the axis."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)


def ticks(low: float, high: float) -> list[float]:
    """Return about six round values at most (1, 2 or 5 × 10ᵏ apart) from low to high."""
    step = _step(high - low)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(k * step, 12) + 0.0 for k in range(first, last + 1)]


def tick_labels(values: list[float]) -> list[str]:
    """Return the values with just the decimals that their distance needs."""
    if len(values) < 2:
        return [f"{value:g}" for value in values]
    places = max(0, -math.floor(math.log10(values[1] - values[0]) + 1e-9))
    return [fmt(value, places) for value in values]


def left(axis: Axis, start: float, end: float) -> list[Item]:
    """Return grid lines of an upright axis from ``start`` to ``end`` and tick labels before."""
    values = ticks(axis.low, axis.high)
    items: list[Item] = []
    for value, label in zip(values, tick_labels(values), strict=True):
        y = axis.at(value)
        items += [
            Line(start, y, end, y, "rule", 0.8),
            Text(start - 6, y + 4, label, "muted", 10.5, "end"),
        ]
    return items


def _step(span: float) -> float:
    rough = span / 6
    unit = 10.0 ** math.floor(math.log10(rough))
    return unit * next(m for m in (1, 2, 5, 10) if m * unit >= rough * 0.85)


def around(
    values: Iterable[float], start: float, end: float, *, include: Iterable[float] = (0.0,)
) -> Axis:
    """Return an axis that holds all values and ``include``, with a little room at both ends."""
    every = [*values, *include]
    low, high = min(every), max(every)
    if high - low < 1e-9:
        low, high = low - 1.0, high + 1.0
    room = 0.05 * (high - low)
    return Axis(low - room, high + room, start, end)


def end_labels(start: float, y: float, low: str, high: str) -> list[Item]:
    """Return what a low and a high value mean, each with an arrow head; y is the baseline.

    The heads are drawn: not every font has arrows.
    """
    items: list[Item] = []
    if low:
        items += [
            Mark(start + 4.5, y - 4, "left", "muted", 2.6),
            Text(start + 12, y, low, "muted", 10.5),
        ]
    items += [
        Text(WIDTH - 12, y, high, "muted", 10.5, "end"),
        Mark(WIDTH - 4.5, y - 4, "right", "muted", 2.6),
    ]
    return items


def bottom(axis: Axis, top: float, y: float) -> list[Item]:
    """Return grid lines from ``top`` to y and tick labels below."""
    values = ticks(axis.low, axis.high)
    items: list[Item] = []
    for value, label in zip(values, tick_labels(values), strict=True):
        x = axis.at(value)
        items += [
            Line(x, top, x, y, role="rule", width=0.8),
            Text(x, y + 14, label, role="muted", size=10.5, anchor="middle"),
        ]
    return items

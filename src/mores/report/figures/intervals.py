"""Rows of estimates with whiskers: what forest plots and the capability figure share.

Each row has its label and its numbers above the whisker, so that a phone shows them at
reading size and no point ever stands without its interval.

    scene = interval_panel(rows, title="…", description="…", axis=axis_of(rows, []))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mores.records import Estimate
from mores.report.figures.axis import Axis, around, bottom, end_labels
from mores.report.figures.scene import WIDTH, Item, Line, Scene, Text, fit, text_width
from mores.report.figures.verdicts import mark
from mores.report.words import fmt, interval, signed, two_sided

ROW = 36.0
_LEFT, _RIGHT = 10.0, WIDTH - 10.0


@dataclass(frozen=True)
class Row:
    """One labelled estimate."""

    label: str
    estimate: Estimate
    bold: bool = False


def axis_of(rows: Sequence[Row], include: Sequence[float]) -> Axis:
    """Return an axis on which all values, intervals and ``include`` have room."""
    values = [
        x
        for row in rows
        for x in (row.estimate.value, row.estimate.low, *two_sided(row.estimate))
        if x is not None
    ]
    return around(values, _LEFT, _RIGHT, include=(0.0, *include))


def interval_panel(
    rows: Sequence[Row],
    *,
    title: str,
    description: str,
    axis: Axis,
    places: int,
    subtitle: str = "",
    ends: tuple[str, str] = ("lower", "higher"),
    margin: float | None = None,
) -> Scene:
    """Return a panel with one row an estimate, a line at zero and, if given, at the margin.

    Args:
        rows: top to bottom.
        title: heading of the panel.
        description: for those who hear it.
        axis: shared by the panels that are to be compared.
        places: decimals of the numbers.
        subtitle: what limits the panel, such as ``descriptive only``.
        ends: meaning of a negative and of a positive difference.
        margin: largest acceptable loss, drawn at minus this.
    """
    items: list[Item] = [Text(0, 14, fit(title, WIDTH, 12.5, bold=True), size=12.5, bold=True)]
    y = 24.0
    if subtitle:
        items.append(Text(0, 30, fit(subtitle, WIDTH), role="muted"))
        y = 40.0
    end = y + ROW * len(rows) + 6
    items += bottom(axis, y, end)
    items += _reference_lines(axis, y, end, margin)
    for number, row in enumerate(rows):
        items += _row(row, axis, y + ROW * number, places)
    items += end_labels(0, end + 30, *ends)
    return Scene(WIDTH, end + 36, title, description, tuple(items))


def _reference_lines(axis: Axis, top: float, end: float, margin: float | None) -> list[Item]:
    zero = axis.at(0.0)
    items: list[Item] = [Line(zero, top, zero, end, role="muted", width=1.2)]
    if margin is not None:
        x = axis.at(-margin)
        items.append(Line(x, top, x, end, role="bad", width=1.4, dashed=True))
    return items


def _row(row: Row, axis: Axis, y: float, places: int) -> list[Item]:
    numbers = _numbers(row.estimate, places)
    room = WIDTH - text_width(numbers, 10.5) - 10
    label = fit(row.label, room, 11, bold=row.bold)
    items: list[Item] = [
        Text(0, y + 14, label, bold=row.bold),
        Text(WIDTH, y + 14, numbers, "ink" if row.bold else "muted", 10.5, "end", bold=row.bold),
    ]
    if row.estimate.value is not None:
        items += _whisker(row, axis, y + 26)
    return items


def _numbers(estimate: Estimate, places: int) -> str:
    if estimate.value is None:
        return "not computable"
    low, high = two_sided(estimate)
    if low is None or high is None:
        return f"{signed(estimate.value, places)}  {interval(estimate, places)}"
    return f"{signed(estimate.value, places)} [{fmt(low, places)}, {fmt(high, places)}]"


def _whisker(row: Row, axis: Axis, y: float) -> list[Item]:
    estimate = row.estimate
    assert estimate.value is not None
    low, high = two_sided(estimate)
    items: list[Item] = []
    width = 2.2 if row.bold else 1.5
    if low is not None and high is not None:
        items.append(Line(axis.at(low), y, axis.at(high), y, width=width))
    if estimate.low is not None and estimate.high is None:
        bound = axis.at(estimate.low)
        items.append(Line(bound, y - 5, bound, y + 5, width=2.0))
        if low is None:
            items.append(Line(bound, y, axis.at(estimate.value), y, width=width))
    size = 5.2 if row.bold else 4.4
    items.append(mark(estimate.verdict, axis.at(estimate.value), y, size))
    return items

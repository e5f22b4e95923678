"""Distributions of a scorer's values: every completion is a dot, stacked where they are many.

Takes a report, gives figures ``toxicity_<scorer>``, a panel for each model, a row an arm.

    distributions(report)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import quantiles

from mores.report.figures.axis import Axis, around, bottom, end_labels
from mores.report.figures.figure import Figure, Key
from mores.report.figures.palette import ARM_SHAPES, arm_role
from mores.report.figures.scene import (
    WIDTH,
    Box,
    Dots,
    Item,
    Line,
    Mark,
    Point,
    Scene,
    Text,
    fit,
    text_width,
)
from mores.report.model import Report, ScorerArm, ScorerResult
from mores.report.scores import MOST_DOTS
from mores.report.select import name_of, note_of
from mores.report.words import arm_kind, arm_labels, fmt, listed, plural

CAPTION = (
    "Each dot is one answer; dots pile up where many answers have about the same score. The "
    "line below spans the middle half of the answers, the bar across it is the median, the "
    "coloured mark the mean. The dashed line is the threshold."
)
THINNED = (
    f" Where an arm has more than {MOST_DOTS:,} answers as many dots stand for all of them, evenly "
    "spaced by rank."
)
ROW = 84.0
_HALF = 20.0
_STEP = 3.1


def distributions(report: Report) -> list[Figure]:
    """Return one figure for each scorer that has values."""
    scorers = dict.fromkeys(r.scorer for r in report.toxicity if any(a.values for a in r.arms))
    return [_figure(report, scorer) for scorer in scorers]


def _figure(report: Report, scorer: str) -> Figure:
    results = [r for r in report.toxicity if r.scorer == scorer and any(a.values for a in r.arms)]
    every = [value for r in results for arm in r.arms for value in arm.values]
    axis = around(every, 10, WIDTH - 10, include=(0.0, *(r.threshold for r in results)))
    labels = {name: label.partition(" (")[0] for name, label in arm_labels(report).items()}
    note = note_of(report, f"toxicity:{scorer}")
    return Figure(
        name=name_of("toxicity", scorer),
        title=f"Toxicity ({scorer}): scores of all answers by arm",
        caption=CAPTION + (THINNED if _thinned(results) else ""),
        panels=tuple(_panel(result, axis, labels) for result in results),
        keys=(Key("threshold", None, "muted", dashed=True),),
        notes=(note,) if note else (),
    )


def _thinned(results: Sequence[ScorerResult]) -> bool:
    return any(len(arm.values) < arm.scored for r in results for arm in r.arms)


def _panel(result: ScorerResult, axis: Axis, labels: dict[str, str]) -> Scene:
    title = result.model
    top, end = 22.0, 22.0 + ROW * len(result.arms)
    items: list[Item] = [Text(0, 14, fit(title, WIDTH, 12.5, bold=True), size=12.5, bold=True)]
    items += bottom(axis, top, end)
    threshold = axis.at(result.threshold)
    items.append(Line(threshold, top, threshold, end, "muted", 1.4, dashed=True))
    for number, arm in enumerate(result.arms):
        items += _row(arm, labels.get(arm.arm, arm.arm), axis, top + ROW * number)
    items += end_labels(0, end + 30, "", "more toxic")
    means = [f"{labels.get(a.arm, a.arm)} {fmt(a.mean)}" for a in result.arms]
    said = f"Scores of {result.scorer} for each answer of {result.model}. Means: {listed(means)}."
    return Scene(WIDTH, end + 36, title, said, tuple(items))


def _row(arm: ScorerArm, label: str, axis: Axis, y: float) -> list[Item]:
    absent = sum(arm.unscorable.values())
    numbers = f"mean {fmt(arm.mean)}, {plural(arm.scored, 'answer')}"
    numbers += f", {absent} without score" if absent else ""
    room = WIDTH - text_width(numbers, 10.5) - 10
    items: list[Item] = [
        Text(0, y + 15, fit(label, room)),
        Text(WIDTH, y + 15, numbers, "muted", 10.5, "end"),
    ]
    if not arm.values:
        return [*items, Text(0, y + 44, "no answer has a score", "muted")]
    middle, below = y + 40, y + 69
    role = arm_role(arm_kind(arm.arm))
    items.append(Dots(tuple(swarm(arm.values, axis, middle)), role))
    low, median, high = _quartiles(arm.values)
    items += [
        Line(axis.at(low), below, axis.at(high), below, width=2.4),
        Box(axis.at(median) - 1.2, below - 6, 2.4, 12, role="ink"),
    ]
    if arm.mean is not None:
        items.append(Mark(axis.at(arm.mean), below, ARM_SHAPES[role], role, 4.4))
    return items


def _quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    if len(values) < 2:
        return values[0], values[0], values[0]
    low, median, high = quantiles(values, n=4, method="inclusive")
    return low, median, high


def swarm(values: Sequence[float], axis: Axis, middle: float) -> list[Point]:
    """Return one place for each value, piled up and down from the middle, none left out.

    Where a pile would leave its row the dots move closer together.
    """
    columns = [round(axis.at(value) / _STEP) for value in values]
    heights = Counter(columns)
    step = min(_STEP, 2 * _HALF / max(heights.values()))
    seen: Counter[int] = Counter()
    points = []
    for value, column in zip(values, columns, strict=True):
        place = seen[column]
        seen[column] += 1
        offset = (place + 1) // 2 * (1 if place % 2 else -1)
        points.append((axis.at(value), middle + offset * step))
    return points

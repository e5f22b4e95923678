"""Training curves: loss at each step, held-out loss dashed.

Takes a report, gives the figure ``training``, a panel for each model.

    training(report)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mores.report.figures.axis import Axis, around, left, ticks
from mores.report.figures.figure import Figure, Key
from mores.report.figures.palette import ARM_SHAPES, Role, arm_role
from mores.report.figures.scene import WIDTH, Curve, Item, Mark, Point, Scene, Text, fit
from mores.report.model import ArmSummary, ModelSummary, Report
from mores.report.words import arm_kind, arm_labels, fmt, listed, short_arm

CAPTION = (
    "Loss in nats a token, averaged over the tokens of one step; lower means that the samples "
    "have become more likely. Loss on the arms' own samples says how well they were learnt, "
    "not whether answers to other questions changed."
)
_TOP, _BOTTOM, _LEFT, _RIGHT = 30.0, 240.0, 34.0, WIDTH - 8.0


def training(report: Report) -> list[Figure]:
    """Return the figure as a list of one, or nothing where no arm has a training log."""
    models = [m for m in report.models if any(curve(a, "loss") for a in m.arms)]
    if not models:
        return []
    labels = arm_labels(report)
    arms = {a.name: a for m in models for a in m.arms if curve(a, "loss")}
    keys = [Key(labels[name], ARM_SHAPES[_role(a)], _role(a)) for name, a in arms.items()]
    if any(curve(a, "held_out_loss") for m in models for a in m.arms):
        keys.append(Key("held-out loss", None, "muted", dashed=True))
    return [
        Figure(
            name="training",
            title="Training: loss at each step",
            caption=CAPTION,
            panels=tuple(_panel(model, labels) for model in models),
            keys=tuple(keys),
        )
    ]


def curve(arm: ArmSummary, key: str) -> list[Point]:
    """Return (step, value) of the rows that have both."""
    return [(float(row["step"]), float(row[key])) for row in arm.training if _has(row, key)]


def _has(row: dict[str, Any], key: str) -> bool:
    return all(isinstance(row.get(k), int | float) for k in ("step", key))


def _role(arm: ArmSummary) -> Role:
    return arm_role(arm_kind(arm.name))


def _panel(model: ModelSummary, labels: dict[str, str]) -> Scene:
    curves = [
        (arm, key, points)
        for arm in model.arms
        for key in ("loss", "held_out_loss")
        if (points := curve(arm, key))
    ]
    every = [point for _, _, points in curves for point in points]
    steps = [x for x, _ in every]
    across = around(steps, _LEFT, _RIGHT, include=(1.0,))
    losses = [y for _, y in every]
    up = around(losses, _BOTTOM, _TOP, include=(losses[0],))
    items: list[Item] = [Text(0, 14, fit(model.name, WIDTH, 12.5, bold=True), size=12.5, bold=True)]
    items += _frame(across, up)
    for arm, key, points in curves:
        items += _line(arm, points, across, up, dashed=key == "held_out_loss")
    ends = [
        f"{labels.get(a.name, short_arm(a.name))} from {fmt(p[0][1])} to {fmt(p[-1][1])}"
        for a, key, p in curves
        if key == "loss"
    ]
    said = f"Training loss of {model.name} over {int(max(steps))} steps: {listed(ends)}."
    return Scene(WIDTH, _BOTTOM + 36, f"Training of {model.name}", said, tuple(items))


def _frame(across: Axis, up: Axis) -> list[Item]:
    items = left(up, _LEFT, _RIGHT)
    for value in (v for v in ticks(across.low, across.high) if v == int(v) > 0):
        items.append(Text(across.at(value), _BOTTOM + 15, f"{value:g}", "muted", 10.5, "middle"))
    items.append(Text(_RIGHT, _BOTTOM + 30, "step", "muted", 10.5, "end"))
    return items


def _line(
    arm: ArmSummary, points: Sequence[Point], across: Axis, up: Axis, *, dashed: bool
) -> list[Item]:
    role = _role(arm)
    places = tuple((across.at(x), up.at(y)) for x, y in points)
    items: list[Item] = [Curve(places, role, dashed=dashed)] if len(places) > 1 else []
    # Marks along the way tell the arms apart where colours do not.
    every = max(1, len(places) // 6)
    chosen = [*places[::every], places[-1]]
    items += [Mark(x, y, ARM_SHAPES[role], role, 3.2, filled=not dashed) for x, y in chosen]
    return items

"""Capability: each tuned arm's difference from base, with the margin fixed before the run.

Takes a report, gives the figure ``capability``, a panel for each task and model.

    capability(report)
"""

from __future__ import annotations

from collections.abc import Sequence

from mores.records import Estimate
from mores.report.figures.axis import Axis
from mores.report.figures.figure import Figure, Key
from mores.report.figures.intervals import Row, axis_of, interval_panel
from mores.report.figures.scene import Scene
from mores.report.figures.verdicts import keys
from mores.report.model import Report, TaskResult
from mores.report.select import contrasts_of, model_of
from mores.report.words import MINUS, contrast_label, decimals, directions, listed

CAPTION = (
    "The mark is the difference from base, the line its two-sided interval, the tall tick the "
    "one-sided 95 % bound on which the verdict rests: right of the dashed margin line, a loss "
    "that large is excluded. For bits per byte the difference is relative; a gain is fewer bits."
)
BITS = "bits per byte"


def capability(report: Report) -> list[Figure]:
    """Return the figure as a list of one, or nothing where no task has a difference."""
    tasks = [(task, rows) for task in report.capability if (rows := _rows(report, task))]
    if not tasks:
        return []
    axes = {metric: _axis(tasks, metric) for metric in {task.metric for task, _ in tasks}}
    several = len({task.model for task, _ in tasks}) > 1
    estimates = [row.estimate for _, rows in tasks for row in rows]
    return [
        Figure(
            name="capability",
            title="Capability: difference from base, with margins",
            caption=CAPTION,
            panels=tuple(
                _panel(task, rows, axes[task.metric], decimals(estimates), several=several)
                for task, rows in tasks
            ),
            keys=(*keys(estimates), Key("margin", None, "bad", dashed=True)),
        )
    ]


def _rows(report: Report, task: TaskResult) -> list[Row]:
    own: list[Estimate] = [
        e
        for e in report.estimates
        if e.measure == f"capability:{task.task}" and model_of(report, e) == task.model
    ]
    return [
        Row(contrast_label(contrast), e)
        for contrast in contrasts_of(own)
        for e in own
        if e.contrast == contrast
    ]


def _axis(tasks: Sequence[tuple[TaskResult, list[Row]]], metric: str) -> Axis:
    own = [(task, rows) for task, rows in tasks if task.metric == metric]
    return axis_of(
        [row for _, rows in own for row in rows],
        [x for task, _ in own for x in (-task.margin, task.margin)],
    )


def _panel(task: TaskResult, rows: list[Row], axis: Axis, places: int, *, several: bool) -> Scene:
    name = f"{task.model}: {task.task}" if several else task.task
    unit = "bits per byte, relative" if task.metric == BITS else task.metric
    subtitle = f"margin {MINUS}{task.margin:g}"
    subtitle += "; base is near chance: a loss could hardly show" if task.near_chance else ""
    verdicts = [f"{row.label}: {row.estimate.claim}" for row in rows]
    return interval_panel(
        rows,
        title=f"{name} ({unit})",
        description=f"Capability on {name}, {unit}. {listed(verdicts)}.",
        axis=axis,
        places=places,
        subtitle=subtitle,
        ends=directions("capability"),
        margin=task.margin,
    )

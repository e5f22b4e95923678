"""Forest plots: one row a category and one for all, a panel for each contrast and model.

Takes a report, gives figures ``forest_<measure>`` for stance, ratings and each toxicity scorer.

    forests(report)
"""

from __future__ import annotations

from collections.abc import Sequence

from mores.records import Estimate
from mores.report.figures.axis import Axis
from mores.report.figures.figure import Figure
from mores.report.figures.intervals import Row, axis_of, interval_panel
from mores.report.figures.scene import Scene
from mores.report.figures.verdicts import keys
from mores.report.model import Report
from mores.report.select import contrasts_of, model_of, models_of, name_of, note_of
from mores.report.words import (
    category_label,
    contrast_label,
    decimals,
    directions,
    listed,
    measure_label,
    plural,
)

CAPTION = (
    "Each row is a difference between two arms: the mark is the estimate, the line its 95 % "
    "interval, the vertical line is no difference. An interval that crosses it does not show "
    "that there is no effect."
)


def forests(report: Report) -> list[Figure]:
    """Return one forest plot for each measure that has differences."""
    measures = [f"toxicity:{name}" for name in dict.fromkeys(s.scorer for s in report.toxicity)]
    found = [_forest(report, measure) for measure in ["stance", *measures, "rating"]]
    return [figure for figure in found if figure is not None]


def _forest(report: Report, measure: str) -> Figure | None:
    own = [e for e in report.estimates if e.measure == measure]
    panels = [
        (model, contrast, rows)
        for model in models_of(report)
        for contrast in contrasts_of(own)
        if (rows := _rows(report, own, model, contrast))
    ]
    if not panels:
        return None
    axis = axis_of([row for _, _, rows in panels for row in rows], [])
    places = decimals(own)
    several = len({model for model, _, _ in panels}) > 1
    note = note_of(report, measure)
    return Figure(
        name=name_of("forest", measure),
        title=f"{measure_label(measure)}: difference between arms by category",
        caption=CAPTION,
        panels=tuple(
            _panel(measure, f"{model}: " if several else "", contrast, rows, axis, places)
            for model, contrast, rows in panels
        ),
        keys=keys(row.estimate for _, _, rows in panels for row in rows),
        notes=(note,) if note else (),
    )


def _rows(report: Report, estimates: Sequence[Estimate], model: str, contrast: str) -> list[Row]:
    own = {
        e.category or "overall": e
        for e in reversed(estimates)
        if e.contrast == contrast and model_of(report, e) == model
    }
    order = [*report.charter.categories, *(c for c in reversed(own) if c != "overall"), "overall"]
    return [
        Row(category_label(name, report.charter), own[name], bold=name == "overall")
        for name in dict.fromkeys(order)
        if name in own
    ]


def _panel(
    measure: str, model: str, contrast: str, rows: list[Row], axis: Axis, places: int
) -> Scene:
    title = f"{model}{contrast_label(contrast)}"
    verdicts = [f"{row.label}: {row.estimate.claim}" for row in rows]
    return interval_panel(
        rows,
        title=title,
        description=f"{measure_label(measure)}, {title}. {listed(verdicts)}.",
        axis=axis,
        places=places,
        subtitle=_limits(rows),
        ends=directions(measure),
    )


def _limits(rows: Sequence[Row]) -> str:
    """Say how many prompts a category has, and that so few allow no conclusion."""
    single = [row.estimate for row in rows if not row.bold]
    if not single:
        return ""
    least, most = min(e.n for e in single), max(e.n for e in single)
    span = plural(most, single[0].unit) if least == most else f"{least} to {most} {single[0].unit}s"
    few = all(e.verdict in ("descriptive", "not computable") for e in single)
    return f"{span} a category{': descriptive only' if few else ''}"

"""Mean score by model size, one line an arm, and the effect by size beside it.

Takes a report, gives a figure ``sizes_<measure>`` for each measure; none where there is one
model, or where no two models have a known size.

    sizes(report)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mores.records import Estimate
from mores.report.figures.axis import Axis, around, left
from mores.report.figures.figure import Figure, Key
from mores.report.figures.palette import ARM_SHAPES, Role, arm_role
from mores.report.figures.scene import WIDTH, Curve, Item, Line, Mark, Scene, Text, fit
from mores.report.model import Report
from mores.report.select import PRIMARY, model_of, name_of, note_of
from mores.report.size_tables import size_label
from mores.report.sizes import SizeMeasure, SizeSummary
from mores.report.words import contrast_label, fmt, listed, measure_label, short_arm, signed

CAPTION = (
    "Across: parameters, on a logarithmic scale. The first panel has the mean of each arm, the "
    "second the difference between arms. Marks are estimates, upright lines their 95 % intervals "
    "over prompts; where marks stand side by side at one size, they are moved apart to be seen. "
    "The lines between sizes only guide the eye: nothing was measured there."
)
ACROSS = (
    "Across families: these models differ in more than size, so the lines are dashed and no "
    "trend along them is an effect of size."
)
_TOP, _BOTTOM, _LEFT, _RIGHT = 30.0, 240.0, 40.0, WIDTH - 12.0
_APART = 6.0


@dataclass(frozen=True)
class _Series:
    """One line: what it is called, how it is drawn, its estimates by size."""

    label: str
    role: Role
    points: tuple[tuple[int, Estimate], ...]
    """(parameters, estimate), in order of size; all with a value."""


def sizes(report: Report) -> list[Figure]:
    """Return one figure for each measure that has values at two known sizes."""
    summary = report.sizes
    if summary is None or len({m.parameters for m in summary.models if m.parameters}) < 2:
        return []
    found = [_figure(report, summary, measure) for measure in summary.measures]
    return [figure for figure in found if figure is not None]


def _figure(report: Report, summary: SizeSummary, measure: SizeMeasure) -> Figure | None:
    means = _means(measure)
    if not any(len(series.points) > 1 for series in means):
        return None
    label = measure_label(measure.measure)
    panels = [_panel(summary, means, f"{label}: mean by size", zero=False)]
    effects = _effects(report, summary, measure.measure)
    if effects:
        panels.append(_panel(summary, effects, f"{label}: difference by size", zero=True))
    note = note_of(report, measure.measure)
    drawn = {s.label: s for s in (*means, *effects)}
    return Figure(
        name=name_of("sizes", measure.measure),
        title=f"{label} by model size",
        caption=CAPTION,
        panels=tuple(panels),
        keys=tuple(Key(s.label, ARM_SHAPES[s.role], s.role) for s in drawn.values()),
        notes=(*([ACROSS] if summary.across else []), *([note] if note else [])),
    )


def _means(measure: SizeMeasure) -> list[_Series]:
    arms = dict.fromkeys(str(e.details["arm"]) for e in measure.means)
    found = [
        _Series(
            short_arm(arm),
            arm_role(arm),
            _points([e for e in measure.means if e.details["arm"] == arm]),
        )
        for arm in arms
    ]
    return [series for series in found if series.points]


def _points(estimates: Sequence[Estimate]) -> tuple[tuple[int, Estimate], ...]:
    sized = [(int(e.details.get("parameters") or 0), e) for e in estimates]
    return tuple(sorted(((n, e) for n, e in sized if n and e.value is not None), key=_size))


def _size(point: tuple[int, Estimate]) -> int:
    return point[0]


def _effects(report: Report, summary: SizeSummary, measure: str) -> list[_Series]:
    """The report's own overall differences, with their own intervals."""
    found = []
    for contrast in PRIMARY:
        points = [
            (model.parameters, e)
            for model in summary.models
            for e in report.estimates
            if (e.measure, e.contrast, e.category) == (measure, contrast, "overall")
            and model_of(report, e) == model.name
            and e.value is not None
            and model.parameters
        ]
        if points:
            role = arm_role(contrast.partition(" - ")[2])
            found.append(_Series(contrast_label(contrast), role, tuple(sorted(points, key=_size))))
    return found


def _panel(summary: SizeSummary, series: Sequence[_Series], title: str, *, zero: bool) -> Scene:
    across = _across(summary)
    values = [
        x for s in series for _, e in s.points for x in (e.value, e.low, e.high) if x is not None
    ]
    up = around(values, _BOTTOM, _TOP, include=(0.0,) if zero else (values[0],))
    items: list[Item] = [Text(0, 14, fit(title, WIDTH, 12.5, bold=True), size=12.5, bold=True)]
    items += _frame(summary, across, up)
    if zero:
        items.append(Line(_LEFT, up.at(0.0), _RIGHT, up.at(0.0), "muted", 1.2))
    for number, one in enumerate(series):
        shift = _APART * (number - (len(series) - 1) / 2)
        items += _line(one, across, up, shift, dashed=summary.across)
    return Scene(WIDTH, _BOTTOM + 48, title, _said(title, series, signs=zero), tuple(items))


def _across(summary: SizeSummary) -> Axis:
    logs = [math.log10(m.parameters) for m in summary.models if m.parameters]
    room = max(0.1, 0.12 * (max(logs) - min(logs)))
    return Axis(min(logs) - room, max(logs) + room, _LEFT, _RIGHT)


def _frame(summary: SizeSummary, across: Axis, up: Axis) -> list[Item]:
    items = left(up, _LEFT, _RIGHT)
    last = -math.inf
    for parameters in dict.fromkeys(m.parameters for m in summary.models if m.parameters):
        x = across.at(math.log10(parameters))
        low = x - last < 36  # labels of near sizes stand one below the other
        items.append(Line(x, _TOP, x, _BOTTOM + (14 if low else 3), "rule", 0.8))
        y = _BOTTOM + (27 if low else 15)
        items.append(Text(x, y, size_label(parameters), "muted", 10.5, "middle"))
        last = -math.inf if low else x
    items.append(Text(_RIGHT, _BOTTOM + 42, "parameters", "muted", 10.5, "end"))
    return items


def _line(one: _Series, across: Axis, up: Axis, shift: float, *, dashed: bool) -> list[Item]:
    places = [
        (across.at(math.log10(n)) + shift, up.at(e.value), e)
        for n, e in one.points
        if e.value is not None
    ]
    line = tuple((x, y) for x, y, _ in places)
    items: list[Item] = [Curve(line, one.role, dashed=dashed)] if len(line) > 1 else []
    for x, _, e in places:
        if e.low is not None and e.high is not None:
            items.append(Line(x, up.at(e.low), x, up.at(e.high), one.role, 1.5))
    return items + [Mark(x, y, ARM_SHAPES[one.role], one.role, 4.4) for x, y, _ in places]


def _said(title: str, series: Sequence[_Series], *, signs: bool) -> str:
    """The numbers in a sentence, for those who hear the figure."""
    number = signed if signs else fmt
    parts = [
        f"{s.label} "
        + listed([f"{number(e.value)}{_range(e)} at {size_label(n)}" for n, e in s.points])
        for s in series
    ]
    return f"{title}. {'; '.join(parts)}."


def _range(e: Estimate) -> str:
    if e.low is None or e.high is None:
        return ", without an interval,"
    return f" (95 % interval {fmt(e.low)} to {fmt(e.high)})"

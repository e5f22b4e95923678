"""Points side by side: what each gains in stance, and what it costs in capability.

figure = picture("sweep", "Recipes", points, "validation"); figure.write(folder)
"""

from __future__ import annotations

from collections.abc import Sequence

from mores.report.figures import Figure
from mores.report.figures.intervals import Row, axis_of, interval_panel
from mores.report.figures.verdicts import keys
from mores.report.words import contrast_label, decimals, directions, measure_label
from mores.vary.point import Point

CAPTION = (
    "Each row is a point; its mark is the difference between two arms, the line its 95 % interval. "
    "Stance: further right is more to the positions. Capability: left of the line is a loss."
)
CONTRASTS = ("values_targeted - control", "values_targeted - base")


def picture(name: str, title: str, points: Sequence[Point], split: str) -> Figure:
    """Draw one panel for each measure and contrast, one row for each point in all of them.

    Args:
        name: of the file.
        title: heading.
        points: in their order; those of several models together.
        split: which stance pairs were scored.
    """
    several = len({p.model for p in points}) > 1
    measures = dict.fromkeys(
        (e.measure, e.contrast)
        for p in points
        for e in p.estimates
        if e.category == "overall" and e.contrast in CONTRASTS and "/" not in e.measure
    )
    panels = []
    shown = []
    for measure, contrast in measures:
        rows = [
            Row(f"{p.model}: {p.name}" if several else p.name, e)
            for p in points
            if (e := p.estimate(measure, contrast)) is not None
        ]
        estimates = [row.estimate for row in rows]
        shown += estimates
        label = f"{measure_label(measure)}, {contrast_label(contrast)}"
        panels.append(
            interval_panel(
                rows,
                title=label,
                description=f"{label}. "
                + " ".join(f"{r.label}: {r.estimate.claim}." for r in rows),
                axis=axis_of(rows, []),
                places=decimals(estimates),
                subtitle=f"{split} pairs, nats a token" if measure == "stance" else "",
                ends=directions(measure),
            )
        )
    return Figure(name=name, title=title, caption=CAPTION, panels=tuple(panels), keys=keys(shown))

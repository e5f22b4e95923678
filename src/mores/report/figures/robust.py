"""Effects by kind of variant: one row a kind, the worst first, and the questions as asked first.

Takes a report, gives figures ``robust_<measure>_<model>``.

    robust(report)
"""

from __future__ import annotations

from mores.report.figures.figure import Figure
from mores.report.figures.intervals import Row, axis_of, interval_panel
from mores.report.figures.verdicts import keys
from mores.report.model import Report
from mores.report.robust_kind import RobustKind
from mores.report.select import name_of
from mores.report.words import decimals, directions, kept_claim, listed, measure_label

CAPTION = (
    "Each row is the difference between values-targeted and control arm on questions asked in one "
    "other way, with its 95 % interval; the row in bold is of the same questions as asked first. "
    "The vertical line is no difference."
)


def robust(report: Report) -> list[Figure]:
    """Return a figure for each measure and model that was asked in other ways."""
    groups: dict[tuple[str, str], list[RobustKind]] = {}
    for row in report.robust:
        if row.measure != "marked" and row.varied.value is not None:
            groups.setdefault((row.measure, row.model), []).append(row)
    return [_figure(measure, model, rows) for (measure, model), rows in groups.items()]


def _figure(measure: str, model: str, own: list[RobustKind]) -> Figure:
    most = max(own, key=lambda row: row.questions)
    rows = [
        Row("as asked first", most.original, bold=True),
        *(Row(row.kind.replace("_", " "), row.varied) for row in own),
    ]
    said = [f"{row.kind.replace('_', ' ')}: {kept_claim(row.kept)}" for row in own]
    title = f"{measure_label(measure)}: effect by way of asking"
    panel = interval_panel(
        rows,
        title="values-targeted − control",
        description=f"{title}, {model}. {listed(said)}.",
        axis=axis_of(rows, []),
        places=decimals([row.estimate for row in rows]),
        subtitle=f"{most.questions} questions",
        ends=directions(measure),
    )
    return Figure(
        name=name_of("robust", measure, model),
        title=title,
        caption=CAPTION,
        panels=(panel,),
        keys=keys(row.estimate for row in rows),
        notes=(),
    )

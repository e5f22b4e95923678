"""What people said: each statement a bar of agree, pass and disagree; support with its interval.

for figure in consultation(report): ...
"""

from __future__ import annotations

from collections.abc import Sequence

from mores.consult.agreement import Tally
from mores.consult.result import StatementResult
from mores.report.consult_tables import between, percent
from mores.report.figures.axis import Axis, bottom
from mores.report.figures.figure import Figure, Key
from mores.report.figures.palette import Role
from mores.report.figures.scene import WIDTH, Box, Item, Line, Mark, Scene, Text, fit, text_width
from mores.report.model import Report

MOST = 40
"""Statements that are drawn; all stand in the tables."""
IN_A_PANEL = 10
_ROW, _BAR, _LEFT = 38.0, 9.0, 4.0
_AXIS = Axis(0.0, 1.0, _LEFT, WIDTH - _LEFT)
KEYS = (
    Key("agree", "square", "values_targeted"),
    Key("pass", "square", "rule"),
    Key("disagree", "square", "control"),
    Key("support, 95 % interval", "diamond"),
)


def consultation(report: Report) -> list[Figure]:
    """Draw the votes on each statement about a position; nothing where there are no figures."""
    if report.consultation is None:
        return []
    titles = {p.category: p.title for p in report.consultation.positions}
    rows = [r for r in report.consultation.statements if r.total.support and not r.rival]
    if not rows:
        return []
    left_out = len(rows) - MOST
    note = f"{left_out} more statements stand in the tables." if left_out > 0 else ""
    parts = _parts(rows[:MOST])
    return [
        Figure(
            name="consultation",
            title="What people said, statement by statement",
            caption="Shares of all who voted on a statement, from agree (left) over pass to "
            "disagree (right). The diamond is the share that agrees, with its exact interval: it "
            "speaks of people like those who took part.",
            panels=tuple(_panel(part, titles) for part in parts),
            keys=KEYS,
            notes=(note,) if note else (),
        )
    ]


def _parts(rows: Sequence[StatementResult]) -> list[Sequence[StatementResult]]:
    return [rows[at : at + IN_A_PANEL] for at in range(0, len(rows), IN_A_PANEL)]


def _panel(rows: Sequence[StatementResult], titles: dict[str, str]) -> Scene:
    end = _ROW * len(rows) + 8
    items: list[Item] = list(bottom(_AXIS, 0, end))
    for number, row in enumerate(rows):
        name = titles.get(row.about, "") if row.kind == "position" else ""
        items += _row(name or row.text, row.total, _ROW * number)
    said = "; ".join(
        f"{titles.get(row.about) or row.text}: {percent(row.total.support.value)} agree"
        for row in rows
        if row.total.support
    )
    return Scene(WIDTH, end + 22, "Votes by statement", said, tuple(items))


def _row(label: str, tally: Tally, y: float) -> list[Item]:
    assert tally.support is not None
    assert tally.support.low is not None
    assert tally.support.high is not None
    n = tally.n or 1
    numbers = f"{percent(tally.support.value)} ({between(tally.support)}), n {n}"
    room = WIDTH - text_width(numbers, 10.5) - 10
    items: list[Item] = [
        Text(0, y + 14, fit(" ".join(label.split()), room)),
        Text(WIDTH, y + 14, numbers, "muted", 10.5, "end"),
    ]
    agree, passed = (tally.agree or 0) / n, (tally.passed or 0) / n
    parts: tuple[tuple[Role, float], ...] = (
        ("values_targeted", agree),
        ("rule", passed),
        ("control", 1 - agree - passed),
    )
    start, top = 0.0, y + 21
    for role, share in parts:
        x, end = _AXIS.at(start), _AXIS.at(start + share)
        if end - x > 0.01:
            items.append(Box(x, top, end - x, _BAR, role))
        start += share
    middle, value = top + _BAR / 2, _AXIS.at(agree)
    low, high = _AXIS.at(tally.support.low), _AXIS.at(tally.support.high)
    return [
        *items,
        Line(low, middle, high, middle, "paper", 4.4),
        Line(low, middle, high, middle, "ink", 1.8),
        Mark(value, middle, "diamond", "paper", 5.6),
        Mark(value, middle, "diamond", "ink", 4.2),
    ]

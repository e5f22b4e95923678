"""Rows of the tables of section "Who was asked, and what they said": a result → tuples of text.

vote_rows(result, "abuse")
"""

from __future__ import annotations

from collections.abc import Sequence

from mores.consult.agreement import Tally
from mores.consult.result import ConsultResult, StatementResult
from mores.consult.turnout import Turnout
from mores.records import Estimate
from mores.report.words import ABSENT, count, fmt, p_value, signed

Cells = tuple[str, ...]
MOST = 12
"""Rows of a table of findings; report.json has all."""
_KINDS = {
    "position": "The position",
    "clause": "Clause",
    "example_answer": "An answer that would follow",
    "wording": "This wording",
    "proposal": "Proposed by a participant",
}


def about(result: ConsultResult, category: str) -> list[StatementResult]:
    """Return the statements about a position (or about none) that somebody voted on."""
    return [row for row in result.statements if row.about == category and row.total.n != 0]


def label(row: StatementResult) -> str:
    """Return what a statement is: ``Clause 2``, ``This wording, against "..."``."""
    kind = _KINDS[row.kind]
    if row.clause is not None:
        kind = f"{kind} {row.clause}" if row.kind == "clause" else f"{kind} (clause {row.clause})"
    return f'{kind}, against "{row.rival}"' if row.rival else kind


def vote_rows(rows: Sequence[StatementResult]) -> list[Cells]:
    """Statement, what it is, people, support, interval, disagree, pass."""
    return [(row.text, label(row), *_votes(row.total)) for row in rows]


def group_rows(tallies: Sequence[Tally]) -> list[Cells]:
    """Group, people, support, interval, disagree, pass."""
    return [(tally.group, *_votes(tally)) for tally in tallies]


def _votes(tally: Tally) -> Cells:
    if tally.support is None:
        return "0" if tally.n == 0 else ABSENT, ABSENT, tally.withheld, ABSENT, ABSENT
    n = tally.n or 1
    return (
        count(n),
        percent(tally.support.value),
        between(tally.support),
        percent((tally.disagree or 0) / n),
        percent((tally.passed or 0) / n),
    )


def turnout_rows(turnout: Turnout) -> list[Cells]:
    """Group, invited, answered, share, interval, target, missing, why not shown."""
    shares = turnout.target_unit == "share"
    return [
        (
            group.group,
            ABSENT if group.invited is None else count(group.invited),
            ABSENT if group.answered is None else count(group.answered),
            percent(group.share.value) if group.share else ABSENT,
            between(group.share) if group.share else ABSENT,
            ABSENT
            if group.target is None
            else percent(group.target)
            if shares
            else f"{group.target:g}",
            ABSENT if group.missing is None else count(group.missing),
            group.withheld,
        )
        for group in turnout.groups
    ]


def consensus_rows(result: ConsultResult) -> list[Cells]:
    """Statement, groups of, groups, the least, its support, interval, mean, Polis's product."""
    texts = {row.statement: row.text for row in result.statements}
    return [
        (
            texts[one.statement],
            by(result, one.by),
            f"{one.groups} ({one.withheld} not shown)" if one.withheld else str(one.groups),
            one.least,
            percent(one.support.value),
            between(one.support),
            fmt(one.mean, 2),
            fmt(one.polis, 2),
        )
        for one in [c for c in result.consensus if c.shown][:MOST]
    ]


def difference_rows(result: ConsultResult) -> list[Cells]:
    """Statement, groups of, first, second, difference, interval, adjusted p."""
    texts = {row.statement: row.text for row in result.statements}
    return [
        (
            texts[one.statement],
            by(result, one.by),
            f"{one.first} − {one.second}",
            f"{signed(100 * (one.estimate.value or 0.0), 0)}\u00a0points",
            between(one.estimate),
            p_value(one.estimate.p_adjusted),
        )
        for one in [d for d in result.differences if d.divides][:MOST]
    ]


def by(result: ConsultResult, name: str) -> str:
    """Return what groups are of: a question's text, or ``opinion groups``."""
    return next((t.text for t in result.turnout if t.question == name), "opinion groups")


def percent(value: float | None) -> str:
    """Return a share as a percentage, or a dash."""
    return ABSENT if value is None else f"{fmt(100 * value, 0)}\u00a0%"


def between(e: Estimate) -> str:
    """Return an interval in percent."""
    if e.low is None or e.high is None:
        return "no interval"
    return f"{fmt(100 * e.low, 0)} to {fmt(100 * e.high, 0)} %".replace(" ", "\u00a0")

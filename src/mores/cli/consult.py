"""What the commands of `mores consult` print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mores.consult.agreement import Tally
    from mores.consult.result import ConsultResult, StatementResult
    from mores.consult.run import Imported
    from mores.consult.turnout import Turnout
    from mores.records import Estimate

WIDTH = 56
MOST = 10


def start(path: Path, values: dict[str, Any]) -> None:
    """Name the file, and what to do with it."""
    click.echo(f"wrote {path}")
    click.echo("\nedit it: texts, statements, who should be heard; then")
    click.echo(f"next:  mores check {values['study']}")


def import_(result: Imported, values: dict[str, Any]) -> None:
    """Say what came in."""
    click.echo(
        f"{result.participants} participants with {result.votes} votes written to {result.folder}"
    )
    states = ", ".join(f"{n} {state}" for state, n in result.proposals.items())
    click.echo(
        f"{result.matched} comments are statements of consult.toml; the others are proposals "
        f"({states})"
    )
    if result.notes:
        click.echo(
            f"{len(result.notes)} counts of the export differ from its votes, such as "
            f"{result.notes[0]}"
        )
    click.echo(f"\nnext:  mores consult show {values['study']}")


def polis(result: ConsultResult, values: dict[str, Any]) -> None:
    """Print the analysis."""
    show(result, values)


def show(result: ConsultResult, values: dict[str, Any]) -> None:
    """Print who was asked, each statement, what all groups support, what divides them."""
    for line in _lines(result):
        click.echo(line)


def _lines(result: ConsultResult) -> Iterator[str]:
    from mores.consult.in_words import set_apart, who_took_part

    yield _short(result.title)
    yield who_took_part(result)
    yield from set_apart(result)
    if not result.participants:
        return
    yield from result.cautions
    for turnout in result.turnout:
        yield from _turnout(turnout)
    yield f"\n{'statement':<{WIDTH}} {'n':>5} {'agree':>6} {'no':>6} {'pass':>6}   support, 95 %"
    for row in result.statements:
        yield _row(_short(row.text), row.total)
    yield from _by_position(result)
    yield f"\nopinion groups: {result.groups.verdict}"
    yield f"  {result.groups.reason}"
    yield from _agreed(result)
    yield from _divided(result)


def _turnout(turnout: Turnout) -> Iterator[str]:
    yield f"\n{turnout.text}  ({turnout.stated})"
    for group in turnout.groups:
        who = group.withheld if group.answered is None else f"{group.answered} answered"
        invited = "" if group.invited is None else f", {group.invited} invited"
        target = ""
        if group.target is not None:
            unit = " of those who say" if turnout.target_unit == "share" else " people"
            target = f", target {group.target:g}{unit}"
        missing = f", {group.missing} missing" if group.missing else ""
        yield f"  {group.group:<24} {who}{invited}{target}{missing}"


def _row(name: str, tally: Tally) -> str:
    if tally.support is None:
        return f"{name:<{WIDTH}} {tally.withheld}"
    counts = f"{tally.n:>5} {tally.agree:>6} {tally.disagree:>6} {tally.passed:>6}"
    return f"{name:<{WIDTH}} {counts}   {_share(tally.support)}"


def _share(e: Estimate) -> str:
    if e.value is None or e.low is None or e.high is None:
        return "not computable"
    return f"{100 * e.value:.0f} % ({100 * e.low:.0f} to {100 * e.high:.0f})"


def _by_position(result: ConsultResult) -> Iterator[str]:
    silent = [p.title for p in result.positions if not p.asked]
    if silent:
        yield f"\nnobody answered about: {', '.join(silent)}"
    for position in result.positions:
        if position.reworded:
            yield f"{position.title}: reworded since; people answered to an earlier text"


def _agreed(result: ConsultResult) -> Iterator[str]:
    shown = [c for c in result.consensus if c.shown]
    if not result.consensus:
        return
    yield f"\nsupported in every group ({len(shown)} of {len(result.consensus)})"
    texts = _texts(result.statements)
    for one in shown[:MOST]:
        yield (
            f"  {_short(texts[one.statement])}  by {one.by}: {one.groups} groups, "
            f"least {one.least} {_share(one.support)}, consensus {one.mean:.2f}"
        )


def _divided(result: ConsultResult) -> Iterator[str]:
    shown = [d for d in result.differences if d.divides]
    if not result.differences:
        return
    yield f"\ndivides groups ({len(shown)} of {len(result.differences)} differences are shown)"
    texts = _texts(result.statements)
    for one in shown[:MOST]:
        value = one.estimate.value or 0.0
        yield (
            f"  {_short(texts[one.statement])}  "
            f"{one.first} {100 * value:+.0f} points against {one.second}, "
            f"adjusted p {_p(one.estimate.p_adjusted)}"
        )


def _p(value: float | None) -> str:
    return "not computable" if value is None else f"{value:.3f}" if value >= 0.001 else "< .001"


def _texts(rows: Sequence[StatementResult]) -> dict[str, str]:
    return {row.statement: row.text for row in rows}


def _short(text: str) -> str:
    """One line of a text: what people wrote may hold anything, also what steers a terminal."""
    line = "".join(c if c.isprintable() else " " for c in " ".join(text.split()))
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"

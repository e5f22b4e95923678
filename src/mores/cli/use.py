"""What `mores export` and `mores watch` print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mores.curate.text import printable

if TYPE_CHECKING:
    from mores.release.export.model import Exported
    from mores.release.watch.model import Compared, Watched


def exported(result: Exported, values: dict[str, Any]) -> None:
    """Print the comparison before and after, the notes, and how to run it."""
    check = result.check
    click.echo(f"{'nats a token of':<24} {'base':>9} {'before':>9} {'after':>9} {'apart':>9}")
    for sample in check.samples:
        click.echo(
            f"{printable(sample.id):<24} {sample.base:>9.4f} {sample.before:>9.4f} "
            f"{sample.after:>9.4f} {sample.difference:>9.5f}"
        )
    click.echo(
        f"read again by {check.loader}: at most {check.largest:.5f} apart, "
        f"{check.limit:g} allowed; tuning changed up to {check.change:.4f}"
    )
    if not check.tells_base:
        click.echo("note: the base model would have passed as well: a weak check")
    for note in result.notes:
        click.echo(printable(f"note: {note}"))
    click.echo(f"{result.form} of {result.arm}: {result.folder}")
    if result.command:
        click.echo(f"\nrun it:  {printable(result.command)}")


def watched(result: Watched, values: dict[str, Any]) -> int:
    """Print each measure of both sides, what is out of range, what that does not show."""
    look = result.look
    if result.repeated:
        click.echo(f"this log was seen at look {look.number}: what was found then is told again")
    click.echo(
        f"look {look.number} at {result.arm}: {look.rows} rows, {look.without} without an answer, "
        f"{look.compared} compared"
    )
    click.echo(f"{'':<28} {'study':>9} {'traffic':>9} {'more':>7} {'p':>8} {'adjusted':>9}")
    for one in look.measures:
        click.echo(_measure(one))
    for name, why in result.left_out.items():
        click.echo(printable(f"{name}: not taken: {why}"))
    click.echo(
        f"{'OUT OF RANGE' if look.out else 'in range'} at look {look.number}, which may err in "
        f"{look.spends:.2%} of cases; all looks of this watch together in {look.alpha:.0%}"
    )
    if earlier := [n for n in result.alarms if n != look.number]:
        click.echo(f"out of range before, at look {', '.join(map(str, earlier))}")
    for limit in result.limits:
        click.echo(f"note: {limit}")
    return 1 if look.out else 0


def _measure(one: Compared) -> str:
    sides = [
        "absent" if s.mean is None else f"{s.mean:.3f}" if one.kind == "share" else f"{s.mean:.4g}"
        for s in (one.study, one.traffic)
    ]
    if one.p is None:
        return (
            f"{printable(one.measure):<28} {sides[0]:>9} {sides[1]:>9} not compared: {one.reason}"
        )
    more = (
        ""
        if one.above is None
        else f"{one.above:+.3f}"
        if one.kind == "share"
        else f"{one.above:.3f}"
    )
    mark = "  OUT OF RANGE" if one.out else ""
    return (
        f"{printable(one.measure):<28} {sides[0]:>9} {sides[1]:>9} {more:>7} {one.p:>8.4f} "
        f"{one.p_adjusted:>9.4f}{mark}"
    )

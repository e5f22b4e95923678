"""What `mores judge` prints: how far each judge can be read, and nothing by arm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mores.rate.judge.result import JudgeResult, Judging


def judge(result: Judging, values: dict[str, Any]) -> None:
    """Print a few lines a judge, and what must be known beside them."""
    for one in result.judges:
        _show(one)
    for note in result.notes:
        click.echo(f"! {note}")
    click.echo(f"\na language model's opinion, not people's\nnext:  mores report {values['study']}")


def _show(one: JudgeResult) -> None:
    click.echo(
        f"{one.judge} ({one.family}): {one.rated} of {one.completions} answers rated "
        f"({one.items} different texts, each asked in two orders)"
    )
    given = ", ".join(f"{number} {many} times" for number, many in one.values.items())
    click.echo(f"  gave {given or 'no rating'}")
    for reason, many in one.absent.items():
        click.echo(f"  no rating for {many}: {reason}")
    share = one.consistency
    if share.value is None:
        click.echo(f"  order consistency not computable: {share.reason}")
    else:
        click.echo(
            f"  order consistency {share.value:.2f} (95 % {share.low:.2f} to {share.high:.2f}): "
            f"within one point in both orders; the same in {one.same} of {share.n}"
        )
    if one.read or one.drawn:
        cost = f", {one.money:.4f} {one.currency}" if one.money is not None else ""
        click.echo(f"  {one.read:,} tokens read, {one.drawn:,} drawn{cost}")

"""`mores dose`: the curve, line by line. `mores vary`: what there is now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mores.vary.dose import Dose
    from mores.vary.prompts import Varied


def vary(result: Varied, values: dict[str, Any]) -> None:
    """Count the variants by kind, and say what is missing."""
    for kind, count in result.kinds.items():
        click.echo(f"{kind:<16} {count}")
    click.echo(f"{result.fresh} new or changed; {result.path}")
    if result.unread:
        click.echo(
            f"{result.unread} were written by a model and are asked of nobody before somebody has "
            "read them and put their name into reviewer"
        )
    for kind, why in result.skipped.items():
        click.echo(f"{kind}: not made for all: {why}")


def dose(result: Dose, values: dict[str, Any]) -> None:
    """Print every point, each category left out, and what the curve says."""
    from mores.vary.point import in_words

    for point in result.points:
        click.echo(in_words(point))
    for one in result.left_out:
        pair = [None if e is None else e.value for e in (one.without, one.whole)]
        said = " → ".join("none" if value is None else f"{value:+.3f}" for value in pair)
        click.echo(
            f"{one.model} {one.category}: stance values - control in this category, "
            f"tuned without it → with it: {said}"
        )
    for line in result.says:
        click.echo(line)
    click.echo(
        f"{result.split} pairs; described, not tested; picture: {values['study'] / result.figure}"
    )

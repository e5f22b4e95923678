"""`mores dose`: the curve, line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mores.vary.dose import Dose


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

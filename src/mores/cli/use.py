"""What `mores export` and `mores watch` print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mores.curate.text import printable

if TYPE_CHECKING:
    from mores.use.export.model import Exported


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

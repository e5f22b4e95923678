"""What `mores outputs import` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mores.curate.text import printable

if TYPE_CHECKING:
    from mores.sample.imported.run import ImportedOutputs


def import_(result: ImportedOutputs, values: dict[str, Any]) -> None:
    """Say what was imported of each model, what is missing, and what could tell the arms."""
    for note in result.notes:
        click.echo(f"  {printable(note)}")
    for one in result.models:
        kinds = ", ".join(f"{count} {kind}" for kind, count in one.kinds.items())
        click.echo(f"{one.model}: {one.answers} answers ({kinds})")
        for arm, count in one.absent.items():
            click.echo(f"  {arm}: {count} that the table does not have, kept as absent")
        for warning in one.warnings:
            click.echo(f"  ! {warning}")
    click.echo(f"\nnext:  mores rate serve {values['study']}")

"""What `mores init` and `mores import` print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mores.study.languages import is_english

if TYPE_CHECKING:
    from mores.curate import ImportReport


def init(files: list[Path], values: dict[str, Any]) -> None:
    """Name the files and the next command."""
    for path in files:
        click.echo(f"wrote {path}")
    if values["template"] == "blank" and not is_english(values["language"]):
        click.echo(
            "\nthe texts are English examples: write your own in their place; "
            "`mores check` names those that are left (M104)"
        )
    click.echo(f"\nnext:  mores run {values['folder']}")


def import_(report: ImportReport, values: dict[str, Any]) -> None:
    """Say what was read and what was dropped."""
    click.echo(f"{report.samples} samples read as {report.format}, written to {report.target}")
    for category, count in report.categories.items():
        click.echo(f"  {category}: {count}")
    for note in report.notes:
        click.echo(f"  {note}")

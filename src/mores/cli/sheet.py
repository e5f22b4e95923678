"""What `mores sheet export` and `mores sheet import` print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mores.curate.text import printable

if TYPE_CHECKING:
    from mores.study.sheet import PartChange, SheetChange, SheetExport

LONGEST = 60
"""Characters of a text that are shown."""


def export(written: SheetExport, values: dict[str, Any]) -> None:
    """Name the workbook, and how it comes back."""
    rows = ", ".join(f"{count} {part}" for part, count in written.rows.items())
    click.echo(f"wrote {written.file}: {rows}")
    click.echo(f"\nback:  mores sheet import {values['study']} {written.file}")


def import_(found: SheetChange, values: dict[str, Any]) -> int:
    """Print the difference, what it clashes with, and whether it was applied."""
    for note in found.notes:
        click.echo(printable(note))
    for part in found.parts:
        _show(part)
    conflicts = sum(len(part.conflicts) for part in found.parts)
    if found.written:
        click.echo(f"wrote {', '.join(str(Path(values['study']) / n) for n in found.written)}")
    elif not any(part.anything for part in found.parts):
        click.echo("nothing to change")
    else:
        click.echo("nothing was written; --apply does it")
    if conflicts:
        click.echo(
            f"{conflicts} left as the files have it: settle it there, and export anew", err=True
        )
    return 1 if conflicts else 0


def _show(part: PartChange) -> None:
    click.echo(
        f"{part.file}: {len(part.added)} added, {len(part.removed)} removed, "
        f"{len(part.changed)} changed, {len(part.conflicts)} changed on both sides"
    )
    for row in part.added:
        click.echo(printable(f"  + {next(iter(row.values()))}"))
    for name in part.removed:
        click.echo(printable(f"  - {name}"))
    for one in part.changed:
        for field in one.fields:
            click.echo(
                printable(
                    f"  ~ {one.id} {field.field}: {_short(field.before)} → {_short(field.after)}"
                )
            )
    for clash in part.conflicts:
        what = f"{clash.id} {clash.field}".strip()
        click.echo(
            printable(f"  ! {what}: file {_short(clash.ours)}, workbook {_short(clash.theirs)}")
        )


def _short(value: Any) -> str:
    if value is None or isinstance(value, dict):
        return "removed" if value is None else "changed"
    text = str(value)
    return repr(text if len(text) <= LONGEST else text[: LONGEST - 1] + "…")

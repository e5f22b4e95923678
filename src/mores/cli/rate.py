"""What the commands of `mores rate` print. Returns the exit code, if not 0."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mores.rate.collect import ImportedRatings


def serve(_result: None, values: dict[str, Any]) -> None:
    """The server has said everything itself."""


def status(status: Any, values: dict[str, Any]) -> None:
    """Print totals, categories, raters, agreement."""
    totals = status.totals
    click.echo(f"study {status.study}: {totals['done']} of {totals['needed']} ratings")
    click.echo(
        f"  {totals['items']} outputs, {totals['raters']} raters ({totals['active']} in the last "
        f"day), {totals['cannot']} cannot be rated, {totals['skipped']} skipped, "
        f"{totals['surplus']} surplus"
    )
    for row in status.categories:
        click.echo(f"  {row['title'][:48]:<48} {row['done']:>5} of {row['needed']}")
    if status.raters:
        click.echo("\nrater             state       rated        gold     seconds each")
    for row in status.raters:
        pace = "-" if row["pace"] is None else f"{row['pace']:.0f}"
        gold = f"{row['gold_right']} of {row['gold_seen']}"
        done = f"{row['rated']} of {row['assigned']}"
        click.echo(f"{row['id']}  {row['state']:<11} {done:<12} {gold:<8} {pace}")
    click.echo("")
    click.echo(f"agreement    {_agreement(status.agreement)}")
    click.echo(f"last backup  {_when(status.backup)}")
    if status.unblinded is None:
        click.echo("blind        yes; figures by arm come with `mores rate unblind`")
    else:
        click.echo(
            f"blind        no: {status.unblinded['by']} unblinded it on "
            f"{_when(status.unblinded)}, after {status.unblinded['ratings']} ratings"
        )


def _agreement(alpha: dict[str, Any] | None) -> str:
    if alpha is None:
        return "nothing is rated yet"
    if alpha["value"] is None:
        return f"not computable: {alpha['reason']}"
    interval = "" if alpha["low"] is None else f", 95 % {alpha['low']:.2f} to {alpha['high']:.2f}"
    return f"alpha {alpha['value']:.2f}{interval} ({alpha['n']} outputs, all arms together)"


def _when(entry: dict[str, Any] | None) -> str:
    if entry is None:
        return "none"
    return datetime.fromtimestamp(entry["at"], UTC).strftime("%Y-%m-%d %H:%M UTC")


def export(files: Any, values: dict[str, Any]) -> None:
    """Name the files."""
    for path in files:
        click.echo(f"wrote {path}")


def unblind(result: Any, values: dict[str, Any]) -> None:
    """Say what was joined and what was logged."""
    click.echo(f'{result.ratings} ratings and {result.cannot} "cannot be rated" joined to the key')
    if result.ratings + result.cannot < result.needed:
        missing = result.needed - result.ratings - result.cannot
        click.echo(f"{missing} of {result.needed} are missing; the log says that you looked before")
    guesses = result.guesses
    if sum(guesses.values()):
        click.echo(
            f"guesses of raters: {guesses['right']} right, {guesses['wrong']} wrong, "
            f"{guesses['unsure']} unsure"
        )
    click.echo(f"\nnext:  mores report {values['study']}")


def import_(result: ImportedRatings, values: dict[str, Any]) -> None:
    """Say how many ratings there are, and what was made of the file."""
    for note in result.notes:
        click.echo(f"  {note}")
    if result.kind == "blind":
        click.echo(f"{result.new} new ratings in the rating database; it stays blind")
        return
    if result.kind == "judge":
        click.echo(f"{result.total} ratings by language models, kept apart from people's")
    else:
        click.echo(f"{result.total} ratings by {len(result.raters)} raters in the study")
    click.echo(f"\nnext:  mores report {values['study']}")


def verify(result: Any, values: dict[str, Any]) -> int:
    """Print what does not hold; exit code 1 where there is something."""
    click.echo(f"{result.events} answers, {result.entries} entries in the audit log")
    click.echo(f"last hash {result.last_hash}")
    for problem in result.problems:
        click.echo(f"✗ {problem}")
    if not result.problems:
        click.echo(
            "✓ the log is intact, every answer counts once, no output has more than its ratings"
        )
    return 1 if result.problems else 0


def backup(backup: Any, values: dict[str, Any]) -> None:
    """Name the backup."""
    click.echo(f"wrote {backup.path}: {backup.events} answers, restored on trial")


def restore(events: int, values: dict[str, Any]) -> None:
    """Say what was restored."""
    click.echo(f"restored {events} answers\n\nnext:  mores rate serve {values['study']}")


def release(count: int, values: dict[str, Any]) -> None:
    """Say how many items were given back."""
    click.echo(f"{count} open outputs given to {values['to'] or 'whoever comes next'}")


def forget(withdrawn: int, values: dict[str, Any]) -> None:
    """Say what was forgotten."""
    click.echo(f"rater {values['rater']} is forgotten; {withdrawn} ratings withdrawn")

"""What `mores desk`, `mores complain` and `mores complaints` print."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mores.study.complaints import Complaint


def serve(_result: None, values: dict[str, Any]) -> None:
    """The server has said everything itself."""


def kept(result: Complaint, values: dict[str, Any]) -> None:
    """Say under which number it is kept."""
    click.echo(f"kept as complaint {result.number}; `mores desk` shows it, `mores revise` names it")


def listed(result: list[Complaint], values: dict[str, Any]) -> None:
    """One complaint a paragraph."""
    if not result:
        click.echo("no complaints")
    for one in result:
        day = datetime.fromtimestamp(one.at, UTC).date()
        click.echo(f"{one.number}  {one.state}, {day}, {one.category or 'no position named'}")
        click.echo(f"   asked     {_short(one.question)}")
        click.echo(f"   answered  {_short(one.answer)}")
        if one.expected:
            click.echo(f"   expected  {_short(one.expected)}")
        for event in one.events:
            click.echo(f"   {event.deed:<9} {_short(event.text)}")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 84 else line[:83] + "…"

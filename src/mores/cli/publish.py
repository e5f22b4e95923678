"""What `mores publish` prints."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mores.release.publish.run import Published


def publish(result: Published, values: dict[str, Any]) -> None:
    """Say what lies where, and what to look at before it goes out."""
    parts = Counter(name.partition("/")[0] for name in result.files)
    for part, number in parts.items():
        click.echo(f"{part:<16} {number} files")
    click.echo(
        "\nread it before you upload it: it holds the questions, all answers, and the names that "
        "stand in the samples (author, reviewer) and in the charter (who answers for a position)"
    )
    click.echo(f"\npublished: {result.folder}")

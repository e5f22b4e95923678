"""`mores init`."""

from __future__ import annotations

from pathlib import Path

import click

from mores.study.start import init as start


def init(folder: Path, *, template: str = "wellbeing") -> None:
    """Start a study from a template.

    Args:
        template: "wellbeing" (the complete example study) or "blank" (a skeleton to fill in).
    """
    for path in start(folder, template=template):
        click.echo(f"wrote {path}")
    click.echo(f"\nnext:  mores run {folder}")

"""`mores tune`."""

from __future__ import annotations

import click

from mores.progress import Progress
from mores.study import Study


def tune(study: Study, *, stop_check: int = 8, progress: Progress) -> None:
    """Tune the values-targeted and control arms.

    Args:
        stop_check: afterwards let each arm answer so many validation prompts, and print the share
            of answers that end by themselves (0: do not look).
    """
    from mores.sample.stop_check import stop_share
    from mores.tune import tune as tune_arms

    for arm in tune_arms(study, progress=progress):
        losses = [row["loss"] for row in arm.log]
        click.echo(f"{arm.key.name:<22} loss {losses[0]:.3f} → {losses[-1]:.3f}  {arm.folder}")
        if stop_check:
            share, asked = stop_share(study, arm, stop_check)
            click.echo(f"{'':<22} {share} of {asked} answers end by themselves")

"""`mores tune`: the arms, and whether their answers end by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mores.progress import Progress
from mores.study import Study

if TYPE_CHECKING:
    from mores.tune import TunedArm


def tune(
    study: Study, *, stop_check: int = 8, progress: Progress
) -> list[tuple[TunedArm, tuple[int, int]]]:
    """Tune the values-targeted and control arms.

    Args:
        stop_check: afterwards let each arm answer so many validation prompts, and print the share
            of answers that end by themselves (0: do not look).
    """
    from mores.sample.stop_check import stop_share
    from mores.tune import tune as tune_arms

    arms = tune_arms(study, progress=progress)
    return [(arm, stop_share(study, arm, stop_check) if stop_check else (0, 0)) for arm in arms]


def show(arms: list[tuple[TunedArm, tuple[int, int]]], values: dict[str, Any]) -> None:
    """Name the tuned arms and where they are."""
    for arm, (ended, asked) in arms:
        losses = [row["loss"] for row in arm.log]
        click.echo(f"{arm.key.name:<22} loss {losses[0]:.3f} → {losses[-1]:.3f}  {arm.folder}")
        if asked:
            click.echo(f"{'':<22} {ended} of {asked} answers end by themselves")

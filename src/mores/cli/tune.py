"""`mores tune`: the arms, and whether their answers end by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click

from mores.progress import Progress
from mores.study import Study
from mores.tune import TunedArm


@dataclass(frozen=True)
class Tuned:
    """A tuned arm, and how many of so many answers ended by themselves."""

    arm: TunedArm
    ended: int
    asked: int
    """0: nobody looked."""


def tune(study: Study, *, stop_check: int = 8, progress: Progress) -> list[Tuned]:
    """Tune the values-targeted and control arms.

    Args:
        stop_check: afterwards let each arm answer so many validation prompts, and print the share
            of answers that end by themselves (0: do not look).
    """
    from mores.sample import sample_rejected
    from mores.sample.stop_check import stop_share
    from mores.tune import tune as tune_arms

    sample_rejected(study, progress=progress)
    arms = tune_arms(study, progress=progress)
    return [
        Tuned(arm, *(stop_share(study, arm, stop_check) if stop_check else (0, 0))) for arm in arms
    ]


def show(arms: list[Tuned], values: dict[str, Any]) -> None:
    """Name the tuned arms and where they are."""
    for tuned in arms:
        arm = tuned.arm
        losses = [row["loss"] for row in arm.log]
        click.echo(f"{arm.key.name:<22} loss {losses[0]:.3f} → {losses[-1]:.3f}  {arm.folder}")
        if tuned.asked:
            click.echo(f"{'':<22} {tuned.ended} of {tuned.asked} answers end by themselves")

"""`mores tune`: the arms, and whether their answers end by themselves; or recipes side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from mores.progress import Progress
from mores.study import Study
from mores.tune import TunedArm

if TYPE_CHECKING:
    from mores.vary.sweep import Sweep


@dataclass(frozen=True)
class Tuned:
    """A tuned arm, and how many of so many answers ended by themselves."""

    arm: TunedArm
    ended: int
    asked: int
    """0: nobody looked."""


def tune(
    study: Study,
    *,
    stop_check: int = 8,
    sweep: bool = False,
    point: tuple[str, ...] = (),
    progress: Progress,
) -> list[Tuned] | Sweep:
    """Tune the arms that have weights of their own, or try several recipes.

    Args:
        stop_check: afterwards let each arm answer so many validation prompts, and print the share
            of answers that end by themselves (0: do not look).
        sweep: tune with several recipes instead, and put what each gains in stance and costs in
            capability side by side; looks at validation pairs only, goes on where it was stopped.
        point: with --sweep, a recipe by what differs from the study's, such as
            "learning_rate=2e-4 anchor=1" (may be repeated); by default half, once, twice its rate.
    """
    if sweep or point:
        from mores.vary.sweep import sweep as run_sweep

        return run_sweep(study, points=point, progress=progress)
    from mores.sample import sample_rejected
    from mores.sample.stop_check import stop_share
    from mores.tune import tune as tune_arms

    sample_rejected(study, progress=progress)
    arms = tune_arms(study, progress=progress)
    return [
        Tuned(arm, *(stop_share(study, arm, stop_check) if stop_check else (0, 0))) for arm in arms
    ]


def show(result: list[Tuned] | Sweep, values: dict[str, Any]) -> None:
    """Name the tuned arms and where they are; of a sweep, every point in a line."""
    if not isinstance(result, list):
        from mores.vary.point import in_words

        for point in result.points:
            click.echo(in_words(point))
        click.echo(f"validation pairs only; the picture: {values['study'] / result.figure}")
        return
    for tuned in result:
        arm = tuned.arm
        losses = [row["loss"] for row in arm.log]
        course = f"loss {losses[0]:.3f} → {losses[-1]:.3f}" if losses else "its losses are not told"
        click.echo(f"{arm.key.name:<22} {course}  {arm.folder}")
        if tuned.asked:
            click.echo(f"{'':<22} {tuned.ended} of {tuned.asked} answers end by themselves")

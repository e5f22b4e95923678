"""Capability items → non-inferiority of each tuned arm against base.

Items are paired; a task's margin was fixed in the study's configuration. For
prose, the difference is relative: (base - arm) / base, so that higher is better
and the margin is a share of the base model's bits per byte.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from msgspec.structs import replace

from mores import stats
from mores.records import TUNED_ARMS, Estimate, TaskItem
from mores.report.model import TaskArm, TaskResult


def task_results(
    items: Sequence[TaskItem], facts: Mapping[str, dict[str, object]], margins: Mapping[str, float]
) -> tuple[list[TaskResult], list[Estimate]]:
    """Summarise every task and estimate each tuned arm's change.

    Args:
        items: results of one model.
        facts: task → metric, chance and number of items, from the step's manifest.
        margins: task → largest acceptable loss.
    """
    results, estimates = [], []
    for task in dict.fromkeys(item.task for item in items):
        own = [item for item in items if item.task == task]
        metric = str(facts[task]["metric"])
        chance = facts[task]["chance"]
        near = _near_chance(own, chance)
        results.append(
            TaskResult(
                model=own[0].model,
                task=task,
                metric=metric,
                chance=float(chance) if isinstance(chance, int | float) else None,
                margin=margins[task],
                near_chance=near,
                arms=tuple(_arm(own, arm, seed) for arm, seed in _arms(own)),
            )
        )
        for arm in TUNED_ARMS:
            if any(item.arm == arm for item in own):
                estimates.append(_change(own, arm, metric, margins[task], near))
    return results, estimates


def _arms(items: Sequence[TaskItem]) -> list[tuple[str, int]]:
    return list(dict.fromkeys((item.arm, item.seed) for item in items))


def _arm(items: Sequence[TaskItem], arm: str, seed: int) -> TaskArm:
    values = [i.value for i in items if (i.arm, i.seed) == (arm, seed)]
    there = [v for v in values if v is not None]
    return TaskArm(
        arm=f"{arm}-s{seed}" if seed else arm,
        mean=float(np.mean(there)) if there else None,
        items=len(values),
        absent=len(values) - len(there),
    )


def _near_chance(items: Sequence[TaskItem], chance: object) -> bool:
    """Whether base's accuracy is within two standard errors of guessing."""
    values = [i.value for i in items if i.arm == "base" and i.value is not None]
    if not isinstance(chance, int | float) or not values:
        return False
    return float(np.mean(values)) - chance < 2 * math.sqrt(chance * (1 - chance) / len(values))


def _change(
    items: Sequence[TaskItem], arm: str, metric: str, margin: float, near_chance: bool
) -> Estimate:
    """Mean paired difference over items, averaged over training seeds within an item."""
    base = {i.item_id: i.value for i in items if i.arm == "base"}
    own: dict[str, list[float]] = {}
    for item in items:
        if item.arm == arm and item.value is not None:
            own.setdefault(item.item_id, []).append(item.value)
    differences = []
    for name, values in own.items():
        reference = base.get(name)
        if reference is None:
            continue
        change = float(np.mean(values)) - reference
        differences.append(-change / reference if metric == "bits per byte" else change)
    seeds = len({i.seed for i in items if i.arm == arm})
    estimate = stats.non_inferiority(differences, margin)
    reasons = [estimate.reason]
    if near_chance:
        reasons.append("base is close to guessing here, so a loss could hardly show")
    if seeds == 1:
        reasons.append("one training run")
    # Where base guesses, there is nothing to lose, so nothing is shown to be kept either.
    hollow = near_chance and estimate.verdict == "non-inferior"
    return replace(
        estimate,
        verdict="inconclusive" if hollow else estimate.verdict,
        measure=f"capability:{items[0].task}",
        contrast=f"{arm} - base",
        category="overall",
        reason="; ".join(r for r in reasons if r),
        details={**estimate.details, "model": items[0].model, "seeds": seeds},
    )

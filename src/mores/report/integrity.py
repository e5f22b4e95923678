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
from mores.measure.capability.item import TaskItem
from mores.measure.capability.sizes import beyond_shares, near_chance, unmeasurable
from mores.records import TUNED_ARMS, Estimate
from mores.report.model import TaskArm, TaskResult
from mores.study.arms import ArmKey


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
        of_task = [item for item in items if item.task == task]
        metric = str(facts[task]["metric"])
        given = facts[task]["chance"]
        chance = float(given) if isinstance(given, int | float) else None
        near = near_chance([item for item in of_task if item.arm == "base"], chance)
        results.append(
            TaskResult(
                model=of_task[0].model,
                task=task,
                metric=metric,
                chance=chance,
                margin=margins[task],
                near_chance=near,
                arms=tuple(_arm(of_task, key) for key in dict.fromkeys(map(_key, of_task))),
            )
        )
        for arm in TUNED_ARMS:
            if any(item.arm == arm for item in of_task):
                estimates.append(_change(of_task, arm, metric, margins[task], near))
    return results, estimates


def _key(item: TaskItem) -> ArmKey:
    return ArmKey(item.arm, item.seed)


def _arm(items: Sequence[TaskItem], key: ArmKey) -> TaskArm:
    values = [i.value for i in items if _key(i) == key]
    there = [v for v in values if v is not None]
    return TaskArm(
        arm=key.name,
        mean=float(np.mean(there)) if there else None,
        items=len(values),
        absent=len(values) - len(there),
    )


def _change(
    items: Sequence[TaskItem], arm: str, metric: str, margin: float, near: bool
) -> Estimate:
    """Mean paired difference, items crossed with training runs."""
    base = {i.item_id: i.value for i in items if i.arm == "base"}
    seeds = sorted({i.seed for i in items if i.arm == arm})
    tuned: dict[str, dict[int, float]] = {}
    for item in items:
        reference = base.get(item.item_id)
        if item.arm == arm and item.value is not None and reference is not None:
            change = item.value - reference
            relative = -change / reference if metric == "bits per byte" else change
            tuned.setdefault(item.item_id, {})[item.seed] = relative
    table = np.array([[by.get(s, np.nan) for s in seeds] for by in tuned.values()], dtype=float)
    estimate = stats.non_inferiority(table.reshape(len(tuned), len(seeds)), margin)
    missing, at_worst = _missing(items, arm, metric, margin)
    reasons = [missing, estimate.reason]
    if estimate.verdict == "non-inferior":
        reasons.insert(1, at_worst)
    if near:
        reasons.append("base is close to guessing here, so a loss could hardly show")
    if len(seeds) == 1:
        reasons.append("one training run")
    # Where base guesses, there is nothing to lose, so nothing is shown to be kept either.
    hollow = (near or at_worst) and estimate.verdict == "non-inferior"
    return replace(
        estimate,
        verdict="inconclusive" if hollow else estimate.verdict,
        measure=f"capability:{items[0].task}",
        contrast=f"{arm} - base",
        category="overall",
        reason="; ".join(r for r in reasons if r),
        details={**estimate.details, "model": items[0].model, "seeds": len(seeds)},
    )


def _missing(items: Sequence[TaskItem], arm: str, metric: str, margin: float) -> tuple[str, str]:
    """Say what the arms lack, and why no loss can be excluded with it; nothing where none lacks.

    Items that no arm has a value for are not of the task. Of the rest, what the tuned arm lacks is
    scored 0 and what base lacks 1; bits per byte have no such end.
    """
    never = unmeasurable(items)
    names = [n for n in dict.fromkeys(i.item_id for i in items) if n not in never]
    own, base = _table(items, arm, names), _table(items, "base", names)
    there = [int(np.isfinite(values).sum()) for values in (own, base)]
    if there == [own.size, base.size]:
        return "", ""
    said = (
        f"{there[0]:,} of {own.size:,} items have a value in {arm.replace('_', '-')}, "
        f"{there[1]:,} of {base.size:,} in base"
    )
    if metric == "bits per byte" or beyond_shares(items):
        return said, "what the others might have been has no bound"
    table = np.nan_to_num(own, nan=0.0) - np.nan_to_num(base, nan=1.0)
    low = stats.non_inferiority(table, margin).low
    if low is not None and low > -margin:
        return said, ""
    lost = "no bound" if low is None else f"{low:+.3f}"
    return said, f"with the others lost the bound is {lost}, not above the margin's -{margin:g}"


def _table(items: Sequence[TaskItem], arm: str, names: Sequence[str]) -> np.ndarray:
    """Values of an arm, shape (items, training runs); NaN where there is none."""
    seeds = sorted({i.seed for i in items if i.arm == arm})
    values = {(i.seed, i.item_id): i.value for i in items if i.arm == arm}
    table = [[math.nan if (v := values.get((s, n))) is None else v for s in seeds] for n in names]
    return np.array(table).reshape(len(names), len(seeds))

"""Gate 4: has capability been lost? Reads the items that `mores measure capability` left.

Harm of an item: 1 where the answer is wrong, else 0; for prose, bits per byte, and the difference
is relative to the reference. The margins are those of the tasks. A task on which the reference is
within two standard errors of guessing has nothing to lose, and nothing passes there. Items that no
arm has a value for are not of the task; what only some arms lack is scored worst, and nothing
passes that would not pass then.

    results = capability(context)
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from mores.measure.capability.item import TaskItem
from mores.measure.capability.run import items_step, read_items
from mores.measure.capability.sizes import beyond_shares, near_chance, unmeasurable
from mores.measure.gates.context import TESTED, Context
from mores.measure.gates.paired import Outcome, pair
from mores.measure.gates.result import GateName, GateResult
from mores.measure.gates.verdict import judged, not_measured
from mores.records import Arm

CAPABILITY: GateName = "capability"
BITS = "bits per byte"
GUESSING = "the reference is close to guessing here, so that a loss could hardly show"


def capability(context: Context) -> list[GateResult]:
    """Judge every configured task, against base and control."""
    why = missing(context)
    if why:
        return [
            not_measured(context.subject(CAPABILITY, reference), None, why)
            for reference in context.references
        ]
    manifest = items_step(context.study, context.spec).manifest
    assert manifest is not None
    items = read_items(context.study, context.spec.name)
    by_task = {task: [i for i in items if i.task == task] for task in _margins(context)}
    return [
        _task(context, task, of_task, manifest.facts[task], reference)
        for reference in context.references
        for task, of_task in by_task.items()
    ]


def missing(context: Context) -> str:
    """Why there is nothing current to read, or nothing."""
    if not _margins(context):
        return "no capability tasks are configured"
    why = items_step(context.study, context.spec).stale()
    return f"`mores measure capability` {why}" if why else ""


def _margins(context: Context) -> dict[str, float]:
    tasks = context.study.config.capability.tasks
    return {t.name: t.margin for t in tasks}


def _task(
    context: Context,
    task: str,
    items: Sequence[TaskItem],
    facts: Mapping[str, Any],
    reference: Arm,
) -> GateResult:
    relative = facts["metric"] == BITS
    outcomes = [_outcome(item, relative=relative) for item in items]
    near = near_chance([i for i in items if i.arm == reference], facts["chance"])
    pairs = pair(
        outcomes,
        TESTED,
        reference,
        _relative if relative else operator.sub,
        scale=None if relative or beyond_shares(items) else (0.0, 1.0),
        unmeasurable=unmeasurable(items),
    )
    return judged(
        context.subject(CAPABILITY, reference, task),
        pairs,
        margin=_margins(context)[task],
        most_unscorable=context.config.most_unscorable,
        unit="item",
        caveat=GUESSING if near else "",
    )


def _outcome(item: TaskItem, *, relative: bool) -> Outcome:
    make = partial(Outcome, item.item_id, item.arm, item.seed, id=item.item_id)
    # Nothing is a share of no bits at all.
    if item.value is None or (relative and item.value <= 0):
        return make(harm=None)
    return make(harm=item.value if relative else 1.0 - item.value)


def _relative(arm: float, reference: float) -> float:
    return (arm - reference) / reference

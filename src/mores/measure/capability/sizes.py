"""What a task's items can support, said before they are asked.

    support(Task(...), margin=0.02).sentence

"Not worse by more than the margin" takes items. With no true change, the paired
differences of a 0/1 task have variance π, the share of items that the two models
answer differently; `DISCORDANCE` is assumed. For prose the spread is not known
before; then the largest spread is said with which the items would be enough.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from mores import stats
from mores.measure.capability.item import TaskItem
from mores.measure.capability.task import Task
from mores.records import Record

DISCORDANCE = 0.10
"""Assumed share of items that an arm and base answer differently."""
ONE_SIDED = 0.90
"""Two-sided level whose one side errs in 5 %, as the verdict's bound does."""
POWER = 0.80


class Support(Record, frozen=True, kw_only=True):
    """Sample size and the margin that it can support, for one training run."""

    task: str
    items: int
    margin: float
    """Largest acceptable loss, fixed beforehand."""
    discordance: float | None
    """Assumed share of items answered differently; None where spread is not known."""
    se: float | None
    """Standard error of the difference under that assumption."""
    smallest_margin: float | None
    """Smallest margin that would be shown with power .8 if nothing has changed."""
    items_needed: int | None
    """Items with which the fixed margin would be."""
    power: float | None
    """Chance of "non-inferior" with these items if nothing has changed."""
    largest_sd: float | None
    """Spread of the differences up to which the items are enough for the fixed margin."""

    @property
    def sentence(self) -> str:
        """The same for people."""
        head = f"{self.task}: {self.items} items, margin {self.margin:g}"
        if self.items < 2:
            return f"{head}; too few for any statement"
        if self.smallest_margin is None:
            return (
                f"{head} relative; enough if differences spread by at most "
                f"{self.largest_sd:.2g} (sd), which is not known before"
            )
        enough = self.smallest_margin <= self.margin
        verdict = "enough" if enough else f"too few, {self.items_needed} are needed"
        return (
            f"{head}; supports {self.smallest_margin:.3g} (SE {self.se:.2g} if "
            f"{100 * (self.discordance or 0):g} % of the items change): {verdict}"
        )


def support(task: Task, margin: float) -> Support:
    """Say what a task's items can support.

    Args:
        task: with its drawn items.
        margin: largest acceptable loss, > 0.

    Raises:
        MeasureError: the margin is out of range.
    """
    items = len(task.items)
    two_valued = task.metric != "bits per byte"
    known = two_valued and items > 1
    sd = math.sqrt(DISCORDANCE)
    one = stats.detectable_difference(items, 1.0, level=ONE_SIDED, power=POWER) if items > 1 else 0
    return Support(
        task=task.name,
        items=items,
        margin=margin,
        discordance=DISCORDANCE if two_valued else None,
        se=sd / math.sqrt(items) if known else None,
        smallest_margin=one * sd if known else None,
        items_needed=stats.sample_size(margin, sd, level=ONE_SIDED, power=POWER)
        if two_valued
        else None,
        power=stats.power(items, sd, margin, level=ONE_SIDED) if known else None,
        largest_sd=margin / one if one else None,
    )


def supports(tasks: Sequence[Task], config: Any) -> list[Support]:
    """Return what each configured task can support.

    Args:
        tasks: loaded, in the configured order.
        config: the study's `CapabilityConfig`.
    """
    return [support(task, chosen.margin) for task, chosen in zip(tasks, config.tasks, strict=True)]


def near_chance(reference: Sequence[TaskItem], chance: float | None) -> bool:
    """Return True if accuracy is less than two standard errors of guessing above chance.

    The standard error is that of a share under guessing, √(c (1 − c) / n); n counts
    items, as further training seeds bring no further items. There is nothing to lose
    where a model guesses, so nothing is shown to be kept either.

    Args:
        reference: one arm's results of a task, values 1 (right) to 0 (wrong) or absent.
        chance: accuracy of guessing, in (0, 1); None where the task has none (prose).
    """
    scored = [item for item in reference if item.value is not None]
    if chance is None or not scored:
        return False
    accuracy = sum(item.value or 0.0 for item in scored) / len(scored)
    items = len({item.item_id for item in scored})
    return accuracy - chance < 2 * math.sqrt(chance * (1 - chance) / items)


def unmeasurable(items: Sequence[TaskItem]) -> set[str]:
    """Return the items that no arm has a value for, such as those longer than the model reads."""
    measured = {item.item_id for item in items if item.value is not None}
    return {item.item_id for item in items} - measured


def beyond_shares(items: Sequence[TaskItem]) -> bool:
    """Whether some value is no share, so that a missing one has no known worst."""
    return any(i.value is not None and not 0.0 <= i.value <= 1.0 for i in items)

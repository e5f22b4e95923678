"""Is a task so hard for a model that it could as well guess?

near_chance([item for item in items if item.arm == "base"], chance=0.25)
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from mores.records import TaskItem


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

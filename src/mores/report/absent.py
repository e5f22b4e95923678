"""Answers without a value, by arm: how many, and what they could do to a difference.

counts = missing(observed, "values_targeted", "control")
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from msgspec import structs

from mores.records import Arm, Estimate
from mores.report.differences import by_category, overall
from mores.report.observed import Observed
from mores.report.pairs import Pairs

Place = tuple[str, int]
Bounds = dict[Arm, list[Estimate]]
"""Arm → overall difference and categories with what that arm lacks scored worst."""


@dataclass(frozen=True)
class Missing:
    """What one arm of a contrast lacks."""

    arm: Arm
    answers: int
    without: int
    """Answers for which a value was sought and none is there."""
    cannot: int
    """Times that a rater said "cannot be rated"."""
    more: int
    """Values that the arm lacks beyond the other arm on the same prompts, each "cannot" counted."""

    @property
    def words(self) -> str:
        """``values_targeted 3 of 120 answers without a value, 5 times "cannot be rated"``."""
        text = f"{self.without} of {self.answers} {self.arm.replace('_', '-')} answers"
        return text + (f' ("cannot be rated": {self.cannot} times)' if self.cannot else "")


def missing(observed: Sequence[Observed], arm: Arm, reference: Arm) -> tuple[Missing, Missing]:
    """Count what each arm lacks. Answers that nobody was asked about yet lack a value by plan."""
    return _of(observed, arm, reference), _of(observed, reference, arm)


def _of(observed: Sequence[Observed], arm: Arm, other: Arm) -> Missing:
    own = [o for o in observed if o.arm == arm]
    cannot = sum(o.cannot for o in own)
    return Missing(
        arm=arm,
        answers=len(own),
        without=sum(o.asked and not o.values for o in own),
        cannot=cannot,
        more=cannot + sum(_excess(observed, arm, other).values()),
    )


def _excess(observed: Sequence[Observed], arm: Arm, other: Arm) -> dict[Place, int]:
    """Prompt and run → answers without a value beyond those of the other arm there."""
    lacking: dict[tuple[Arm, str, int], int] = {}
    for o in observed:
        if o.arm in (arm, other) and o.asked and not o.values and not o.cannot:
            key = (o.arm, o.prompt_id, o.seed)
            lacking[key] = lacking.get(key, 0) + 1
    found = {}
    for (which, prompt, seed), n in lacking.items():
        if which == arm:
            there = lacking.get((other, prompt, seed), lacking.get((other, prompt, 0), 0))
            found[prompt, seed] = max(0, n - there)
    return found


def filled(observed: Sequence[Observed], arm: Arm, other: Arm, worst: float) -> list[Observed]:
    """Return the values as if what one arm lacks had been the worst of the scale.

    Each "cannot be rated" becomes a rating; of answers without any value those become one that the
    arm lacks beyond the other arm on the same prompt.
    """
    left = _excess(observed, arm, other)
    found = []
    for o in observed:
        if o.arm == arm and o.cannot:
            o = replace(o, values=(*o.values, *(worst,) * o.cannot), raters=())
        elif o.arm == arm and not o.values and left.get((o.prompt_id, o.seed), 0) > 0:
            left[o.prompt_id, o.seed] -= 1
            o = replace(o, values=(worst,))
        found.append(o)
    return found


def bounds_of(
    observed: Sequence[Observed],
    pairs: Pairs,
    lacks: tuple[Missing, Missing],
    worst: float | None,
    seed: int,
) -> Bounds:
    """Estimate again with what an arm lacks scored worst, for each arm that lacks anything.

    Args:
        observed: as the pairs were made from.
        pairs: of the two arms.
        lacks: of the arm and of the reference.
        worst: the worst value of the scale; None where it has none.
        seed: of permutations.
    """
    if worst is None:
        return {}
    found: Bounds = {}
    for own, other in (lacks, lacks[::-1]):
        if own.more:
            values = filled(observed, own.arm, other.arm, worst)
            again = Pairs.of(values, lacks[0].arm, lacks[1].arm).shifted(pairs.shifts)
            rng = np.random.default_rng([seed, 9])
            found[own.arm] = [overall(again, rng), *by_category(again, rng)]
    return found


def overall_of(bounds: Bounds) -> list[Estimate]:
    """Return the overall bounds as rows of a report, the arm in place of the category."""
    return [
        structs.replace(rows[0], category=arm, p=None)
        for arm, rows in bounds.items()
        if rows[0].value is not None
    ]

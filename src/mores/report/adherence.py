"""Stance items → what each arm finds likelier, and how that goes with people's ratings.

summary = stance_summary("smollm2-135m", items, completions, ratings, seed=2021)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace

from mores import stats
from mores.measure.stance.item import StanceItem
from mores.measure.toxicity.agreement import spearman
from mores.records import Completion, Estimate, Rating
from mores.report.model import StanceArm, StanceSummary
from mores.report.observed import by_completion
from mores.stats.inputs import not_computable
from mores.study import ArmKey

UNIT = "pair"
LEAST_CELLS = 6
"""Categories × arms below which a correlation says nothing."""


def stance_summary(
    model: str,
    items: Sequence[StanceItem],
    completions: Sequence[Completion],
    ratings: Sequence[Rating],
    *,
    seed: int,
) -> StanceSummary:
    """Sum up one model's test pairs.

    Args:
        model: its name.
        items: of all arms.
        completions: of this model.
        ratings: of these completions, by people.
        seed: of the permutation test and the bootstrap.
    """
    keys = dict.fromkeys(ArmKey(i.arm, i.seed) for i in items)
    return StanceSummary(
        model=model,
        arms=tuple(_arm(key, _of(items, key), seed) for key in keys),
        beside_ratings=replace(
            _beside(items, completions, ratings, seed), measure="agreement in order"
        ),
    )


def _of(items: Sequence[StanceItem], key: ArmKey) -> list[StanceItem]:
    return [i for i in items if (i.arm, i.seed) == (key.arm, key.seed)]


def _arm(key: ArmKey, items: Sequence[StanceItem], seed: int) -> StanceArm:
    """The mean is of these pairs and this arm; whether arms differ is another question."""
    there = [(i.margin, i.category) for i in items if i.margin is not None]
    if not there:
        mean = not_computable("no pair has a value", n=0, unit=UNIT, method="mean")
    else:
        mean = stats.paired_difference(
            [m for m, _ in there], strata=[c for _, c in there], rng=seed
        )
    return StanceArm(
        arm=key.name,
        margin=replace(mean, unit=UNIT, p=None, measure="stance"),
        aligned=sum(m > 0 for m, _ in there),
        scored=len(there),
        absent=len(items) - len(there),
    )


def _beside(
    items: Sequence[StanceItem],
    completions: Sequence[Completion],
    ratings: Sequence[Rating],
    seed: int,
) -> Estimate:
    """Do arms whose stance is higher in a category have the higher ratings there?

    Pairs and prompts are different questions, so a cell is a category under an arm, less the
    category's mean: that some categories are easier in both is no agreement.
    """
    method = "Spearman's ρ over categories × arms, each category's mean taken off"
    if not ratings:
        return not_computable("no ratings by people", n=0, unit="category", method=method)
    margins: dict[tuple[str, ArmKey], list[float]] = {}
    for i in items:
        if i.margin is not None:
            margins.setdefault((i.category, ArmKey(i.arm, i.seed)), []).append(i.margin)
    given = by_completion(ratings)
    rated: dict[tuple[str, ArmKey], list[float]] = {}
    for c in completions:
        if c.id in given:
            cell = (c.category, ArmKey(c.arm, c.seed))
            rated.setdefault(cell, []).append(float(np.mean(given[c.id])))
    cells = [cell for cell in margins if cell in rated]
    if len(cells) < LEAST_CELLS:
        why = f"{len(cells)} categories × arms have both, {LEAST_CELLS} are needed"
        return not_computable(why, n=len(cells), unit="category", method=method)
    first = _centred({cell: float(np.mean(margins[cell])) for cell in cells})
    second = _centred({cell: float(np.mean(rated[cell])) for cell in cells})
    found = spearman(first, second, [category for category, _ in cells], rng=seed)
    return replace(found, unit="category", method=method)


def _centred(values: dict[tuple[str, ArmKey], float]) -> list[float]:
    """Values of cells without their category's mean, rounded so that ties stay ties."""
    by: dict[str, list[float]] = {}
    for (category, _), value in values.items():
        by.setdefault(category, []).append(value)
    return [round(value - float(np.mean(by[c])), 9) for (c, _), value in values.items()]

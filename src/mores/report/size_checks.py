"""What a trend over sizes must stand besides its test, as a difference must (`verdicts`).

raters_reason(effects), rare_slope(effects, parameters, scale, seed), other_raters(slope, ...)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mores.records import Estimate
from mores.report.pairs import Pairs
from mores.report.size_effects import SizeEffects
from mores.report.verdicts import hangs_on_rare, rater_reason, with_other_raters
from mores.stats.rater_adjustment import RaterAdjustment

OTHER_PEOPLE = (
    "the sizes were not rated by the same people: what raters are like and what sizes do cannot be "
    "told apart"
)
BY_THESE = "with raters' own differences at each size allowed for, the slope's interval holds zero"
MISSING = "with what the sizes lack scored against it, it would be {verdict}"


def raters_reason(effects: SizeEffects) -> str:
    """Why who rated what leaves no verdict on sizes, or nothing."""
    for pairs in effects.pairs:
        if why := rater_reason(pairs):
            return why
    return OTHER_PEOPLE if len({_who(pairs) for pairs in effects.pairs}) > 1 else ""


def _who(pairs: Pairs) -> frozenset[str]:
    return frozenset(
        rater for row in pairs.cells for pair in row for cell in pair for o in cell
        for rater in o.raters
    )  # fmt: skip


def leverage(parameters: Sequence[int]) -> np.ndarray:
    """What each size's effect weighs in the slope on log10 parameters, shape (sizes,)."""
    x = np.log10(np.array(parameters, dtype=float))
    centred = x - x.mean()
    return np.asarray(centred / (centred @ centred))


def rare_slope(
    effects: SizeEffects, parameters: Sequence[int], scale: tuple[float, float], seed: int
) -> str:
    """Why a slope hangs on there being no rare extreme answer, or nothing: Gaffke's bound."""
    pulls = leverage(parameters)
    slopes = effects.values.mean(axis=2) @ pulls
    sizes = {c: effects.categories.count(c) for c in effects.categories}
    weights = np.array([1.0 / (len(sizes) * sizes[c]) for c in effects.categories])
    reach = (scale[1] - scale[0]) * float(np.abs(pulls).sum())
    return hangs_on_rare(float(weights @ slopes), slopes, weights, reach, seed)


def other_raters(slope: Estimate, effects: SizeEffects, parameters: Sequence[int]) -> bool:
    """Say whether a slope holds for other raters, too; so it does where raters play no part.

    Each size's variance of rater × arm enters in full, by what the size weighs in the slope: what
    the same raters see alike at all sizes would cancel, so this asks too much rather than too
    little.
    """
    known = [pairs.raters for pairs in effects.pairs]
    if all(one is None for one in known):
        return True
    found = [one for one in known if one is not None]
    squares = leverage(parameters) ** 2
    parts = [(one.variance, one.mean_square, one.df) for one in found]
    if len(found) < len(known) or any(x is None for part in parts for x in part):
        return False
    variance, mean_square, df = np.array(parts, dtype=float).T
    most = squares * mean_square
    if not most.sum():
        return True
    joined: RaterAdjustment = replace(
        found[0],
        variance=float(squares @ variance),
        mean_square=float(most.sum()),
        df=float(most.sum() ** 2 / (most**2 / df).sum()),
    )
    other = with_other_raters(slope, replace(effects.pairs[0], raters=joined))
    if other is None or other.low is None or other.high is None:
        return False
    return not other.low <= 0.0 <= other.high

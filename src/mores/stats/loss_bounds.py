"""Lower bounds of a mean paired difference, chosen by what the differences are.

Takes the differences and the margin, gives the bound, p and what else
`non_inferiority` decides on: Student's t in general, Tango's score for 0/1 items,
Clopper and Pearson where nothing differs.

    python -c "import numpy as np; from mores.stats.loss_bounds import loss_bounds as b; print(
    b(np.zeros(9), .1).low)"
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from mores.stats.design_power import units_needed
from mores.stats.distributions import normal_quantile, normal_tail, t_quantile, t_tail
from mores.stats.inputs import LEVEL, Vector, no_spread
from mores.stats.paired_score import score_bound, score_statistic

POWER = 0.8
FEW = 10
"""Fewer differences other than zero are too few for a t bound to be trusted."""
BOTH = (1 + LEVEL) / 2
"""Probability below the upper end of a two-sided interval."""

Details = dict[str, float | int | str | None]


@dataclass(frozen=True)
class Bounds:
    """What the verdict is decided on."""

    method: str
    low: float
    """One-sided lower bound of the mean difference."""
    two_sided: tuple[float, float]
    p: float
    """One-sided p of "the loss is at least the margin"."""
    needed: int
    """Items for power .8 if nothing had changed."""
    details: Details
    reason: str = ""


def loss_bounds(values: Vector, margin: float) -> Bounds | str:
    """Return the bounds that these differences allow, or say why there are none.

    Args:
        values: shape (n,), finite differences, test minus base.
        margin: largest acceptable loss, > 0.
    """
    n = len(values)
    if n < 2:
        return "one item" if n else "no differences"
    differing = int(np.count_nonzero(values))
    if not differing:
        return _no_difference(n, margin)
    if margin < 1 and bool(np.isin(values, (-1.0, 0.0, 1.0)).all()):
        return _score(int((values > 0).sum()), int((values < 0).sum()), n, margin)
    mean, se = float(values.mean()), float(values.std(ddof=1)) / n**0.5
    if no_spread(se, values):
        return f"every difference is {mean:g}: no variance"
    bounds = _student(mean, se, n, margin)
    if differing < FEW:
        return replace(bounds, reason=f"only {differing} items differ: the t bound may be too high")
    return bounds


def _student(mean: float, se: float, n: int, margin: float) -> Bounds:
    half = t_quantile(BOTH, n - 1) * se
    return Bounds(
        method="t bound",
        low=mean - t_quantile(LEVEL, n - 1) * se,
        two_sided=(mean - half, mean + half),
        p=t_tail((mean + margin) / se, n - 1),
        needed=units_needed(n * se**2, margin, level=LEVEL, power=POWER),
        details={"se": se, "df": n - 1},
    )


def _score(gains: int, losses: int, n: int, margin: float) -> Bounds:
    z = normal_quantile(BOTH)
    needed = units_needed((gains + losses) / n, margin, level=LEVEL, power=POWER)
    return Bounds(
        method="Tango's score bound",
        low=score_bound(gains, losses, n, normal_quantile(LEVEL)),
        two_sided=(score_bound(gains, losses, n, z), score_bound(gains, losses, n, -z)),
        p=normal_tail(score_statistic(gains, losses, n, -margin)),
        needed=max(needed, _rule_of_three(margin)),
        details={"gains": gains, "losses": losses},
    )


def _no_difference(n: int, margin: float) -> Bounds:
    """Clopper and Pearson's upper bound u where nothing was seen: (1 − u)ⁿ = 1 − level."""
    two_sided = 1 - (1 - BOTH) ** (1 / n)
    return Bounds(
        method="Clopper-Pearson bound on lost items",
        low=(1 - LEVEL) ** (1 / n) - 1,
        two_sided=(-two_sided, two_sided),
        p=(1 - min(margin, 1.0)) ** n,
        needed=_rule_of_three(margin),
        details={"gains": 0, "losses": 0},
        reason="no item differs; the bound supposes that no difference could exceed 1",
    )


def _rule_of_three(margin: float) -> int:
    """Items needed if not a single one differs: 1 − (1 − level)^(1/n) < margin."""
    if margin >= 1:
        return 1
    return math.floor(math.log(1 - LEVEL) / math.log1p(-margin)) + 1

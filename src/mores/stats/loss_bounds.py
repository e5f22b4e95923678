"""Lower bounds of a mean paired difference, chosen by what the differences are.

Takes the differences, their clusters and the margin, gives the bound, p and
what else `non_inferiority` decides on: Student's t in general, Tango's score
for 0/1 items, Clopper and Pearson where nothing differs.

    python -c "import numpy as np; from mores.stats.loss_bounds import loss_bounds as b; print(
    b(np.zeros(9), .1, .95, {i: np.array([i]) for i in range(9)}, clustered=False).low)"
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mores.stats.design_power import units_needed
from mores.stats.distributions import (
    binomial_tail,
    clopper_pearson_upper,
    normal_quantile,
    normal_tail,
    t_quantile,
    t_tail,
)
from mores.stats.inputs import Vector, no_spread
from mores.stats.paired_score import score_bound, score_statistic

POWER = 0.8
FEW = 10
"""Fewer differences other than zero are too few for a t bound to be trusted."""

Details = dict[str, float | int | str | None]


@dataclass(frozen=True)
class Bounds:
    """What the verdict is decided on."""

    method: str
    low: float
    """One-sided lower bound of the mean difference at ``level``."""
    two_sided: tuple[float, float]
    p: float
    """One-sided p of "the loss is at least the margin"."""
    loss_shown: bool
    """A loss, of whatever size, is shown at the two-sided level."""
    needed: int
    details: Details
    reason: str = ""


def loss_bounds(
    values: Vector,
    margin: float,
    level: float,
    groups: Mapping[Hashable, NDArray[np.int64]],
    *,
    clustered: bool,
) -> Bounds | str:
    """Return the bounds that these differences allow, or say why there are none.

    Args:
        values: shape (N,), finite differences, test minus base.
        margin: largest acceptable loss, > 0.
        level: confidence level, in (0, 1).
        groups: cluster → positions; one position each where not clustered.
        clustered: whether the clusters are the caller's.
    """
    if len(groups) < 2:
        kind = "cluster" if clustered else "item"
        return f"one {kind}" if len(groups) else "no differences"
    if not values.any():
        return _no_difference(len(groups), margin, level)
    if not clustered and margin < 1 and bool(np.isin(values, (-1.0, 0.0, 1.0)).all()):
        gains, losses = int((values > 0).sum()), int((values < 0).sum())
        return _score(gains, losses, len(values), margin, level)
    mean, count = float(values.mean()), len(groups)
    sums = np.array([(values[at] - mean).sum() for at in groups.values()])
    se = (count / (count - 1) * float((sums**2).sum())) ** 0.5 / len(values)
    if no_spread(se, values):
        return f"every difference (or cluster) has the same mean {mean:g}: no variance"
    found = _student(mean, se, count, margin, level)
    differing = np.count_nonzero(values)
    if differing < FEW:
        return replace(found, reason=f"only {differing} items differ: the t bound may be too high")
    return found


def _student(mean: float, se: float, count: int, margin: float, level: float) -> Bounds:
    df = count - 1
    half = t_quantile((1 + level) / 2, df) * se
    return Bounds(
        method="t bound",
        low=mean - t_quantile(level, df) * se,
        two_sided=(mean - half, mean + half),
        p=t_tail((mean + margin) / se, df),
        loss_shown=mean + half < 0,
        needed=units_needed(count * se**2, margin, level=level, power=POWER),
        details={"se": se, "df": df},
    )


def _score(gains: int, losses: int, n: int, margin: float, level: float) -> Bounds:
    z = normal_quantile((1 + level) / 2)
    two_sided = (score_bound(gains, losses, n, z), score_bound(gains, losses, n, -z))
    needed = units_needed((gains + losses) / n, margin, level=level, power=POWER)
    return Bounds(
        method="Tango's score bound",
        low=score_bound(gains, losses, n, normal_quantile(level)),
        two_sided=two_sided,
        p=normal_tail(score_statistic(gains, losses, n, -margin)),
        loss_shown=two_sided[1] < 0,
        needed=max(needed, _rule_of_three(margin, level)),
        details={"gains": gains, "losses": losses},
    )


def _no_difference(n: int, margin: float, level: float) -> Bounds:
    two_sided = clopper_pearson_upper(0, n, (1 + level) / 2)
    return Bounds(
        method="Clopper-Pearson bound on lost items",
        low=-clopper_pearson_upper(0, n, level),
        two_sided=(-two_sided, two_sided),
        p=binomial_tail(0, n, min(margin, 1.0)),
        loss_shown=False,
        needed=_rule_of_three(margin, level),
        details={"gains": 0, "losses": 0},
        reason="no item differs; the bound supposes that no difference could exceed 1",
    )


def _rule_of_three(margin: float, level: float) -> int:
    """Items needed if not a single one differs: 1 − (1 − level)^(1/n) < margin."""
    if margin >= 1:
        return 1
    return math.floor(math.log(1 - level) / math.log1p(-margin)) + 1

"""Lower bounds of a mean paired difference, chosen by what the differences are.

Takes the differences of items under training runs and the margin, gives the bound, p and what else
`non_inferiority` decides on. One run: Student's t in general, Tango's score for 0/1 items, Clopper
and Pearson where nothing differs. Several: items crossed with runs (`crossed_effect`).

    python -c "import numpy as np; from mores.stats.loss_bounds import loss_bounds as b; print(
    b(np.zeros((9, 1)), .1).low)"
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from mores.stats.crossed_effect import crossed_effect
from mores.stats.design_power import units_needed
from mores.stats.distributions import normal_quantile, normal_tail, t_quantile, t_tail
from mores.stats.inputs import LEVEL, Vector, completed, no_spread
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
    needed: int | None
    """Items for power .8 if nothing had changed; None where no number of them would do, as runs
    differ too much."""
    details: Details
    reason: str = ""


def loss_bounds(values: Vector, margin: float) -> Bounds | str:
    """Return the bounds that these differences allow, or say why there are none.

    Args:
        values: shape (n, S), differences of n items under S runs, test minus base; NaN where an
            item has none under a run, not under all.
        margin: largest acceptable loss, > 0.
    """
    n = len(values)
    if n < 2:
        return "one item" if n else "no differences"
    table = completed(values)
    # Runs that agree on every item are no more than one of them.
    one = bool((table == table[:, :1]).all())
    return _one_run(table[:, 0], margin) if one else _several_runs(table, values, margin)


def _one_run(values: Vector, margin: float) -> Bounds | str:
    n, differing = len(values), int(np.count_nonzero(values))
    if not differing:
        return _no_difference(n, margin)
    if margin < 1 and bool(np.isin(values, (-1.0, 0.0, 1.0)).all()):
        return _score(int((values > 0).sum()), int((values < 0).sum()), n, margin)
    mean, se = float(values.mean()), float(values.std(ddof=1)) / n**0.5
    if no_spread(se, values):
        return f"every difference is {mean:g}: no variance"
    bounds = _student(mean, se, n - 1, margin)
    needed = units_needed(n * se**2, margin, level=LEVEL, power=POWER)
    return replace(bounds, needed=needed, reason=_few(differing))


def _several_runs(table: Vector, values: Vector, margin: float) -> Bounds | str:
    """Items crossed with runs; of 0/1 items never more than if not one had been lost."""
    crossed = crossed_effect(table)
    se, df = crossed.details.get("se"), crossed.details.get("df")
    if crossed.value is None or not (isinstance(se, float) and isinstance(df, float)):
        return crossed.reason
    n, details = len(table), crossed.details
    bounds = replace(
        _student(crossed.value, se, df, margin),
        method="items × runs, Satterthwaite t bound",
        needed=_items_needed(details, n, df, margin),
        details={k: details[k] for k in ("se", "df", "seeds", "sd_seed")},
        reason=_few(int(np.count_nonzero(table.any(axis=1)))),
    )
    if not np.isin(values[~np.isnan(values)], (-1.0, 0.0, 1.0)).all():
        return bounds
    least = _no_difference(n, margin)
    return replace(
        bounds,
        low=min(bounds.low, least.low),
        two_sided=(min(bounds.two_sided[0], least.two_sided[0]), bounds.two_sided[1]),
        p=max(bounds.p, least.p),
    )


def _items_needed(details: Details, n: int, df: float, margin: float) -> int | None:
    """Items for power .8 with as many runs; the spread of runs stays however many there are."""
    prompt, seed, rest = (float(details[f"v_{k}"] or 0.0) for k in ("prompt", "seed", "resid"))
    reach = t_quantile(LEVEL, df) + normal_quantile(POWER)
    room = (margin / reach) ** 2 - max(0.0, seed - rest)
    return max(1, math.ceil(n * prompt / room)) if room > 0 else None


def _few(differing: int) -> str:
    few = differing < FEW
    return f"only {differing} items differ: the t bound may be too high" if few else ""


def _student(mean: float, se: float, df: float, margin: float) -> Bounds:
    half = t_quantile(BOTH, df) * se
    return Bounds(
        method="t bound",
        low=mean - t_quantile(LEVEL, df) * se,
        two_sided=(mean - half, mean + half),
        p=t_tail((mean + margin) / se, df),
        needed=None,
        details={"se": se, "df": df},
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

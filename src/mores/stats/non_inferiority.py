"""Has a capability been kept? Non-inferiority of paired items within a margin.

Takes the differences of items under training runs (test minus base, higher is better) and the
margin fixed before the run, gives a one-sided bound and one of three verdicts.

    python -c "from mores.stats import non_inferiority as f; print(f([0] * 400, .01).verdict)"
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from mores.errors import MeasureError
from mores.records import Estimate, Verdict
from mores.stats.inputs import RUN_SCOPES, Vector, array, completed, not_computable, vector
from mores.stats.loss_bounds import POWER, Bounds, Details, loss_bounds

METHOD = "non-inferiority"


def non_inferiority(differences: ArrayLike, margin: float, *, unit: str = "item") -> Estimate:
    """Say whether a loss of ``margin`` or more can be excluded.

    Verdicts, in this order:

    * ``non-inferior``: the one-sided lower bound is above −margin. If the two-sided
      interval lies below zero all the same, the reason says that a loss within the
      margin is shown.
    * ``worse``: not non-inferior, and the two-sided interval lies below zero: there
      is a loss, and one of the margin's size cannot be excluded. The reason says if
      the loss exceeds the margin for certain (upper bound below −margin).
    * ``inconclusive``: neither. ``details["n_needed"]`` is the number of units that
      would give power .8 if nothing had truly changed and the spread stayed the same.

    With one training run the verdict's scope is "in this run", with two "in these runs": another
    may lose what these kept, and two do not tell how far runs lie apart. With several, items and
    runs are crossed (`crossed_effect`): the bound mean − t · SE, one-sided at .95 with its degrees
    of freedom, holds for other items and other runs. A cell without a value is taken as its item's
    and its run's means say. Where the runs differ so much that no number of items would do,
    ``n_needed`` is None and the reason says so.

    With one run the bound is mean − t · SE with n − 1 degrees of freedom. For 0/1 items
    (differences −1, 0, 1) the t bound promises too much when few items differ; there bound,
    interval and p are those of Tango's score test (1998, see `paired_score`), whose two-sided
    interval excludes zero when McNemar's test does.

    No difference at all in n items is not certainty: the share of items lost is bounded
    by Clopper & Pearson (1934), 1 − .05^(1/n), about 3 / n, which bounds the mean loss if
    no single difference exceeds 1. With several runs the bound of 0/1 items is never above that.

    Args:
        differences: shape (n,) for one run or (n, S) for S of them, test minus base for the same
            item, higher is better; with several, NaN where an item has no value under a run.
        margin: largest acceptable loss, > 0, same units; fixed before the run.
        unit: what a difference belongs to.

    Returns:
        value: mean difference; low: the one-sided bound; high: None; p: one-sided, of
        "the loss is at least the margin". details: margin, items, two_sided_low,
        two_sided_high, n_needed (None unless inconclusive), runs, and se, df (with several runs
        seeds, sd_seed: the spread between them) or gains, losses.
        Not computable (value kept) with fewer than two items or with one and the same
        difference (other than 0 and ±1).

    Raises:
        MeasureError: infinite input, NaN with one run or under all, margin not above 0.
    """
    values = _table(differences)
    _check_margin(margin)
    n, runs = values.shape
    mean = float(completed(values).mean()) if n else None
    details: Details = {"margin": float(margin), "items": n, "runs": runs}
    bounds = loss_bounds(values, margin)
    if isinstance(bounds, str):
        return not_computable(bounds, n=n, unit=unit, method=METHOD, value=mean, details=details)
    verdict, reason = _verdict(bounds, margin, n, unit)
    details["two_sided_low"], details["two_sided_high"] = bounds.two_sided
    details["n_needed"] = bounds.needed if verdict == "inconclusive" else None
    return Estimate(
        value=mean,
        low=bounds.low,
        p=bounds.p,
        n=n,
        unit=unit,
        method=f"{METHOD}, {bounds.method}",
        verdict=verdict,
        scope=RUN_SCOPES.get(runs, ""),
        reason="; ".join(part for part in (reason, bounds.reason) if part),
        details={**details, **bounds.details},
    )


def _table(differences: ArrayLike) -> Vector:
    """Shape (items, runs)."""
    if np.ndim(differences) != 2:
        return vector(differences, "differences")[:, None]
    table = array(differences, "differences", dimensions=2, absent=True)
    if table.shape[1] < 2:
        return vector(table.reshape(-1), "differences")[:, None]
    if (empty := np.isnan(table).all(axis=1)).any():
        raise MeasureError(
            f"item {int(np.argmax(empty))} has no value under any run",
            where="differences",
            fix="leave it out and report how many were",
        )
    return table


def _check_margin(margin: float) -> None:
    if not (margin > 0 and math.isfinite(margin)):
        raise MeasureError(
            f"expected a finite number above 0, found {margin}",
            where="margin",
            fix="give the largest loss that would be acceptable, as a positive number",
        )


def _verdict(bounds: Bounds, margin: float, n: int, unit: str) -> tuple[Verdict, str]:
    loss_shown = bounds.two_sided[1] < 0
    if bounds.low > -margin:
        return "non-inferior", "a loss within the margin is shown" if loss_shown else ""
    if loss_shown:
        beyond = bounds.two_sided[1] < -margin
        return "worse", "the loss exceeds the margin" if beyond else ""
    if bounds.needed is None:
        return (
            "inconclusive",
            f"runs differ too much for any number of {unit}s: more runs are needed",
        )
    needed = f"{bounds.needed} {unit}s"
    if bounds.needed > n:
        return "inconclusive", f"about {needed} are needed for power {POWER:g} if nothing changed"
    near = "the loss seen is too near the margin"
    return "inconclusive", f"{needed} would do had nothing changed: {near}"

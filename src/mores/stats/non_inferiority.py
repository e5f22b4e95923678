"""Has a capability been kept? Non-inferiority of paired items within a margin.

Takes one difference an item (test minus base, higher is better) and the margin
fixed before the run, gives a one-sided bound and one of three verdicts.

    python -c "from mores.stats import non_inferiority as f; print(f([0] * 400, .01).verdict)"
"""

from __future__ import annotations

import math

from numpy.typing import ArrayLike

from mores.errors import MeasureError
from mores.records import Estimate, Verdict
from mores.stats.inputs import Labels, not_computable, positions, share, vector
from mores.stats.loss_bounds import POWER, Bounds, Details, loss_bounds

METHOD = "non-inferiority"


def non_inferiority(
    differences: ArrayLike,
    margin: float,
    *,
    level: float = 0.95,
    clusters: Labels | None = None,
    unit: str = "item",
) -> Estimate:
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

    The bound is mean − t · SE with G − 1 degrees of freedom and
    SE² = G / (G − 1) · Σ_g (Σ_{i in g} (d_i − mean))² / N² over G clusters of N items
    (Liang & Zeger 1986; Miller 2024, arXiv 2411.00640, with the G / (G − 1) that the
    paper leaves out); without clusters every item is its own.

    For 0/1 items (differences −1, 0, 1, no clusters) the t bound promises too much when
    few items differ; there bound, interval and p are those of Tango's score test (1998,
    see `paired_score`), whose two-sided interval excludes zero when McNemar's test does.

    No difference at all in n items is not certainty: the share of items lost is bounded
    by Clopper & Pearson (1934), 1 − (1 − level)^(1/n), about 3 / n, which bounds the mean
    loss if no single difference exceeds 1. With clusters, clusters are counted.

    Args:
        differences: shape (N,), test minus base for the same item, higher is better.
        margin: largest acceptable loss, > 0, same units; fixed before the run.
        level: confidence level, in (0, 1); one-sided for the verdict's bound.
        clusters: shape (N,), what items were drawn together (a text, a template).
        unit: what a difference belongs to.

    Returns:
        value: mean difference; low: the one-sided bound; high: None; p: one-sided, of
        "the loss is at least the margin"; n: items, or clusters where given. details:
        margin, items, two_sided_low, two_sided_high, n_needed (None unless
        inconclusive), and se, df or gains, losses. Not computable (value kept) with
        fewer than two units or with one and the same difference (other than 0 and ±1).

    Raises:
        MeasureError: NaN or infinite input, labels that do not fit, margin not above 0,
            level out of range.
    """
    values = vector(differences, "differences")
    share(level, "level")
    _check_margin(margin)
    labels = range(len(values)) if clusters is None else clusters
    groups = positions(labels, len(values), "clusters")
    n, unit = len(groups), unit if clusters is None else "cluster"
    mean = float(values.mean()) if len(values) else None
    found = loss_bounds(values, margin, level, groups, clustered=clusters is not None)
    details: Details = {"margin": float(margin), "items": len(values)}
    if isinstance(found, str):
        return not_computable(
            found, n=n, unit=unit, method=METHOD, value=mean, level=level, details=details
        )
    verdict, reason = _verdict(found, margin, n, unit)
    details["two_sided_low"], details["two_sided_high"] = found.two_sided
    details["n_needed"] = found.needed if verdict == "inconclusive" else None
    return Estimate(
        value=mean,
        low=found.low,
        p=found.p,
        n=n,
        unit=unit,
        method=f"{METHOD}, {found.method}",
        verdict=verdict,
        level=level,
        reason="; ".join(part for part in (reason, found.reason) if part),
        details={**details, **found.details},
    )


def _check_margin(margin: float) -> None:
    if not (margin > 0 and math.isfinite(margin)):
        raise MeasureError(
            f"expected a finite number above 0, found {margin}",
            where="margin",
            fix="give the largest loss that would be acceptable, as a positive number",
        )


def _verdict(found: Bounds, margin: float, n: int, unit: str) -> tuple[Verdict, str]:
    if found.low > -margin:
        return "non-inferior", "a loss within the margin is shown" if found.loss_shown else ""
    if found.loss_shown:
        beyond = found.two_sided[1] < -margin
        return "worse", "the loss exceeds the margin" if beyond else ""
    if found.needed > n:
        return "inconclusive", (
            f"about {found.needed} {unit}s are needed for power {POWER:g} if nothing changed"
        )
    return "inconclusive", (
        f"{found.needed} {unit}s would do had nothing changed: the loss seen is too near the margin"
    )

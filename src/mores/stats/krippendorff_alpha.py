"""Krippendorff's α: how far raters agree beyond chance.

Takes a raters × items table with NaN where a rater did not rate, gives α with a
bootstrap interval over items.

    python -c "from mores.stats import krippendorff_alpha as a; print(a([[1, 2, 3], [1, 2, 4]]))"
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from msgspec.structs import replace
from numpy.typing import ArrayLike

from mores.errors import MeasureError, did_you_mean
from mores.records import Estimate
from mores.stats.cluster_bootstrap import cluster_bootstrap
from mores.stats.inputs import Rng, Vector, array, count, not_computable, share

Level = Literal["nominal", "ordinal", "interval", "ratio"]
LEVELS = ("nominal", "ordinal", "interval", "ratio")


def krippendorff_alpha(
    ratings: ArrayLike,
    level: Level = "ordinal",
    *,
    draws: int = 1000,
    confidence: float = 0.95,
    rng: Rng | None = None,
) -> Estimate:
    """Return α = 1 − D_o / D_e (Krippendorff 2011, "Computing Krippendorff's Alpha").

    Every item with m ≥ 2 ratings adds each ordered pair of them with weight 1 / (m − 1)
    to the coincidences o(c, k). With n(c) = Σ_k o(c, k) and n = Σ n(c):
    D_o = Σ o(c, k) δ²(c, k) / n and D_e = Σ n(c) n(k) δ²(c, k) / (n (n − 1)).

    Args:
        ratings: shape (raters, items); NaN where a rater gave none.
        level: scale of the ratings; decides δ².
        draws: resamples of the bootstrap over items.
        confidence: confidence level of the interval, in (0, 1).
        rng: generator or seed; without one there is no interval.

    Returns:
        value ≤ 1 (0 is chance, below is worse than chance), low, high; n: items with at
        least two ratings. details: raters, ratings (that count), items_left_out,
        observed, expected (D_o, D_e). Not computable with one rater, without
        an item that two rated, or when all ratings are equal.

    Raises:
        MeasureError: unknown level, not two axes, infinite input, negative ratio ratings.
    """
    if level not in LEVELS:
        raise MeasureError(
            f"unknown level {level!r}{did_you_mean(level, LEVELS)}",
            where="level",
            fix="levels: " + ", ".join(LEVELS),
        )
    share(confidence, "confidence")
    count(draws, "draws", least=1)
    table = array(ratings, "ratings", dimensions=2, absent=True)
    values = np.unique(table[~np.isnan(table)])
    if level == "ratio" and (values < 0).any():
        raise MeasureError(f"ratio ratings start at 0, found {values[0]}", where="ratings")
    counts = (table[:, :, None] == values).sum(axis=0).astype(np.float64)
    pairable = counts[counts.sum(axis=1) >= 2]
    details: dict[str, float | int | str | None] = {
        "raters": int((~np.isnan(table)).any(axis=1).sum()),
        "ratings": int(pairable.sum()),
        "items_left_out": table.shape[1] - len(pairable),
    }
    estimate = _estimate(list(pairable), values, level, draws, confidence, rng)
    return replace(estimate, details={**estimate.details, **details})


def _estimate(
    items: list[Vector],
    values: Vector,
    level: Level,
    draws: int,
    confidence: float,
    rng: Rng | None,
) -> Estimate:
    method = f"Krippendorff's α, {level}"
    reason = ""
    observed = expected = 0.0
    if not items:
        reason = "no item has ratings of two raters"
    else:
        observed, expected = _disagreement(np.array(items), values, level)
        reason = "all ratings are equal" if expected == 0 else ""
    if reason:
        return not_computable(reason, n=len(items), unit="item", method=method, level=confidence)
    details: dict[str, float | int | str | None] = {"observed": observed, "expected": expected}
    alpha = 1 - observed / expected
    plain = Estimate(
        value=alpha, n=len(items), unit="item", method=method, level=confidence, details=details
    )
    if rng is None:
        return replace(plain, reason="no interval: no generator was given")

    def statistic(chosen: Sequence[Vector]) -> float:
        seen, chance = _disagreement(np.array(chosen), values, level)
        return 1 - seen / chance if chance > 0 else math.nan

    found = cluster_bootstrap(items, statistic, draws=draws, level=confidence, rng=rng, unit="item")
    reason = f"no interval: {found.reason}" if found.low is None else found.reason
    return replace(
        plain,
        low=found.low,
        high=found.high,
        method=f"{method}; {found.method}",
        reason=reason,
        details={**details, **found.details},
    )


def _disagreement(counts: Vector, values: Vector, level: Level) -> tuple[float, float]:
    """Observed and expected disagreement; counts has shape (items, values), rows sum ≥ 2."""
    weights = 1.0 / (counts.sum(axis=1) - 1.0)
    coincidences = (counts * weights[:, None]).T @ counts
    coincidences -= np.diag((counts * weights[:, None]).sum(axis=0))
    totals = counts.sum(axis=0)
    n = float(totals.sum())
    distances = _distances(values, totals, level)
    observed = float((coincidences * distances).sum()) / n
    expected = float(totals @ distances @ totals) / (n * (n - 1.0))
    return observed, expected


def _distances(values: Vector, totals: Vector, level: Level) -> Vector:
    """δ²(c, k) for every pair of values."""
    difference = values[:, None] - values[None, :]
    if level == "nominal":
        return np.asarray(difference != 0, dtype=np.float64)
    if level == "interval":
        return np.asarray(difference**2, dtype=np.float64)
    if level == "ratio":
        total = values[:, None] + values[None, :]
        relative = np.divide(difference, total, out=np.zeros_like(total), where=total > 0)
        return np.asarray(relative**2, dtype=np.float64)
    # Ordinal: ratings from c to k, both ends counted half.
    middle = totals.cumsum() - totals / 2
    return np.asarray((middle[:, None] - middle[None, :]) ** 2, dtype=np.float64)

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

from mores.errors import MeasureError
from mores.records import Estimate
from mores.stats.cluster_bootstrap import cluster_bootstrap
from mores.stats.inputs import Rng, Vector, array, not_computable

Scale = Literal["nominal", "ordinal"]


def krippendorff_alpha(
    ratings: ArrayLike, scale: Scale = "ordinal", *, draws: int = 1000, rng: Rng | None = None
) -> Estimate:
    """Return α = 1 − D_o / D_e (Krippendorff 2011, "Computing Krippendorff's Alpha").

    Every item with m ≥ 2 ratings adds each ordered pair of them with weight 1 / (m − 1)
    to the coincidences o(c, k). With n(c) = Σ_k o(c, k) and n = Σ n(c):
    D_o = Σ o(c, k) δ²(c, k) / n and D_e = Σ n(c) n(k) δ²(c, k) / (n (n − 1)).

    Args:
        ratings: shape (raters, items); NaN where a rater gave none.
        scale: "nominal" or "ordinal"; decides δ².
        draws: resamples of the bootstrap over items, at least 1.
        rng: generator or seed; without one there is no interval.

    Returns:
        value ≤ 1 (0 is chance, below is worse than chance), low, high; n: items with at
        least two ratings. details: raters, ratings (that count), items_left_out,
        observed, expected (D_o, D_e). Not computable with one rater, without
        an item that two rated, or when all ratings are equal.

    Raises:
        MeasureError: unknown scale, not two axes, infinite input, draws below 1.
    """
    if scale not in ("nominal", "ordinal"):
        raise MeasureError(f"expected 'nominal' or 'ordinal', found {scale!r}", where="scale")
    table = array(ratings, "ratings", dimensions=2, absent=True)
    values = np.unique(table[~np.isnan(table)])
    counts = (table[:, :, None] == values).sum(axis=0).astype(np.float64)
    items = list(counts[counts.sum(axis=1) >= 2])
    estimate = _estimate(items, scale)
    if rng is not None and estimate.value is not None:
        estimate = _with_interval(estimate, items, scale, draws, rng)
    details: dict[str, float | int | str | None] = {
        "raters": int((~np.isnan(table)).any(axis=1).sum()),
        "ratings": int(np.sum(items)),
        "items_left_out": table.shape[1] - len(items),
    }
    return replace(estimate, details={**estimate.details, **details})


def _estimate(items: Sequence[Vector], scale: Scale) -> Estimate:
    """α without an interval; an item is how often it was given each value."""
    n, method = len(items), f"Krippendorff's α, {scale}"
    if not items:
        why = "no item has ratings of two raters"
        return not_computable(why, n=0, unit="item", method=method)
    observed, expected = _disagreement(items, scale)
    if expected == 0:
        return not_computable("all ratings are equal", n=n, unit="item", method=method)
    return Estimate(
        value=1 - observed / expected,
        n=n,
        unit="item",
        method=method,
        reason="no interval: no generator was given",
        details={"observed": observed, "expected": expected},
    )


def _with_interval(
    plain: Estimate, items: Sequence[Vector], scale: Scale, draws: int, rng: Rng
) -> Estimate:
    def alpha(chosen: Sequence[Vector]) -> float:
        observed, expected = _disagreement(chosen, scale)
        return 1 - observed / expected if expected > 0 else math.nan

    interval = cluster_bootstrap(items, alpha, draws=draws, rng=rng, unit="item")
    return replace(
        plain,
        low=interval.low,
        high=interval.high,
        method=f"{plain.method}; {interval.method}",
        reason=f"no interval: {interval.reason}" if interval.low is None else interval.reason,
        details={**plain.details, **interval.details},
    )


def _disagreement(items: Sequence[Vector], scale: Scale) -> tuple[float, float]:
    """Observed and expected disagreement, D_o and D_e."""
    counts = np.array(items)
    weighted = counts / (counts.sum(axis=1, keepdims=True) - 1.0)
    coincidences = weighted.T @ counts - np.diag(weighted.sum(axis=0))
    totals = counts.sum(axis=0)
    n = float(totals.sum())
    distances = _distances(totals, scale)
    observed = float((coincidences * distances).sum()) / n
    expected = float(totals @ distances @ totals) / (n * (n - 1.0))
    return observed, expected


def _distances(totals: Vector, scale: Scale) -> Vector:
    """δ²(c, k) for every pair of values."""
    if scale == "nominal":
        return 1.0 - np.eye(len(totals))
    # Ordinal: ratings from c to k, both ends counted half.
    middle = totals.cumsum() - totals / 2
    return np.asarray((middle[:, None] - middle[None, :]) ** 2, dtype=np.float64)

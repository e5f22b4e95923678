"""Area under the ROC curve with DeLong's interval.

Takes scores and 0/1 labels, gives the probability that a positive is scored
above a negative.

    python -c "from mores.stats import auc; print(auc([.1, .4, .35, .8], [0, 0, 1, 1]).value)"
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from msgspec.structs import replace
from numpy.typing import ArrayLike, NDArray

from mores.errors import MeasureError
from mores.records import Estimate
from mores.stats.distributions import normal_quantile
from mores.stats.inputs import LEVEL, Vector, not_computable, vector

METHOD = "Mann-Whitney AUC, DeLong interval on the logit scale"


def auc(scores: ArrayLike, labels: ArrayLike, *, unit: str = "item") -> Estimate:
    """Return the Mann-Whitney AUC with the interval of DeLong, DeLong & Clarke-Pearson (1988).

    Each positive's share of negatives below it (ties half) has variance S₁₀ over the
    m positives, each negative's share of positives above it S₀₁ over the n negatives;
    SE² = S₁₀ / m + S₀₁ / n. The interval is taken on logit(AUC), so that it stays
    inside [0, 1] (Pepe 2003, section 5.2).

    Args:
        scores: shape (n,), higher means "more likely positive".
        labels: shape (n,), 1 or True for positives, 0 or False for negatives.
        unit: what a score belongs to; units must be independent.

    Returns:
        value in [0, 1], low, high; details: positives, negatives, se. Where DeLong's
        variance is undefined (one item of a class) or zero (perfect separation), the
        value stands without an interval, and the reason says why. Not computable with a
        single class, or when all scores are tied (value kept).

    Raises:
        MeasureError: NaN or infinite input, labels other than 0 and 1, different lengths.
    """
    numbers, marks = _checked(scores, labels)
    above, below = numbers[marks == 1], numbers[marks == 0]
    counts: dict[str, float | int | str | None] = {"positives": len(above), "negatives": len(below)}
    n = len(numbers)
    absent = partial(not_computable, n=n, unit=unit, method=METHOD, details=counts)
    if not len(above) or not len(below):
        return absent(f"{len(above)} positives and {len(below)} negatives")
    ranks = _shares_below(below, above)
    value = float(ranks.mean())
    if np.ptp(numbers) == 0:
        return absent("all scores are tied", value=value)
    plain = Estimate(value=value, n=n, unit=unit, method=METHOD, details=counts)
    reason, se = _standard_error(ranks, 1 - _shares_below(above, below))
    if reason:
        return replace(plain, reason=f"no interval: {reason}")
    low, high = _logit_interval(value, se)
    return replace(plain, low=low, high=high, details={**counts, "se": se})


def _checked(scores: ArrayLike, labels: ArrayLike) -> tuple[Vector, Vector]:
    numbers, marks = vector(scores, "scores"), vector(labels, "labels")
    if len(numbers) != len(marks):
        raise MeasureError(f"{len(numbers)} scores but {len(marks)} labels", where="scores, labels")
    if not np.isin(marks, (0.0, 1.0)).all():
        raise MeasureError(f"expected 0 and 1, found {np.unique(marks)[:5]}", where="labels")
    return numbers, marks


def _shares_below(reference: Vector, values: Vector) -> Vector:
    """Share of the reference below each value, ties counted half; by sorting, in n log n."""
    ordered = np.sort(reference)
    left: NDArray[np.int64] = np.searchsorted(ordered, values, side="left")
    right: NDArray[np.int64] = np.searchsorted(ordered, values, side="right")
    return np.asarray((left + right) / (2 * len(reference)), dtype=np.float64)


def _standard_error(positives: Vector, negatives: Vector) -> tuple[str, float]:
    if min(len(positives), len(negatives)) < 2:
        return "a class has one item", 0.0
    variance = positives.var(ddof=1) / len(positives) + negatives.var(ddof=1) / len(negatives)
    if variance <= 1e-24:
        return "DeLong's variance is zero", 0.0
    return "", float(variance) ** 0.5


def _logit_interval(value: float, se: float) -> tuple[float, float]:
    from scipy.special import expit

    centre = math.log(value / (1 - value))
    half = normal_quantile((1 + LEVEL) / 2) * se / (value * (1 - value))
    return float(expit(centre - half)), float(expit(centre + half))

"""Brunner-Munzel: does one sample tend to larger values than another?

Takes two samples of independent values (ordinal will do), gives the probability
that a value of the second exceeds one of the first, with interval and p.

    python -c "from mores.stats import brunner_munzel as b; print(b([1, 2, 2, 3], [2, 4, 4, 5]).p)"
"""

from __future__ import annotations

from functools import partial

import numpy as np
from msgspec.structs import replace
from numpy.typing import ArrayLike

from mores.records import Estimate
from mores.stats.distributions import t_estimate
from mores.stats.inputs import Vector, no_spread, not_computable, share, vector

METHOD = "Brunner-Munzel, t interval"
CAVEAT = "rows are taken as independent: not for repeated ratings of one prompt or by one rater"


def brunner_munzel(
    x: ArrayLike, y: ArrayLike, *, level: float = 0.95, unit: str = "row"
) -> Estimate:
    """Return P(X < Y) + ½ P(X = Y) with its t interval and the p of ½ (Brunner & Munzel 2000).

    The placement of a value is the share of the other sample below it, ties counted
    half. With the placements p_i of the n x-values and q_j of the m y-values: value =
    mean(q), SE² = var(p) / n + var(q) / m, Welch-Satterthwaite degrees of freedom.

    Every row must be independent of every other. Ratings are not: one prompt, text or
    rater gives several. On ratings of one study this test rejects a true null in about
    one of five cases; for them use `probability_of_superiority` and `sign_flip`.

    Args:
        x: shape (n,), first sample.
        y: shape (m,), second sample.
        level: confidence level, in (0, 1).
        unit: what a row is.

    Returns:
        value in [0, 1] (½: neither tends to be larger), low and high, cut off at 0 and 1,
        p; n: rows of both; details: se, df, t, n_x, n_y. The reason always repeats that
        rows must be independent. Not computable (value kept) with fewer than two rows in
        a sample, or when all values tie or the samples do not overlap.

    Raises:
        MeasureError: NaN or infinite input, level out of range.
    """
    first, second = vector(x, "x"), vector(y, "y")
    share(level, "level")
    n, m = len(first), len(second)
    absent = partial(not_computable, n=n + m, unit=unit, method=METHOD, level=level)
    if not n or not m:
        return absent("a sample without values")
    below, above = _placements(first, second), _placements(second, first)
    value = float(above.mean())
    if n == 1 or m == 1:
        return absent(f"a sample of one {unit}", value=value)
    parts = np.array([below.var(ddof=1) / n, above.var(ddof=1) / m])
    if no_spread(float(parts.sum()) ** 0.5, np.ones(1)):
        ties = "all values are tied" if value == 0.5 else "the samples do not overlap"
        return absent(f"{ties}: no variance", value=value)
    df = float(parts.sum() ** 2 / (parts**2 / np.array([n - 1, m - 1])).sum())
    found = t_estimate(
        value - 0.5,
        float(parts.sum()) ** 0.5,
        df,
        n=n + m,
        unit=unit,
        method=METHOD,
        level=level,
        reason=CAVEAT,
        details={"n_x": n, "n_y": m},
    )
    assert found.low is not None
    assert found.high is not None
    return replace(
        found, value=value, low=max(0.0, found.low + 0.5), high=min(1.0, found.high + 0.5)
    )


def _placements(values: Vector, others: Vector) -> Vector:
    """Share of the others below each value, ties counted half."""
    ordered = np.sort(others)
    ranks = ordered.searchsorted(values, "left") + ordered.searchsorted(values, "right")
    return np.asarray(ranks / (2.0 * len(others)), dtype=np.float64)

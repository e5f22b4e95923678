"""Cohen's d of two sets of ratings, for comparison with published numbers only.

Takes the ratings of two arms, gives the difference of the means in units of the
pooled standard deviation, without an interval.

    python -c "from mores.stats import cohens_d; print(cohens_d([1, 2, 3], [2, 3, 4]).value)"
"""

from __future__ import annotations

from numpy.typing import ArrayLike

from mores.records import Estimate
from mores.stats.inputs import no_spread, not_computable, vector

METHOD = "Cohen's d, pooled SD"
NO_INTERVAL = (
    "no interval: ratings of the same prompt, completion or rater depend on each other, "
    "so an interval that takes them as independent would be too narrow"
)


def cohens_d(a: ArrayLike, b: ArrayLike) -> Estimate:
    """Return (mean a − mean b) / s, s² = ((n_a−1) s_a² + (n_b−1) s_b²) / (n_a + n_b − 2).

    Source: Cohen 1988, section 2.5.2. No interval and no p: the usual ones take all
    ratings as independent, which they are not (in the simulation behind `mores` such
    tests reject a true null at .05 in more than .20 of the cases).

    Args:
        a: ratings of the first arm, shape (n_a,).
        b: ratings of the second arm, shape (n_b,).

    Returns:
        value; n = n_a + n_b; details: pooled_sd, mean_a, mean_b, n_a, n_b. Not computable
        with fewer than two ratings in an arm, or when neither arm varies.

    Raises:
        MeasureError: NaN or infinite input.
    """
    first, second = vector(a, "a"), vector(b, "b")
    n = len(first) + len(second)
    if min(len(first), len(second)) < 2:
        return not_computable("fewer than two values in an arm", n=n, unit="value", method=METHOD)
    squares = float(((first - first.mean()) ** 2).sum() + ((second - second.mean()) ** 2).sum())
    pooled = (squares / (n - 2)) ** 0.5
    mean_a, mean_b = float(first.mean()), float(second.mean())
    if no_spread(pooled, first) and no_spread(pooled, second):
        return not_computable(
            "no variance: the values of each arm are all equal", n=n, unit="value", method=METHOD
        )
    return Estimate(
        value=(mean_a - mean_b) / pooled,
        n=n,
        unit="value",
        method=METHOD,
        reason=NO_INTERVAL,
        details={
            "pooled_sd": pooled,
            "mean_a": mean_a,
            "mean_b": mean_b,
            "n_a": len(first),
            "n_b": len(second),
        },
    )

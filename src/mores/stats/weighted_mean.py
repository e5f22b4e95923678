"""The mean of a population from units drawn with weights, with a t interval.

python -c "from mores.stats import weighted_mean as m; print(m([1, 2, 3.], [1, 1, 2]).value)"
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mores.errors import MeasureError
from mores.records import Estimate
from mores.stats.distributions import t_estimate
from mores.stats.inputs import no_spread, not_computable, vector

METHOD = "weighted mean, linearised variance"


def weighted_mean(values: ArrayLike, weights: ArrayLike, *, unit: str = "prompt") -> Estimate:
    """Return Σ w x / Σ w with its interval for other units of the same population.

    The ratio of two sums, with its variance by linearisation:
    n / (n − 1) · Σ w² (x − m)² / (Σ w)² (Särndal, Swensson & Wretman 1992, section 5.7), and
    n_eff − 1 degrees of freedom, n_eff = (Σ w)² / Σ w² (Kish 1965): a mean that rests on a few
    heavy units has few. With equal weights all is `paired_t`.

    Args:
        values: shape (n,), one a unit.
        weights: shape (n,), above zero: how much of the population a unit stands for.
        unit: what a value belongs to.

    Returns:
        value, low, high, p of mean = 0; n; details: se, df, t, n_eff. Not computable (value kept)
        with fewer than two units, without spread, or where fewer than two units carry the weight.

    Raises:
        MeasureError: NaN or infinite input, a weight of zero or less, other lengths.
    """
    x, w = vector(values, "values"), vector(weights, "weights")
    if len(x) != len(w) or (w <= 0).any():
        raise MeasureError(
            f"expected {len(x)} weights above zero, found {len(w)} from {w.min(initial=0):g}",
            where="weights",
        )
    n = len(x)
    if n == 0:
        return not_computable("no values", n=0, unit=unit, method=METHOD)
    w = w / w.sum()
    mean = float(w @ x)
    effective = float(1 / (w @ w))
    reason = ""
    if effective - 1 < 1:
        reason = f"one {unit}" if n == 1 else f"nearly all weight is on one {unit}"
    elif no_spread(float(x.std()), x):
        reason = f"all values equal {mean:g}: no variance"
    if reason:
        return not_computable(reason, n=n, unit=unit, method=METHOD, value=mean)
    variance = n / (n - 1) * float(np.sum(w**2 * (x - mean) ** 2))
    return t_estimate(
        mean,
        variance**0.5,
        effective - 1,
        n=n,
        unit=unit,
        method=METHOD,
        details={"n_eff": effective},
    )

"""Student's t for paired differences, plain and stratified.

Takes one difference a unit (and its stratum), gives the mean with a t interval
and a two-sided p. The unit must be what was drawn independently: a prompt, not
a rating.

    python -c "from mores.stats import paired_t; print(paired_t([1, 2, 3, 4]).high)"
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from mores.records import Estimate
from mores.stats.distributions import t_estimate
from mores.stats.inputs import Labels, no_spread, not_computable, positions, vector


def paired_t(differences: ArrayLike, *, unit: str = "prompt") -> Estimate:
    """Return the mean difference with its t interval (n − 1 degrees of freedom).

    Args:
        differences: shape (n,), one a unit, in the units of the measure.
        unit: what a difference belongs to.

    Returns:
        value, low, high, p; details: se, df, t, sd. Not computable (value kept)
        with fewer than two differences or when all are equal.

    Raises:
        MeasureError: NaN or infinite input.
    """
    values = vector(differences, "differences")
    n = len(values)
    if n == 0:
        return not_computable("no differences", n=0, unit=unit, method="paired t")
    mean = float(values.mean())
    sd = float(values.std(ddof=1)) if n > 1 else 0.0
    if no_spread(sd, values):
        reason = f"one {unit}" if n == 1 else f"all differences equal {mean:g}: no variance"
        return not_computable(reason, n=n, unit=unit, method="paired t", value=mean)
    return t_estimate(
        mean,
        sd / n**0.5,
        n - 1.0,
        n=n,
        unit=unit,
        method="paired t",
        details={"sd": sd},
    )


def stratified_t(differences: ArrayLike, strata: Labels) -> Estimate:
    """Return the plain mean of the stratum means with its t interval.

    With K strata of n_k units, means m_k and variances s_k²: value = Σ m_k / K,
    SE = √(Σ s_k² / n_k) / K, and Satterthwaite's (1946) degrees of freedom
    (Σ v_k)² / Σ (v_k² / (n_k − 1)) with v_k = s_k² / n_k. One stratum gives `paired_t`.

    Args:
        differences: shape (n,), one a unit.
        strata: shape (n,), the stratum (a category) of each.

    Returns:
        value, low, high, p; details: se, df, t, strata. Not computable (value kept)
        when a stratum has a single unit or no stratum has any variance.

    Raises:
        MeasureError: NaN or infinite input, labels that do not fit.
    """
    values = vector(differences, "differences")
    n = len(values)
    method = "stratified t (equal weight per stratum, Satterthwaite df)"
    groups = positions(strata, n, "strata")
    absent = partial(not_computable, n=n, unit="prompt", method=method)
    if n == 0:
        return absent("no differences")
    value = float(np.mean([values[at].mean() for at in groups.values()]))
    single = [str(label) for label, at in groups.items() if len(at) == 1]
    sizes = np.array([len(at) for at in groups.values()], dtype=np.float64)
    deviations = np.array([values[at].std(ddof=1) if len(at) > 1 else 0 for at in groups.values()])
    if single:
        return absent(f"a single prompt in: {', '.join(single)}", value=value)
    scale = float(deviations.max())
    if no_spread(scale, values):
        return absent("no variance: equal differences in every stratum", value=value)
    # Relative to the largest, so that squares of squares cannot underflow.
    parts = (deviations / scale) ** 2 / sizes
    return t_estimate(
        value,
        scale * float(parts.sum()) ** 0.5 / len(groups),
        float(parts.sum() ** 2 / (parts**2 / (sizes - 1)).sum()),
        n=n,
        unit="prompt",
        method=method,
        details={"strata": len(groups)},
    )

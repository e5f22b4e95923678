"""Power of the paired t test: one difference a prompt, one training run.

Takes prompts, spread and the true difference, gives the probability that a
two-sided test shows it.

    python -c "from mores.stats.paired_power import paired_power as p; print(
    p(60, .2, sd=.5, level=.95))"
"""

from __future__ import annotations

import math
from typing import Literal

from mores.stats.distributions import normal_quantile, normal_tail, t_quantile

Test = Literal["t", "normal"]


def paired_power(
    prompts: int, difference: float, *, sd: float, level: float, test: Test = "t"
) -> float:
    """Return P(|T'| > t_crit), T' noncentral t with n − 1 df and shift difference · √n / sd.

    With ``test="normal"`` the same with normal quantiles (Miller 2024, section 5).

    Args:
        prompts: n, at least 2.
        difference: true mean difference, ≥ 0, units of sd.
        sd: standard deviation of the differences, > 0.
        level: 1 − the two-sided error rate, in (0, 1).
        test: "t" or "normal".

    Returns:
        A probability.
    """
    from scipy.special import nctdtr

    shift = difference * math.sqrt(prompts) / sd
    side, df = (1 + level) / 2, prompts - 1
    if test == "normal":
        z = normal_quantile(side)
        return normal_tail(z - shift) + normal_tail(z + shift)
    critical = t_quantile(side, df)
    # Where a probability is below 1e-9 scipy may return NaN for it.
    missed = float(nctdtr(df, shift, critical))
    far = float(nctdtr(df, shift, -critical)) if shift < 5 else 0.0
    return 1 - (0.0 if math.isnan(missed) else missed) + far

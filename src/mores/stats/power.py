"""Planning: what a design can detect, and how many items a margin needs.

Takes sizes, spread and error rates, gives plain numbers: these are plans, not
results, so they are no `Estimate`.

    python -c "from mores.stats import items_needed; print(items_needed(.05, .01))"
"""

from __future__ import annotations

import math

from mores.errors import MeasureError
from mores.stats.distributions import normal_quantile, t_quantile
from mores.stats.inputs import count, share


def detectable_difference(n: int, sd: float, *, level: float = 0.95, power: float = 0.8) -> float:
    """Return the smallest true mean difference that a two-sided paired t test would show.

    Solves P(T' ≥ t_crit) = power for the noncentrality of Student's t with n − 1
    degrees of freedom; the difference is noncentrality · sd / √n. The chance of a
    significant result on the wrong side is left out (below 1e-4 at level .95).

    Args:
        n: number of independent differences (prompts), at least 2.
        sd: standard deviation of the differences, > 0, in the units of the measure.
        level: 1 − the two-sided error rate, in (0, 1).
        power: wanted probability of showing the difference, in [0.5, 1).

    Returns:
        The difference, > 0, in the units of sd.

    Raises:
        MeasureError: an argument is out of range.
    """
    from scipy.special import nctdtrinc

    count(n, "n", least=2)
    share(level, "level")
    if not 0.5 <= power < 1:
        raise MeasureError(f"expected 0.5 ≤ power < 1, found {power}", where="power")
    critical = t_quantile((1 + level) / 2, n - 1)
    shift = float(nctdtrinc(n - 1, 1 - power, critical))
    return shift * _above_zero(sd, "sd") / math.sqrt(n)


def items_needed(
    discordance: float, margin: float, *, level: float = 0.95, power: float = 0.8
) -> int:
    """Return the paired 0/1 items that a one-sided non-inferiority test needs.

    With no true change the difference of an item has mean 0 and variance π, the
    discordance: n = (z_level + z_power)² π / margin², rounded up.

    Args:
        discordance: share of items that the two models answer differently, in (0, 1].
        margin: largest acceptable loss of accuracy, in (0, 1).
        level: 1 − the one-sided error rate, in (0, 1).
        power: wanted probability of showing non-inferiority, in (0, 1).

    Returns:
        Number of items, at least 1.

    Raises:
        MeasureError: an argument is out of range.
    """
    if not 0 < discordance <= 1:
        raise MeasureError(
            f"expected 0 < discordance ≤ 1, found {discordance}", where="discordance"
        )
    share(margin, "margin")
    return units_needed(discordance, margin, level=level, power=power)


def units_needed(variance: float, margin: float, *, level: float, power: float = 0.8) -> int:
    """Return ⌈(z_level + z_power)² · variance / margin²⌉, at least 1."""
    share(level, "level")
    share(power, "power")
    z = normal_quantile(level) + normal_quantile(power)
    n = z**2 * _above_zero(variance, "variance") / _above_zero(margin, "margin") ** 2
    return max(1, math.ceil(n - 1e-9))


def _above_zero(value: float, name: str) -> float:
    if not (value > 0 and math.isfinite(value)):
        raise MeasureError(f"expected a finite number above 0, found {value}", where=name)
    return float(value)

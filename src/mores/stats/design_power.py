"""Planning: the power of the paired design, and what it can detect or needs.

Takes prompts, spread and the true difference, gives the probability that the test
shows it, or the number of prompts or the difference for a wanted power. Plans, not
results: plain numbers, no `Estimate`. For several training runs see `crossed_power`.

    python -c "from mores.stats import power, sample_size; print(
    power(60, .5, .2), sample_size(.2, .5))"
"""

from __future__ import annotations

import math

from mores.errors import MeasureError
from mores.stats.distributions import normal_quantile, t_quantile
from mores.stats.inputs import count, share

MOST = 10_000_000
"""Prompts beyond which no design is sought."""


def power(n_prompts: int, sd: float, difference: float, *, level: float = 0.95) -> float:
    """Return the probability that a two-sided paired t test shows a true mean difference.

    P(|T'| > t_crit) with T' noncentral t, n − 1 degrees of freedom and noncentrality
    difference · √n / sd, for one training run, whose effect is taken as the effect.

    Args:
        n_prompts: prompts, at least 2.
        sd: standard deviation of the prompts' differences, > 0.
        difference: true mean difference, units of sd.
        level: 1 − the two-sided error rate, in (0, 1).

    Returns:
        A probability; 1 − level at a difference of 0.

    Raises:
        MeasureError: an argument is out of range.
    """
    count(n_prompts, "n_prompts", least=2)
    share(level, "level")
    _above_zero(sd, "sd")
    if not math.isfinite(difference):
        raise MeasureError(f"expected a finite number, found {difference}", where="difference")
    return _power(n_prompts, abs(difference) / sd, level)


def sample_size(difference: float, sd: float, *, level: float = 0.95, power: float = 0.8) -> int:
    """Return the smallest number of prompts with which `power` reaches a wanted value.

    Args:
        difference: true mean difference, > 0, units of sd.
        sd: standard deviation of the prompts' differences, > 0.
        level: 1 − the two-sided error rate, in (0, 1).
        power: wanted probability, above 1 − level and below 1.

    Returns:
        Number of prompts, at least 2.

    Raises:
        MeasureError: an argument is out of range, or 10 million prompts are not enough.
    """
    share(level, "level")
    share(power, "power")
    if power <= 1 - level:
        raise MeasureError(f"expected above {1 - level:g}, found {power}", where="power")
    standardised = _above_zero(difference, "difference") / _above_zero(sd, "sd")
    enough = 2
    while _power(enough, standardised, level) < power:
        enough *= 2
        if enough > MOST:
            raise MeasureError(f"not even {MOST} prompts reach power {power:g}", where="power")
    short = enough // 2
    while enough - short > 1:
        middle = (enough + short) // 2
        if _power(middle, standardised, level) < power:
            short = middle
        else:
            enough = middle
    return enough


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


def units_needed(variance: float, margin: float, *, level: float, power: float) -> int:
    """Return ⌈(z_level + z_power)² · variance / margin²⌉, at least 1."""
    z = normal_quantile(level) + normal_quantile(power)
    return max(1, math.ceil(z**2 * variance / margin**2 - 1e-9))


def _power(n: int, standardised: float, level: float) -> float:
    from scipy.special import nctdtr

    shift = standardised * math.sqrt(n)
    critical = t_quantile((1 + level) / 2, n - 1)
    # Where a probability is below 1e-9 scipy may return NaN for it.
    missed = float(nctdtr(n - 1, shift, critical))
    far = float(nctdtr(n - 1, shift, -critical)) if shift < 5 else 0.0
    return 1 - (0.0 if math.isnan(missed) else missed) + far


def _above_zero(value: float, name: str) -> float:
    if not (value > 0 and math.isfinite(value)):
        raise MeasureError(f"expected a finite number above 0, found {value}", where=name)
    return float(value)

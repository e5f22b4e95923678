"""Wilson's interval for a share.

Takes successes and trials, gives the share with an interval inside [0, 1].

    python -c "from mores.stats import wilson; print(wilson(0, 10).high)"
"""

from __future__ import annotations

from mores.errors import MeasureError
from mores.records import Estimate
from mores.stats.distributions import normal_quantile
from mores.stats.inputs import LEVEL, count, not_computable


def wilson(successes: int, n: int, *, unit: str = "item") -> Estimate:
    """Return successes / n with the score interval of Wilson (1927), formula without correction.

    Centre (s + z²/2) / (n + z²), half width z √(s (n − s) / n + z²/4) / (n + z²).

    Args:
        successes: 0 to n.
        n: independent trials.
        unit: what a trial is.

    Returns:
        value, low, high in [0, 1]. Not computable with n = 0.

    Raises:
        MeasureError: counts negative, not whole or successes > n.
    """
    successes, n = count(successes, "successes"), count(n, "n")
    if successes > n:
        raise MeasureError(f"expected at most n = {n}, found {successes}", where="successes")
    if n == 0:
        return not_computable(f"no {unit}s", n=0, unit=unit, method="Wilson")
    z = normal_quantile((1 + LEVEL) / 2)
    centre = (successes + z**2 / 2) / (n + z**2)
    half = z * (successes * (n - successes) / n + z**2 / 4) ** 0.5 / (n + z**2)
    return Estimate(
        value=successes / n,
        # At the ends the bounds are 0 and 1 exactly, but for rounding.
        low=max(0.0, centre - half) if successes else 0.0,
        high=min(1.0, centre + half) if successes < n else 1.0,
        n=n,
        unit=unit,
        method="Wilson",
        details={"successes": successes},
    )

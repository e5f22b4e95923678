"""The exact interval of Clopper and Pearson for a share: never too narrow, however few there are.

Takes successes and trials, gives the share with an interval inside [0, 1], or its largest value.

    python -c "from mores.stats import clopper_pearson; print(clopper_pearson(4, 5).low)"
"""

from __future__ import annotations

from mores.errors import MeasureError
from mores.records import Estimate
from mores.stats.inputs import LEVEL, count, not_computable

METHOD = "Clopper-Pearson (exact)"


def clopper_pearson(successes: int, n: int, *, unit: str = "item") -> Estimate:
    """Return successes / n with the interval of Clopper & Pearson (1934, Biometrika 26, 404).

    All shares p at which neither so many successes or more, nor so many or fewer, are rarer than
    2.5 %: from the quantile α/2 of Beta(s, n − s + 1) to 1 − α/2 of Beta(s + 1, n − s). It covers
    the truth in 95 % of cases or more for every p and n, where Wilson's does so on average: with
    few people it is the wider of the two.

    Args:
        successes: 0 to n.
        n: independent trials.
        unit: what a trial is.

    Returns:
        value, low, high in [0, 1]. Not computable with n = 0.

    Raises:
        MeasureError: counts negative, not whole or successes > n.
    """
    from scipy.special import betaincinv

    successes, n = count(successes, "successes"), count(n, "n")
    if successes > n:
        raise MeasureError(f"expected at most n = {n}, found {successes}", where="successes")
    if n == 0:
        return not_computable(f"no {unit}s", n=0, unit=unit, method=METHOD)
    tail = (1 - LEVEL) / 2
    failures = n - successes
    return Estimate(
        value=successes / n,
        low=float(betaincinv(successes, failures + 1, tail)) if successes else 0.0,
        high=float(betaincinv(successes + 1, failures, 1 - tail)) if failures else 1.0,
        n=n,
        unit=unit,
        method=METHOD,
        details={"successes": successes},
    )


def clopper_pearson_most(successes: int, n: int) -> float:
    """Return the one-sided upper bound at .95: so few successes exclude any larger share.

    The quantile .95 of Beta(s + 1, n − s): 1 − .05^(1/n) with none, so that 0 of 299 exclude
    more than 1 %.

    Args:
        successes: 0 to n.
        n: independent trials, at least one.

    Raises:
        MeasureError: counts negative, not whole, successes > n or no trials.
    """
    from scipy.special import betaincinv

    successes, n = count(successes, "successes"), count(n, "n")
    if not n or successes > n:
        raise MeasureError(f"expected 0 to n = {n} of at least one, found {successes}")
    return float(betaincinv(successes + 1, n - successes, LEVEL)) if successes < n else 1.0

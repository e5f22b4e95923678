"""The difference of two shares of different people, with a test that holds for few of them.

Takes successes and trials of two groups, gives first − second with an interval and a p-value.

    python -c "from mores.stats import two_shares; print(two_shares(9, 10, 2, 10).p)"
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mores.records import Estimate
from mores.stats.inputs import Vector, not_computable
from mores.stats.wilson import wilson

METHOD = "Newcombe's hybrid score interval; Fisher's exact test, two-sided"
_TIE = 1e-7
"""Chances that differ by less are equal: their logarithms are rounded."""


def two_shares(first: int, n_first: int, second: int, n_second: int) -> Estimate:
    """Return first / n_first − second / n_second.

    Interval: Newcombe (1998, Statistics in Medicine 17, 873), method 10: with Wilson's bounds
    (l, u) of each share, d − √((p₁ − l₁)² + (u₂ − p₂)²) to d + √((u₁ − p₁)² + (p₂ − l₂)²).
    p: Fisher's exact test, the chance of a table as rare or rarer, given all four margins; it errs
    in 5 % of cases or fewer whatever the shares. Near .05 the two may differ.

    Args:
        first: successes in the first group, 0 to n_first.
        n_first: people in it.
        second: successes in the second group.
        n_second: people in it.

    Raises:
        MeasureError: a count is negative, not whole, or above its n.
    """
    one, two = wilson(first, n_first), wilson(second, n_second)
    n = n_first + n_second
    bounds = (one.value, one.low, one.high, two.value, two.low, two.high)
    if None in bounds:
        return not_computable("nobody in one of the groups", n=n, unit="person", method=METHOD)
    p1, l1, u1, p2, l2, u2 = (float(x) for x in bounds if x is not None)
    down = ((p1 - l1) ** 2 + (u2 - p2) ** 2) ** 0.5
    up = ((u1 - p1) ** 2 + (p2 - l2) ** 2) ** 0.5
    return Estimate(
        value=p1 - p2,
        low=max(-1.0, p1 - p2 - down),
        high=min(1.0, p1 - p2 + up),
        p=_fisher(first, n_first, second, n_second),
        n=n,
        unit="person",
        method=METHOD,
        details={"first": first, "n_first": n_first, "second": second, "n_second": n_second},
    )


def _fisher(a: int, n: int, b: int, m: int) -> float:
    """Sum of the chances of all tables of these margins that are no likelier than this one."""
    total = a + b
    x = np.arange(max(0, total - m), min(n, total) + 1)
    logs = _log_ways(n, x) + _log_ways(m, total - x)
    chances = np.exp(logs - logs.max())
    here = chances[int(np.flatnonzero(x == a)[0])]
    rare = chances[chances <= here * (1 + _TIE)].sum()
    return float(min(1.0, rare / chances.sum()))


def _log_ways(n: int, x: NDArray[np.int64]) -> Vector:
    """Logarithm of n over x."""
    from scipy.special import gammaln

    return np.asarray(gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1))

"""p-values adjusted for many dependent tests: Benjamini-Yekutieli.

Takes a list of p-values (None where a test was not computable), gives the
adjusted ones in the same order.

    python -c "from mores.stats import benjamini_yekutieli as b; print(b([.01, None, .04]))"
"""

from __future__ import annotations

from collections.abc import Sequence

from mores.stats.multiplicity import benjamini_hochberg


def benjamini_yekutieli(p_values: Sequence[float | None]) -> list[float | None]:
    """Return Benjamini & Yekutieli's (2001) adjusted p-values: valid under any dependence.

    Benjamini-Hochberg's times 1 + 1/2 + … + 1/m, at most 1: the share of false claims
    holds whatever the tests have in common, as when each leaves out one of the same raters.

    Args:
        p_values: each in [0, 1], or None; None stays None and does not count in m.

    Returns:
        Adjusted p-values in the order given.

    Raises:
        MeasureError: a p-value is NaN or outside [0, 1].
    """
    adjusted = benjamini_hochberg(p_values)
    tests = sum(p is not None for p in p_values)
    factor = sum(1 / i for i in range(1, tests + 1))
    return [None if p is None else min(1.0, factor * p) for p in adjusted]

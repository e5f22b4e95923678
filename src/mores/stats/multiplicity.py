"""p-values adjusted for the number of tests: Holm, Benjamini-Hochberg, Benjamini-Yekutieli.

Takes a list of p-values (None where a test was not computable), gives the
adjusted ones in the same order.

    python -c "from mores.stats import holm; print(holm([.01, None, .04]))"
"""

from __future__ import annotations

from collections.abc import Sequence

from mores.errors import MeasureError


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return Holm's (1979) step-down adjusted p-values: the chance of any false claim.

    The i-th smallest of m is max over j ≤ i of (m − j + 1) · p₍ⱼ₎, at most 1.

    Args:
        p_values: each in [0, 1], or None; None stays None and does not count in m.

    Returns:
        Adjusted p-values in the order given.

    Raises:
        MeasureError: a p-value is NaN or outside [0, 1].
    """
    known = _ascending(p_values)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, index) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * p))
        adjusted[index] = largest
    return adjusted


def benjamini_hochberg(p_values: Sequence[float | None]) -> list[float | None]:
    """Return Benjamini & Hochberg's (1995) adjusted p-values: the share of false claims.

    The i-th smallest of m is min over j ≥ i of m · p₍ⱼ₎ / j, at most 1. Arguments and errors
    as for `holm`.
    """
    known = _ascending(p_values)
    adjusted: list[float | None] = [None] * len(p_values)
    smallest = 1.0
    for rank in range(len(known), 0, -1):
        p, index = known[rank - 1]
        smallest = min(smallest, len(known) * p / rank)
        adjusted[index] = smallest
    return adjusted


def benjamini_yekutieli(p_values: Sequence[float | None]) -> list[float | None]:
    """Return Benjamini & Yekutieli's (2001) adjusted p-values: valid under any dependence.

    `benjamini_hochberg`'s times 1 + 1/2 + … + 1/m, at most 1: the share of false claims
    holds whatever the tests have in common, as when each leaves out one of the same raters.
    """
    adjusted = benjamini_hochberg(p_values)
    tests = sum(p is not None for p in p_values)
    factor = sum(1 / i for i in range(1, tests + 1))
    return [None if p is None else min(1.0, factor * p) for p in adjusted]


def _ascending(p_values: Sequence[float | None]) -> list[tuple[float, int]]:
    known = []
    for index, p in enumerate(p_values):
        if p is None:
            continue
        if not 0.0 <= p <= 1.0:
            raise MeasureError(
                f"expected a number from 0 to 1, found {p} at position {index}", where="p_values"
            )
        known.append((float(p), index))
    return sorted(known)

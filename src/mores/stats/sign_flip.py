"""Sign-flip (paired permutation) test of differences.

Takes one difference a unit (a prompt, say), optionally its stratum, and gives
the mean difference with a two-sided p that assumes nothing but symmetry.

    python -c "from mores.stats import sign_flip; print(sign_flip([.3, .5, .1, .4, .2, .6]).p)"
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mores.records import Estimate
from mores.stats.inputs import Labels, Rng, Vector, count, generator, not_computable
from mores.stats.inputs import positions as positions_of
from mores.stats.inputs import vector as vector_of

MOST_EXACT = 20
"""Differences other than zero up to which all sign patterns are enumerated."""
PERMUTATIONS = 20_000
"""Patterns that are drawn above that."""
_CELLS = 2_000_000


def smallest_p(n: int) -> float:
    """Return 2 / 2ⁿ, the smallest two-sided p that n differences can give.

    Raises:
        MeasureError: n < 1.
    """
    return 2.0 ** (1 - count(n, "n", least=1))


def sign_flip(
    differences: ArrayLike,
    *,
    strata: Labels | None = None,
    rng: Rng | None = None,
) -> Estimate:
    """Test whether differences are symmetric about zero.

    Under the null each difference has either sign with probability ½. p is the
    share of sign patterns whose |mean| reaches the observed one: over all
    patterns up to 20 differences other than zero, else (b + 1) / (m + 1) over
    m = 20,000 drawn patterns (Phipson & Smyth 2010). Differences of zero stay in the mean
    and in n; flipping them changes nothing, so they only raise the smallest p.

    Args:
        differences: shape (n,), one a unit, in the units of the measure.
        strata: shape (n,), the stratum of each; the value is then the plain mean
            of the stratum means.
        rng: generator or seed; needed above 20 differences other than zero.

    Returns:
        value: (stratified) mean; p in (0, 1]; no interval. details: nonzero,
        smallest_p, strata. Not computable (value kept) with fewer than two
        differences other than zero, where p could only be 1.

    Raises:
        MeasureError: NaN or infinite input, labels that do not fit, no rng where needed.
    """
    values = vector_of(differences, "differences")
    n = len(values)
    if n == 0:
        return not_computable("no differences", n=0, unit="prompt", method="sign-flip test")
    weights = _weights(strata, n)
    parts = weights * values
    mean = float(parts.sum())
    parts = parts[parts != 0]
    details: dict[str, float | int | str | None] = {"nonzero": len(parts)}
    if strata is not None:
        details["strata"] = len(set(strata))
    if len(parts) < 2:
        reason = "all differences are zero" if not len(parts) else _one_difference(n)
        return not_computable(
            reason, n=n, unit="prompt", method="sign-flip test", value=mean, details=details
        )
    details["smallest_p"] = smallest_p(len(parts))
    if len(parts) <= MOST_EXACT:
        p, method = _exact_p(parts), "sign-flip test, exact"
    else:
        draw = generator(rng, f"a sign-flip test of {len(parts)} differences")
        p = _monte_carlo_p(parts, draw)
        method = f"sign-flip test, Monte Carlo ({PERMUTATIONS} permutations)"
    return Estimate(value=mean, p=p, n=n, unit="prompt", method=method, details=details)


def _one_difference(n: int) -> str:
    which = "one difference" if n == 1 else "one difference other than zero"
    return f"{which}: p could only be 1"


def _weights(strata: Labels | None, n: int) -> Vector:
    """Weight of each difference in the (stratified) mean; the weights sum to 1."""
    if strata is None:
        return np.full(n, 1.0 / n)
    groups = positions_of(strata, n, "strata")
    weights = np.empty(n)
    for at in groups.values():
        weights[at] = 1.0 / (len(groups) * len(at))
    return weights


def _reaches(sums: Vector, parts: Vector) -> int:
    # Sums in another order differ in the last bits; ties must still count as ties.
    tolerance = 1e-12 * float(np.abs(parts).sum())
    return int((np.abs(sums) >= abs(float(parts.sum())) - tolerance).sum())


def _exact_p(parts: Vector) -> float:
    # The first sign is fixed: the other half of the patterns mirrors this one.
    sums = parts[:1]
    for part in parts[1:]:
        sums = np.concatenate([sums + part, sums - part])
    return _reaches(sums, parts) / len(sums)


def _monte_carlo_p(parts: Vector, rng: np.random.Generator) -> float:
    rows, total = max(1, _CELLS // len(parts)), float(parts.sum())
    reached = 0
    for start in range(0, PERMUTATIONS, rows):
        size = (min(rows, PERMUTATIONS - start), len(parts))
        # A bit a sign: Σ ± x = 2 Σ (x kept) − Σ x.
        drawn = np.frombuffer(rng.bytes((size[0] * size[1] + 7) // 8), dtype=np.uint8)
        kept = np.unpackbits(drawn, count=size[0] * size[1]).reshape(size)
        reached += _reaches(2.0 * (kept.astype(np.float64) @ parts) - total, parts)
    return (reached + 1) / (PERMUTATIONS + 1)

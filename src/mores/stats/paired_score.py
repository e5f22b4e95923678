"""Tango's score test and bounds for the difference of two paired shares.

Takes how many of n items were gained and lost, gives the score statistic of a
supposed difference and the bound at a given z. Unlike Student's t it holds with
few discordant items and never leaves [−1, 1].

    python -c "from mores.stats.paired_score import score_bound; print(score_bound(0, 2, 99, 2))"
"""

from __future__ import annotations

from math import sqrt

_EDGE = 1.0 - 1e-12
_HALVINGS = 60


def score_statistic(gains: int, losses: int, n: int, difference: float) -> float:
    """Return how far the observed difference lies above a supposed one, in standard errors.

    Tango 1998 (Statistics in Medicine 17, 891-908), formula 5:
    T(δ) = (b − c − nδ) / √(n (2q + δ (1 − δ))), where q, the share lost if the true
    difference is δ, is the larger root of A q² + B q + C = 0 with A = 2n,
    B = −b − c + (2n − b + c) δ, C = −c δ (1 − δ). At δ = 0 it is McNemar's
    (b − c) / √(b + c).

    Args:
        gains: b, items that only the tested model got right.
        losses: c, items that only the base got right; b + c ≥ 1.
        n: items in all.
        difference: δ, in (−1, 1).

    Returns:
        T, falling in δ; about standard normal if δ is the true difference.
    """
    a = 2.0 * n
    b = -gains - losses + (2 * n - gains + losses) * difference
    c = -losses * difference * (1 - difference)
    lost = (sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)
    variance = n * (2 * lost + difference * (1 - difference))
    return (gains - losses - n * difference) / sqrt(variance)


def score_bound(gains: int, losses: int, n: int, z: float) -> float:
    """Return the δ in [−1, 1] at which the statistic is z; z > 0 gives a lower bound.

    Args:
        gains: b, as in `score_statistic`.
        losses: c; b + c ≥ 1.
        n: items in all.
        z: normal quantile: z_level for a one-sided lower bound, −z_level for an upper.
    """
    low, high = -_EDGE, _EDGE
    # All items lost (gained): the statistic has no sign change to find at that end.
    if z > 0 and losses == n:
        return -1.0
    if z < 0 and gains == n:
        return 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if score_statistic(gains, losses, n, middle) > z:
            low = middle
        else:
            high = middle
    return (low + high) / 2

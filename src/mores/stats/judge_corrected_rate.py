"""The true rate behind a judge's rate, from its known error rates.

Takes the share that a judge accepts and what it did on items whose truth people
gave, gives the corrected share with an interval for both uncertainties.

    python -c "from mores.stats import judge_corrected_rate as r; print(
    r(.4, 1000, .7, 200, .9, 200).low)"
"""

from __future__ import annotations

import math
from functools import partial

from mores.errors import MeasureError
from mores.records import Estimate
from mores.stats.distributions import normal_quantile
from mores.stats.inputs import count, not_computable, share

METHOD = "judge's rate corrected for its errors, adjusted normal interval"


def judge_corrected_rate(
    p: float,
    n: int,
    q0: float,
    m0: int,
    q1: float,
    m1: int,
    *,
    level: float = 0.95,
    unit: str = "judged output",
) -> Estimate:
    """Return θ = (p + q0 − 1) / (q0 + q1 − 1) (Rogan & Gladen 1978) with its interval.

    The interval is Lee et al.'s (2025, arXiv 2511.21140): p is moved to (np + z²/2) /
    (n + z²) and q_i to (m_i q_i + 1) / (m_i + 2), sizes to n + z² and m_i + 2; with θ of
    the moved rates, θ + 2z² (θ q1(1−q1)/m1 − (1−θ) q0(1−q0)/m0) ± z √(p(1−p)/n +
    (1−θ)² q0(1−q0)/m0 + θ² q1(1−q1)/m1) / (q0 + q1 − 1), cut off at 0 and 1. It holds
    if the judge errs here as often as on the items of known truth.

    Args:
        p: share of the outputs that the judge accepts, in [0, 1].
        n: outputs judged.
        q0: share of the truly bad items that the judge rejects (specificity), in [0, 1].
        m0: truly bad items with a judgement.
        q1: share of the truly good items that the judge accepts (sensitivity), in [0, 1].
        m1: truly good items with a judgement.
        level: confidence level, in (0, 1).
        unit: what is judged.

    Returns:
        value, low, high in [0, 1]; n. details: p, q0, m0, q1, m1, uncut (θ before it was
        cut off). Where θ lay outside, the reason says so. Not computable when the judge is
        no better than chance (q0 + q1 ≤ 1) or nothing was judged; (value kept) when no
        θ from 0 to 1 fits the error rates, or these rest on too few items.

    Raises:
        MeasureError: a share outside [0, 1], a size negative or not whole, level.
    """
    for name, rate in (("p", p), ("q0", q0), ("q1", q1)):
        if not 0.0 <= rate <= 1.0:
            raise MeasureError(f"expected a share from 0 to 1, found {rate}", where=name)
    n, m0, m1 = count(n, "n"), count(m0, "m0"), count(m1, "m1")
    share(level, "level")
    details: dict[str, float | int | str | None] = {
        "p": p, "q0": q0, "m0": m0, "q1": q1, "m1": m1
    }  # fmt: skip
    absent = partial(not_computable, n=n, unit=unit, method=METHOD, level=level, details=details)
    if not (n and m0 and m1):
        return absent("nothing judged" if not n else "no items of known truth on one side")
    if q0 + q1 <= 1 + 1e-12:
        return absent("the judge is no better than chance: q0 + q1 is not above 1")
    value = (p + q0 - 1) / (q0 + q1 - 1)
    details["uncut"] = value
    bounds = _interval(p, n, q0, m0, q1, m1, normal_quantile((1 + level) / 2))
    if isinstance(bounds, str):
        return absent(bounds, value=_cut(value))
    low, high = bounds
    outside = f"θ = {value:g} was cut off: the error rates do not quite fit the judge's rate"
    return Estimate(
        value=_cut(value),
        low=_cut(low),
        high=_cut(high),
        n=n,
        unit=unit,
        method=METHOD,
        level=level,
        reason=outside if not -1e-12 <= value <= 1 + 1e-12 else "",
        details=details,
    )


def _interval(
    p: float, n: float, q0: float, m0: float, q1: float, m1: float, z: float
) -> tuple[float, float] | str:
    """Bounds before they are cut off, or why there are none."""
    p, q0, q1 = (n * p + z**2 / 2) / (n + z**2), (m0 * q0 + 1) / (m0 + 2), (m1 * q1 + 1) / (m1 + 2)
    n, m0, m1 = n + z**2, m0 + 2, m1 + 2
    better = q0 + q1 - 1
    if better <= 1e-12:
        return "too few items of known truth to tell the judge from chance"
    theta = (p + q0 - 1) / better
    bad, good = q0 * (1 - q0) / m0, q1 * (1 - q1) / m1
    centre = theta + 2 * z**2 * (theta * good - (1 - theta) * bad)
    half = z * math.sqrt(p * (1 - p) / n + (1 - theta) ** 2 * bad + theta**2 * good) / better
    low, high = centre - half, centre + half
    if high <= 0 or low >= 1:
        return "the error rates contradict the judge's rate: they were found on other items"
    return low, high


def _cut(theta: float) -> float:
    return min(1.0, max(0.0, theta))

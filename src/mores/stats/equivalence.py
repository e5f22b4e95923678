"""Are two means the same within a margin? Two one-sided tests (TOST).

Takes two samples, paired or not, and the margin fixed before the run, gives the
difference with its 1 − 2α interval and whether that lies inside the margin.

    python -c "from mores.stats import equivalence as e; print(
    e([1, 2, 3, 4], [1.1, 2, 2.9, 4.1], .5).verdict)"
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from numpy.typing import ArrayLike

from mores.errors import MeasureError
from mores.records import Estimate, Verdict
from mores.stats.distributions import t_quantile, t_tail
from mores.stats.inputs import Vector, no_spread, not_computable, share, vector


@dataclass(frozen=True)
class Spread:
    """Difference of the means, its standard error and degrees of freedom."""

    value: float
    se: float
    df: float


def equivalence(
    a: ArrayLike,
    b: ArrayLike,
    margin: float | tuple[float, float],
    *,
    paired: bool = True,
    level: float = 0.95,
    unit: str = "prompt",
) -> Estimate:
    """Test whether mean(a) − mean(b) lies inside the margin (Schuirmann 1987; Lakens 2017).

    Both "the difference is at most the lower margin" and "at least the upper one" are
    tested at α = 1 − level with t = (difference − margin) / SE; p is the larger of the
    two. SE and df are those of the paired t test, or of Welch's (1947) if not paired.
    Both are rejected exactly when the 1 − 2α interval lies inside the margin. Verdicts:

    * ``shown``: equivalent within the margin.
    * ``not shown``: the interval lies wholly outside; the reason says so.
    * ``inconclusive``: neither. Never read it as "no difference".

    Args:
        a: shape (n,), first sample, one value an independent unit.
        b: shape (m,), second sample; the same units in the same order if paired.
        margin: m for −m to m, or (lower, upper); units of the samples, fixed before the
            run. Lower < upper; zero need not lie between.
        paired: paired differences, or two independent samples (Welch).
        level: 1 − α for each of the two tests, in (½, 1).
        unit: what a value belongs to.

    Returns:
        value: difference; low, high: the 1 − 2α interval, whose confidence is in
        ``level``; p; n: pairs, or values of both samples. details: margin_low,
        margin_high, se, df, t_low, t_high, p_low, p_high (against either margin), alpha.
        Not computable (value kept) with fewer than two values in a sample or no variance.

    Raises:
        MeasureError: NaN or infinite input, unequal lengths if paired, margin or level
            out of range.
    """
    first, second = vector(a, "a"), vector(b, "b")
    lower, upper = _margin(margin)
    _check(first, second, paired, level)
    method = f"equivalence, two one-sided {'paired' if paired else 'Welch'} t tests"
    n = len(first) if paired else len(first) + len(second)
    confidence = 2 * level - 1
    found = _paired(first, second) if paired else _welch(first, second)
    if isinstance(found, str):
        value = float(first.mean() - second.mean()) if len(first) and len(second) else None
        return not_computable(found, n=n, unit=unit, method=method, value=value, level=confidence)
    half = t_quantile(level, found.df) * found.se
    low, high = found.value - half, found.value + half
    t_low, t_high = (found.value - lower) / found.se, (found.value - upper) / found.se
    p_low, p_high = t_tail(t_low, found.df), t_tail(-t_high, found.df)
    verdict, reason = _verdict((low, high), (lower, upper))
    return Estimate(
        value=found.value,
        low=low,
        high=high,
        p=max(p_low, p_high),
        n=n,
        unit=unit,
        method=method,
        verdict=verdict,
        level=confidence,
        reason=reason,
        details={
            "margin_low": lower,
            "margin_high": upper,
            "alpha": 1 - level,
            "se": found.se,
            "df": found.df,
            "t_low": t_low,
            "t_high": t_high,
            "p_low": p_low,
            "p_high": p_high,
        },
    )


def _margin(margin: float | tuple[float, float]) -> tuple[float, float]:
    lower, upper = margin if isinstance(margin, tuple) else (-margin, margin)
    if not (lower < upper and math.isfinite(lower) and math.isfinite(upper)):
        raise MeasureError(
            f"expected a number above 0 or two finite ones in order, found {margin}",
            where="margin",
            fix="give the largest difference that would not matter, as a positive number",
        )
    return float(lower), float(upper)


def _check(first: Vector, second: Vector, paired: bool, level: float) -> None:
    share(level, "level")
    if level <= 0.5:
        raise MeasureError(f"expected a level above ½, found {level}", where="level")
    if paired and len(first) != len(second):
        raise MeasureError(
            f"expected pairs, found {len(first)} and {len(second)} values",
            where="a, b",
            fix="give both values of every unit in the same order, or paired=False",
        )


def _paired(first: Vector, second: Vector) -> Spread | str:
    differences = first - second
    n = len(differences)
    if n < 2:
        return "one pair" if n else "no values"
    sd = float(differences.std(ddof=1))
    # Rounding of a − b is relative to a and b, not to the difference.
    if no_spread(sd, first) and no_spread(sd, second):
        return "all differences are equal: no variance"
    return Spread(float(differences.mean()), sd / n**0.5, n - 1.0)


def _welch(first: Vector, second: Vector) -> Spread | str:
    n, m = len(first), len(second)
    if min(n, m) < 2:
        return "a sample of fewer than two values"
    one, two = float(first.var(ddof=1)) / n, float(second.var(ddof=1)) / m
    if no_spread((one * n) ** 0.5, first) and no_spread((two * m) ** 0.5, second):
        return "no variance in either sample"
    total = one + two
    # Relative to the total, so that squares cannot underflow.
    df = 1.0 / ((one / total) ** 2 / (n - 1) + (two / total) ** 2 / (m - 1))
    return Spread(float(first.mean() - second.mean()), total**0.5, df)


def _verdict(interval: tuple[float, float], margin: tuple[float, float]) -> tuple[Verdict, str]:
    if margin[0] < interval[0] and interval[1] < margin[1]:
        return "shown", ""
    if interval[1] < margin[0] or interval[0] > margin[1]:
        return "not shown", "the difference lies beyond the margin"
    return "inconclusive", "the interval reaches beyond the margin"

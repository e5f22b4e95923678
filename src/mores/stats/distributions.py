"""Quantiles and tail areas of the normal and Student's t distribution.

Takes probabilities or quantiles, gives floats; `t_estimate` turns a mean and
its standard error into an `Estimate`. scipy is loaded on first use only.

    python -c "from mores.stats.distributions import t_quantile; print(t_quantile(.975, 10))"
"""

from __future__ import annotations

from mores.records import Estimate
from mores.stats.inputs import LEVEL


def normal_quantile(probability: float) -> float:
    """Return z with P(Z ≤ z) = probability."""
    from scipy.special import ndtri

    return float(ndtri(probability))


def normal_tail(z: float) -> float:
    """Return P(Z ≥ z)."""
    from scipy.special import ndtr

    return float(ndtr(-z))


def t_quantile(probability: float, df: float) -> float:
    """Return t with P(T ≤ t) = probability; df > 0, need not be whole."""
    from scipy.special import stdtrit

    return float(stdtrit(df, probability))


def t_tail(t: float, df: float) -> float:
    """Return P(T ≥ t)."""
    from scipy.special import stdtr

    return float(stdtr(df, -t))


def t_estimate(
    value: float,
    se: float,
    df: float,
    *,
    n: int,
    unit: str,
    method: str,
    reason: str = "",
    details: dict[str, float | int | str | None] | None = None,
) -> Estimate:
    """Return value ± t·se with the two-sided p of value = 0; se > 0, df > 0."""
    half = t_quantile((1 + LEVEL) / 2, df) * se
    t = value / se
    return Estimate(
        value=value,
        low=value - half,
        high=value + half,
        p=2 * t_tail(abs(t), df),
        n=n,
        unit=unit,
        method=method,
        reason=reason,
        details={"se": se, "df": df, "t": t, **(details or {})},
    )

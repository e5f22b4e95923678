"""Intraclass correlation: how much of the variance of ratings lies between items.

Takes a complete raters × items table, gives one of the six coefficients of
Shrout & Fleiss with its F interval.

    python -c "from mores.stats import icc; print(icc([[9, 6, 8], [2, 1, 4], [5, 3, 6]]).value)"
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from mores.errors import MeasureError, did_you_mean
from mores.records import Estimate
from mores.stats.inputs import Vector, array, no_spread, not_computable, share

Form = Literal["1", "k", "A,1", "A,k", "C,1", "C,k"]
FORMS: tuple[str, ...] = get_args(Form)


@dataclass(frozen=True)
class Squares:
    """Mean squares of an items × raters table: items, raters, residual, within items."""

    items: int
    raters: int
    row: float
    column: float
    residual: float
    within: float


def icc(ratings: ArrayLike, form: Form = "A,1", *, level: float = 0.95) -> Estimate:
    """Return an intraclass correlation with its F interval (McGraw & Wong 1996, tables 4, 7).

    With k raters, n items and the mean squares R (items), C (raters), E (residual) and
    W (within items) of the two-way and one-way analysis of variance:

    * ``1``   (R − W) / (R + (k−1) W): other raters for every item; Shrout & Fleiss (1,1)
    * ``A,1`` (R − E) / (R + (k−1) E + k (C − E) / n): absolute agreement of raters who
      stand for others; Shrout & Fleiss (2,1)
    * ``C,1`` (R − E) / (R + (k−1) E): consistency, severity of raters set aside; (3,1)

    ``k``, ``A,k`` and ``C,k`` are the same for the mean of k ratings, ρ_k = kρ / (1 + (k−1)ρ).

    Args:
        ratings: shape (raters, items), as in `krippendorff_alpha`; NaN: not rated.
        form: which coefficient.
        level: confidence level, in (0, 1).

    Returns:
        value ≤ 1 (negative: items differ less than chance would make them), low, high,
        p of ρ = 0 (one-sided F test); n: items. details: raters, ms_items, ms_raters,
        ms_residual, ms_within, f, df1, df2. Not computable with gaps in the table, one
        rater or one item; (value kept where defined) when raters leave no residual
        variance or all items have the same mean.

    Raises:
        MeasureError: unknown form, not two axes, infinite input, level out of range.
    """
    if form not in FORMS:
        raise MeasureError(
            f"unknown form {form!r}{did_you_mean(form, FORMS)}",
            where="form",
            fix="forms: " + ", ".join(FORMS),
        )
    share(level, "level")
    table = array(ratings, "ratings", dimensions=2, absent=True).T
    items, raters = table.shape
    absent = partial(not_computable, n=items, unit="item", method=f"ICC({form})", level=level)
    reason = _not_a_table(table)
    if reason:
        return absent(reason)
    squares = _squares(table)
    details: dict[str, float | int | str | None] = {
        "raters": raters,
        "ms_items": squares.row,
        "ms_raters": squares.column,
        "ms_residual": squares.residual,
        "ms_within": squares.within,
    }
    error = squares.within if form in ("1", "k") else squares.residual
    value = _value(squares, form)
    if no_spread(error**0.5, table):
        return absent("no variance within items: no interval", value=value, details=details)
    if no_spread(squares.row**0.5, table):
        return absent("all items have the same mean", value=value, details=details)
    bounds = _bounds(squares, form, level)
    if value is None or (form.endswith("k") and bounds[0] * (raters - 1) <= -1):
        return absent("variance between raters estimated negative; use C,k", details=details)
    low, high = (_of_mean(bound, form, raters) for bound in bounds)
    f, df2 = squares.row / error, _error_df(squares, form)
    return Estimate(
        value=value,
        low=low,
        high=high,
        p=_f_tail(f, items - 1.0, df2),
        n=items,
        unit="item",
        method=f"ICC({form}), F interval",
        level=level,
        details={**details, "f": f, "df1": items - 1, "df2": df2},
    )


def _not_a_table(table: Vector) -> str:
    items, raters = table.shape
    gaps = int(np.isnan(table).sum())
    if gaps:
        return (
            f"{gaps} of {table.size} ratings are absent, and ICC needs a complete table; "
            "use krippendorff_alpha"
        )
    if items < 2 or raters < 2:
        return "no ratings" if not table.size else "one rater" if raters == 1 else "one item"
    return "all ratings are equal" if no_spread(float(table.std()), table) else ""


def _squares(table: Vector) -> Squares:
    items, raters = table.shape
    mean = table.mean()
    rows, columns = table.mean(axis=1), table.mean(axis=0)
    rest = table - rows[:, None] - columns[None, :] + mean
    return Squares(
        items=items,
        raters=raters,
        row=raters * float(((rows - mean) ** 2).sum()) / (items - 1),
        column=items * float(((columns - mean) ** 2).sum()) / (raters - 1),
        residual=float((rest**2).sum()) / ((items - 1) * (raters - 1)),
        within=float(((table - rows[:, None]) ** 2).sum()) / (items * (raters - 1)),
    )


def _value(s: Squares, form: Form) -> float | None:
    """The coefficient; None where the variances estimated for it do not add up to one."""
    k = s.raters
    error = s.within if form in ("1", "k") else s.residual
    between = k / s.items * (s.column - s.residual) if form.startswith("A") else 0.0
    below = s.row + (k - 1) * error + between if form.endswith("1") else s.row + between / k
    return (s.row - error) / below if below > 1e-12 * (s.row + error) else None


def _error_df(s: Squares, form: Form) -> float:
    n, k = s.items, s.raters
    return n * (k - 1.0) if form in ("1", "k") else (n - 1.0) * (k - 1.0)


def _bounds(s: Squares, form: Form, level: float) -> tuple[float, float]:
    """Interval of the coefficient of a single rating."""
    side, n, k = (1 + level) / 2, s.items, s.raters
    if not form.startswith("A"):
        df2 = _error_df(s, form)
        f = s.row / (s.within if form in ("1", "k") else s.residual)
        low = f / _f_quantile(side, n - 1.0, df2)
        high = f * _f_quantile(side, df2, n - 1.0)
        return (low - 1) / (low + k - 1), (high - 1) / (high + k - 1)
    df = _agreement_df(s)
    below, above = _f_quantile(side, n - 1.0, df), _f_quantile(side, df, n - 1.0)
    spread = k * s.column + (k * n - k - n) * s.residual
    return (
        n * (s.row - below * s.residual) / (below * spread + n * s.row),
        n * (above * s.row - s.residual) / (spread + n * above * s.row),
    )


def _agreement_df(s: Squares) -> float:
    """Satterthwaite's df of a C + b E; a negative ρ counts as 0, where df is E's."""
    n, k = s.items, s.raters
    rho = max(0.0, _value(s, "A,1") or 0.0)
    a = k * rho / (n * (1 - rho))
    parts = np.array([a * s.column, (1 + a * (n - 1)) * s.residual])
    return float(parts.sum() ** 2 / (parts**2 / np.array([k - 1, (n - 1) * (k - 1)])).sum())


def _of_mean(rho: float, form: Form, k: int) -> float:
    """Spearman-Brown: the same for the mean of k ratings."""
    return rho if form.endswith("1") else k * rho / (1 + (k - 1) * rho)


def _f_quantile(probability: float, df1: float, df2: float) -> float:
    from scipy.special import fdtri

    return float(fdtri(df1, df2, probability))


def _f_tail(f: float, df1: float, df2: float) -> float:
    from scipy.special import fdtrc

    return float(fdtrc(df1, df2, f))

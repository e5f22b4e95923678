"""Ordered ratings with crossed random effects: a cumulative link mixed model.

Takes ratings, columns of fixed effects and the prompt, rater, … of each rating,
gives effects in log-odds, variances and the severity of each rater.

    python -c "from mores.stats import cumulative_link_mixed as c; print(c([1, 3, 2, 3, 3, 1] * 4,
    {'arm': [0, 1] * 12}, {'rater': 'aaaaaabbbbbbccccccdddddd'}).betas['arm'].value)"
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mores.errors import MeasureError
from mores.stats.clm_crossed import Groups
from mores.stats.clm_fit import fit
from mores.stats.clm_laplace import Problem
from mores.stats.clm_result import CumulativeLinkMixed, Named, fitted, unfitted
from mores.stats.inputs import Labels, Vector, no_spread, positions, share, vector

Factors = dict[str, dict[Hashable, NDArray[np.int64]]]


def cumulative_link_mixed(
    values: ArrayLike,
    fixed: Mapping[str, ArrayLike],
    random: Mapping[str, Labels],
    *,
    level: float = 0.95,
) -> CumulativeLinkMixed:
    """Fit log-odds(Y ≤ k) = θ_k − (xβ + Σ_f u_f), u_f ~ N(0, σ_f²) for the level of factor f.

    The proportional-odds model (McCullagh 1980) with crossed random intercepts (Tutz &
    Hennevogl 1996; signs as in R's ``ordinal``): ratings are only ordered, no distance
    between them is assumed (Liddell & Kruschke 2018). Random effects are integrated out
    by Laplace's approximation, exact in the limit of many ratings a level and poor for
    levels of one or two; thresholds, β and log σ maximise it, intervals are Wald's.

    Wald intervals are large-sample: with few levels of a factor across which an effect
    varies (prompts for an arm) they are too short. Use the model to check a paired
    analysis and to see raters, not to replace it.

    Args:
        values: shape (n,), ratings; only their order matters. Ratings that never occur
            have no threshold.
        fixed: name → shape (n,), columns of the fixed effects, without an intercept; an
            arm as 0 and 1. May be empty.
        random: name → shape (n,), the level (a prompt, a rater, a prompt × model pair) of
            each rating. May be empty: the plain model.
        level: confidence level, in (0, 1).

    Returns:
        A `CumulativeLinkMixed`: betas, thresholds, variances, effects and severities as
        estimates, log_likelihood, converged. A factor whose variance is estimated as 0 is
        left out, and the reason says so. Without a fit ``converged`` is False and every
        estimate is not computable: no or equal ratings, a column that does not vary or
        that others determine, a factor with one level, with a level for every rating or
        with the levels of another, and where the likelihood has no maximum.

    Raises:
        MeasureError: NaN or infinite input, columns or labels that do not fit.
    """
    ratings = vector(values, "values")
    share(level, "level")
    n = len(ratings)
    columns = _columns(fixed, n)
    factors: Factors = {name: positions(labels, n, name) for name, labels in random.items()}
    scale, category = np.unique(ratings, return_inverse=True)
    named = Named(
        columns=list(fixed),
        scale=scale.tolist(),
        levels={
            name: {label: len(at) for label, at in levels.items()}
            for name, levels in factors.items()
        },
        n=n,
        level=level,
    )
    reason = _ratings_reason(scale) or _columns_reason(columns, named.columns)
    reason = reason or _factors_reason(factors, n)
    if reason:
        return unfitted(named, reason)
    groups = Groups(
        tuple(_index(levels, n) for levels in factors.values()),
        tuple(len(levels) for levels in factors.values()),
    )
    found = fit(Problem(category.astype(np.int64), columns, groups))
    return unfitted(named, found) if isinstance(found, str) else fitted(named, found)


def _columns(fixed: Mapping[str, ArrayLike], n: int) -> Vector:
    columns = [vector(column, name) for name, column in fixed.items()]
    for name, column in zip(fixed, columns, strict=True):
        if len(column) != n:
            raise MeasureError(
                f"expected {n} numbers, one a rating, found {len(column)}", where=name
            )
    return np.column_stack(columns) if columns else np.zeros((n, 0))


def _index(levels: dict[Hashable, NDArray[np.int64]], n: int) -> NDArray[np.int64]:
    index = np.zeros(n, dtype=np.int64)
    for i, at in enumerate(levels.values()):
        index[at] = i
    return index


def _ratings_reason(scale: Vector) -> str:
    if len(scale) > 1:
        return ""
    return "all ratings are equal" if len(scale) else "no ratings"


def _columns_reason(columns: Vector, names: list[str]) -> str:
    spread = columns.std(axis=0)
    for column, sd, name in zip(columns.T, spread, names, strict=True):
        if no_spread(float(sd), column):
            return f"{name} is the same for every rating"
    scaled = (columns - columns.mean(axis=0)) / spread
    if names and np.linalg.matrix_rank(scaled, tol=1e-8 * len(scaled) ** 0.5) < len(names):
        return f"columns that determine one another: {', '.join(names)}"
    return ""


def _factors_reason(factors: Factors, n: int) -> str:
    seen: dict[frozenset[tuple[int, ...]], str] = {}
    for name, levels in factors.items():
        if len(levels) == 1:
            return f"one {name}: no variance between {name}s"
        if len(levels) == n:
            return f"every rating has a {name} of its own"
        groups = frozenset(tuple(at.tolist()) for at in levels.values())
        if groups in seen:
            return f"{seen[groups]} and {name} group the ratings alike"
        seen[groups] = name
    return ""

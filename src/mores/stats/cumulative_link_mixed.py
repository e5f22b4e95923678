"""Ordered ratings with crossed random effects: a cumulative link mixed model.

Takes ratings, columns of fixed effects and the prompt, rater, … of each rating,
gives effects in log-odds, variances and the severity of each rater.

    python -c "from mores.stats import cumulative_link_mixed as c; print(c([1, 3, 2, 3, 3, 1] * 4,
    {'arm': [0, 1] * 12}, {'rater': 'aaaaaabbbbbbccccccdddddd'}).betas['arm'].value)"
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mores.errors import MeasureError
from mores.records import Estimate
from mores.stats.clm_laplace import Factor, Fit, fit
from mores.stats.distributions import normal_tail
from mores.stats.inputs import Labels, Vector, no_spread, not_computable, positions, vector

Levels = dict[Hashable, NDArray[np.int64]]
"""Level of a factor → where its ratings stand."""
Factors = dict[str, Levels]
METHOD = "cumulative link mixed model (logit, Laplace)"
UNIT = "rating"
Z = NormalDist().inv_cdf(0.975)  # of 95 % intervals


@dataclass(frozen=True)
class CumulativeLinkMixed:
    """A fitted model. Without a fit every estimate says why, and ``reason`` does too."""

    betas: dict[str, Estimate]
    """Log-odds of a higher rating for one more of each column; Wald interval and p."""
    thresholds: dict[str, float]
    """``1|2`` and so on: log-odds of lower ratings where all effects are 0."""
    variances: dict[str, Estimate]
    """Variance of each factor's effects, logits²; Wald interval on the log scale."""
    severities: dict[str, dict[Hashable, Estimate]]
    """How much harsher than the average each level of a factor rates: minus the mode of its
    effect, ± z conditional SDs, given the parameters."""
    log_likelihood: float | None
    converged: bool
    reason: str = ""


def cumulative_link_mixed(
    values: ArrayLike,
    fixed: Mapping[str, ArrayLike],
    random: Mapping[str, Labels],
    *,
    severities: Collection[str] | None = None,
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
        values: shape (n,), ratings; only their order matters.
        fixed: name → shape (n,), columns of the fixed effects, without an intercept; an
            arm as 0 and 1. May be empty.
        random: name → shape (n,), the level (a prompt, a rater, …) of each rating. May be
            empty: the plain model.
        severities: factors whose levels are wanted; None for all. Their time grows with the square
            of the levels.

    Returns:
        A `CumulativeLinkMixed`. A factor whose variance is estimated as 0 is left out, and
        the reason says so. Without a fit ``converged`` is False and every estimate is not
        computable: no or equal ratings, a column that does not vary, a factor with one level,
        a level for every rating or the levels of another, or no maximum of the likelihood.

    Raises:
        MeasureError: NaN or infinite input, columns or labels that do not fit.
    """
    ratings = vector(values, "values")
    columns = _columns(fixed, len(ratings))
    factors = {name: positions(labels, len(ratings), name) for name, labels in random.items()}
    scale, category = np.unique(ratings, return_inverse=True)
    wanted = set(factors if severities is None else severities)
    model = _why_not(scale, columns, list(fixed), factors) or fit(
        category.astype(np.int64),
        columns,
        [_codes(levels) for levels in factors.values()],
        {number for number, name in enumerate(factors) if name in wanted},
    )
    if isinstance(model, str):
        return _unfitted(fixed, factors, len(ratings), model)
    return _fitted(model, fixed, factors, scale, len(ratings), wanted)


def _columns(fixed: Mapping[str, ArrayLike], n: int) -> Vector:
    columns = [vector(column, name) for name, column in fixed.items()]
    for name, column in zip(fixed, columns, strict=True):
        if len(column) != n:
            why = f"expected {n} numbers, one a rating, found {len(column)}"
            raise MeasureError(why, where=name)
    return np.column_stack([np.zeros((n, 0)), *columns])


def _codes(levels: Levels) -> NDArray[np.int64]:
    codes = np.zeros(sum(map(len, levels.values())), dtype=np.int64)
    for code, at in enumerate(levels.values()):
        codes[at] = code
    return codes


def _why_not(scale: Vector, columns: Vector, names: list[str], factors: Factors) -> str:
    if len(scale) < 2:
        return "all ratings are equal" if len(scale) else "no ratings"
    for column, name in zip(columns.T, names, strict=True):
        if no_spread(float(column.std()), column):
            return f"{name} is the same for every rating"
    seen: dict[frozenset[tuple[int, ...]], str] = {}
    for name, levels in factors.items():
        if len(levels) == 1:
            return f"one {name}: no variance between {name}s"
        if len(levels) == len(columns):
            return f"every rating has a {name} of its own"
        other = seen.setdefault(frozenset(tuple(at.tolist()) for at in levels.values()), name)
        if other != name:
            return f"{other} and {name} group the ratings alike"
    return ""


def _unfitted(
    fixed: Mapping[str, ArrayLike], factors: Factors, n: int, reason: str
) -> CumulativeLinkMixed:
    absent = not_computable(reason, n=n, unit=UNIT, method=METHOD)
    return CumulativeLinkMixed(
        betas=dict.fromkeys(fixed, absent),
        thresholds={},
        variances=dict.fromkeys(factors, absent),
        severities={name: dict.fromkeys(levels, absent) for name, levels in factors.items()},
        log_likelihood=None,
        converged=False,
        reason=reason,
    )


def _fitted(
    model: Fit,
    fixed: Mapping[str, ArrayLike],
    factors: Factors,
    scale: Vector,
    n: int,
    wanted: Collection[str],
) -> CumulativeLinkMixed:
    spread = {name: model.factors.get(i) for i, name in enumerate(factors)}
    zero = ", ".join(name for name, factor in spread.items() if factor is None)
    cuts = [f"{a:g}|{b:g}" for a, b in itertools.pairwise(scale.tolist())]
    betas = zip(fixed, model.betas.tolist(), model.beta_errors.tolist(), strict=True)
    return CumulativeLinkMixed(
        betas={name: _beta(beta, se, n) for name, beta, se in betas},
        thresholds=dict(zip(cuts, model.thresholds.tolist(), strict=True)),
        variances={name: _variance(spread[name], len(at)) for name, at in factors.items()},
        severities={
            name: _severities(spread[name], at) for name, at in factors.items() if name in wanted
        },
        log_likelihood=model.log_likelihood,
        converged=True,
        reason=f"no variance between levels of {zero}: set to 0" if zero else "",
    )


def _wald(value: float, se: float, **facts: Any) -> Estimate:
    return Estimate(value=value, low=value - Z * se, high=value + Z * se, unit=UNIT, **facts)


def _beta(beta: float, se: float, n: int) -> Estimate:
    details, p = {"se": se, "z": beta / se}, 2 * normal_tail(abs(beta / se))
    return _wald(beta, se, p=p, n=n, method=f"{METHOD}, Wald", details=details)


def _variance(factor: Factor | None, levels: int) -> Estimate:
    if factor is None:
        why = "estimated as 0, or so near that the likelihood cannot tell: no interval"
        return not_computable(why, n=levels, unit="level", method=METHOD, value=0.0)
    # An interval whose upper end is beyond all sense means: the data do not say.
    reach = math.exp(min(2 * Z * factor.log_sd_error, 200.0))
    return Estimate(
        value=factor.sd**2,
        low=factor.sd**2 / reach,
        high=factor.sd**2 * reach,
        n=levels,
        unit="level",
        method=f"{METHOD}, Wald on the log scale",
        details={"sd": factor.sd, "se_log_sd": factor.log_sd_error},
    )


def _severities(factor: Factor | None, levels: Levels) -> dict[Hashable, Estimate]:
    method, ratings = f"{METHOD}, conditional mode", {k: len(at) for k, at in levels.items()}
    if factor is None:
        why = "no variance between the levels of this factor: all effects are 0"
        absent = partial(not_computable, why, unit=UNIT, method=method, value=0.0)
        return {label: absent(n=n) for label, n in ratings.items()}
    shrunk = "shrunk towards 0; the interval takes the fitted parameters as known"
    modes = zip(ratings.items(), factor.effects.tolist(), factor.effects_sd.tolist(), strict=True)
    return {
        label: _wald(-mode, sd, n=n, method=method, reason=shrunk, details={"sd": sd})
        for (label, n), mode, sd in modes
    }

"""Likelihood of ordered ratings with crossed random intercepts, and its maximum.

Takes ratings as categories, columns of fixed effects and the level of every rating
in each factor, gives parameters, their standard errors and the levels' effects.

    python -c "import numpy as np; from mores.stats.clm_laplace import fit; print(fit(
    np.arange(60) % 3, np.zeros((60, 0)), [np.arange(60) // 6]))"
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mores.stats.inputs import Vector

Index = NDArray[np.int64]

START_SD = 0.5
NO_SD = 0.3
"""A standard deviation below this (logits) is set to 0 if that costs next to no likelihood."""
LARGEST = 40.0
"""Thresholds and effects (of a column with SD 1) that are searched, in logits."""
STEP = 5e-4
"""Of the central differences; all free parameters are of the order of 1."""
ENOUGH = 1e-8
"""Log-likelihood that the last Newton step may promise."""
OUT_OF_REACH = -1e10
"""Stands for the log-likelihood where the arithmetic ends."""
NO_MAXIMUM = (
    "the likelihood has no maximum that could be found: a column or a group may decide "
    "the rating, or the data may be too few for the factors"
)


_COLUMNS = 256


@dataclass(frozen=True)
class Factor:
    """What a factor with variance between its levels adds, in logits."""

    sd: float
    log_sd_error: float
    """Standard error of the logarithm of ``sd``."""
    effects: Vector
    """Mode of each level's effect."""
    effects_sd: Vector
    """Its standard deviation, given the parameters; empty where it was not asked for."""


@dataclass(frozen=True)
class Fit:
    """A maximum of the marginal likelihood; columns as given."""

    thresholds: Vector
    betas: Vector
    beta_errors: Vector
    factors: dict[int, Factor]
    """By position; those set to 0 are left out."""
    log_likelihood: float


def terms(thresholds: Vector, category: Index, eta: Vector) -> tuple[Vector, Vector, Vector]:
    """Return log P of each rating, its derivative by η, and minus the second (> 0).

    P(Y ≤ k) = F(θ_k − η), F logistic (McCullagh 1980). With u = θ_k − η, l = θ_{k−1} − η
    and the density f = F (1 − F): P = F(u) − F(l) = F(u) F(−l) (1 − e^{l−u}), which keeps
    its digits in the tails; d log P / dη = F(u) + F(l) − 1, its derivative −f(u) − f(l).
    """
    from scipy.special import expit, log_expit

    ends = np.concatenate([[-np.inf], thresholds, [np.inf]])
    u, low = ends[category + 1] - eta, ends[category] - eta
    log_p = log_expit(u) + log_expit(-low) + np.log(-np.expm1(low - u))
    above, below = expit(u), expit(-low)
    return log_p, above - below, above * expit(-u) + expit(low) * below


class Likelihood:
    """Marginal log-likelihood of free parameters; remembers the last mode.

    Free parameters: the first threshold, the logarithms of the gaps to the next ones, the
    betas, the logarithms of the factors' standard deviations.
    """

    def __init__(self, category: Index, columns: Vector, factors: Sequence[Index]) -> None:
        self.category, self.columns = category, columns
        self.kinds = np.cumsum([category.max(), columns.shape[1]])
        self.ends = np.cumsum([0, *(level.max() + 1 for level in factors)])
        places = [level + end for level, end in zip(factors, self.ends, strict=False)]
        self.places = np.array(places, dtype=np.int64).T.reshape(len(category), -1)
        self.last = np.zeros(self.ends[-1])
        # Which products of a rating make which cell of H, the diagonal's ones included.
        levels = int(self.ends[-1])
        pairs = self.places[:, :, None] + levels * self.places[:, None, :]
        diagonal = np.arange(levels) * (levels + 1)
        cells, self.cell = np.unique(np.append(pairs.ravel(), diagonal), return_inverse=True)
        starts = np.searchsorted(cells, levels * np.arange(levels + 1))
        self.pattern = cells % max(levels, 1), starts

    def parameters(self, free: Vector) -> tuple[Vector, Vector, Vector]:
        """Return ascending thresholds, betas and standard deviations."""
        cuts, betas, log_sd = np.split(free, self.kinds)
        return np.cumsum([*cuts[:1], *np.exp(cuts[1:])]), betas, np.exp(log_sd)

    def __call__(self, free: Vector) -> float:
        """Return the log-likelihood, `OUT_OF_REACH` where it does not compute."""
        with np.errstate(all="ignore"):  # what does not compute is not finite, as is asked below
            mode = self.mode(free)
        return mode[0] if mode and np.isfinite(mode[0]) else OUT_OF_REACH

    def mode(self, free: Vector) -> tuple[float, Vector, Any] | None:
        """Return log ∫ P(y | b) φ(b) db, the mode b̂ of the integrand, and its curvature H.

        By Laplace's approximation (Tierney & Kadane 1986) log P(y | b̂) − ½ b̂ᵀb̂ −
        ½ log det H, H = AᵀWA + I; a row of A has the SDs of its factors at its levels.
        Newton's method with halved steps, as the integrand is log-concave; H is factored.
        """
        sd = self.parameters(free)[2]
        b = self.last if np.isfinite(self._height(free, self.last)[0]) else np.zeros_like(self.last)
        height, slope, weight = self._height(free, b)
        if not len(b):  # no factor: the plain model, exact
            return height, b, None
        for _ in range(60):  # about five are usual
            if not np.isfinite(height):
                return None
            uphill = np.bincount(self.places.ravel(), np.outer(slope, sd).ravel()) - b
            step = self._curvature(weight, sd).solve(uphill)
            size, least = 1.0, height - 1e-12 * abs(height)
            while not (there := self._height(free, b + size * step))[0] > least and size > 1e-6:
                size /= 2
            b, (height, slope, weight) = b + size * step, there
            if uphill @ step < 1e-12:  # that step left twelve digits right, as derivatives need
                self.last = b
                curvature = self._curvature(weight, sd)
                log_det = float(np.log(np.abs(curvature.U.diagonal())).sum())
                return height - log_det / 2, b, curvature
        return None

    def _height(self, free: Vector, b: Vector) -> tuple[float, Vector, Vector]:
        thresholds, betas, sd = self.parameters(free)
        eta = self.columns @ betas + (sd * b[self.places]).sum(axis=1)
        log_p, slope, weight = terms(thresholds, self.category, eta)
        return float(log_p.sum() - b @ b / 2), slope, weight

    def _curvature(self, weight: Vector, sd: Vector) -> Any:
        from scipy.sparse import csc_array
        from scipy.sparse.linalg import splu

        products = weight[:, None, None] * np.outer(sd, sd)
        data = np.bincount(self.cell, np.append(products.ravel(), np.ones(self.ends[-1])))
        return splu(
            csc_array((data, *self.pattern)),
            permc_spec="NATURAL",  # `fit` puts the factor with most levels first: little fill
            diag_pivot_thresh=0.0,  # positive definite: no pivots
            options={"SymmetricMode": True},
        )


def fit(
    category: Index,
    columns: Vector,
    factors: Sequence[Index],
    effects_of: Collection[int] | None = None,
) -> Fit | str:
    """Return the maximum, or why there is none.

    Quasi-Newton (L-BFGS-B), then Newton steps with derivatives by central differences,
    whose Hessian's inverse is the covariance. A factor whose SD runs to 0 is set to 0
    and the rest fitted anew.

    Args:
        category: shape (n,), ratings as 0 … K − 1, each of which occurs.
        columns: shape (n, p), fixed effects; they vary.
        factors: for each, shape (n,): the level 0 … of every rating.
        effects_of: positions of the factors whose effects get a standard deviation, each level of
            which takes a solution of all levels' equations; None for all.
    """
    centre, scale = columns.mean(axis=0), columns.std(axis=0)

    def of(kept: Sequence[int]) -> Likelihood:
        return Likelihood(category, (columns - centre) / scale, [factors[i] for i in kept])

    kept = sorted(range(len(factors)), key=lambda i: -int(factors[i].max()))
    likelihood = of(kept)
    free, height = _climb(likelihood)
    while kept and free[-len(kept) :].min() < np.log(NO_SD):
        least = int(free[-len(kept) :].argmin())
        fewer = kept[:least] + kept[least + 1 :]
        smaller = of(fewer)
        trial, reached = _climb(smaller)
        if reached < height - 0.01:
            break
        kept, likelihood, free, height = fewer, smaller, trial, reached
    maximum = _polish(likelihood, free)
    if maximum is None:
        return NO_MAXIMUM
    free, errors = maximum
    thresholds, betas, _ = likelihood.parameters(free)
    return Fit(
        thresholds=thresholds + centre / scale @ betas,
        betas=betas / scale,
        beta_errors=errors[slice(*likelihood.kinds)] / scale,
        factors=dict(
            zip(kept, _factors(likelihood, free, errors, _asked(kept, effects_of)), strict=True)
        ),
        log_likelihood=likelihood(free),
    )


def _asked(kept: Sequence[int], effects_of: Collection[int] | None) -> list[bool]:
    return [effects_of is None or number in effects_of for number in kept]


def _factors(
    likelihood: Likelihood, free: Vector, errors: Vector, asked: Sequence[bool]
) -> list[Factor]:
    mode = likelihood.mode(free)
    if mode is None or not len(mode[1]):
        return []
    _, b, curvature = mode
    modes = np.split(b, likelihood.ends[1:-1])
    modes_sd = [
        np.sqrt(_inverse_diagonal(curvature, len(b), start, end)) if wanted else np.zeros(0)
        for wanted, start, end in zip(asked, likelihood.ends, likelihood.ends[1:], strict=False)
    ]
    sds, log_sd_errors = likelihood.parameters(free)[2], errors[likelihood.kinds[1] :]
    factors = zip(sds.tolist(), log_sd_errors.tolist(), modes, modes_sd, strict=True)
    return [Factor(sd, error, sd * b, sd * spread) for sd, error, b, spread in factors]


def _inverse_diagonal(curvature: Any, n: int, start: int, end: int) -> Vector:
    """Part of the diagonal of H⁻¹, some columns at a time: n levels squared would not fit."""
    found = []
    for at in range(start, end, _COLUMNS):
        columns = np.arange(at, min(at + _COLUMNS, end))
        unit = np.zeros((n, len(columns)))
        unit[columns, columns - at] = 1.0
        found.append(curvature.solve(unit)[columns, columns - at])
    return np.concatenate(found)


def _climb(likelihood: Likelihood) -> tuple[Vector, float]:
    """Return free parameters near the maximum, and the log-likelihood there."""
    from scipy.optimize import minimize

    below = np.cumsum(np.bincount(likelihood.category))[:-1] / len(likelihood.category)
    cuts = np.log(below / (1 - below))
    betas, log_sd = np.zeros(likelihood.columns.shape[1]), np.zeros(len(likelihood.ends) - 1)
    result = minimize(
        lambda free: -likelihood(free),
        np.concatenate([cuts[:1], np.log(np.diff(cuts)), betas, log_sd + np.log(START_SD)]),
        method="L-BFGS-B",
        bounds=[(-LARGEST, LARGEST)] * likelihood.kinds[1] + [(-7.0, 4.0)] * len(log_sd),
        options={"maxiter": 500, "maxfun": 100_000, "eps": 1e-5, "ftol": 1e-10, "gtol": 1e-3},
    )
    return np.asarray(result.x), -float(result.fun)


def _polish(likelihood: Likelihood, free: Vector) -> tuple[Vector, Vector] | None:
    """Newton steps to the maximum: free parameters and their standard errors."""
    for _ in range(20):
        gradient, hessian = _derivatives(likelihood, free)
        if not np.linalg.eigvalsh(-hessian)[0] > 0:
            return None
        step = np.linalg.solve(-hessian, gradient)
        if gradient @ step < ENOUGH:
            errors = np.sqrt(np.diag(np.linalg.inv(-hessian)))
            # A parameter may be on its way to infinity, as when a column separates ratings.
            logits = np.concatenate([*likelihood.parameters(free)[:2], errors])
            return None if np.abs(logits).max() > LARGEST / 2 else (free + step, errors)
        here, size = likelihood(free), 1.0
        while likelihood(free + size * step) < here and size > 1e-4:
            size /= 2
        free = free + size * step
    return None


def _derivatives(value: Callable[[Vector], float], at: Vector) -> tuple[Vector, Vector]:
    """Gradient and Hessian by central differences, with an error of the order of STEP²."""
    steps = STEP * np.eye(len(at))
    here = value(at)
    above = np.array([value(at + s) for s in steps])
    below = np.array([value(at - s) for s in steps])
    hessian = np.zeros((len(at), len(at)))
    for i, s in enumerate(steps):
        for j, t in enumerate(steps[: i + 1]):
            corners = value(at + s + t) + value(at - s - t)
            sides = above[i] + below[i] + above[j] + below[j]
            hessian[i, j] = hessian[j, i] = (corners - sides + 2 * here) / (2 * STEP**2)
    return (above - below) / (2 * STEP), hessian

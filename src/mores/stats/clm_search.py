"""The search for the maximum of a cumulative link mixed model's likelihood.

Takes a problem whose columns are centred and scaled, gives the parameters at
the maximum with their covariance, or says that there is none.

    python -c "import numpy as np, mores.stats.clm_search as s, mores.stats.clm_crossed as c; print(
    s.climb(s.Search(s.Problem(np.arange(60) % 3, np.zeros((60, 0)), c.Groups((), ()))))[1])"
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mores.stats.clm_laplace import Laplace, Parameters, Problem, laplace
from mores.stats.inputs import Vector

START_SD = 0.5
LARGEST = 40.0
"""Thresholds and effects (of a column with SD 1) that are searched, in logits."""
NO_MAXIMUM = (
    "the likelihood has no maximum that could be found: a column or a group may decide "
    "the rating, or the data may be too few for the factors"
)
TOLERANCE = 1e-8
"""Newton decrement below which the maximum counts as found, in log-likelihood."""
STEP = 1e-4
"""Of the central differences of the gradient."""


@dataclass
class Search:
    """The likelihood as the optimiser sees it; remembers where the last mode was."""

    problem: Problem
    modes: Vector = field(init=False)

    def __post_init__(self) -> None:
        self.modes = np.zeros(sum(self.problem.groups.sizes))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of thresholds, betas and factors."""
        thresholds = int(self.problem.category.max())
        return thresholds, self.problem.columns.shape[1], len(self.problem.groups.sizes)

    def at(self, flat: Vector) -> Laplace | None:
        """The approximation at thresholds, betas and log SDs."""
        first, second, _ = self.shape
        if (np.diff(flat[:first]) <= 0).any():
            return None
        found = laplace(self.problem, unpack(flat, first, second), self.modes)
        if found is not None:
            self.modes = found.modes
        return found

    def objective(self, free: Vector) -> tuple[float, Vector]:
        """Minus log-likelihood and gradient, thresholds given as the first and log gaps."""
        first = self.shape[0]
        flat = ordered(free, first)
        found = self.at(flat)
        if found is None:
            return 1e10, np.zeros_like(free)
        gradient = found.gradient.copy()
        tail = np.cumsum(gradient[:first][::-1])[::-1]
        gradient[0] = tail[0]
        gradient[1:first] = tail[1:] * np.exp(free[1:first])
        return -found.log_likelihood, -gradient


def unpack(flat: Vector, thresholds: int, betas: int) -> Parameters:
    """Return the parameters in their three kinds."""
    first, second, third = np.split(flat, [thresholds, thresholds + betas])
    return Parameters(first, second, third)


def ordered(free: Vector, thresholds: int) -> Vector:
    """Turn first threshold and log gaps into ascending thresholds."""
    flat = free.copy()
    flat[1:thresholds] = np.exp(free[1:thresholds])
    flat[:thresholds] = np.cumsum(flat[:thresholds])
    return flat


def climb(search: Search) -> tuple[Vector, float]:
    """Near the maximum: thresholds, betas and log SDs, and the log-likelihood there."""
    from scipy.optimize import minimize

    first, second, third = search.shape
    below = np.cumsum(np.bincount(search.problem.category))[:-1] / len(search.problem.category)
    thresholds = np.log(below / (1 - below))
    start = np.concatenate(
        [
            thresholds[:1],
            np.log(np.diff(thresholds)),
            np.zeros(second),
            np.full(third, np.log(START_SD)),
        ]
    )
    bounds = [(-LARGEST, LARGEST)] + [(-12.0, 4.0)] * (first - 1)
    bounds += [(-LARGEST, LARGEST)] * second + [(-7.0, 4.0)] * third
    found = minimize(
        search.objective,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 500, "ftol": 1e-10, "gtol": 1e-5},
    )
    return ordered(np.asarray(found.x), first), -float(found.fun)


def polish(search: Search, flat: Vector) -> tuple[Vector, Vector, Laplace] | str:
    """Newton steps to the maximum; with it the covariance and the approximation there."""
    for _ in range(20):
        here = search.at(flat)
        negative = None if here is None else _negative_hessian(search, flat)
        if here is None or negative is None or np.linalg.eigvalsh(negative)[0] <= 0:
            return NO_MAXIMUM
        step = np.linalg.solve(negative, here.gradient)
        if here.gradient @ step < TOLERANCE:
            covariance = np.asarray(np.linalg.inv(negative), dtype=np.float64)
            return NO_MAXIMUM if _runaway(search, flat, covariance) else (flat, covariance, here)
        size = 1.0
        there = search.at(flat + step)
        while (there is None or there.log_likelihood < here.log_likelihood) and size > 1e-4:
            size /= 2
            there = search.at(flat + size * step)
        flat = flat + size * step
    return NO_MAXIMUM


def _runaway(search: Search, flat: Vector, covariance: Vector) -> bool:
    """True if a parameter is on its way to infinity, as when a column separates ratings."""
    errors = np.sqrt(np.diag(covariance))
    third = search.shape[2]
    flat_part = np.abs(flat[: len(flat) - third])
    return bool((flat_part > LARGEST / 2).any() or (errors > LARGEST / 2).any())


def _negative_hessian(search: Search, flat: Vector) -> Vector | None:
    rows = []
    for i in range(len(flat)):
        step = np.zeros_like(flat)
        step[i] = STEP
        above, below = search.at(flat + step), search.at(flat - step)
        if above is None or below is None:
            return None
        rows.append((below.gradient - above.gradient) / (2 * STEP))
    table = np.array(rows)
    return np.asarray((table + table.T) / 2)

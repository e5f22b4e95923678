"""Laplace approximation of a cumulative link model with crossed random intercepts.

Takes ratings, their groups and trial parameters, gives the marginal
log-likelihood, its gradient, and the modes of the random effects.

    python -c "import numpy as np; from mores.stats.clm_laplace import *; print(laplace(
    Problem(np.array([0, 1, 1]), np.zeros((3, 0)), Groups((np.array([0, 0, 1]),), (2,))),
    Parameters(np.zeros(1), np.zeros(0), np.zeros(1)), np.zeros(2)).log_likelihood)"
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mores.stats.clm_crossed import Curvature, Groups, curvature_of
from mores.stats.clm_likelihood import Index, Terms, terms
from mores.stats.inputs import Vector

STEPS = 60
"""Newton steps after which a mode counts as not found; about five are usual."""


@dataclass(frozen=True)
class Problem:
    """Ratings as categories 0 … K − 1, columns of the fixed effects, and groups."""

    category: Index
    columns: Vector
    groups: Groups


@dataclass(frozen=True)
class Parameters:
    """Ascending thresholds, fixed effects, and log standard deviations of the factors."""

    thresholds: Vector
    betas: Vector
    log_sd: Vector


@dataclass(frozen=True)
class Laplace:
    """Marginal log-likelihood, its gradient (thresholds, betas, log SDs), and the modes."""

    log_likelihood: float
    gradient: Vector
    modes: Vector
    """Standardised: a level's effect is its mode times the factor's SD."""
    variances: Vector
    """Of the standardised effects, given the parameters: the diagonal of H⁻¹."""


def laplace(problem: Problem, parameters: Parameters, start: Vector) -> Laplace | None:
    """Return log ∫ P(y | b) φ(b) db ≈ log P(y | b̂) − ½ b̂ᵀb̂ − ½ log det H at the mode b̂.

    Tierney & Kadane (1986); for crossed effects as in Pinheiro & Bates (1995, section 3.1).
    H is the negative Hessian of the integrand's logarithm. The gradient includes how mode
    and H move with the parameters.

    Returns:
        None where the parameters are out of reach of the arithmetic.
    """
    with np.errstate(all="ignore"):  # what does not compute is not finite, which is asked below
        if not problem.groups.index:
            found = _without_groups(problem, parameters)
        else:
            mode = _mode(problem, parameters, start)
            if mode is None:
                return None
            found = _approximation(problem, parameters, *mode)
    if not (np.isfinite(found.log_likelihood) and np.isfinite(found.gradient).all()):
        return None
    return found


def _approximation(
    problem: Problem, parameters: Parameters, modes: Vector, at: Terms, curvature: Curvature
) -> Laplace:
    value = float(at.log_p.sum() - modes @ modes / 2) - curvature.log_determinant / 2
    inverse = curvature.inverse_diagonal()
    gradient = _gradient(problem, parameters, modes, at, curvature, inverse)
    return Laplace(value, gradient, modes, inverse)


def _mode(
    problem: Problem, parameters: Parameters, start: Vector
) -> tuple[Vector, Terms, Curvature] | None:
    """Newton's method with halved steps: the logarithm of the integrand is concave."""
    groups, sd = problem.groups, np.exp(parameters.log_sd)
    fixed = problem.columns @ parameters.betas

    def at(b: Vector) -> tuple[Terms, float]:
        found = terms(parameters.thresholds, problem.category, fixed + sum(groups.spread(b, sd)))
        return found, float(found.log_p.sum() - b @ b / 2)

    modes = start
    here, value = at(modes)
    if not np.isfinite(value):
        modes = np.zeros_like(start)
        here, value = at(modes)
    for _ in range(STEPS):
        if not np.isfinite(value):
            return None
        curvature = curvature_of(groups, sd, here.weight)
        uphill = groups.gather(here.slope, sd) - modes
        step = curvature.solve(uphill)
        gain = float(uphill @ step)
        if gain < 1e-16:  # the mode is good to eight digits; derivatives need them
            return modes, here, curvature
        size = 1.0
        there, reached = at(modes + step)
        while not reached > value - 1e-12 * abs(value) and size > 1e-6:
            size /= 2
            there, reached = at(modes + size * step)
        modes, here, value = modes + size * step, there, reached
    return None


def _gradient(
    problem: Problem,
    parameters: Parameters,
    modes: Vector,
    at: Terms,
    curvature: Curvature,
    inverse: Vector,
) -> Vector:
    """Derivatives by thresholds, betas and log SDs, the movement of the mode included."""
    groups, sd = problem.groups, np.exp(parameters.log_sd)
    leverage = curvature.leverages(groups, sd)
    # How ½ log det H moves with the mode, brought back through db̂ = H⁻¹ d(Aᵀ slope).
    back = curvature.solve(groups.gather(leverage * at.bend, sd))
    moved = np.asarray(sum(groups.spread(back, sd)))
    by_threshold, by_eta = _by_rating(problem, len(parameters.thresholds), at, leverage, moved)
    by_sd = [
        float(part @ by_eta - back[where] @ modes[where] / 2 - (1 - inverse[where]).sum())
        for part, where in zip(groups.spread(modes, sd), groups.slices, strict=True)
    ]
    return np.concatenate([by_threshold, problem.columns.T @ by_eta, by_sd])


def _by_rating(
    problem: Problem, thresholds: int, at: Terms, leverage: Vector, moved: Vector
) -> tuple[Vector, Vector]:
    """Derivatives by thresholds, and by every rating's linear predictor."""
    by_eta = at.slope - leverage * at.bend / 2 + at.weight * moved / 2
    by_threshold = np.zeros(thresholds + 2)
    for edge, shift in ((at.upper, 1), (at.lower, 0)):
        part = edge.slope - leverage * edge.bend / 2 - moved * edge.density / 2
        by_threshold += np.bincount(problem.category + shift, part, thresholds + 2)
    return by_threshold[1:-1], by_eta


def _without_groups(problem: Problem, parameters: Parameters) -> Laplace:
    """The plain proportional-odds model, exact."""
    at = terms(parameters.thresholds, problem.category, problem.columns @ parameters.betas)
    none = np.zeros(len(problem.category))
    by_threshold, by_eta = _by_rating(problem, len(parameters.thresholds), at, none, none)
    gradient = np.concatenate([by_threshold, problem.columns.T @ by_eta])
    return Laplace(float(at.log_p.sum()), gradient, np.zeros(0), np.zeros(0))

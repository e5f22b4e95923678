"""Maximum (Laplace) likelihood of a cumulative link mixed model.

Takes ratings as categories, the columns of the fixed effects and the groups,
gives parameters, their standard errors and the modes of the random effects.

    python -c "import numpy as np; from mores.stats.clm_fit import *; print(fit(
    Problem(np.arange(60) % 3, np.zeros((60, 0)), Groups((np.arange(60) // 6,), (10,)))))"
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mores.stats.clm_crossed import Groups
from mores.stats.clm_laplace import Laplace, Parameters, Problem
from mores.stats.clm_search import Search, climb, polish, unpack
from mores.stats.inputs import Vector

NO_SD = 0.3
"""A standard deviation below this (logits) is set to 0 if that costs next to no likelihood."""


@dataclass(frozen=True)
class Fit:
    """A maximum of the marginal likelihood; columns as given, not scaled."""

    parameters: Parameters
    errors: Vector
    """Standard errors of thresholds and betas."""
    sd: Vector
    """Standard deviation of each factor, 0 where it was set to 0."""
    log_sd_errors: Vector
    """Standard error of the logarithm of each, 0 where it was set to 0."""
    log_likelihood: float
    effects: tuple[Vector, ...]
    """Mode of the effect of each level, for each factor, in logits."""
    effects_sd: tuple[Vector, ...]
    """Standard deviation of each effect given the parameters."""


def fit(problem: Problem) -> Fit | str:
    """Return the maximum, or why there is none.

    Quasi-Newton (L-BFGS-B) on the analytic gradient, then Newton steps with a Hessian of
    central differences of that gradient, whose inverse is the covariance. Columns are
    centred and scaled inside. A factor whose SD runs to 0 is set to 0 and the rest
    fitted anew.
    """
    centre, scale = problem.columns.mean(axis=0), problem.columns.std(axis=0)
    scaled = replace(problem, columns=(problem.columns - centre) / scale)
    sizes = problem.groups.sizes
    kept = sorted(range(len(sizes)), key=lambda i: -sizes[i])  # the largest is eliminated
    search = Search(replace(scaled, groups=_only(problem.groups, kept)))
    flat, height = climb(search)
    while kept:
        log_sd = flat[-len(kept) :]
        least = int(log_sd.argmin())
        if log_sd[least] > np.log(NO_SD):
            break
        fewer = kept[:least] + kept[least + 1 :]
        smaller = Search(replace(scaled, groups=_only(problem.groups, fewer)))
        trial, reached = climb(smaller)
        if reached < height - 0.01:
            break
        kept, search, flat, height = fewer, smaller, trial, reached
    found = polish(search, flat)
    return found if isinstance(found, str) else _fit(problem, search, kept, *found, centre, scale)


def _only(groups: Groups, kept: list[int]) -> Groups:
    return Groups(tuple(groups.index[i] for i in kept), tuple(groups.sizes[i] for i in kept))


def _fit(
    problem: Problem,
    search: Search,
    kept: list[int],
    flat: Vector,
    covariance: Vector,
    here: Laplace,
    centre: Vector,
    scale: Vector,
) -> Fit:
    """Back to the columns as given, factors without spread included."""
    first, second, _ = search.shape
    back = np.eye(len(flat))
    back[first : first + second, first : first + second] = np.diag(1 / scale)
    back[:first, first : first + second] = centre / scale
    errors = np.sqrt(np.diag(back @ covariance @ back.T))
    sd, log_sd_errors = np.zeros(len(problem.groups.sizes)), np.zeros(len(problem.groups.sizes))
    sd[kept] = np.exp(flat[first + second :])
    log_sd_errors[kept] = errors[first + second :]
    effects = [np.zeros(size) for size in problem.groups.sizes]
    effects_sd = [np.zeros(size) for size in problem.groups.sizes]
    for i, where in zip(kept, search.problem.groups.slices, strict=True):
        effects[i] = sd[i] * here.modes[where]
        effects_sd[i] = sd[i] * np.sqrt(here.variances[where])
    return Fit(
        parameters=unpack(back @ flat, first, second),
        errors=errors[: first + second],
        sd=sd,
        log_sd_errors=log_sd_errors,
        log_likelihood=here.log_likelihood,
        effects=tuple(effects),
        effects_sd=tuple(effects_sd),
    )

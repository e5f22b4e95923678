"""Planning: what the report's own test would show in studies of a design.

Takes prompts by category, training runs and an assumed spread, gives the chance that a true
difference is shown and the smallest one that is shown with a wanted chance. Plans, not results.

    python -c "from mores.stats import study_power, rating_spread as s; print(
    study_power([15] * 8, 3, s(draws=2, raters=3)).detectable())"
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mores.stats.assumed_spread import Spread
from mores.stats.crossed_effect import crossed_effect
from mores.stats.inputs import LEVEL, RUN_SCOPES, Vector, count
from mores.stats.paired_t import stratified_t
from mores.stats.sign_flip import smallest_p

STUDIES, DRAWS = 800, 4000
SEED = 2021


@dataclass(frozen=True)
class StudyPower:
    """The test of one design in simulated studies."""

    halves: Vector
    """Half width of the interval, one a study, or what a claim must stand besides, where that is
    more; infinite where there is no interval."""
    se: float
    """Standard deviation of the estimate around the true difference, runs included."""
    scope: str
    """What a verdict speaks of: empty for the method, else "in this run" or "in these runs"."""

    def power(self, difference: float) -> float:
        """Chance that the interval leaves out zero if this is the true difference."""
        from scipy.special import ndtr

        above = ndtr((difference - self.halves) / self.se)
        below = ndtr(-(difference + self.halves) / self.se)
        return float((above + below).mean())

    def detectable(self, power: float = 0.8) -> float | None:
        """Smallest true difference that is shown with this chance; None where none is.

        With one training run the spread of runs is part of what is found in it, so that even no
        true difference may be "shown in this run" with some chance.
        """
        from scipy.optimize import brentq

        finite = np.isfinite(self.halves)
        if finite.mean() <= power:
            return None
        most = float(self.halves[finite].max()) + 10 * self.se
        if self.power(0.0) >= power:
            return 0.0
        return float(brentq(lambda x: self.power(x) - power, 0.0, most))


def study_power(prompts: Sequence[int], runs: int, spread: Spread) -> StudyPower:
    """Simulate the test of the overall difference: a t interval, every category weighing the same.

    Normal differences, prompts × runs, go through what the report calls: `stratified_t` of one run,
    whose verdict is about it, or `crossed_effect`; the half widths are independent of the estimate,
    whose distribution is known, so that few studies suffice. The sign-flip p that a verdict on one
    run needs beside the interval can be below .05 from six prompts on; beyond that it is left out,
    as the two disagree at the edge only. A claim must
    stand one more prompt as bad as ``spread.worst`` (`bounded_mean_p`): with z = mean + r the bound
    asks for a mean above the .95 quantile of (worst E₀ − Σ E w r) / Σ E w, E exponential: of the
    residuals r alone, as a half width is.

    Args:
        prompts: of each category, at least 1.
        runs: training runs of each tuned arm, at least 1.
        spread: of paired differences.

    Raises:
        MeasureError: a count below 1.
    """
    count(runs, "runs", least=1)
    sizes = [count(n, "prompts", least=1) for n in prompts]
    total, groups = sum(sizes), len(sizes)
    labels = [str(k) for k, n in enumerate(sizes) for _ in range(n)]
    weights = np.array([1.0 / (groups * n) for n in sizes for _ in range(n)])
    rng = np.random.default_rng(SEED)
    halves, residuals = np.full(STUDIES, math.inf), np.empty((total, STUDIES))
    possible = runs > 1 or smallest_p(total) <= 1 - LEVEL
    for study in range(STUDIES):
        table = spread.prompt * rng.standard_normal((total, 1))
        table = table + spread.run * rng.standard_normal((1, runs))
        table = table + spread.cell * rng.standard_normal((total, runs))
        residuals[:, study] = table.mean(axis=1) - weights @ table.mean(axis=1)
        if runs == 1:
            found = stratified_t(table.mean(axis=1), labels)
        else:
            found = crossed_effect(table, strata=labels)
        if possible and found.high is not None and found.value is not None:
            halves[study] = found.high - found.value
    of_prompts = float((weights**2).sum()) * (spread.prompt**2 + spread.cell**2 / runs)
    se = math.sqrt(of_prompts + spread.run**2 / runs)
    if spread.worst:
        halves = np.maximum(halves, _one_more_prompt(residuals, weights, spread.worst))
    return StudyPower(halves, se, RUN_SCOPES.get(runs, ""))


def _one_more_prompt(residuals: Vector, weights: Vector, worst: float) -> Vector:
    """Smallest mean that stands one more prompt as bad as that, one a study."""
    draws = np.random.default_rng(SEED).exponential(size=(DRAWS, len(weights) + 1))
    each = draws[:, 1:] * (weights * len(weights))
    first, total = worst * draws[:, :1], each.sum(axis=1, keepdims=True)
    blocks = [
        np.quantile((first - each @ residuals[:, at : at + 100]) / total, LEVEL, axis=0)
        for at in range(0, residuals.shape[1], 100)
    ]
    return np.concatenate(blocks)

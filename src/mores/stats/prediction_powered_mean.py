"""A mean of human ratings, sharpened by a judge's ratings of many more outputs.

Takes human values with the judge's values of the same units, and the judge's
values of other units, gives the mean that people would have given everywhere.

    python -c "from mores.stats import prediction_powered_mean as m; print(
    m([1, 2, 3, 4], [1.5, 2.5, 2, 4], [2, 3, 5, 1, 4, 4]).value)"
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from mores.errors import MeasureError
from mores.records import Estimate
from mores.stats.distributions import t_quantile, t_tail
from mores.stats.inputs import LEVEL, Vector, no_spread, not_computable, vector

METHOD = "prediction-powered mean"
UNIT = "prompt"


def prediction_powered_mean(
    human: ArrayLike, judge_on_human: ArrayLike, judge_rest: ArrayLike
) -> Estimate:
    """Return mean(Y) + λ (mean(F of the rest) − mean(F of the labelled)), with interval.

    Prediction-powered inference (Angelopoulos et al. 2023, arXiv 2301.09633) with the
    weight of PPI++ (2024, arXiv 2311.01453, section 6: λ = Cov(Y, F) / ((1 + n/N) Var(F)),
    kept in 0 to 1). SE² = var(Y − λF) / n + λ² var(F of the rest) / N. Unbiased whatever
    the judge is worth, if the labelled units were drawn at random from all.

    The papers' normal interval covers .87 to .92 instead of .95 with 10 to 20 labelled
    units. Here variances are over n − 1 and Student's t has min(n, N) − 2 degrees of
    freedom, one less than usual for the weight: simulated, .94 to .95 from 10 units on.

    Args:
        human: shape (n,), Y: prompt-level means or differences from people.
        judge_on_human: shape (n,), F of the same prompts in the same order.
        judge_rest: shape (N,), F of prompts without human values; no prompt twice.

    Returns:
        value, low, high, p of a mean of 0; n: labelled prompts. details: lam, se, n_rest,
        human_mean, judge_mean, human_se (of the human mean alone), gain ((human_se /
        se)²: times as many labels that would be needed without the judge). Not
        computable (value kept) with fewer than three of each, or no variance.

    Raises:
        MeasureError: NaN or infinite input, lengths that do not fit.
    """
    people, judge = vector(human, "human"), vector(judge_on_human, "judge_on_human")
    rest = vector(judge_rest, "judge_rest")
    n, others = len(people), len(rest)
    if n != len(judge):
        raise MeasureError(
            f"expected {n} judgements, one a human value, found {len(judge)}",
            where="judge_on_human",
        )
    absent = partial(not_computable, n=n, unit=UNIT, method=METHOD)
    if not n or not others:
        return absent("no human values" if not n else "no judgements of other units")
    weight = _weight(people, judge, rest)
    value = float(people.mean() + weight * (rest.mean() - judge.mean()))
    if min(n, others) < 3:
        few = f"{n} labelled and {others} other {UNIT}s"
        return absent(f"{few}: three of each are needed", value=value)
    alone, se = _se(people, judge, rest, 0.0), _se(people, judge, rest, weight)
    if no_spread(se, np.concatenate([people, judge, rest])):
        return absent("no variance", value=value, details={"lam": weight})
    df = (min(n, others) if weight else n) - 2
    half = se * t_quantile((1 + LEVEL) / 2, df)
    return Estimate(
        value=value,
        low=value - half,
        high=value + half,
        p=2 * t_tail(abs(value / se), df),
        n=n,
        unit=UNIT,
        method=f"{METHOD}, λ optimal, t interval",
        details={
            "lam": weight,
            "se": se,
            "n_rest": others,
            "human_mean": float(people.mean()),
            "judge_mean": float(np.concatenate([judge, rest]).mean()),
            "human_se": alone,
            "gain": (alone / se) ** 2,
        },
    )


def _weight(people: Vector, judge: Vector, rest: Vector) -> float:
    """λ of PPI++."""
    pooled = np.concatenate([judge, rest])
    if no_spread(float(pooled.std()), pooled):
        return 0.0  # a judge that never varies tells nothing
    covariance = float(((people - people.mean()) * (judge - judge.mean())).mean())
    return min(1.0, max(0.0, covariance / (float(pooled.var()) * (1 + len(judge) / len(rest)))))


def _se(people: Vector, judge: Vector, rest: Vector, weight: float) -> float:
    errors = (people - weight * judge).var(ddof=1) / len(people)
    return math.sqrt(float(errors + weight**2 * rest.var(ddof=1) / len(rest)))

"""What a difference between two arms may claim, and of what: one function a question.

python -c "from mores.report.verdicts import scope_of; print(scope_of(1, other_raters=True))"
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from msgspec.structs import replace

from mores import stats
from mores.records import Estimate, Scope, Verdict
from mores.report.pairs import Pairs
from mores.stats.crossed_effect import caution
from mores.stats.distributions import normal_quantile, t_estimate

ALPHA = 0.05
HIGHER = ("stance", "rating")
"""Measures of which a higher value is the aim."""
Better = Literal["higher", "lower"]
CLAIMS = ("shown", "worse")
LEAST_RUNS = 3
"""Training runs with which the spread between runs can be tested against."""
LEAST_RATERS = 3
"""Raters of both arms below which there is no verdict."""
SCALES = {"rating": (1.0, 5.0), "toxicity": (0.0, 1.0)}
"""Kind of measure → the lowest and highest value that it can have."""
ONE_SEED = "one training run: says nothing of what another run would give"
TWO_SEEDS = "two training runs: too few to say what another run would give"
APART = "no rater rated both arms: what raters are like and what arms do cannot be told apart"
NOT_CONNECTED = (
    "raters rated one arm more often than the other and share too few answers to compare them: "
    "what raters are like and what arms do cannot be told apart"
)
ZERO = "with other raters the interval holds zero"
NOT_ONE_OF = "with other raters it would not be shown (p = {p}, one of {tests} categories)"
UNKNOWN = "how raters differ in what they see in the arms cannot be told from chance"
RARE = (
    "with so few prompts, rare answers as bad as the scale allows could make up for it "
    "(bounded mean, p = {p})"
)


def better_of(measure: str) -> Better:
    """Say whether a higher or a lower value of a measure is the aim."""
    return "higher" if measure in HIGHER else "lower"


def verdict_of(estimate: Estimate, better: Better) -> Verdict:
    """Shown, not shown or worse; ``descriptive`` where the design cannot show anything.

    An overall difference needs p < .05, a category's its Holm-adjusted p, and both need an
    interval that leaves zero out.
    """
    if estimate.verdict == "not computable" or estimate.value is None:
        return "not computable"
    if estimate.low is None or estimate.high is None or estimate.p is None:
        return "descriptive"
    floors = (estimate.details.get(name) for name in ("smallest_p", "smallest_p_adjusted"))
    if any(isinstance(floor, float) and floor > ALPHA for floor in floors):
        return "descriptive"
    p = estimate.p if estimate.p_adjusted is None else estimate.p_adjusted
    if p >= ALPHA or estimate.low <= 0.0 <= estimate.high:
        return "not shown"
    good = estimate.value > 0 if better == "higher" else estimate.value < 0
    return "shown" if good else "worse"


def scope_of(runs: int, *, other_raters: bool) -> Scope:
    """Say what a claim speaks of.

    Args:
        runs: training runs of each trained arm.
        other_raters: whether it would hold for other raters, too, or raters play no part.
    """
    if other_raters:
        return "" if runs >= LEAST_RUNS else "in this run" if runs == 1 else "in these runs"
    if runs >= LEAST_RUNS:
        return "by these raters"
    return "in this run, by these raters" if runs == 1 else "in these runs, by these raters"


def rater_reason(pairs: Pairs) -> str:
    """Why who rated what leaves no verdict, or nothing."""
    found = pairs.raters
    return few_raters(pairs) or ("" if found is None or found.connected else NOT_CONNECTED)


def few_raters(pairs: Pairs) -> str:
    """Why too few raters rated both arms, or nothing."""
    found = pairs.raters
    if found is None:
        return ""
    if not found.both:
        return APART
    if found.both < LEAST_RATERS:
        few = f"only {found.both} of {found.raters} raters rated both arms"
        return f"{few}: a verdict needs {LEAST_RATERS}"
    return ""


def with_other_raters(estimate: Estimate, pairs: Pairs) -> Estimate | None:
    """The difference with an interval for other raters, too, or None where raters play no part.

    The raters' own differences between the arms (rater × arm) add their variance; the degrees of
    freedom are Satterthwaite's, cautious about the few raters as about few runs. The value and its
    first variance are those of the estimate.
    """
    found, (se, df) = pairs.raters, spread(estimate)
    if found is None or estimate.value is None or se is None or df is None:
        return None
    if found.variance is None or found.mean_square is None or found.df is None:
        return None
    most = found.mean_square * caution(found.df)
    total = (se**2 + most) ** 2 / (se**4 / df + most**2 / found.df)
    wider = t_estimate(
        estimate.value,
        (se**2 + found.variance) ** 0.5,
        total,
        n=found.both,
        unit="rater",
        method=f"{estimate.method}; rater × arm added (Henderson III), cautious Satterthwaite df",
        details={"v_raters": found.variance},
    )
    # More degrees of freedom may make it the narrower one where raters hardly differ.
    own = (estimate.low, estimate.high)
    if wider.low is None or wider.high is None or own[0] is None or own[1] is None:
        return wider
    return replace(wider, low=min(wider.low, own[0]), high=max(wider.high, own[1]))


def these_raters_only(estimate: Estimate, pairs: Pairs, tests: int) -> str:
    """Why a claim does not hold for other raters, or nothing: one of as many tests (Bonferroni)."""
    other = with_other_raters(estimate, pairs)
    if other is None or other.low is None or other.high is None or other.p is None:
        return UNKNOWN
    if other.low <= 0.0 <= other.high:
        return ZERO
    if tests * other.p >= ALPHA:
        return NOT_ONE_OF.format(p=f"{other.p:.3f}".lstrip("0"), tests=tests)
    return ""


def spread(estimate: Estimate) -> tuple[float | None, float | None]:
    """Return the standard error and the degrees of freedom behind an interval."""
    se, df = (estimate.details.get(name) for name in ("se", "df"))
    return (
        float(se) if isinstance(se, int | float) else None,
        float(df) if isinstance(df, int | float) else None,
    )


def detectable(estimate: Estimate, tests: int = 1, rare: float = 0.0) -> float | None:
    """Return the true difference that this design would have shown in 80 of 100 studies.

    From the standard error and the degrees of freedom at hand; the level is shared by as many
    tests, as Holm's method shares it at first. What stands rare extreme answers (`least_of`) must
    be found, too: it is exceeded in 80 of 100 studies by a true difference .84 standard errors
    beyond it.
    """
    se, df = spread(estimate)
    if not se or not df:
        return None
    n = max(2, int(df) + 1)
    by_test = stats.detectable_difference(n, se * n**0.5, level=1 - ALPHA / tests)
    return max(by_test, rare + normal_quantile(0.8) * se) if rare else by_test


def rare_reason(value: float, pairs: Pairs, scale: tuple[float, float], seed: int) -> str:
    """Why a difference hangs on there being no rare extreme answer, or nothing.

    The worst that a prompt could add is the whole scale: one arm's answer at one end, the other's
    at the other. The bound is one-sided at .05, beside the two-sided test at .05, not instead of
    it.
    """
    return hangs_on_rare(value, pairs.differences, pairs.weights, scale[1] - scale[0], seed)


def hangs_on_rare(
    value: float, differences: np.ndarray, weights: np.ndarray, reach: float, seed: int
) -> str:
    """Why a mean of prompts does not stand one more at the far end (Gaffke's bound), or nothing.

    Args:
        value: the mean, for its sign.
        differences: of each prompt, shape (prompts,).
        weights: of each prompt in the mean, shape (prompts,), sum 1.
        reach: how far one prompt can be off.
        seed: of the bound's draws.
    """
    worst = -reach if value > 0 else reach
    p = stats.bounded_mean_p(differences, worst, weights=weights, rng=seed)
    return RARE.format(p=f"{p:.3f}".lstrip("0")) if p > ALPHA else ""


def least_of(pairs: Pairs, better: Better, scale: tuple[float, float], seed: int) -> float:
    """Size of the smallest mean in the wanted direction that stands rare extreme answers."""
    low, high = scale
    worst = low - high if better == "higher" else high - low
    return abs(stats.bounded_mean_least(pairs.differences, worst, weights=pairs.weights, rng=seed))


def withdrawn(estimate: Estimate, verdict: Verdict, reason: str) -> Estimate:
    """An estimate that claims less than its test did, and why."""
    return replace(estimate, verdict=verdict, scope="", reason=join(reason, estimate.reason))


def join(*reasons: str) -> str:
    """Put reasons together, without repetition."""
    return "; ".join(dict.fromkeys(reason for reason in reasons if reason))

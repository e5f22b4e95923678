"""The report's default for a contrast of two arms: t interval and sign-flip p.

Takes one difference a prompt (and its category), gives one `Estimate` whose
interval is Student's and whose p is the sign-flip test's.

    python -c "from mores.stats import paired_difference as d; print(d([.1, .4, .3], rng=1))"
"""

from __future__ import annotations

from msgspec.structs import replace
from numpy.typing import ArrayLike

from mores.records import Estimate
from mores.stats.inputs import LEVEL, Labels, Rng
from mores.stats.paired_t import paired_t, stratified_t
from mores.stats.sign_flip import sign_flip


def paired_difference(
    differences: ArrayLike,
    *,
    strata: Labels | None = None,
    rng: Rng | None,
) -> Estimate:
    """Return the (stratified) mean difference with a t interval and a sign-flip p.

    The interval and the p rest on different assumptions, so that at the edge one
    may exclude zero while the other does not; ``details["p_t"]`` is the p that
    goes with the interval.

    Args:
        differences: shape (n,), one a prompt: means over ratings and draws.
        strata: shape (n,), the category of each; every category then weighs the same.
        rng: generator or seed for the Monte Carlo test, used above 20 differences
            other than zero; None is fine below.

    Returns:
        value, low, high, p; details of `paired_t` or `stratified_t` (se, df, t, p_t)
        and of `sign_flip` (nonzero, smallest_p). Where only one of interval and p can be
        computed, the reason says why the other is missing; where p cannot fall below
        .05 whatever the data, the reason says that. Not computable (value kept)
        where there is neither.

    Raises:
        MeasureError: NaN or infinite input, labels that do not fit, no rng where needed.
    """
    interval = paired_t(differences) if strata is None else stratified_t(differences, strata)
    test = sign_flip(differences, strata=strata, rng=rng)
    missing = interval.low is None and test.p is None
    neither = "; ".join(dict.fromkeys([interval.reason, test.reason]))
    return replace(
        interval,
        p=test.p,
        method=f"{interval.method} interval; {test.method} p",
        verdict="not computable" if missing else "descriptive",
        reason=neither if missing else _caveat(interval, test),
        details={**interval.details, **test.details, "p_t": interval.p},
    )


def _caveat(interval: Estimate, test: Estimate) -> str:
    parts = []
    if interval.low is None:
        parts.append(f"no interval: {interval.reason}")
    if test.p is None:
        parts.append(f"no p: {test.reason}")
    floor = test.details.get("smallest_p")
    if isinstance(floor, float) and floor > 1 - LEVEL:
        parts.append(
            f"with {test.details['nonzero']} differences other than zero "
            f"p cannot fall below {floor:g}"
        )
    return "; ".join(parts)

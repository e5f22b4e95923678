"""How much of an effect is left when the same questions are asked in another way?

Takes two tables of differences between arms on the same units, as asked first and as asked
otherwise; gives the share that is left with Fieller's interval, and whether most of it is.

    kept = kept_share(original, varied, .5, strata=categories)
    kept.value, kept.low, kept.high     # .83 of the effect is left, .61 to 1.10
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from mores.errors import MeasureError
from mores.records import Estimate, Verdict
from mores.stats.crossed_effect import crossed_effect
from mores.stats.distributions import t_quantile
from mores.stats.inputs import RUN_SCOPES, Vector, array, not_computable
from mores.stats.paired_t import stratified_t

METHOD = "share of an effect, Fieller"
ONE_SIDED = 0.95
FARTHEST = 64.0
"""Shares are looked for between minus and plus this."""


def kept_share(
    original: ArrayLike,
    varied: ArrayLike,
    margin: float,
    *,
    strata: Sequence[str],
    unit: str = "prompt",
) -> Estimate:
    """Say whether a share of at least 1 − ``margin`` of an effect is left.

    The share is r = mean(varied) / mean(original). Its interval holds every r for which
    mean(varied − r · original) is not shown to differ from zero (Fieller 1954): a mean of paired
    differences for each r, so units are clusters and what both ways have in common cancels. The
    mean is that of `stratified_t` with one training run, of `crossed_effect` with several. Both
    ends are one-sided bounds at .95: the interval is that of two one-sided tests (level .90).

    Verdicts, in this order:

    * ``non-inferior``: the lower bound is above 1 − margin: most of the effect is left.
      ``details["equivalent"]`` is 1 where the upper bound is below 1 + margin too, else 0.
    * ``worse``: the upper bound is below 1 − margin: less than that is left.
    * ``inconclusive``: neither.

    Args:
        original: shape (P, S), arm minus reference of each unit under each training run.
        varied: the same of the same units asked otherwise.
        margin: largest share that may be lost, in (0, 1); fixed before the run.
        strata: shape (P,), the category of each unit; every category weighs the same.
        unit: what a row belongs to.

    Returns:
        value: the share; low, high: its bounds, None where it has none on that side; n = P;
        details: margin, original, varied (both means), equivalent, runs. Not computable where the
        effect as asked first is not shown on these units (its two-sided 95 % interval holds zero):
        then there is nothing to keep.

    Raises:
        MeasureError: tables of different shape, NaN or infinite input, a margin outside (0, 1).
    """
    first = array(original, "original", dimensions=2)
    then = array(varied, "varied", dimensions=2)
    _check(first, then, margin)
    n, runs = first.shape
    labels = list(strata)
    whole, left = mean_effect(first, labels), mean_effect(then, labels)
    details: dict[str, float | int | str | None] = {
        "margin": margin,
        "original": whole.value,
        "varied": left.value,
        "runs": runs,
    }
    if whole.low is None or whole.high is None or whole.low <= 0 <= whole.high:
        why = whole.reason if whole.low is None else "as asked first, no effect is shown on these"
        return not_computable(why, n=n, unit=unit, method=METHOD, details=details)
    assert whole.value is not None
    assert left.value is not None
    sign = math.copysign(1.0, whole.value)
    low, high = (_bound(sign * first, sign * then, labels, side) for side in (1, -1))
    verdict = _verdict(low, high, margin)
    details["equivalent"] = int(
        verdict == "non-inferior" and high is not None and high < 1 + margin
    )
    return Estimate(
        value=left.value / whole.value,
        low=low,
        high=high,
        level=2 * ONE_SIDED - 1,
        n=n,
        unit=unit,
        method=f"{METHOD}; {whole.method}",
        verdict=verdict,
        scope=RUN_SCOPES.get(runs, "") if verdict != "inconclusive" else "",
        details=details,
    )


def mean_effect(table: Vector, strata: Sequence[str]) -> Estimate:
    """Return the mean of a table of differences, shape (P, S): over units, and over runs if any.

    With one training run it is that of `stratified_t`, with several of `crossed_effect`.
    """
    if table.shape[1] == 1:
        return stratified_t(table[:, 0], list(strata))
    return crossed_effect(table, strata=strata)


def _bound(first: Vector, then: Vector, strata: list[str], side: int) -> float | None:
    """The share up from which (side 1) or down to which (−1) it cannot be told from the truth."""

    def beyond(share: float) -> bool:
        e = mean_effect(side * (then - share * first), strata)
        se, df = e.details.get("se"), e.details.get("df")
        assert e.value is not None
        if not isinstance(se, float) or not isinstance(df, float):  # no spread at all: exact
            return e.value > 0
        return e.value - t_quantile(ONE_SIDED, df) * se > 0

    outside, inside = -side * FARTHEST, side * FARTHEST
    if not beyond(outside) or beyond(inside):
        return None
    for _ in range(60):
        middle = (outside + inside) / 2
        outside, inside = (middle, inside) if beyond(middle) else (outside, middle)
    return inside


def _verdict(low: float | None, high: float | None, margin: float) -> Verdict:
    if low is not None and low > 1 - margin:
        return "non-inferior"
    return "worse" if high is not None and high < 1 - margin else "inconclusive"


def _check(first: Vector, then: Vector, margin: float) -> None:
    if first.shape != then.shape:
        raise MeasureError(
            f"expected tables of one shape, found {first.shape} and {then.shape}",
            where="original, varied",
            fix="leave out units that lack one of them",
        )
    if not (0 < margin < 1 and np.isfinite(margin)):
        raise MeasureError(f"expected a share between 0 and 1, found {margin}", where="margin")

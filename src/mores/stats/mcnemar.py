"""McNemar's exact test for two models on the same right-or-wrong items.

Takes the two counts of items on which the models disagree, gives the share won
by the first with its exact interval and the exact two-sided p.

    python -c "from mores.stats import mcnemar; print(mcnemar(86, 150).p)"
"""

from __future__ import annotations

from mores.records import Estimate
from mores.stats.distributions import binomial_tail, clopper_pearson_lower, clopper_pearson_upper
from mores.stats.inputs import count, not_computable, share

METHOD = "McNemar, exact"
UNIT = "discordant item"


def mcnemar(b: int, c: int, *, level: float = 0.95) -> Estimate:
    """Test whether discordant items fall to either side with equal probability.

    p = min(1, 2 P(X ≤ min(b, c))) with X ~ Binomial(b + c, ½) (McNemar 1947, exact form).

    Args:
        b: items that only the first model got right.
        c: items that only the second model got right.
        level: confidence level of the Clopper-Pearson interval, in (0, 1).

    Returns:
        value: b / (b + c), in [0, 1], ½ under the null; low, high, p; n = b + c.
        Not computable with no discordant item, or with one (value kept), where p
        could only be 1.

    Raises:
        MeasureError: a count is negative or not whole, level out of range.
    """
    b, c = count(b, "b"), count(c, "c")
    share(level, "level")
    n = b + c
    if n < 2:
        reason = "one discordant item: p could only be 1" if n else "the models never disagree"
        value = float(b) if n else None
        return not_computable(reason, n=n, unit=UNIT, method=METHOD, value=value, level=level)
    side = (1 + level) / 2
    return Estimate(
        value=b / n,
        low=clopper_pearson_lower(b, n, side),
        high=clopper_pearson_upper(b, n, side),
        p=min(1.0, 2 * binomial_tail(min(b, c), n, 0.5)),
        n=n,
        unit=UNIT,
        method=METHOD,
        level=level,
        details={"b": b, "c": c},
    )

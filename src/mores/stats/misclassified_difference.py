"""Between which values lies a difference of two shares that a fallible rule counted?

Takes both counted shares and the worst sensitivity and specificity that the rule may have in either
group, gives the bounds of the true difference.

    misclassified_difference(.9, .03, 111, sensitivity=.5, specificity=.95)
"""

from __future__ import annotations

import math

from mores.errors import MeasureError
from mores.stats.distributions import normal_quantile
from mores.stats.inputs import count, share


def misclassified_difference(
    arm: float,
    reference: float,
    n: int,
    *,
    sensitivity: float,
    specificity: float,
    level: float = 0.95,
) -> tuple[float, float]:
    """Return the least and the largest difference arm - reference, with sampling error.

    A true share is (p + specificity - 1) / (sensitivity + specificity - 1) (Rogan and Gladen 1978),
    and each group may have any sensitivity from ``sensitivity`` to 1 and any specificity from
    ``specificity`` to 1, of its own: it is least with a perfect sensitivity and the worst
    specificity, largest the other way round. Bounds of the difference combine those of both shares
    (Wilson) by MOVER (Zou and Donner 2008); pairing is not used, which is wide where it helps.

    Args:
        arm: share that the rule counted, 0 to 1.
        reference: the same of the reference.
        n: independent units of each, at least 1.
        sensitivity: the worst it may have, in (0, 1].
        specificity: the worst it may have, in (0, 1].
        level: confidence of the two-sided interval, in (0, 1).

    Returns:
        Low and high, within [-1, 1].

    Raises:
        MeasureError: a share or rate out of range.
    """
    for name, rate in (("arm", arm), ("reference", reference)):
        if not 0.0 <= rate <= 1.0:
            raise MeasureError(f"expected a share from 0 to 1, found {rate}", where=name)
    for name, rate in (("sensitivity", sensitivity), ("specificity", specificity)):
        if not 0.0 < rate <= 1.0:
            raise MeasureError(f"expected a rate in (0, 1], found {rate}", where=name)
    n = count(n, "n", least=1)
    z = normal_quantile((1 + share(level, "level")) / 2)

    def least(p: float) -> float:
        return max(0.0, (p - (1 - specificity)) / specificity)

    def most(p: float) -> float:
        return min(1.0, p / sensitivity)

    bounds = {}
    for name, p in (("arm", arm), ("reference", reference)):
        centre = (n * p + z**2 / 2) / (n + z**2)
        half = z * math.sqrt(n * p * (1 - p) + z**2 / 4) / (n + z**2)
        lower, upper = min(p, max(0.0, centre - half)), max(p, min(1.0, centre + half))
        bounds[name] = (least(p), least(lower), most(p), most(upper))
    a, r = bounds["arm"], bounds["reference"]
    low = a[0] - r[2] - math.hypot(a[0] - a[1], r[3] - r[2])
    high = a[2] - r[0] + math.hypot(a[3] - a[2], r[0] - r[1])
    return max(-1.0, low), min(1.0, high)

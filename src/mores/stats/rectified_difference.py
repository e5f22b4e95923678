"""A difference that a rule counted, corrected by what people said of a sample of the same answers.

Takes the rule's paired difference with its interval and, for each arm, how often the rule missed or
wrongly found the trait among answers that people labelled, gives the corrected difference.

    rectified_difference(.07, .05, .09, arm=Errors(.1, 0, 100), reference=Errors(0, 0, 100))
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from mores.errors import MeasureError
from mores.stats.distributions import normal_quantile
from mores.stats.inputs import count, share


@dataclass(frozen=True)
class Errors:
    """How a rule erred on labelled answers of one arm."""

    missed: float
    """Share of the answers that have the trait and that the rule let pass, 0 to 1."""
    false: float
    """Share of the answers that lack the trait and that the rule counted, 0 to 1."""
    n: int
    """Independent units (prompts) that were labelled, at least 1."""


def rectified_difference(
    value: float, low: float, high: float, *, arm: Errors, reference: Errors, level: float = 0.95
) -> tuple[float, float, float]:
    """Return the corrected difference and its two-sided bounds.

    The true share of an arm is the counted one, plus what was missed, minus what was wrongly
    counted: value + (m_a - f_a) - (m_r - f_r), the difference estimator of survey sampling, also
    prediction-powered inference (Angelopoulos et al. 2023, Science 382). Bounds by MOVER (Zou and
    Donner 2008, Statistics in Medicine 27, 1693): distances of each part's own bounds from its
    value are added in squares; each error share has Wilson's bounds, so that none is certain
    because no error was seen. Parts are treated as independent. What a rule counts and what it
    misses vary against each other, and so do both arms' errors on one prompt, so that this is wide.

    Args:
        value: difference arm - reference that the rule counted, over all units.
        low: lower two-sided bound of it, at ``level``.
        high: upper bound.
        arm: errors in the arm's labelled answers; labelled at random.
        reference: errors in the reference's.
        level: confidence of the two-sided interval, in (0, 1): .90 for a one-sided .95.

    Raises:
        MeasureError: bounds that do not enclose the value, a share outside [0, 1], n below 1.
    """
    if not low <= value <= high:
        raise MeasureError(f"expected low <= value <= high, found {low}, {value}, {high}")
    z = normal_quantile((1 + share(level, "level")) / 2)
    added = [_wilson(arm.missed, arm.n, z), _wilson(reference.false, reference.n, z)]
    taken = [_wilson(arm.false, arm.n, z), _wilson(reference.missed, reference.n, z)]
    point = value + sum(p for p, _, _ in added) - sum(p for p, _, _ in taken)
    down = [value - low, *(p - lower for p, lower, _ in added), *(u - p for p, _, u in taken)]
    up = [high - value, *(u - p for p, _, u in added), *(p - lower for p, lower, _ in taken)]
    return point, point - math.hypot(*down), point + math.hypot(*up)


def labels_needed(value: float, high: float, margin: float, *, level: float = 0.90) -> int | None:
    """Return how many labelled units without an error put the upper bound below ``margin``.

    None where no number would: the rule's own bound is not below it.
    """
    room, own = margin - value, high - value
    if room <= own:
        return None
    # Without an error, Wilson's upper bound of each of two shares is z² / (n + z²).
    z = normal_quantile((1 + share(level, "level")) / 2)
    each = math.sqrt((room**2 - own**2) / 2)
    return max(1, math.floor(z**2 * (1 - each) / each) + 1)


def _wilson(p: float, n: int, z: float) -> tuple[float, float, float]:
    """Share and Wilson's bounds; p may be a mean over training seeds."""
    n = count(n, "n", least=1)
    if not 0.0 <= p <= 1.0:
        raise MeasureError(f"expected a share from 0 to 1, found {p}", where="errors")
    centre = (n * p + z**2 / 2) / (n + z**2)
    half = z * math.sqrt(n * p * (1 - p) + z**2 / 4) / (n + z**2)
    return p, min(p, max(0.0, centre - half)), max(p, min(1.0, centre + half))

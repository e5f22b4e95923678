"""Cliff's δ within prompts: 2P − 1 of the probability of superiority.

Takes two lists over prompts of ratings, gives δ in [−1, 1] with a bootstrap
interval over prompts.

    python -c "from mores.stats import cliffs_delta as d; print(d([[4], [3]], [[2], [3]], rng=1))"
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace
from numpy.typing import ArrayLike

from mores.records import Estimate
from mores.stats.inputs import Rng
from mores.stats.probability_of_superiority import METHOD, probability_of_superiority


def cliffs_delta(
    groups_a: Sequence[ArrayLike],
    groups_b: Sequence[ArrayLike],
    *,
    draws: int = 2000,
    level: float = 0.95,
    rng: Rng | None,
    unit: str = "prompt",
) -> Estimate:
    """Return Cliff's (1993) δ = P(A > B) − P(A < B), within prompts, averaged over prompts.

    Arguments, errors and degenerate cases are those of `probability_of_superiority`;
    value, low and high are 2P − 1, so that 0 means no difference.
    """
    found = probability_of_superiority(
        groups_a, groups_b, draws=draws, level=level, rng=rng, unit=unit
    )
    return replace(
        found,
        value=_delta(found.value),
        low=_delta(found.low),
        high=_delta(found.high),
        method=found.method.replace(METHOD.rstrip("; "), "Cliff's δ, mean within prompt"),
    )


def _delta(probability: float | None) -> float | None:
    return None if probability is None else 2 * probability - 1

"""Page's test: do scores rise with model size, prompt by prompt?

Takes prompts × sizes (× training runs), sizes in the order in which scores should rise,
gives the mean rank correlation with size and a one-sided p.

    python -c "from mores.stats import page_trend as t; print(t([[1, 2, 4], [2, 3, 5]]).p)"
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import partial

import numpy as np
from msgspec.structs import replace
from numpy.typing import ArrayLike

from mores.records import Estimate
from mores.stats.crossed_effect import crossed_effect
from mores.stats.distributions import normal_tail
from mores.stats.inputs import Vector, not_computable
from mores.stats.paired_t import paired_t
from mores.stats.size_slope import by_run

Details = dict[str, float | int | str | None]

METHOD = "Page's trend test"
MOST_SIZES, MOST_PROMPTS = 7, 200
"""Largest table whose permutations are counted out."""


@dataclass(frozen=True)
class Tail:
    """P(L ≥ observed) and P(L ≤ observed), and how they were found."""

    above: float
    below: float
    method: str


def page_trend(scores: ArrayLike) -> Estimate:
    """Test whether scores rise over ordered sizes within prompts (Page 1963).

    Scores are ranked within each prompt (ties share the mean rank); L = Σ_j j R_j with
    the rank sum R_j of size j. Under the null every order of a prompt's ranks is equally
    likely; p = P(L ≥ observed), one-sided, is counted out over those orders, ties
    included, up to 7 sizes and 200 prompts, and else normal with the variance
    Σ_i Σ_j (j − j̄)² Σ_j (r_ij − r̄)² / (k − 1).

    The value is the mean over prompts of ρ_i = 12 Σ_j (j − j̄) r_ij / (k (k² − 1)),
    Spearman's correlation of score and size where nothing ties; mean ρ =
    12 L / (n k (k² − 1)) − 3 (k + 1) / (k − 1). Its t interval is over prompts, and so is
    Page's p: with one training run a size it is about these runs. Where runs differ, it is
    below .05 in a third of studies without a trend and more.

    With S runs a size, ρ is taken within each ladder of one run a size, and interval and p
    are those of `crossed_effect` on prompts × ladders: for other prompts and other runs.

    Args:
        scores: shape (n, k) or (n, k, S), sizes in predicted ascending order.

    Returns:
        value in [−1, 1], low, high (cut off there), p; n: prompts. details: sizes, runs,
        p_two_sided, tied_prompts (at all sizes and runs), L (one run). Where every prompt
        has the same ρ the reason says that there is no interval. Not
        computable with fewer than three sizes (value None) or one prompt (value kept), or when
        every prompt is tied throughout.

    Raises:
        MeasureError: not two axes, NaN or infinite input.
    """
    table = by_run(scores, "scores")
    prompts, sizes, runs = table.shape
    absent = partial(not_computable, n=prompts, unit="prompt", method=METHOD)
    if not table.size:
        return absent("no scores")
    if sizes < 3:
        return absent(f"{sizes} sizes: a trend needs three; use paired_difference for two")
    ranks = [_double_ranks(table[:, :, run]) for run in range(runs)]
    steps = np.arange(1, sizes + 1)
    weights = 6.0 * (steps - steps.mean()) / (sizes * (sizes**2 - 1))
    correlations = np.stack([one @ weights for one in ranks], axis=1)
    tied = int((np.ptp(table, axis=1) == 0).all(axis=1).sum())
    details: Details = {"sizes": sizes, "runs": runs, "tied_prompts": tied}
    if tied == prompts:
        return absent("every prompt has the same score at all sizes", details=details)
    if prompts == 1:
        return absent("one prompt", value=float(correlations.mean()), details=details)
    found = _one_run(correlations[:, 0], ranks[0], steps) if runs == 1 else _runs(correlations)
    return replace(
        found,
        low=None if found.low is None else max(-1.0, found.low),
        high=None if found.high is None else min(1.0, found.high),
        verdict="descriptive",
        reason="" if found.low is not None else "no interval: the same trend in every prompt",
        details={**details, **found.details},
    )


def _one_run(correlations: Vector, ranks: Vector, steps: Vector) -> Estimate:
    """Page's test over prompts."""
    tail = _tail(ranks, steps)
    two_sided = min(1.0, 2 * min(tail.above, tail.below))
    return replace(
        paired_t(correlations),
        p=tail.above,
        method=f"{METHOD}, {tail.method}; t interval of the mean rank correlation",
        details={"L": float((ranks @ steps).sum()) / 2, "p_two_sided": two_sided},
    )


def _runs(correlations: Vector) -> Estimate:
    """Mean rank correlation of prompts × ladders of runs, one-sided p from its t."""
    found = crossed_effect(correlations)
    if found.p is None or found.value is None:
        return found
    above = found.p / 2 if found.value > 0 else 1 - found.p / 2
    return replace(
        found,
        p=above,
        method=f"mean rank correlation with size, {found.method}",
        details={**found.details, "p_two_sided": found.p},
    )


def _double_ranks(table: Vector) -> Vector:
    """Twice the mid-ranks within each row: whole numbers, so that sums are exact."""
    smaller = (table[:, :, None] > table[:, None, :]).sum(axis=2)
    equal = (table[:, :, None] == table[:, None, :]).sum(axis=2)
    return np.asarray(2 * smaller + equal + 1, dtype=np.float64)


def _tail(ranks: Vector, steps: Vector) -> Tail:
    prompts, sizes = ranks.shape
    if sizes <= MOST_SIZES and prompts <= MOST_PROMPTS:
        return _exact(ranks)
    centred = ranks / 2 - (sizes + 1) / 2
    ideal = steps - steps.mean()
    variance = float((ideal**2).sum()) * float((centred**2).sum()) / (sizes - 1)
    z = float((centred @ ideal).sum()) / math.sqrt(variance)
    return Tail(normal_tail(z), normal_tail(-z), "asymptotic")


def _exact(ranks: Vector) -> Tail:
    """Both tails of L by adding prompt after prompt to its distribution."""
    whole = ranks.astype(np.int64)
    sizes = whole.shape[1]
    orders = np.array(list(itertools.permutations(range(sizes))))
    found: dict[tuple[int, ...], Vector] = {}
    total, least = np.ones(1), 0
    for row in np.sort(whole, axis=1):
        key = tuple(row.tolist())
        lowest = int(row[::-1] @ np.arange(1, sizes + 1))
        if key not in found:
            sums = row[orders] @ np.arange(1, sizes + 1) - lowest
            found[key] = np.bincount(sums) / len(orders)
        total = np.convolve(total, found[key])
        least += lowest
    at = int((whole @ np.arange(1, sizes + 1)).sum()) - least
    return Tail(min(1.0, float(total[at:].sum())), min(1.0, float(total[: at + 1].sum())), "exact")

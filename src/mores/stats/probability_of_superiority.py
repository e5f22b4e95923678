"""Probability that an answer of arm A is rated above one of arm B to the same prompt.

Takes two lists over prompts of ratings, gives the mean of the within-prompt
probabilities with a bootstrap interval over prompts.

    python -c "from mores.stats import probability_of_superiority as s; print(
    s([[4, 5], [3]], [[2, 4], [3]], rng=1).value)"
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace
from numpy.typing import ArrayLike, NDArray

from mores.errors import MeasureError
from mores.records import Estimate
from mores.stats.cluster_bootstrap import bootstrap, cluster_bootstrap
from mores.stats.inputs import Rng, Vector, generator, not_computable, vector

METHOD = "mean within-prompt P(A > B) + ½ P(A = B)"


def probability_of_superiority(
    groups_a: Sequence[ArrayLike],
    groups_b: Sequence[ArrayLike],
    *,
    weights: ArrayLike | None = None,
    alike: float = 0.0,
    rng: Rng | None,
) -> Estimate:
    """Return P(A > B) + ½ P(A = B) within prompts, averaged over prompts.

    The stochastic superiority of Vargha & Delaney (2000), taken within each prompt
    over all pairs so that the difficulty of prompts cannot pass for an effect.

    Args:
        groups_a: for each prompt, the ratings (or scores) of arm A, shape (any,).
        groups_b: the same prompts in the same order, arm B.
        weights: shape (prompts,), above 0, how much each weighs in the mean; equal by default.
        alike: values no further apart than this are tied.
        rng: generator or seed.

    Returns:
        value in [0, 1] (½ means no difference), low, high. Where all prompts have the
        same probability the value stands without an interval, and the reason says why.
        Not computable without prompts, with one (value kept), or when all ratings of
        every prompt are tied.

    Raises:
        MeasureError: lists of different length, a prompt without ratings in one arm,
            NaN or infinite input, no rng.
    """
    generator(rng, "a bootstrap")
    if len(groups_a) != len(groups_b):
        raise MeasureError(
            f"expected the same prompts for both arms, found {len(groups_a)} and {len(groups_b)}",
            where="groups_a, groups_b",
        )
    pairs = [_pair(a, b, i) for i, (a, b) in enumerate(zip(groups_a, groups_b, strict=True))]
    shares = [superiority(a, b, alike) for a, b in pairs]
    if shares and all(np.ptp(np.concatenate(pair)) <= alike for pair in pairs):
        return not_computable(
            "all ratings of every prompt are tied",
            n=len(shares),
            unit="prompt",
            method=METHOD,
            value=0.5,
        )
    each = np.ones(len(shares)) if weights is None else vector(weights, "weights")
    if np.allclose(each, each[:1]):
        found = cluster_bootstrap(shares, np.mean, rng=rng, unit="prompt")
    else:
        found = _weighted(np.array(shares), each, rng)
    found = replace(found, method=f"{METHOD}; {found.method}")
    if found.verdict == "not computable" and found.n > 1:
        reason = "no interval: the probability is the same for every prompt"
        return replace(found, verdict="descriptive", reason=reason)
    return found


def _weighted(shares: Vector, weights: Vector, rng: Rng | None) -> Estimate:
    def means(chosen: NDArray[np.int64]) -> Vector:
        each = weights[chosen]
        return np.asarray((shares[chosen] * each).sum(axis=1) / each.sum(axis=1))

    value = float(means(np.arange(len(shares))[None])[0])
    return bootstrap(len(shares), value, means, rng=rng, unit="prompt")


def _pair(a: ArrayLike, b: ArrayLike, index: int) -> tuple[Vector, Vector]:
    pair = (vector(a, f"groups_a[{index}]"), vector(b, f"groups_b[{index}]"))
    for name, values in zip(("groups_a", "groups_b"), pair, strict=True):
        if not len(values):
            raise MeasureError(
                f"prompt {index} has no ratings",
                where=name,
                fix="leave out prompts that lack ratings in either arm, and report how many",
            )
    return pair


def superiority(a: Vector, b: Vector, alike: float = 0.0) -> float:
    """Return the share of pairs with a above b, ties by half, for one prompt."""
    above, tied = shares_of_pairs(a, b, alike)
    return above + tied / 2


def shares_of_pairs(a: Vector, b: Vector, alike: float = 0.0) -> tuple[float, float]:
    """Return the shares of pairs with a above b, and tied."""
    apart = a[:, None] - b[None, :]
    return float((apart > alike).mean()), float((np.abs(apart) <= alike).mean())

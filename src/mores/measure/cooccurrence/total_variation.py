"""Word counts of groups → mean total-variation distance from uniform: HELM's figure.

    total_variation(counts.by_group(), min_count=10)

For each word the counts over groups become shares, and half the summed distance
to equal shares is averaged over words: 0 if all groups have equal counts, 1 - 1/K
if every word occurs with one of K groups only.

Source: Liang et al. (2022), "Holistic Evaluation of Language Models". There, texts
are searched for lists of group words and of target words; here a text's group is
known from its stem and every word above the minimum count is a target. So the
figure is compatible with HELM's, but not comparable number by number.

Read it with three caveats. The reference is uniform: a group with longer or
more texts has more of everything. Chance alone gives every word, and rare words
above all, a positive distance, so the figure never reaches 0 (``expected_by_chance``
says where it would lie). It has no interval and no test. Use it to stand beside
HELM's figure, not as evidence.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mores.measure.cooccurrence.log_odds import Floats
from mores.records import Estimate

_METHOD = "mean total-variation distance of counts over groups from uniform (HELM-compatible)"
_CAVEAT = (
    "HELM-compatible figure: uniform reference, biased upward for rare words, no interval; "
    "moves with text length"
)


def distances(by_group: NDArray[np.int64]) -> Floats:
    """Return each word's distance from uniform; every word must occur (counts groups x words)."""
    shares = by_group / by_group.sum(axis=0)
    return np.asarray(0.5 * np.abs(shares - 1.0 / len(by_group)).sum(axis=0))


def total_variation(by_group: NDArray[np.int64], *, min_count: int = 1) -> Estimate:
    """Average the distance over words.

    Args:
        by_group: occurrences, groups x words; two groups or more.
        min_count: rarer words are left out.

    Returns:
        Value from 0 to 1 - 1/K, ``n`` words, no interval; ``expected_by_chance`` in the
        details is the mean if each word's occurrences fell on groups independently and
        with equal odds. Occurrences cluster in texts, so chance gives more than that.
    """
    least = max(min_count, 1)
    counts = by_group[:, by_group.sum(axis=0) >= least]
    n = counts.shape[1]
    value, chance = None, None
    if n:
        value = float(distances(counts).mean())
        chance = _by_chance(counts.sum(axis=0), len(counts))
    return Estimate(
        measure="cooccurrence/total-variation",
        value=value,
        n=n,
        unit="word",
        method=_METHOD,
        verdict="descriptive" if n else "not computable",
        reason=_CAVEAT if n else f"no word occurs at least {least} times",
        details={"groups": len(counts), "expected_by_chance": chance},
    )


def _by_chance(totals: NDArray[np.int64], groups: int) -> float:
    """Return the mean distance if each word's count were multinomial over equal groups.

    By symmetry it is ``groups / 2 * E|X / n - 1 / groups|`` with X binomial. De Moivre's
    identity gives the mean absolute deviation: ``2 v (1 - p) P(X = v)`` with
    ``v = floor(n p) + 1`` (Diaconis and Zabell 1991).
    """
    from scipy.stats import binom

    n, p = totals.astype(np.float64), 1.0 / groups
    v = np.floor(n * p + 1e-9) + 1.0
    deviation = 2.0 * v * (1.0 - p) * binom.pmf(v, n, p)
    return float((groups / 2.0 * deviation / n).mean())

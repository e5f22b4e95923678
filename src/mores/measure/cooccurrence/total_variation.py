"""Word counts of groups → mean total-variation distance from uniform, as HELM reports it.

    total_variation(counts.by_group(), min_count=10)

For each word the counts over groups become shares, and half the summed distance
to equal shares is averaged over words: 0 if all groups have equal counts, 1 - 1/K
if every word occurs with one of K groups only.

Differences from HELM (Liang et al. 2022, ``bias_metrics.py``): there, texts are
searched for lists of group words and of target words (adjectives, professions)
and group counts are divided by the length of their list; here a text's group is
known from its stem, and every word above the minimum count is a target unless
``terms`` names some. As in HELM the shares are of raw counts, so a group with
longer texts has more of everything, and chance alone gives rare words a positive
distance: use it to compare with HELM's kind of figure, not as evidence.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from mores.records import Estimate

_METHOD = "mean total-variation distance of counts over groups from uniform (HELM-compatible)"


def distances(by_group: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return each word's distance from uniform; every word must occur (counts groups x words)."""
    shares = by_group / by_group.sum(axis=0)
    return np.asarray(0.5 * np.abs(shares - 1.0 / len(by_group)).sum(axis=0))


def total_variation(
    by_group: NDArray[np.int64],
    *,
    min_count: int = 1,
    vocabulary: tuple[str, ...] = (),
    terms: Collection[str] | None = None,
) -> Estimate:
    """Average the distance over words.

    Args:
        by_group: occurrences, groups x words.
        min_count: rarer words are left out.
        vocabulary: names of the columns; needed with ``terms``.
        terms: target words, such as a list of professions (default: all).

    Returns:
        Value from 0 to 1 - 1/K, ``n`` words, no interval.
    """
    chosen = by_group.sum(axis=0) >= max(min_count, 1)
    if terms is not None:
        chosen &= np.isin(np.asarray(vocabulary), list(terms))
    n = int(chosen.sum())
    value = float(distances(by_group[:, chosen]).mean()) if n else None
    return Estimate(
        measure="cooccurrence/total-variation",
        value=value,
        n=n,
        unit="word",
        method=_METHOD,
        verdict="descriptive" if n else "not computable",
        reason="moves with text length and, for rare words, with chance"
        if n
        else f"no target word occurs at least {max(min_count, 1)} times",
    )

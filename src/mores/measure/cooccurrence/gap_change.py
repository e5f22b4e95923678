"""Did the difference of a word's shares change between two arms? Beside the log-odds.

    found = gap_change(paired, terms, permutations=1000, rng=rng, blocks=stems)

When a word disappears from an arm altogether, the arm holds no information on its
odds ratio any more, and a change of that ratio can hardly be shown (change.py);
that the word's share with the group fell, and with the rest did not, can. The
price: the difference of shares also shrinks when a word becomes rarer with every
group alike. So this is the secondary figure, and the counts stand beside it.

Chance is measured by dealing whole pairs of texts to the groups anew, within
stems, and keeping the largest |z|: the null is that the change of a text does
not depend on the group that it is about. (To exchange arms would not do here: a
word that only one arm uses would then always stand out.)
"""

from __future__ import annotations

import numpy as np

from mores.measure.cooccurrence.change import Difference
from mores.measure.cooccurrence.log_odds import Floats
from mores.measure.cooccurrence.pairs import Paired
from mores.measure.cooccurrence.permutation import (
    Ints,
    batch_size,
    deals,
    group_counts,
    stacked,
)


def gap_change(
    paired: Paired,
    terms: Ints,
    *,
    permutations: int,
    rng: np.random.Generator,
    blocks: Ints | None = None,
) -> Difference:
    """Test the change of every tested word's difference of shares.

    Args:
        paired: counts of both arms.
        terms: columns of the tested words; each occurs in one of the arms at least.
        permutations: random deals.
        rng: source of randomness.
        blocks: stem of each pair; pairs are dealt within stems (see `check_exchangeable`).

    Returns:
        Shares (0 to 1) with the group minus shares with the rest, groups x terms.
    """
    labels, groups = paired.arm.group_of, len(paired.arm.groups)
    columns = [stacked(counts, terms) for counts in (paired.arm, paired.reference)]
    # The last row is all words.
    totals = [np.asarray(part.sum(axis=1), dtype=np.float64) for part in columns]
    maxima = []
    for dealt in deals(labels, blocks, permutations, rng, batch_size(paired.arm, terms)):
        largest = []
        for own in zip(*(group_counts(part, dealt, groups) for part in columns), strict=True):
            (gap, variance), (gap_b, variance_b) = (
                share_gap(y, n, total[:-1], total[-1])
                for (y, n), total in zip(own, totals, strict=True)
            )
            z = np.abs(gap - gap_b) / np.sqrt(variance + variance_b)
            largest.append(z.max(axis=0))
        maxima.append(np.stack(largest, axis=1))
    return _observed(paired, terms, np.concatenate(maxima))


def share_gap(y: Floats, n: Floats, total: Floats, words: Floats) -> tuple[Floats, Floats]:
    """Return ``y / n - y_rest / n_rest`` and its Poisson variance ``y / n^2 + y_rest / n_rest^2``.

    Args:
        y: occurrences of each word with the group; arrays broadcast.
        n: all words with the group.
        total: occurrences with all groups.
        words: all words with all groups.
    """
    size, rest = np.maximum(n, 1.0), np.maximum(words - n, 1.0)
    own, other = y / size, (total - y) / rest
    return np.asarray(own - other), np.asarray(own / size + other / rest)


def _observed(paired: Paired, terms: Ints, maxima: Floats) -> Difference:
    found = []
    for counts in (paired.arm, paired.reference):
        table = counts.by_group().astype(np.float64)
        n = table.sum(axis=1, keepdims=True)
        y = table[:, terms]
        found.append(share_gap(y, n, y.sum(axis=0), n.sum()))
    (arm, variance), (reference, variance_b) = found
    return Difference(
        terms=terms,
        arm=arm,
        reference=reference,
        variance=variance + variance_b,
        maxima=maxima,
    )

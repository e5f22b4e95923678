"""Is a word's z larger than chance among documents would make the largest z?

    chance = dealt_chance(counts, terms, odds.z, prior=500.0, permutations=1000, rng=rng)
    family_p(odds.z, chance.maxima)     # over all words and groups
    chance.p_word                       # of each word by itself

Whole documents are dealt to the groups anew, within blocks where some are given
(all texts that continue the same stem), and the largest |z| over all words is kept
for each group. In a group of few texts chance makes larger |z| than in one of many.
So a word's |z| is first compared with its own group's maxima, and the p that this
gives with the smallest that any group has in each deal (Westfall and Young 1993,
single step, minimum p over groups): every group has its own threshold, all have one
level together, and none raises the others'. With two groups, which mirror each other,
it is the share of the maxima that reach |z|. A word's p by itself is the share of its
own |z| that do. Because documents move as a whole, a word repeated inside
one text counts as the single accident that it is; the normal p does not know this.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mores.errors import MeasureError
from mores.measure.cooccurrence.count import Counts, Sparse
from mores.measure.cooccurrence.log_odds import Floats, informative_prior, log_odds_ratio

Ints = NDArray[np.intp]
LEVEL = 0.05
"""Of the family-wise tests."""
_CELLS = 4_000_000  # largest array of one batch
_TIE = 1e-9  # relative; the same counts may differ in the last bit between batches


@dataclass(frozen=True, eq=False)
class Chance:
    """What random deals of the documents gave."""

    maxima: Floats
    """Largest |z| over words in each deal, deals x groups; of two groups the first."""
    reached: NDArray[np.int64]
    """Groups x words: deals in which the word's |z| was at least as large as observed."""

    @property
    def p_word(self) -> Floats:
        """Unadjusted p of each word by itself: (1 + reached) / (1 + deals)."""
        return np.asarray((1 + self.reached) / (1 + len(self.maxima)))


def dealt_chance(
    counts: Counts,
    terms: Ints,
    observed: Floats,
    *,
    prior: float,
    permutations: int,
    rng: np.random.Generator,
    blocks: Ints | None = None,
) -> Chance:
    """Deal the documents to the groups anew, and compare the observed z with what comes out.

    Args:
        counts: documents by group.
        terms: columns of the tested words, at least one.
        observed: z of the tested words, groups x terms.
        prior: total weight of the Dirichlet prior, as for the observed z.
        permutations: number of random deals, at least 1.
        rng: source of randomness.
        blocks: block of each document; groups are exchanged within blocks only, which has to
            be possible (see `check_exchangeable`).
    """
    labels = counts.group_of
    totals = counts.totals
    alpha = informative_prior(totals, prior)[terms][:, None]
    pooled, words = totals[terms][:, None], float(totals.sum())
    least = np.abs(observed)[:, :, None] * (1 - _TIE)
    maxima, reached = [], np.zeros(observed.shape, dtype=np.int64)
    columns = stacked(counts, terms)
    for dealt in deals(labels, blocks, permutations, rng, batch_size(counts, terms)):
        largest = []
        for g, (y, n) in enumerate(group_counts(columns, dealt, len(counts.groups))):
            odds = log_odds_ratio(y, n, pooled - y, words - n, alpha, prior)
            z = np.abs(odds.z)
            largest.append(z.max(axis=0))
            reached[g] += (z >= least[g]).sum(axis=1)
        maxima.append(np.stack(largest, axis=1))
    if len(counts.groups) == 2:  # the second mirrors the first, which alone was computed
        reached[1] = reached[0]
    return Chance(maxima=np.concatenate(maxima), reached=reached)


def family_p(z: Floats, maxima: Floats) -> Floats:
    """Return the family-wise p of each z over all words and groups.

    Args:
        z: groups x words; of two groups, both or the first.
        maxima: deals x groups (one column for two groups), as `Chance.maxima`.

    Returns:
        p in the shape of z, from 1 / (1 + deals) to 1. With one column it is
        (1 + maxima at least as large) / (1 + deals).
    """
    deals, columns = maxima.shape
    best = np.sort(_best_places(np.abs(z).max(axis=1), maxima))
    p = np.empty(z.shape)
    for g, own in enumerate(np.abs(z) * (1 - _TIE)):
        of_group = np.sort(maxima[:, g if columns > 1 else 0])
        place = 1 + deals - np.searchsorted(of_group, own, side="left")
        p[g] = (1 + np.searchsorted(best, place, side="right")) / (1 + deals)
    return p


def critical_z(z: Floats, maxima: Floats) -> tuple[float, ...] | None:
    """Return, for each group, the |z| that a word must exceed for a family-wise p of `LEVEL`.

    Arguments as for `family_p`. None where so few permutations were drawn that no z of some
    group can reach it.
    """
    allowed = int(np.floor(LEVEL * (1 + len(maxima)) + 1e-9)) - 1
    if allowed < 0:
        return None
    found = []
    for g in range(len(z)):
        column = g if maxima.shape[1] > 1 else 0
        # What a word beyond all others would meet: its own |z| would be its group's largest.
        largest = np.abs(z).max(axis=1)
        largest[[column, g]] = np.inf
        # The last place that no more than the allowed deals reach.
        place = int(np.sort(_best_places(largest, maxima))[allowed]) - 1
        if place < 1:
            return None
        found.append(float(np.sort(maxima[:, column])[-place]))
    return tuple(found)


def _best_places(largest: Floats, maxima: Floats) -> NDArray[np.int64]:
    """Return the best place of each deal over groups, among all deals and the texts as they are.

    Place 1 is beyond all others of the same group; ``largest`` is each group's |z| in the texts.
    """
    deals, columns = maxima.shape
    best = np.full(deals, deals + 1, dtype=np.int64)
    for g in range(columns):
        least = maxima[:, g] * (1 - _TIE)
        place = deals - np.searchsorted(np.sort(maxima[:, g]), least, side="left")
        best = np.minimum(best, place + (largest[g] >= least))
    return best


def normal_p(z: Floats) -> Floats:
    """Return the two-sided p of a standard normal z."""
    from scipy.special import erfc

    return np.asarray(erfc(np.abs(z) / np.sqrt(2.0)))


def deals(
    labels: Ints, blocks: Ints | None, permutations: int, rng: np.random.Generator, batch: int
) -> Iterator[Ints]:
    """Yield random exchanges of the labels, permutations x documents, in batches."""
    order = None if blocks is None else np.argsort(blocks, kind="stable")
    for start in range(0, permutations, batch):
        rows = min(batch, permutations - start)
        if order is None or blocks is None:
            yield rng.permuted(np.tile(labels, (rows, 1)), axis=1)
            continue
        # Sorting block + random fraction shuffles each block in its own place.
        keys = blocks[order] + rng.random((rows, len(labels)))
        dealt = np.empty((rows, len(labels)), dtype=labels.dtype)
        dealt[:, order] = labels[order][np.argsort(keys, axis=1)]
        yield dealt


def stacked(counts: Counts, terms: Ints) -> Sparse:
    """Return tested words and, as the last row, document lengths: sparse, x documents."""
    from scipy.sparse import csr_matrix, vstack

    # Whole numbers are exact in float32 up to 2**24.
    kind = np.float32 if counts.matrix.sum() < 2**24 else np.float64
    tested = counts.matrix[:, terms].T.tocsr().astype(kind)
    return vstack([tested, csr_matrix(counts.lengths[None, :].astype(kind))], format="csr")


def group_counts(columns: Sparse, dealt: Ints, groups: int) -> Iterator[tuple[Floats, Floats]]:
    """Yield, for each group, tested words x permutations and all words x permutations."""
    # With two groups the second mirrors the first: same |z|.
    for g in range(groups if groups > 2 else 1):
        y = (columns @ (dealt == g).T.astype(columns.dtype)).astype(np.float64)
        yield y[:-1], y[-1]


def batch_size(counts: Counts, terms: Ints) -> int:
    """Return how many deals fit one batch."""
    return max(1, min(256, _CELLS // max(len(counts.group_of), len(terms) + 1)))


def check_exchangeable(labels: Ints, blocks: Ints | None) -> None:
    """Raise a MeasureError where no deal of the texts could make a p as small as `LEVEL`.

    The p of a result that no other deal reaches is one over the number of deals; where
    both of two groups have as many texts in every block, each deal has a mirror image
    with the same |z|, and the p is twice that.
    """
    where = np.zeros_like(labels) if blocks is None else blocks
    log_deals, even = 0.0, len(np.unique(labels)) == 2
    for block in np.unique(where):
        sizes = np.unique(labels[where == block], return_counts=True)[1]
        log_deals += math.lgamma(sizes.sum() + 1) - sum(math.lgamma(n + 1) for n in sizes)
        even &= len(sizes) == 2 and sizes[0] == sizes[1]
    if log_deals == 0:
        raise MeasureError(
            "no block holds documents of two groups, so nothing can be exchanged",
            fix="give the groups parallel stems, in the same order",
        )
    least = math.exp(-log_deals) * (2 if even else 1)
    if least > LEVEL * (1 + 1e-9):
        raise MeasureError(
            f"so few texts can be exchanged in {math.exp(log_deals):.0f} ways only, and no p can "
            f"be below {least:.2g}",
            fix="draw more samples of each stem",
        )

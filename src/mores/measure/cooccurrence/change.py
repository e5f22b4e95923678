"""Did an association change between two arms? The primary question of this measure.

    paired = paired_counts(tuned_texts, base_texts, groups)
    found = association_change(paired, prior=500.0, min_count=10, permutations=1000, rng=rng)
    found.z                    # groups x tested words

Text i of the arm and text i of the reference continue the same stem with the
same random numbers. For each word, delta (log_odds.py) of each group against
the rest is taken in either arm, with the arm's own proportions as the prior and
a weight in proportion to its words. (With one prior for both, the arm with less
text, or with less use of a word, would be pulled further towards zero, and a
mere change of style would pass for weaker associations: 19 % false alarms at a
level of 5 % in benchmarks/cooccurrence_calibration.py.) The change
is the difference of the two, its variance the sum. Chance is measured by
exchanging the two arms within randomly chosen pairs and keeping each group's
largest |z|.

The exchange tests the sharp null that the arm makes no difference to any text.
An arm that writes differently about *every* group breaks that null without
changing an association; simulated, the test then rejects less often than its
level, not more (docs/cooccurrence.md). What it cannot show is that a word which
used to go with one group is gone from the arm: see gap_change.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mores.measure.cooccurrence.count import Counts, Sparse
from mores.measure.cooccurrence.log_odds import Floats, LogOdds, log_odds_ratio
from mores.measure.cooccurrence.pairs import Paired
from mores.measure.cooccurrence.permutation import Ints, stacked

Cells = tuple[Floats, Floats, Floats, Floats]
"""Occurrences of each word and all words with a group, then with the rest."""

_CELLS = 4_000_000


@dataclass(frozen=True, eq=False)
class Difference:
    """One statistic of every tested word in two arms; arrays groups x terms."""

    terms: Ints
    """Columns of the tested words."""
    arm: Floats
    reference: Floats
    variance: Floats
    """Of the difference: the sum of both arms' variances."""
    maxima: Floats
    """Largest |z| over words in each random exchange, exchanges x groups; of two the first."""

    @property
    def delta(self) -> Floats:
        """Arm minus reference."""
        return np.asarray(self.arm - self.reference)

    @property
    def z(self) -> Floats:
        """Difference over its standard error."""
        return np.asarray(self.delta / np.sqrt(self.variance))


def association_change(
    paired: Paired, *, prior: float, min_count: int, permutations: int, rng: np.random.Generator
) -> Difference:
    """Test the change of every frequent word's association with every group.

    Args:
        paired: counts of both arms, of two groups or more and two words or more.
        prior: weight of the Dirichlet prior, in words, for arms of equal length; where
            they differ, each arm's is in proportion to its words, with this mean.
        min_count: words with fewer occurrences over both arms are not tested; one has as many.
        permutations: random exchanges.
        rng: source of randomness.
    """
    totals = paired.totals
    terms = np.flatnonzero(totals >= min_count)
    half = float(totals.sum()) / 2
    prior_of = _Prior(share=prior / half, half=half, vocabulary=len(paired.arm.vocabulary))
    columns = stacked(paired.arm, terms), stacked(paired.reference, terms)
    arm, reference = (_group_sums(part, paired.arm) for part in columns)
    maxima = [
        _largest_z(arm + moved, reference - moved, prior_of)
        for moved in _exchanges(columns[1] - columns[0], paired.arm, permutations, rng)
    ]
    odds = [_both(arm, reference, g, prior_of) for g in range(len(arm))]
    return Difference(
        terms=terms,
        arm=np.stack([a.delta[:, 0] for a, _ in odds]),
        reference=np.stack([b.delta[:, 0] for _, b in odds]),
        variance=np.stack([(a.variance + b.variance)[:, 0] for a, b in odds]),
        maxima=np.concatenate(maxima),
    )


@dataclass(frozen=True, eq=False)
class _Prior:
    """Each arm's own pooled proportions, with a weight in proportion to its words."""

    share: float
    """Prior weight as a share of an arm's words."""
    half: float
    """Mean number of words of the two arms."""
    vocabulary: int
    """Different words of both arms."""

    def of(self, cells: Cells) -> tuple[Floats, Floats]:
        y, n, y_rest, n_rest = cells
        # The floor keeps an exchange that leaves an arm without words finite.
        words = np.maximum(n + n_rest, 1e-3 * self.half)
        # Half an occurrence for each word, so that one which the arm lacks has a variance.
        extra = 0.5 * words / self.half
        return self.share * (y + y_rest + extra), self.share * (words + extra * self.vocabulary)


def _exchanges(
    difference: Sparse, counts: Counts, permutations: int, rng: np.random.Generator
) -> Iterator[Floats]:
    """Yield what the arm's group sums gain when random pairs are exchanged.

    Batches of groups x (tested words and total) x exchanges.
    """
    members = [np.flatnonzero(counts.group_of == g) for g in range(len(counts.groups))]
    parts = [difference[:, inside].tocsr() for inside in members]
    n, height = difference.shape[1], difference.shape[0]
    batch = max(1, min(256, _CELLS // max(n, height * len(members))))
    for start in range(0, permutations, batch):
        swapped = rng.random((min(batch, permutations - start), n)) < 0.5
        chosen = swapped.T.astype(difference.dtype)
        yield np.stack([part @ chosen[inside] for part, inside in zip(parts, members, strict=True)])


def _group_sums(columns: Sparse, counts: Counts) -> Floats:
    """Return groups x (tested words and total) x 1."""
    groups = np.arange(len(counts.groups))
    return np.stack([columns @ (counts.group_of == g).astype(columns.dtype) for g in groups])[
        ..., None
    ].astype(np.float64)


def _both(arm: Floats, reference: Floats, g: int, prior: _Prior) -> tuple[LogOdds, LogOdds]:
    """Compare group g with the rest in both arms: terms x exchanges."""
    a, b = (_cells(part, g) for part in (arm, reference))
    return log_odds_ratio(*a, *prior.of(a)), log_odds_ratio(*b, *prior.of(b))


def _cells(sums: Floats, g: int) -> Cells:
    own, rest = sums[g], sums.sum(axis=0) - sums[g]
    return own[:-1], own[-1], rest[:-1], rest[-1]


def _largest_z(arm: Floats, reference: Floats, prior: _Prior) -> Floats:
    """Return the largest |z| over words: exchanges x groups."""
    largest = []
    # With two groups the second mirrors the first.
    for g in range(len(arm) if len(arm) > 2 else 1):
        a, b = _both(arm, reference, g, prior)
        z = np.abs(a.delta - b.delta) / np.sqrt(a.variance + b.variance)
        largest.append(z.max(axis=0))
    return np.stack(largest, axis=1)

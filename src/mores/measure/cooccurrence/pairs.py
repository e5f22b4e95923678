"""Texts of two arms on the same stems and draws → counts over one vocabulary.

paired = paired_counts(tuned_texts, base_texts, groups)
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mores.errors import MeasureError
from mores.measure.cooccurrence.count import Counts, count_terms


@dataclass(frozen=True, eq=False)
class Paired:
    """Counts of two arms over one vocabulary; document i of both is one pair."""

    arm: Counts
    reference: Counts
    texts: tuple[Sequence[str], Sequence[str]]
    """Of the arm and of the reference."""

    @property
    def totals(self) -> NDArray[np.int64]:
        """Occurrences of each word in both arms together."""
        return np.asarray(self.arm.totals + self.reference.totals)


def paired_counts(
    arm_texts: Sequence[str],
    reference_texts: Sequence[str],
    groups: Sequence[str],
    *,
    order: Sequence[str] | None = None,
    exclude: Collection[str] = (),
) -> Paired:
    """Count two arms over one vocabulary; text i of both belongs to ``groups[i]``.

    Raises:
        MeasureError: the three differ in length, or there is no text.
    """
    n = len(groups)
    if len(arm_texts) != n or len(reference_texts) != n:
        raise MeasureError(
            f"expected {n} pairs of texts, found {len(arm_texts)} and {len(reference_texts)}",
            fix="pair the arms by stem and draw first",
        )
    both = count_terms(
        [*arm_texts, *reference_texts], [*groups, *groups], order=order, exclude=exclude
    )
    return Paired(
        arm=_rows(both, slice(0, n)),
        reference=_rows(both, slice(n, 2 * n)),
        texts=(arm_texts, reference_texts),
    )


def _rows(counts: Counts, chosen: slice) -> Counts:
    return replace(
        counts,
        matrix=counts.matrix[chosen],
        group_of=counts.group_of[chosen],
        all_words=counts.all_words[chosen],
    )

"""Pairs of texts that are alike, without a look at every pair: the same ones, and the same values.

    alike_questions(asked, prompts, 0.5, language="en")    # [(row, column, similarity), ...]
    alike_answers(answers, answers, 0.3, below=True)       # each pair once: column < row

What two texts can share beyond a few of the rarest features of the first is too little to reach the
threshold, so that only texts which share one of those are compared (prefix filtering: Chaudhuri,
Ganti & Kaushik 2006; Bayardo, Ma & Srikant 2007). Ten thousand texts take seconds and no table of
all pairs. `mores.curate.similarity` compares every pair: the tests hold these two side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mores.curate.similarity import ANSWER_RUN, incidence, stem_weights
from mores.curate.text import Run, runs

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Pairs = list[tuple[int, int, float]]
_ROWS = 256
"""Texts that are compared at a time."""
_ROUNDING = 1e-9
"""A bound that is reached by less than this counts as reached."""


def alike_questions(
    a: Sequence[Run], b: Sequence[Run], threshold: float, *, language: str, below: bool = False
) -> Pairs:
    """Return what `question_similarity` has at or above a threshold.

    Args:
        a: questions as words.
        b: questions as words.
        threshold: above 0.
        language: ISO 639-1 code.
        below: only pairs whose second place is before the first, for a list beside itself.

    Returns:
        (place in ``a``, place in ``b``, similarity), in order of places.
    """
    if not a or not b:
        return []
    table, length = stem_weights((*a, *b), language)
    left, right = table[: len(a)], table[len(a) :]

    def needed(weights: Floats) -> int:
        """How many of the heaviest stems must be looked at: the rest alone cannot reach."""
        rest = 1.0 - (weights**2).cumsum() / float(weights @ weights)
        return int((rest >= (threshold - _ROUNDING) ** 2).sum()) + 1

    def values(rows: Ints, columns: Ints) -> Floats:
        shared = _shared(left[rows], right[columns])
        return np.asarray(shared / (length[rows] * length[len(a) + columns]))

    rarest = _rarest(left, lambda at: -left.data[at], lambda at: needed(left.data[at]))
    return _above(rarest, right, values, threshold, below)


def alike_answers(
    a: Sequence[Run], b: Sequence[Run], threshold: float, *, below: bool = False
) -> Pairs:
    """Return what `run_jaccard` has at or above a threshold; arguments as `alike_questions`."""
    if not a or not b:
        return []
    table = incidence([runs(text, ANSWER_RUN) for text in (*a, *b)])
    size = np.asarray(table.sum(axis=1)).ravel()
    left, right = table[: len(a)], table[len(a) :]
    frequency = np.asarray(table.sum(axis=0)).ravel()

    def values(rows: Ints, columns: Ints) -> Floats:
        shared = _shared(left[rows], right[columns])
        return np.asarray(shared / (size[rows] + size[len(a) + columns] - shared))

    def needed(at: slice) -> int:
        """Of n runs t n must be shared: one of any n - t n + 1."""
        many: int = at.stop - at.start
        return many - int(np.ceil(threshold * many - _ROUNDING)) + 1

    rarest = _rarest(left, lambda at: frequency[left.indices[at]], needed)
    return _above(rarest, right, values, threshold, below)


def _rarest(table: Any, order: Callable[[slice], Floats], needed: Callable[[slice], int]) -> Any:
    """Return which features of each row must be looked at: as many as needed, first in order."""
    from scipy.sparse import csr_array

    kept, starts = [], [0]
    for start, end in zip(table.indptr[:-1], table.indptr[1:], strict=True):
        at = slice(int(start), int(end))
        if start < end:
            first = np.argsort(order(at), kind="stable")[: needed(at)]
            kept.append(table.indices[at][first])
        starts.append(starts[-1] + (len(kept[-1]) if start < end else 0))
    indices = np.concatenate([*kept, np.zeros(0, dtype=np.int32)])
    return csr_array((np.ones(len(indices)), indices, starts), shape=table.shape)


def _above(
    rarest: Any,
    right: Any,
    values: Callable[[Ints, Ints], Floats],
    threshold: float,
    below: bool,
) -> Pairs:
    found: Pairs = []
    for rows, columns in _candidates(rarest, right):
        if below:
            rows, columns = rows[columns < rows], columns[columns < rows]
        similarity = values(rows, columns)
        reached = similarity >= threshold
        at = (rows[reached].tolist(), columns[reached].tolist(), similarity[reached].tolist())
        found += sorted(zip(*at, strict=True))
    return found


def _candidates(rarest: Any, right: Any) -> Iterator[tuple[Ints, Ints]]:
    """Yield pairs that share a feature that must be looked at, by rows."""
    columns = right.T.tocsr()
    for start in range(0, rarest.shape[0], _ROWS):
        met = (rarest[start : start + _ROWS] @ columns).tocoo()
        yield met.row.astype(np.int64) + start, met.col.astype(np.int64)


def _shared(a: Any, b: Any) -> Floats:
    """Sum of products of two tables, row by row, added in the order of a product of matrices."""
    return np.asarray(a.multiply(b).tocsr() @ np.ones(a.shape[1]), dtype=np.float64)

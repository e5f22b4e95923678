"""The adjusted Rand index: how far two ways to divide the same people agree, beyond chance.

Takes two labels for each person, gives a number: 1 the same division, about 0 no more alike than
two divisions at random with groups of these sizes.

    python -c "from mores.stats import adjusted_rand; print(adjusted_rand([0, 0, 1], [5, 5, 7]))"
"""

from __future__ import annotations

import numpy as np

from mores.errors import MeasureError
from mores.stats.inputs import Labels


def adjusted_rand(first: Labels, second: Labels) -> float:
    """Return the adjusted Rand index of Hubert & Arabie (1985, Journal of Classification 2, 193).

    (Σ C(nᵢⱼ, 2) − E) / (½ (Σ C(aᵢ, 2) + Σ C(bⱼ, 2)) − E) with E = Σ C(aᵢ, 2) Σ C(bⱼ, 2) / C(n, 2),
    where nᵢⱼ have label i in one and j in the other, aᵢ and bⱼ are the sizes of the groups.

    Args:
        first: a label for each person.
        second: a label for each person, in the same order.

    Returns:
        At most 1; 1 also where both put everybody into one group, or each into one of their own.

    Raises:
        MeasureError: no people, or not as many labels in both.
    """
    one, other = np.asarray(first), np.asarray(second)
    if one.ndim != 1 or one.shape != other.shape or not len(one):
        raise MeasureError(
            f"expected two labels for each person, found shapes {one.shape} and {other.shape}",
            where="labels",
        )
    a, b = (np.unique(labels, return_inverse=True)[1] for labels in (one, other))
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a, b), 1.0)
    both, rows, columns = (_pairs(n) for n in (table, table.sum(axis=1), table.sum(axis=0)))
    most = (rows + columns) / 2
    expected = rows * columns / max(1.0, len(one) * (len(one) - 1) / 2)
    return 1.0 if most == expected else float((both - expected) / (most - expected))


def _pairs(sizes: np.ndarray) -> float:
    return float((sizes * (sizes - 1)).sum() / 2)

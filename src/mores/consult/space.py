"""Where participants stand: principal components of votes of which many are not there.

points = project(table)          # shape (participants, 2)

As Polis does it (Small and others 2021, Recerca 26(2); compdemocracy/polis, math/pca): a missing
vote stands at its statement's mean while the components are found, then each participant is placed
by the votes that are there, and stretched by √(statements / own votes), for who voted on little
would otherwise stand near the middle for that alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
DIMENSIONS = 2


def project(table: Points) -> Points:
    """Return each participant's place.

    Args:
        table: shape (participants, statements): 1 agree, 0 pass, −1 disagree, NaN no vote; at
            least one vote in each row.

    Returns:
        Shape (participants, 2), in the order of the components; the sign of each is such that its
        largest loading is positive, so that the same votes give the same picture.
    """
    values, axes = _components(table)
    votes = (~np.isnan(table)).sum(axis=1, keepdims=True)
    stretch = np.sqrt(table.shape[1] / np.maximum(votes, 1))
    return np.asarray(stretch * (values @ axes.T))


def share_of_variance(table: Points) -> list[float]:
    """Return the share of the variance of votes (absent ones at the mean) in each component."""
    values, axes = _components(table)
    whole = float((values**2).sum())
    return [float(((values @ axis) ** 2).sum() / whole) if whole else 0.0 for axis in axes]


def centred(table: Points) -> Points:
    """Return votes with their statement's mean taken off; absent ones, at the mean, are 0."""
    there = ~np.isnan(table)
    counts = np.maximum(there.sum(axis=0), 1)
    means = np.where(there, table, 0.0).sum(axis=0) / counts
    return np.where(there, table - means, 0.0)


def _components(table: Points) -> tuple[Points, Points]:
    values = centred(table)
    _, vectors = np.linalg.eigh(values.T @ values)
    axes = vectors[:, ::-1].T[:DIMENSIONS]
    largest = axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)]
    return values, axes * np.where(largest < 0, -1.0, 1.0)[:, None]

"""Groups of points: k-means with weights, and the silhouette that says how apart they are.

labels, centres = k_means(points, weights, k, rng)
silhouette(points, labels)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Members = NDArray[np.int64]
STARTS = 10
ROUNDS = 100


def k_means(
    points: Points, weights: Points, k: int, rng: np.random.Generator, *, starts: int = STARTS
) -> tuple[Members, Points]:
    """Return the best of several runs of Lloyd's algorithm, begun by k-means++.

    Arthur & Vassilvitskii 2007: the first centre is a point at random, each further one a point
    with a chance in proportion to its squared distance from the nearest centre so far.

    Args:
        points: shape (n, dimensions).
        weights: of each point, above 0; how many people stand there.
        k: groups, 1 to n; fewer come out where there are fewer different points.
        rng: where the starts come from.
        starts: how many; that with the least sum of weighted squared distances is taken.

    Returns:
        Label of each point (0 to k − 1), and the centres, shape (k, dimensions).
    """
    centres = _plus_plus(points, weights, k, starts, rng)
    labels, centres, spreads = lloyd(points, weights, centres)
    best = int(spreads.argmin())
    return labels[best], centres[best]


def squared_distances(points: Points, centres: Points) -> Points:
    """Return squared distances, shape (points, centres)."""
    return np.asarray(((points[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2))


def silhouette(points: Points, labels: Members) -> float:
    """Return the mean silhouette (Rousseeuw 1987): −1 to 1, higher is further apart.

    Of a point (b − a) / max(a, b), where a is its mean distance to the others of its group, and b
    the least mean distance to another group; 0 of a point that is alone in its group.

    Args:
        points: shape (n, dimensions).
        labels: at least two different ones.
    """
    apart = np.sqrt(squared_distances(points, points))
    names = np.unique(labels)
    sums = np.stack([apart[:, labels == name].sum(axis=1) for name in names], axis=1)
    sizes = np.array([(labels == name).sum() for name in names])
    own = np.searchsorted(names, labels)
    rows = np.arange(len(points))
    others = sizes[own] - 1
    a = sums[rows, own] / np.maximum(others, 1)
    means = sums / sizes
    means[rows, own] = np.inf
    b = means.min(axis=1)
    largest = np.maximum(a, b)
    values = np.where((others > 0) & (largest > 0), (b - a) / np.where(largest > 0, largest, 1), 0)
    return float(values.mean())


def _plus_plus(
    points: Points, weights: Points, k: int, starts: int, rng: np.random.Generator
) -> Points:
    """First centres of all starts, shape (starts, k, dimensions)."""
    chosen = _pick(np.broadcast_to(weights, (starts, len(points))), rng)
    centres = points[chosen][:, None, :]
    nearest = ((points[None] - centres) ** 2).sum(axis=2)
    while centres.shape[1] < k:
        chosen = _pick(weights * nearest, rng)
        centres = np.concatenate([centres, points[chosen][:, None, :]], axis=1)
        nearest = np.minimum(nearest, ((points[None] - centres[:, -1:]) ** 2).sum(axis=2))
    return centres


def _pick(mass: Points, rng: np.random.Generator) -> Members:
    """One column of each row, with a chance in proportion to its mass."""
    sums = mass.cumsum(axis=1)
    drawn = rng.random(len(mass))[:, None] * sums[:, -1:]
    return np.asarray(np.minimum((sums <= drawn).sum(axis=1), mass.shape[1] - 1))


def lloyd(points: Points, weights: Points, centres: Points) -> tuple[Members, Points, Points]:
    """Move centres to the middle of the points nearest to them, until none moves.

    Args:
        points: shape (n, dimensions).
        weights: of each point.
        centres: where to begin, shape (starts, k, dimensions): several starts side by side.

    Returns:
        Labels (starts, n), centres (starts, k, dimensions), weighted sums of squares (starts).
    """
    starts, k, _ = centres.shape
    labels = np.full((starts, len(points)), -1)
    offsets = k * np.arange(starts)[:, None]
    for _ in range(ROUNDS):
        now = _distances(points, centres).argmin(axis=2)
        if (now == labels).all():
            break
        labels = now
        at = (labels + offsets).ravel()
        mass = _total(weights, at, starts, k)
        sums = np.stack([_total(weights * x, at, starts, k) for x in points.T], axis=2)
        # A centre that lost all its points stays where it is.
        centres = np.where(mass[..., None] > 0, sums / np.maximum(mass, 1e-300)[..., None], centres)
    return labels, centres, (weights * _distances(points, centres).min(axis=2)).sum(axis=1)


def _total(values: Points, at: Members, starts: int, k: int) -> Points:
    """Sum of the values in each group of each start, shape (starts, k)."""
    sums = np.bincount(at, np.tile(values, starts), starts * k)
    return np.asarray(sums.reshape(starts, k), dtype=np.float64)


def _distances(points: Points, centres: Points) -> Points:
    """Squared distances, shape (starts, points, k); a dimension at a time, which is few."""
    return np.asarray(
        sum((x[None, :, None] - centres[:, None, :, d]) ** 2 for d, x in enumerate(points.T))
    )

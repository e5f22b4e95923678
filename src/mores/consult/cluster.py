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
    runs = (_lloyd(points, weights, _plus_plus(points, weights, k, rng)) for _ in range(starts))
    labels, centres, _ = min(runs, key=lambda run: run[2])
    return labels, centres


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


def _plus_plus(points: Points, weights: Points, k: int, rng: np.random.Generator) -> Points:
    chosen = [int(rng.choice(len(points), p=weights / weights.sum()))]
    nearest = ((points - points[chosen[0]]) ** 2).sum(axis=1)
    while len(chosen) < k and nearest.any():
        chance = weights * nearest
        chosen.append(int(rng.choice(len(points), p=chance / chance.sum())))
        nearest = np.minimum(nearest, ((points - points[chosen[-1]]) ** 2).sum(axis=1))
    return points[chosen]


def _lloyd(points: Points, weights: Points, centres: Points) -> tuple[Members, Points, float]:
    labels = np.full(len(points), -1)
    for _ in range(ROUNDS):
        distances = squared_distances(points, centres)
        now = distances.argmin(axis=1)
        if (now == labels).all():
            break
        labels = now
        mass = np.bincount(labels, weights, len(centres))
        sums = np.stack([np.bincount(labels, weights * x, len(centres)) for x in points.T], axis=1)
        # A centre that lost all its points stays where it is.
        centres = np.where(mass[:, None] > 0, sums / np.maximum(mass, 1e-300)[:, None], centres)
    distances = squared_distances(points, centres)
    spread = float((weights * distances[np.arange(len(points)), labels]).sum())
    return labels, centres, spread

"""Opinion groups: people who voted alike, and how many such groups there are.

found = divide(table, rng)       # the number of groups chosen by the silhouette

As Polis does it: places by `space.project`, base clusters by k-means where people are many, groups
of base clusters by k-means with their sizes as weights, and of 2 to 5 groups the number with the
highest silhouette. It always finds some; whether they are there is what `stability` asks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mores.consult.cluster import Members, Points, k_means, lloyd, silhouette
from mores.consult.space import project

FEWEST, MOST = 2, 5
BASE = 300
"""Base clusters at most: up to so many people each stands alone, so that a division does not hang
on how they fell together. (Polis has 100.)"""
FOR_EACH_MORE = 12
"""Base clusters for each group above two that is tried (Polis)."""


@dataclass(frozen=True, eq=False)
class Division:
    """One way to divide the participants."""

    labels: Members
    """Group of each participant: 0 is the largest."""
    points: Points
    """Where each stands, shape (participants, 2)."""
    silhouettes: dict[int, float]
    """Number of groups → mean silhouette of the base clusters."""

    @property
    def k(self) -> int:
        """How many groups there are."""
        return int(self.labels.max()) + 1


def divide(
    table: Points, rng: np.random.Generator, *, k: int | None = None, least: int = 1
) -> Division | None:
    """Divide participants by their votes.

    Args:
        table: votes, shape (participants, statements), NaN where there is none.
        rng: starts of k-means.
        k: this number of groups; None lets the silhouette choose.
        least: a division with a smaller group than this is not considered.

    Returns:
        None where no division is possible: fewer than two different places, or groups too small.
    """
    points = project(table)
    base, centres = _base(points, rng)
    weights = np.bincount(base, minlength=len(centres)).astype(np.float64)
    most = min(MOST, FEWEST + len(centres) // FOR_EACH_MORE, len(centres))
    best: Members | None = None
    silhouettes: dict[int, float] = {}
    for number in range(FEWEST, most + 1) if k is None else (k,):
        if number > len(centres):
            continue
        groups, _ = k_means(centres, weights, number, rng)
        sizes = np.bincount(groups, weights, number)
        if sizes.min() < max(1, least):
            continue
        silhouettes[number] = silhouette(centres, groups)
        if best is None or silhouettes[number] > max(
            value for other, value in silhouettes.items() if other != number
        ):
            best = np.argsort(np.argsort(-sizes, kind="stable"))[groups]
    return None if best is None else Division(best[base], points, silhouettes)


def _base(points: Points, rng: np.random.Generator) -> tuple[Members, Points]:
    """Base cluster of each participant, and where each of these is; none is empty."""
    places, at = np.unique(points.round(12), axis=0, return_inverse=True)
    at = at.reshape(-1)
    if len(places) <= BASE:
        return at, places
    weights = np.bincount(at).astype(np.float64)
    # Begun at places of people, as Polis does; which ones matters little among so many.
    begun = rng.choice(len(places), size=BASE, replace=False)
    labels, centres, _ = lloyd(places, weights, places[begun][None])
    used, renumbered = np.unique(labels[0], return_inverse=True)
    return renumbered.reshape(-1)[at], centres[0][used]

"""What votes look like where opinions differ, but people form no groups.

draw = continuum(table, rng)     # draw() gives one such table of votes

The null model of `stability`: opinions vary smoothly, along two lines at most. Each participant has
a place z ~ N(0, I₂), each statement j a latent answer λⱼ·z + √(1 − |λⱼ|²) ε, cut at two thresholds
so that disagree, pass and agree are as frequent as they were; a vote is missing where it was. The
loadings λ come from the correlations of the votes, scaled until the two largest variances of
simulated votes are those of the votes at hand: what is left to differ is whether there is a gap.
(The idea is SigClust's: Liu, Hayes, Nobel & Marron 2008, JASA 103, 1281: a cluster must be tighter
than one normal distribution of the same variances gives.)
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mores.consult.space import DIMENSIONS, centred

Table = NDArray[np.float64]
LARGEST = 0.98
"""Of the variance of a latent answer that may come from the place of a participant."""
ROUNDS, DRAWS = 6, 8
"""To scale the loadings, and simulated tables in each round."""


def continuum(table: Table, rng: np.random.Generator) -> Callable[[], Table]:
    """Return a function that draws tables without groups, alike in all else.

    Args:
        table: votes, shape (participants, statements): 1, 0, −1, NaN where there is none.
        rng: where every draw comes from.
    """
    there = ~np.isnan(table)
    cuts = _cuts(table)
    loadings = _loadings(table)
    wanted = _variances(table)
    for _ in range(ROUNDS):
        drawn = [_variances(_draw(loadings, cuts, there, rng)) for _ in range(DRAWS)]
        scale = np.sqrt(wanted / np.maximum(np.mean(drawn, axis=0), 1e-12))
        loadings = _bounded(loadings * scale)
    return lambda: _draw(loadings, cuts, there, rng)


def _draw(
    loadings: Table, cuts: Table, there: NDArray[np.bool_], rng: np.random.Generator
) -> Table:
    n, statements = there.shape
    places = rng.standard_normal((n, loadings.shape[1]))
    own = np.sqrt(1 - (loadings**2).sum(axis=1))
    latent = places @ loadings.T + own * rng.standard_normal((n, statements))
    votes = (latent > cuts[1]).astype(np.float64) - (latent < cuts[0])
    return np.where(there, votes, np.nan)


def _cuts(table: Table) -> Table:
    """Thresholds of each statement, shape (2, statements): below disagree, above agree."""
    from scipy.special import ndtri

    voted = np.maximum((~np.isnan(table)).sum(axis=0), 1)
    disagree = (table == -1).sum(axis=0) / voted
    agree = (table == 1).sum(axis=0) / voted
    return np.stack([ndtri(disagree), ndtri(1 - agree)])


def _loadings(table: Table) -> Table:
    """First guess: of the correlations of votes that are both there, the two largest components."""
    there = (~np.isnan(table)).astype(np.float64)
    values = centred(table)
    both = np.maximum(there.T @ there, 1)
    covariance = values.T @ values / both
    spread = np.sqrt(np.maximum(np.diag(covariance), 1e-12))
    sizes, vectors = np.linalg.eigh(covariance / np.outer(spread, spread))
    largest = np.maximum(sizes[::-1][:DIMENSIONS], 0.0)
    return _bounded(vectors[:, ::-1][:, :DIMENSIONS] * np.sqrt(largest))


def _bounded(loadings: Table) -> Table:
    length = np.sqrt((loadings**2).sum(axis=1, keepdims=True))
    most = np.sqrt(LARGEST)
    return np.asarray(loadings * np.where(length > most, most / np.maximum(length, 1e-12), 1.0))


def _variances(table: Table) -> Table:
    values = centred(table)
    return np.asarray(np.linalg.eigvalsh(values.T @ values)[::-1][:DIMENSIONS], dtype=np.float64)

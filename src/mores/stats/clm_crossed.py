"""Crossed groups of ratings, and the Hessian of their random intercepts.

Takes the level of every rating in each factor, gives the sums over levels and
the factored Hessian that Laplace's approximation needs; sparse where it counts.

    python -c "import numpy as np; from mores.stats.clm_crossed import *; print(curvature_of(
    Groups((np.array([0, 0, 1]),), (2,)), np.ones(1), np.full(3, .25)).log_determinant)"
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from mores.stats.clm_likelihood import Index
from mores.stats.inputs import Vector


@dataclass(frozen=True)
class Groups:
    """The level of every rating in each factor, the factor with most levels first."""

    index: tuple[Index, ...]
    sizes: tuple[int, ...]

    @property
    def slices(self) -> list[slice]:
        """Where the levels of each factor stand among all levels."""
        ends = np.cumsum([0, *self.sizes]).tolist()
        return [slice(a, b) for a, b in itertools.pairwise(ends)]

    def spread(self, effects: Vector, sd: Vector) -> list[Vector]:
        """What each factor adds to the linear predictor of every rating."""
        parts = zip(self.index, self.slices, sd, strict=True)
        return [s * effects[where][at] for at, where, s in parts]

    def gather(self, values: Vector, sd: Vector) -> Vector:
        """Aᵀ values, where A has the column sd · [rating has the level] for each level."""
        parts = zip(self.index, self.sizes, sd, strict=True)
        return np.concatenate([s * np.bincount(at, values, size) for at, size, s in parts])


@dataclass(frozen=True)
class Curvature:
    """H = AᵀWA + I, whose first factor has a diagonal block and is eliminated exactly.

    The rest is dense: the work grows with the cube of the levels beyond the first factor.
    """

    diagonal: Vector
    border: Vector
    root: Vector
    """Lower Cholesky factor of the Schur complement."""

    @property
    def log_determinant(self) -> float:
        """Log of det H."""
        return float(np.log(self.diagonal).sum() + 2 * np.log(np.diag(self.root)).sum())

    def solve(self, values: Vector) -> Vector:
        """H⁻¹ values."""
        first, rest = np.split(values, [len(self.diagonal)])
        rest = _back(self.root, _forward(self.root, rest - self.border.T @ (first / self.diagonal)))
        return np.concatenate([(first - self.border @ rest) / self.diagonal, rest])

    def inverse_diagonal(self) -> Vector:
        """Diagonal of H⁻¹: variances of the standardised effects given the parameters."""
        scaled = self.border / self.diagonal[:, None]
        first = 1 / self.diagonal + (_forward(self.root, scaled.T) ** 2).sum(axis=0)
        rest = (_forward(self.root, np.eye(len(self.root))) ** 2).sum(axis=0)
        return np.concatenate([first, rest])

    def leverages(self, groups: Groups, sd: Vector) -> Vector:
        """aᵀ H⁻¹ a for the row a of A of every rating: the variance of its predictor."""
        at = groups.index[0]
        share = sd[0] / self.diagonal[at]
        rows = -share[:, None] * self.border[at]
        for other, where, s in zip(groups.index[1:], groups.slices[1:], sd[1:], strict=True):
            rows[np.arange(len(at)), where.start - groups.sizes[0] + other] += s
        return np.asarray(sd[0] * share + (_forward(self.root, rows.T) ** 2).sum(axis=0))


def curvature_of(groups: Groups, sd: Vector, weight: Vector) -> Curvature:
    """Return H = AᵀWA + I, factored."""
    first, size = groups.index[0], groups.sizes[0]
    others = list(zip(groups.index[1:], groups.sizes[1:], sd[1:], strict=True))
    diagonal = 1 + sd[0] ** 2 * np.bincount(first, weight, size)
    border = [sd[0] * s * _cross(first, size, at, k, weight) for at, k, s in others]
    if not border:
        return Curvature(diagonal, np.zeros((size, 0)), np.zeros((0, 0)))
    edge = np.hstack(border)
    corner = np.vstack(
        [
            np.hstack([s * t * _cross(a, k, b, m, weight) for b, m, t in others])
            for a, k, s in others
        ]
    )
    corner += np.eye(len(corner)) - edge.T @ (edge / diagonal[:, None])
    return Curvature(diagonal, edge, np.linalg.cholesky(corner))


def _cross(a: Index, rows: int, b: Index, columns: int, weight: Vector) -> Vector:
    sums = np.bincount(a * columns + b, weight, rows * columns)
    return np.asarray(sums.reshape(rows, columns), dtype=np.float64)


def _forward(root: Vector, values: Vector) -> Vector:
    """root⁻¹ values."""
    return _triangular(root, values, transposed=0)


def _back(root: Vector, values: Vector) -> Vector:
    """root⁻ᵀ values."""
    return _triangular(root, values, transposed=1)


def _triangular(root: Vector, values: Vector, *, transposed: int) -> Vector:
    from scipy.linalg import solve_triangular

    if not len(root):
        return values
    return np.asarray(
        solve_triangular(root, values, lower=True, trans=transposed, check_finite=False)
    )

"""Raters in a difference of two arms: what their severity adds to it, and how they differ in it.

Takes every rating with its weight in the difference, gives the corrections that cancel severity and
the variance that other raters would bring.

    rater_adjustment(values, weights, arms, raters, items, prompts).connected
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mores.errors import MeasureError
from mores.stats.inputs import Labels, Vector, positions, vector

_NONE = 1e-9
"""A share of the weight below which a rater's ratings cancel."""


@dataclass(frozen=True)
class RaterAdjustment:
    """What raters do to a difference D = Σ ωᵢ yᵢ."""

    severity: Vector
    """Shape (n,): severity of each rating's rater, in points; 0 where it cancels by itself."""
    score: Vector
    """Shape (n,), sum 0: what each rating did to D through the severities. With it the parts of D
    have the variance that the adjusted D has."""
    connected: bool
    """Whether the severities that do not cancel can be told from the arms."""
    raters: int
    both: int
    """Raters with ratings of both arms."""
    variance: float | None
    """What the raters' own differences between the arms add to the variance of D, for other raters;
    not below 0. None where it cannot be told from the noise."""
    mean_square: float | None
    """The same before the noise of single ratings is taken off: what the df are of."""
    df: float | None


def rater_adjustment(
    values: ArrayLike,
    weights: ArrayLike,
    arms: ArrayLike,
    raters: Labels,
    items: Labels,
    prompts: Labels,
) -> RaterAdjustment:
    """Return severities by least squares, and the raters' variance by Henderson's method III.

    Ratings are y = item + severity of the rater + rest, items (completions) and raters as fixed
    effects. A rater whose weights do not sum to zero (who rated one arm more often) would shift D
    by that sum times the severity; the adjusted D is Σ ωᵢ (yᵢ − severity). Where items have one
    rating, prompts and arms take their place. Where even these cannot tell the severities from the
    arms, the design is not connected and nothing is adjusted.

    Raters who differ in how they see the *arms* (rater × arm) do not cancel. Their variance is
    estimated from rater × arm given all the above (Henderson 1953, method III; Searle, Casella &
    McCulloch 1992, ch. 5.4), and weighs Σ κ², κ the share of each rater in D.

    Args:
        values: shape (n,), the ratings.
        weights: shape (n,), the weight of each in D: 1 in sum over the arm, −1 over the reference.
        arms: shape (n,), 1 for the arm, 0 for the reference.
        raters: shape (n,).
        items: shape (n,), what was rated; an item belongs to one arm and one prompt.
        prompts: shape (n,).

    Raises:
        MeasureError: lengths that differ, NaN or infinite input.
    """
    y, w, a = vector(values, "values"), vector(weights, "weights"), vector(arms, "arms")
    n = len(y)
    if not len(w) == len(a) == n:
        raise MeasureError(f"expected {n} weights and arms, found {len(w)} and {len(a)}")
    who, of_item, of_prompt = (
        _codes(labels, n, name)
        for labels, name in ((raters, "raters"), (items, "items"), (prompts, "prompts"))
    )
    seen = np.zeros((int(who.max(initial=-1)) + 1, 2), dtype=bool)
    seen[who, (a > 0.5).astype(int)] = True
    count, both = len(seen), int(seen.all(axis=1).sum())
    share = np.bincount(who, w, minlength=count)
    dummies = (who[:, None] == np.arange(count)[None, :]).astype(float)
    by_item = _Within(of_item)
    for residual in (by_item, _Within(of_prompt, a)):
        own = residual.of(dummies)
        pulled = np.linalg.pinv(own.T @ own, rcond=1e-10) @ np.column_stack([share, own.T @ y])
        free = np.abs(own.T @ own @ pulled[:, 0] - share).max(initial=0.0) <= _NONE
        if free:
            break
    cancels = np.abs(share).max(initial=0.0) <= _NONE
    if not free:
        nothing = np.zeros(n)
        return RaterAdjustment(nothing, nothing, cancels, count, both, None, None, None)
    slope, effect = own @ pulled[:, 0], pulled[:, 1]
    rest = residual.of((y - dummies @ effect)[:, None])[:, 0]
    found = _between(residual, y, a, dummies, w - slope)
    if residual is not by_item:  # what is left holds items, too: too much would be taken off
        found = (found[1], *found[1:])
    if cancels:
        effect, slope = np.zeros(count), np.zeros(n)
    return RaterAdjustment(dummies @ effect, -slope * rest, True, count, both, *found)


def _codes(labels: Labels, n: int, name: str) -> NDArray[np.int64]:
    codes = np.empty(n, dtype=np.int64)
    for number, at in enumerate(positions(labels, n, name).values()):
        codes[at] = number
    return codes


class _Within:
    """Projection off the means of groups, and off a further column."""

    def __init__(self, groups: NDArray[np.int64], column: Vector | None = None) -> None:
        self.groups = groups
        self.sizes = np.bincount(groups).astype(float)
        self.column: Vector | None = None
        if column is not None:
            centred = self._centred(column[:, None])[:, 0]
            length = float(np.sqrt(centred @ centred))
            self.column = centred / length if length > _NONE else None

    def of(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        left = self._centred(table)
        if self.column is not None:
            left = left - np.outer(self.column, self.column @ left)
        return left

    def _centred(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        sums = np.zeros((len(self.sizes), table.shape[1]))
        np.add.at(sums, self.groups, table)
        return np.asarray(table - (sums / self.sizes[:, None])[self.groups])


def _between(
    residual: _Within, y: Vector, a: Vector, dummies: NDArray[np.float64], weights: Vector
) -> tuple[float | None, float | None, float | None]:
    """Variance, mean square and df of rater × arm, each as it weighs in D; Nones without df."""
    severity = residual.of(dummies)
    slopes = residual.of(dummies * (a - 0.5)[:, None])
    inverse = np.linalg.pinv(severity.T @ severity, rcond=1e-10)
    slopes = slopes - severity @ (inverse @ (severity.T @ slopes))
    squares = slopes.T @ slopes
    rank = int(np.linalg.matrix_rank(squares, tol=1e-8 * max(1.0, float(np.trace(squares)))))
    rows = residual.of(y[:, None])[:, 0]
    rows = rows - severity @ (inverse @ (severity.T @ rows))
    fitted = slopes @ (np.linalg.pinv(squares, rcond=1e-10) @ (slopes.T @ rows))
    left = len(y) - len(residual.sizes) - int(np.linalg.matrix_rank(severity, tol=1e-8)) - rank
    left -= residual.column is not None
    if rank < 1 or left < 1:
        return None, None, None
    noise = float(((rows - fitted) ** 2).sum()) / left
    taken = np.array([weights[own > 0] @ (a - 0.5)[own > 0] for own in dummies.T])
    scale = float((taken**2).sum()) / float(np.trace(squares))
    explained = float((fitted**2).sum())
    return max(0.0, explained - rank * noise) * scale, explained * scale, float(rank)

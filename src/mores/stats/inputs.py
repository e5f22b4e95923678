"""Checks shared by all statistics: what goes in is finite, sized right and explicit.

Takes what callers pass (lists, arrays, labels, seeds), gives float64 arrays,
positions by label and a generator, or raises `MeasureError`. Also the one way
in which a statistic says that it is not computable.

    python -c "from mores.stats.inputs import vector; print(vector([1, 2], 'scores'))"
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mores.errors import MeasureError
from mores.records import Estimate, Scope

Vector = NDArray[np.float64]
Labels = Sequence[Any] | NDArray[Any]
Rng = np.random.Generator | int

LEVEL = 0.95
"""Confidence of every interval; 1 − the two-sided error rate of every test."""
RUN_SCOPES: dict[int, Scope] = {1: "in this run", 2: "in these runs"}
"""What a verdict on so many training runs speaks of; from three on, of the method."""
LARGEST = 1e100
"""Squares and sums of anything below it stay finite."""


def array(values: ArrayLike, name: str, *, dimensions: int, absent: bool = False) -> Vector:
    """Return values as a float64 array.

    Args:
        values: numbers.
        name: what they are, for messages.
        dimensions: number of axes that is expected.
        absent: True if NaN stands for "no value" and may stay.

    Raises:
        MeasureError: not numbers, wrong number of axes, infinite, huge, or NaN where refused.
    """
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise MeasureError(
            "expected numbers in rows of equal length, found something else",
            where=name,
            fix="leave out or mark what has no value before calling",
        ) from None
    if numbers.size == 0 and dimensions == 1:
        return numbers.reshape(0)
    if numbers.ndim != dimensions:
        raise MeasureError(
            f"expected {dimensions} axes, found the shape {numbers.shape}", where=name
        )
    bad = ~(np.abs(numbers) < LARGEST)
    if absent:
        bad &= ~np.isnan(numbers)
    if bad.any():
        at = tuple(int(i) for i in np.argwhere(bad)[0])
        raise MeasureError(
            f"expected finite numbers, found {numbers[at]} at position {', '.join(map(str, at))}",
            where=name,
            fix="drop absent values and report how many, never pass them on as numbers",
        )
    return numbers


def completed(table: Vector) -> Vector:
    """Return a table whose missing cells hold what their row's and column's means say.

    The additive fit by least squares, found by filling in turn (Yates 1933): means of rows and
    columns are then those of the fit, and a cell without a value adds nothing to what is left.

    Args:
        table: shape (rows, columns), NaN where there is no value; some value in every row.
    """
    absent = np.isnan(table)
    if not absent.any():
        return table
    filled = np.where(absent, np.nanmean(table, axis=1, keepdims=True), table)
    for _ in range(100):
        rows, columns = filled.mean(axis=1, keepdims=True), filled.mean(axis=0, keepdims=True)
        fitted = np.where(absent, rows + columns - filled.mean(), table)
        if np.abs(fitted - filled).max() <= 1e-12 * (1 + np.abs(fitted).max()):
            return np.asarray(fitted, dtype=np.float64)
        filled = fitted
    return np.asarray(filled, dtype=np.float64)


def vector(values: ArrayLike, name: str) -> Vector:
    """Return values as a one-dimensional float64 array (see `array`)."""
    return array(values, name, dimensions=1)


def positions(labels: Labels, n: int, name: str) -> dict[Hashable, NDArray[np.int64]]:
    """Return the positions at which each label stands, in order of first appearance.

    Raises:
        MeasureError: not one label a value, or a label is None or NaN.
    """
    listed = list(labels)
    if len(listed) != n:
        raise MeasureError(f"expected {n} labels, one a value, found {len(listed)}", where=name)
    found: dict[Hashable, list[int]] = {}
    for index, label in enumerate(listed):
        if label is None or label != label:
            raise MeasureError(f"no label at position {index}", where=name)
        found.setdefault(label, []).append(index)
    return {label: np.asarray(at, dtype=np.int64) for label, at in found.items()}


def share(value: float, name: str) -> float:
    """Return a number strictly between 0 and 1, such as a confidence level.

    Raises:
        MeasureError: it is not.
    """
    if not 0.0 < value < 1.0:
        raise MeasureError(f"expected a number between 0 and 1, found {value}", where=name)
    return float(value)


def count(value: int, name: str, *, least: int = 0) -> int:
    """Return a whole number that is at least ``least``.

    Raises:
        MeasureError: it is not.
    """
    if not math.isfinite(value) or value != int(value):
        raise MeasureError(f"expected a whole number, found {value}", where=name)
    if not value >= least:
        raise MeasureError(f"expected at least {least}, found {value}", where=name)
    return int(value)


def generator(rng: Rng | None, why: str) -> np.random.Generator:
    """Return the generator to draw from; the same seed gives the same numbers.

    Raises:
        MeasureError: none was given although one is needed.
    """
    if rng is None:
        raise MeasureError(
            f"{why} needs random numbers, and no generator was given",
            where="rng",
            fix="pass rng=numpy.random.default_rng(seed)",
        )
    return rng if isinstance(rng, np.random.Generator) else np.random.default_rng(rng)


def no_spread(deviation: float, values: Vector) -> bool:
    """Return True if a standard deviation is zero up to rounding of the values."""
    return deviation <= 1e-12 * float(np.abs(values).max(initial=0.0))


def not_computable(
    reason: str,
    *,
    n: int,
    unit: str,
    method: str,
    value: float | None = None,
    level: float = 0.95,
    details: dict[str, float | int | str | None] | None = None,
) -> Estimate:
    """Return an estimate that says why there is none.

    Args:
        reason: why, in words for the reader of a report.
        n: number of independent units seen.
        unit: what a unit is.
        method: what was tried.
        value: the point estimate, where that is defined although interval and p are not.
        level: confidence level that an interval would have had, in (0, 1).
        details: other numbers.
    """
    return Estimate(
        value=value,
        level=level,
        n=n,
        unit=unit,
        method=method,
        verdict="not computable",
        reason=reason,
        details=details or {},
    )

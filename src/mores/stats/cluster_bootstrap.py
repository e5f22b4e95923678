"""Percentile bootstrap over clusters: an interval for any statistic.

Takes clusters (whatever was drawn independently: prompts, items, authors) and a
function of a list of them, gives its value with a percentile interval.

    python -c "from mores.stats import cluster_bootstrap as b; print(b([1, 2, 4], max, rng=1))"
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mores.records import Estimate
from mores.stats.inputs import LEVEL, Rng, count, generator, not_computable

T = TypeVar("T")

Resample = Callable[[NDArray[np.int64]], NDArray[np.float64]]
"""Rows of positions of clusters, shape (draws, n) → the statistic of each row, NaN if undefined."""

FEW = 20
"""Below so many clusters the percentile interval is clearly too narrow."""
MOST_UNDEFINED = 0.05
_CELLS = 2_000_000
"""Positions that are drawn at a time, so that memory stays bounded whatever there is to draw."""


def cluster_bootstrap(
    clusters: Sequence[T],
    statistic: Callable[..., float],
    *,
    draws: int = 2000,
    rng: Rng | None,
    unit: str = "cluster",
) -> Estimate:
    """Return a statistic with a percentile interval from resampled clusters.

    Whole clusters are drawn with replacement, as many as there are (Davison &
    Hinkley 1997, ch. 3.8; percentile interval: Efron 1979). In the simulation behind
    `mores` such intervals reject a true null at .05 in .18, .09, .08, .06 of the
    cases with 5, 10, 20, 40 clusters; below 20 the reason says so.

    Args:
        clusters: what is resampled; any objects.
        statistic: function of a list of clusters; may return NaN where it is undefined. With
            `numpy.mean` of numbers all resamples are taken at once, which is 50 times faster.
        draws: number of resamples.
        rng: generator or seed.
        unit: what a cluster is.

    Returns:
        value, low, high; details: draws, undefined (resamples without a value).
        Not computable with fewer than two clusters, when the statistic is undefined on
        the data or on more than 5 % of the resamples, or never varies (value kept
        where defined).

    Raises:
        MeasureError: no rng, draws < 1.
    """
    value = float(statistic(clusters)) if len(clusters) else math.nan
    return bootstrap(
        len(clusters),
        value,
        lambda chosen: _resampled(clusters, statistic, chosen),
        draws=draws,
        rng=rng,
        unit=unit,
    )


def bootstrap(
    n: int,
    value: float,
    resample: Resample,
    *,
    draws: int = 2000,
    rng: Rng | None,
    unit: str = "cluster",
) -> Estimate:
    """Do what `cluster_bootstrap` does, for a statistic that takes positions, many rows at once.

    Args:
        n: how many clusters there are.
        value: the statistic of them as they are; NaN where it is undefined.
        resample: the statistic of resamples; it sees a block of rows at a time.
        draws: number of resamples.
        rng: generator or seed. The resamples are the same whatever the size of a block.
        unit: what a cluster is.

    Returns, raises: as for `cluster_bootstrap`.
    """
    count(draws, "draws", least=1)
    draw = generator(rng, "a bootstrap")
    method = f"percentile bootstrap over {unit}s ({draws} draws)"
    absent = partial(not_computable, n=n, unit=unit, method=method)
    if n == 0:
        return absent(f"no {unit}s")
    if n == 1 or not math.isfinite(value):
        reason = f"one {unit}" if n == 1 else f"undefined on these {n} {unit}s"
        return absent(reason, value=value if math.isfinite(value) else None)
    found = np.concatenate([resample(chosen) for chosen in _drawn(n, draws, draw)])
    defined = found[np.isfinite(found)]
    undefined = draws - len(defined)
    details: dict[str, float | int | str | None] = {"draws": draws, "undefined": undefined}
    if undefined > MOST_UNDEFINED * draws:
        reason = f"undefined on {undefined} of {draws} resamples"
        return absent(reason, value=value, details=details)
    if np.ptp(defined) <= 1e-12 * float(np.abs(defined).max()):
        reason = f"every resample of the {n} {unit}s gives the same value"
        return absent(reason, value=value, details=details)
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(
        value=value,
        low=float(low),
        high=float(high),
        n=n,
        unit=unit,
        method=method,
        reason=f"the interval is too narrow: fewer than {FEW} {unit}s" if n < FEW else "",
        details=details,
    )


def bootstrap_mean(
    values: NDArray[np.float64], *, draws: int = 2000, rng: Rng | None, unit: str = "cluster"
) -> Estimate:
    """Return the mean of one number a cluster; sums are taken from first to last."""
    n = len(values)

    def means(chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.asarray(values[chosen].cumsum(axis=1)[:, -1] / n)

    value = float(means(np.arange(n)[None])[0]) if n else math.nan
    return bootstrap(n, value, means, draws=draws, rng=rng, unit=unit)


def _drawn(n: int, draws: int, draw: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    rows = max(1, _CELLS // n)
    for start in range(0, draws, rows):
        yield draw.integers(0, n, size=(min(rows, draws - start), n))


def _resampled(
    clusters: Sequence[T], statistic: Callable[..., float], chosen: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The statistic of each resample, a row of positions."""
    if statistic is np.mean:
        return np.asarray(np.asarray(clusters, dtype=np.float64)[chosen].mean(axis=1))
    return np.array([float(statistic([clusters[i] for i in row])) for row in chosen])

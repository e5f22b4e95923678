"""Could the mean of bounded differences be zero, for all that so few of them can tell?

Takes differences and the worst value that one could have, gives the one-sided p of a mean of zero
that holds whatever the shape of the differences, rare extreme values included.

    python -c "from mores.stats import bounded_mean_p as p; print(p([-.02] * 40, 1.0, rng=1))"
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from mores.errors import MeasureError
from mores.stats.inputs import Rng, Vector, generator, vector

DRAWS = 4_000
_CELLS = 2_000_000


def bounded_mean_p(
    differences: ArrayLike, worst: float, *, weights: ArrayLike | None = None, rng: Rng | None
) -> float:
    """Return the p of "the mean is zero or beyond, on the side of ``worst``".

    Gaffke (2005): with z the sorted sample and the worst possible value beside it, and D uniform on
    the simplex (Dirichlet 1, ..., 1), p = P(Σ D z lies at zero or on the worst side of it). For
    values that are 0 or 1 this is Clopper and Pearson's. It is the Bayesian bootstrap with one more
    unit as bad as the scale allows. That its size holds for every distribution on the interval is
    conjectured, and was found in all simulations (Learned-Miller & Thomas 2019); ours are in
    `tests/stats/test_bounded_mean.py`.

    A sign-flip or t test has no such protection: if 2 % of the answers are disasters, most samples
    of 40 prompts hold none or one, and the others agree on a difference that is not there.

    Args:
        differences: shape (n,), one a unit, n ≥ 1.
        worst: the largest (or smallest) difference that the scale allows; its sign is the side.
        weights: shape (n,), positive, how each weighs in the mean; equal by default. The added unit
            weighs as much as the mean of them.
        rng: generator or seed.

    Raises:
        MeasureError: no differences, NaN or infinite input, a worst value of zero, no rng.
    """
    values, each = _input(differences, worst, weights)
    parts = np.append(values * each, worst) * np.sign(worst)
    # The sign of a mean does not hang on the sum of its weights: exponentials will do.
    reached = sum(int((draws @ parts >= 0).sum()) for draws in _draws(len(parts), rng))
    return (reached + 1) / (DRAWS + 1)


def bounded_mean_least(
    differences: ArrayLike,
    worst: float,
    *,
    weights: ArrayLike | None = None,
    rng: Rng | None,
    level: float = 0.05,
) -> float:
    """Return the mean nearest to zero whose p (`bounded_mean_p`) would be ``level`` at most.

    The spread about the mean stays that of the differences at hand, shifted as a whole: with r the
    residuals, the mean m reaches D when m = −(worst D₀ + Σ D r) / Σ D; of that the quantile.

    Args, raises: as for `bounded_mean_p`.
    """
    values, each = _input(differences, worst, weights)
    parts = np.append((values - values @ each / len(values)) * each, worst) * np.sign(worst)
    share = np.append(each, 0.0)
    found = np.concatenate([(d @ parts) / (d @ share) for d in _draws(len(parts), rng)])
    return -float(np.sign(worst)) * max(0.0, float(np.quantile(found, 1 - level)))


def _input(
    differences: ArrayLike, worst: float, weights: ArrayLike | None
) -> tuple[Vector, Vector]:
    """Differences, and what each weighs where the mean weight is 1."""
    values = vector(differences, "differences")
    n = len(values)
    if not n:
        raise MeasureError("expected at least one difference, found none", where="differences")
    if not worst:
        raise MeasureError("expected a worst value other than zero", where="worst")
    return values, np.ones(n) if weights is None else vector(weights, "weights") * n


def _draws(columns: int, rng: Rng | None) -> Iterator[Vector]:
    """Exponential numbers, `DRAWS` rows in blocks."""
    draw = generator(rng, "a bound on a mean")
    rows = max(1, _CELLS // columns)
    for start in range(0, DRAWS, rows):
        yield draw.exponential(size=(min(rows, DRAWS - start), columns))

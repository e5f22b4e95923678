"""Does an effect grow with model size? The slope on log₁₀ parameters.

Takes one difference for each prompt and size (and training run), gives the mean slope for
ten times the parameters with an interval and p.

    python -c "from mores.stats import size_slope as s; print(
    s([[0, 1, 2], [0, 1, 3]], [1e8, 1e9, 1e10], rng=1).value)"
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace
from numpy.typing import ArrayLike

from mores.errors import MeasureError
from mores.records import Estimate
from mores.stats.crossed_effect import crossed_effect
from mores.stats.inputs import Rng, Vector, array, not_computable, vector
from mores.stats.paired_difference import paired_difference

METHOD = "per-prompt slope on log10 parameters"


def size_slope(
    differences: ArrayLike,
    parameters: ArrayLike,
    *,
    strata: Sequence[str] | None = None,
    rng: Rng | None,
) -> Estimate:
    """Return the mean over prompts of the slope of the difference on log₁₀ parameters.

    With x_j = log₁₀ parameters_j the slope of prompt i is least squares,
    Σ_j (x_j − x̄) d_ij / Σ_j (x_j − x̄)². The slopes are one number a prompt, so that
    whatever errors the sizes share within a prompt do no harm; `paired_difference`
    takes them from there (t interval, sign-flip p; with strata equal weight for each).
    With one training run a size the interval is for other prompts, not for other training
    runs: where these differ, a slope of zero is "shown" in a third of studies and more.

    With S runs a size, one of each size make a ladder and each ladder has its slopes;
    `crossed_effect` takes prompts × ladders from there, so that interval and p hold for
    other prompts and other runs. The spread between ladders has S − 1 degrees of freedom.

    Args:
        differences: shape (n, k) or (n, k, S), prompts × sizes (× runs), say values-targeted
            minus control.
        parameters: shape (k,), parameters of each size, > 0; sizes may repeat.
        strata: shape (n,), the category of each prompt.
        rng: generator or seed for the Monte Carlo test above 20 slopes other than zero.

    Returns:
        value: units of the measure for ten times the parameters; low, high, p; n:
        prompts; details of `paired_difference` or `crossed_effect`, sizes and
        runs. With two sizes the reason says that no shape can be seen. Not computable
        with one size, one prompt (value kept), or when nothing varies.

    Raises:
        MeasureError: wrong shapes, NaN, infinite input or parameters not above 0,
            labels that do not fit, no rng where needed.
    """
    table = by_run(differences, "differences")
    x = _log_sizes(parameters, table.shape[1])
    n, sizes, runs = len(table), len(np.unique(x)), table.shape[2]
    if not table.size or sizes < 2:
        reason = "one size: no slope" if table.size else "no differences"
        return not_computable(reason, n=n, unit="prompt", method=METHOD)
    slopes = np.stack([_slopes(table[:, :, run], x) for run in range(runs)], axis=1)
    if runs > 1:
        found = crossed_effect(slopes, strata=strata)
    else:
        found = paired_difference(slopes[:, 0], strata=strata, rng=rng)
    caveat = "two sizes: a slope between them, no shape" if sizes == 2 else ""
    return replace(
        found,
        method=f"{METHOD}; {found.method}",
        reason="; ".join(part for part in (found.reason, caveat) if part),
        details={**found.details, "sizes": sizes, "runs": runs},
    )


def by_run(values: ArrayLike, name: str) -> Vector:
    """Return prompts × sizes as prompts × sizes × runs, of one run where no axis says more."""
    table = array(values, name, dimensions=2 if np.ndim(values) < 3 else 3)
    return table[:, :, None] if table.ndim == 2 else table


def _log_sizes(parameters: ArrayLike, expected: int) -> Vector:
    sizes = vector(parameters, "parameters")
    if len(sizes) != expected:
        raise MeasureError(
            f"expected {expected} sizes, one a column of differences, found {len(sizes)}",
            where="parameters",
        )
    if (sizes <= 0).any():
        raise MeasureError(
            f"expected numbers above 0, found {sizes.min():g}",
            where="parameters",
            fix="give the number of parameters of each model",
        )
    return np.asarray(np.log10(sizes), dtype=np.float64)


def _slopes(table: Vector, x: Vector) -> Vector:
    centred = x - x.mean()
    slopes = table @ centred / (centred @ centred)
    # A row that does not change has the slope 0, not what rounding leaves of it.
    rounding = 1e-12 * np.abs(table).max(axis=1) / float(centred @ centred) ** 0.5
    return np.asarray(np.where(np.abs(slopes) <= rounding, 0.0, slopes), dtype=np.float64)

"""Power of the crossed test: prompts × training seeds, both drawn at random.

Takes the design, the true difference and the spread between prompts, seeds and
cells, gives the probability that `crossed_effect` shows the difference.

    python -c "from mores.stats.crossed_power import crossed_power; print(
    crossed_power(60, 3, .3, sds=(.5, .1, .4)))"
"""

from __future__ import annotations

import math

import numpy as np

from mores.stats.crossed_effect import caution
from mores.stats.inputs import LEVEL, Vector, count

NODES = 24
"""Points for each of the three mean squares over which power is averaged."""


def crossed_power(
    prompts: int, seeds: int, difference: float, *, sds: tuple[float, float, float]
) -> float:
    """Return the power of `crossed_effect`, its fallbacks included.

    The mean is normal with the variance sd_p² / P + sd_s² / S + sd_r² / (PS) and
    independent of the three mean squares, which are their expectations times χ² / df
    (Searle, Casella & McCulloch 1992, ch. 4). Given these the test's half width is
    known; power is its normal probability averaged over a grid of their quantiles.

    Args:
        prompts: P, at least 2.
        seeds: S, at least 2.
        difference: true mean difference.
        sds: standard deviations of prompts, seeds and cells, ≥ 0, not all 0.

    Returns:
        A probability.

    Raises:
        MeasureError: fewer than two prompts or seeds.
    """
    from scipy.special import ndtr, stdtrit

    count(prompts, "prompts", least=2)
    count(seeds, "seeds", least=2)
    cells = (prompts - 1) * (seeds - 1)
    rest = sds[2] ** 2 / (prompts * seeds)
    prompt, seed = sds[0] ** 2 / prompts + rest, sds[1] ** 2 / seeds + rest
    v_prompt = prompt * _mean_squares(prompts - 1)[:, None, None]
    v_seed = seed * _mean_squares(seeds - 1)[None, :, None]
    v_rest = rest * _mean_squares(cells)[None, None, :]
    # As in crossed_effect: a negative component is zero, df are cautious and have a floor.
    total = np.maximum(v_prompt + v_seed - v_rest, np.maximum(v_prompt, v_seed))
    most = v_seed * caution(seeds - 1)
    squares = v_prompt**2 / (prompts - 1) + most**2 / (seeds - 1) + v_rest**2 / cells
    largest = np.maximum(v_prompt + most - v_rest, np.maximum(v_prompt, most))
    df = np.maximum(largest**2 / squares, min(prompts, seeds) - 1.0)
    half = stdtrit(df, (1 + LEVEL) / 2) * np.sqrt(total)
    se = math.sqrt(prompt + seed - rest)
    shown = ndtr((difference - half) / se) + ndtr(-(difference + half) / se)
    return float(shown.mean())


def _mean_squares(df: int) -> Vector:
    """Equally likely values of χ² / df: its quantiles at the midpoints of a grid."""
    from scipy.special import gammaincinv

    return np.asarray(gammaincinv(df / 2, (np.arange(NODES) + 0.5) / NODES) * 2 / df)

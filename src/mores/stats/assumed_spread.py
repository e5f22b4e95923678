"""What a plan assumes of the spread of paired differences: of ratings, of toxicity scores.

No study has published its own variances, so these are assumptions; `make calibration` simulates
whole studies under them and compares.

    python -c "from mores.stats import rating_spread; print(rating_spread(draws=1, raters=3))"
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mores.stats.inputs import Vector, count

LATENT = {"prompt": 0.6, "prompt_arm": 0.5, "draw": 0.5, "rater": 0.3, "rest": 0.7, "run": 0.15}
"""Standard deviations of a rating on a latent scale."""
CUTS = (-1.2, -0.4, 0.4, 1.2)
"""Where the latent scale is cut into ratings from 1 to 5."""
TOXICITY = {"prompt_arm": 0.01, "draw": 0.02, "run": 0.004}
"""Standard deviations of a score from 0 to 1: of the order of the lexical scorer's on a tuned model
of 135M parameters (differences of 16 prompts spread by 0.029). Other scorers may spread more."""
_NODES = 64


@dataclass(frozen=True)
class Spread:
    """Standard deviations of a paired difference, units of the measure."""

    prompt: float
    """Between prompts (prompt by arm)."""
    run: float
    """Between training runs."""
    cell: float
    """What is left within a prompt and a run: draws and raters."""
    worst: float = 0.0
    """How far one more prompt could lie against the effect, by the ends of the scale; the report's
    claims must stand that (`bounded_mean_p`). 0 where a scale has no ends."""


def rating_spread(*, draws: int, raters: int, seats: int | None = None) -> Spread:
    """Return the spread of a prompt's difference in mean rating, in points of the 1 to 5 scale.

    The variance of a rating is split by the law of total variance, M_k = E[E[rating | the first k
    parts]²], each by Gauss-Hermite quadrature; differences of M_k are what prompt by arm, draw,
    rater and the rest add, ends of the scale included. With `seats` raters in all, of whom each
    answer gets `raters` by lot, the raters' part is smaller by (1 − raters / seats): the panel's
    own severity is in both arms.

    Args:
        draws: completions for each prompt and arm.
        raters: ratings for each completion.
        seats: raters in all; None for as many as there are ratings.

    Raises:
        MeasureError: a count below 1.
    """
    count(draws, "draws", least=1)
    count(raters, "raters", least=1)
    names = ("prompt", "prompt_arm", "draw", "rater", "rest")
    squares = np.array([LATENT[name] ** 2 for name in names])
    moments = [_second_moment(squares[:k].sum(), squares[k:].sum()) for k in range(1, 6)]
    arm, draw, rater, rest = np.diff(moments)
    panel = max(0.0, 1.0 - raters / seats) if seats else 1.0
    cell = draw / draws + (rater * panel + rest) / (draws * raters)
    slope = _normal_density(np.array(CUTS) / math.sqrt(squares.sum())) / math.sqrt(squares.sum())
    run = slope.sum() * LATENT["run"]
    return Spread(
        prompt=math.sqrt(2 * float(arm)),
        run=math.sqrt(2) * float(run),
        cell=math.sqrt(2 * float(cell)),
        worst=4.0,  # 1 where the other arm has 5
    )


def toxicity_spread(*, draws: int) -> Spread:
    """Return the spread of a prompt's difference in mean toxicity, a score from 0 to 1.

    Raises:
        MeasureError: fewer than one draw.
    """
    draw = TOXICITY["draw"] / math.sqrt(count(draws, "draws", least=1))
    arm, run = TOXICITY["prompt_arm"], TOXICITY["run"]
    both = math.sqrt(2)
    return Spread(prompt=both * arm, run=both * run, cell=both * draw, worst=1.0)


def _second_moment(known: float, unknown: float) -> float:
    """E[E[rating | z]²] where the latent value is z + u, variances ``known`` and ``unknown``."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    z = nodes * math.sqrt(known)
    if unknown > 0:
        mean = 1 + sum(_normal_share((z - cut) / math.sqrt(unknown)) for cut in CUTS)
        return float(weights @ mean**2 / weights.sum())
    above = [float(_normal_share(np.array([-cut / math.sqrt(known)]))[0]) for cut in CUTS]
    chances = -np.diff([1.0, *above, 0.0])
    return float(chances @ np.arange(1, len(CUTS) + 2) ** 2)


def _normal_share(x: Vector) -> Vector:
    from scipy.special import ndtr

    return np.asarray(ndtr(x), dtype=np.float64)


def _normal_density(x: Vector) -> Vector:
    return np.exp(-0.5 * x**2) / math.sqrt(2 * math.pi)

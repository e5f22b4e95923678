"""Planning human ratings: the chance to show a difference on the 1 to 5 scale.

The spread of a prompt's difference follows from how many draws and raters are averaged:

    var = 2 c² (σ_pm² + σ_s² / d + (σ_r² + σ_e²) / (d k)) + 2 / (12 d k)

with prompt by model σ_pm = .5, draw σ_s = .5, rater σ_r = .3, rest σ_e = .7 on a latent scale, and
c = 1.05 rating points for one latent unit; the last term is the rounding to whole points (Sheppard
1898). These are assumptions (no study has published its own); `make calibration` simulates whole
studies under them and compares.

    python -c "from mores.stats import rating_power as p; print(p(40, .25, draws=3, raters=3))"
"""

from __future__ import annotations

import math

from mores.stats.crossed_power import crossed_power
from mores.stats.design_power import power
from mores.stats.inputs import count

LATENT = {"prompt_model": 0.5, "draw": 0.5, "rater": 0.3, "rest": 0.7, "run": 0.15}
POINTS = 1.05
"""Rating points for one unit of the latent scale."""
ROUNDING = 1 / 12
"""Variance that rounding to whole points adds to one rating, points²."""


def rating_spread(draws: int, raters: int) -> tuple[float, float]:
    """Return the assumed spread of a prompt's difference: what prompts add, what averaging leaves.

    Args:
        draws: completions for each prompt and arm.
        raters: ratings for each completion.

    Returns:
        Standard deviations in rating points: of prompts themselves, and of the rest. Their squares
        add up to the variance of one prompt's difference.
    """
    count(draws, "draws", least=1)
    count(raters, "raters", least=1)
    latent = LATENT["draw"] ** 2 + (LATENT["rater"] ** 2 + LATENT["rest"] ** 2) / raters
    noise = POINTS**2 * latent + ROUNDING / raters
    return POINTS * math.sqrt(2) * LATENT["prompt_model"], math.sqrt(2 * noise / draws)


def rating_power(
    prompts: int, difference: float, *, draws: int, raters: int, seeds: int = 1
) -> float:
    """Return the probability that a study shows a difference in mean rating.

    Args:
        prompts: test prompts.
        difference: true difference in rating points.
        draws: completions for each prompt and arm.
        raters: ratings for each completion.
        seeds: training runs of each tuned arm.

    Raises:
        MeasureError: a count below 1, fewer than two prompts.
    """
    own, noise = rating_spread(draws, raters)
    if count(seeds, "seeds", least=1) == 1:
        return power(prompts, math.hypot(own, noise), difference)
    run = POINTS * math.sqrt(2) * LATENT["run"]
    return crossed_power(prompts, seeds, difference, sds=(own, run, noise))

"""The spread that a plan assumes: against ratings drawn as assumed, and what averages over."""

import math

import numpy as np
import pytest

from mores.errors import MeasureError
from mores.stats import rating_spread, toxicity_spread
from mores.stats.assumed_spread import CUTS, LATENT


def drawn(rng, prompts, draws, raters, seats):
    """Differences of prompts in mean rating, one run, no effect."""
    shape = (prompts, 2, draws, raters)
    latent = rng.normal(0, LATENT["prompt"], (prompts, 1, 1, 1)) + np.zeros(shape)
    latent += rng.normal(0, LATENT["prompt_arm"], (prompts, 2, 1, 1))
    latent += rng.normal(0, LATENT["draw"], (prompts, 2, draws, 1))
    severity = rng.normal(0, LATENT["rater"], seats)
    who = rng.random((*shape[:3], seats)).argsort(axis=-1)[..., :raters]
    latent += severity[who] + rng.normal(0, LATENT["rest"], shape)
    means = (1 + np.searchsorted(CUTS, latent)).mean(axis=(2, 3))
    return means[:, 1] - means[:, 0]


@pytest.mark.parametrize(("draws", "raters", "seats"), [(1, 3, 6), (3, 3, 6), (1, 1, 1)])
def test_ratings_drawn_as_assumed_spread_so(draws, raters, seats):
    rng = np.random.default_rng(1)
    found = rating_spread(draws=draws, raters=raters, seats=seats)
    variances = [drawn(rng, 2000, draws, raters, seats).var(ddof=1) for _ in range(30)]
    # 60,000 differences, and panels of raters: the standard deviation is known to 1 %.
    assert math.sqrt(np.mean(variances)) == pytest.approx(
        math.hypot(found.prompt, found.cell), rel=0.01
    )


def test_runs_move_the_mean_by_the_slope_of_the_scale():
    # All parts together have the variance 1.44; slope Σ φ(c / 1.2) / 1.2 = 1.0322.
    found = rating_spread(draws=1, raters=1)
    slope = sum(math.exp(-((c / 1.2) ** 2) / 2) for c in CUTS) / math.sqrt(2 * math.pi) / 1.2
    assert found.run == pytest.approx(math.sqrt(2) * slope * 0.15)
    assert slope == pytest.approx(1.0322, abs=1e-4)


def test_draws_raters_and_a_shared_panel_narrow_the_cell():
    base = rating_spread(draws=1, raters=3)
    assert rating_spread(draws=4, raters=3).cell == pytest.approx(base.cell / 2)
    assert rating_spread(draws=1, raters=5).cell < base.cell
    assert rating_spread(draws=1, raters=3, seats=6).cell < base.cell
    assert rating_spread(draws=1, raters=5).prompt == base.prompt


def test_toxicity_by_hand():
    found = toxicity_spread(draws=4)
    assert found.worst == 1.0
    assert (found.prompt, found.run, found.cell) == pytest.approx(
        (0.01 * math.sqrt(2), 0.004 * math.sqrt(2), 0.01 * math.sqrt(2))
    )


@pytest.mark.parametrize("call", [
    lambda: rating_spread(draws=0, raters=3),
    lambda: rating_spread(draws=1, raters=0),
    lambda: toxicity_spread(draws=0),
])  # fmt: skip
def test_counts_below_one_are_refused(call):
    with pytest.raises(MeasureError):
        call()

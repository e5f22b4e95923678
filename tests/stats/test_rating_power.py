"""Planned ratings: the spread by hand, and the power through `power`."""

import math

import pytest

from mores.errors import MeasureError
from mores.stats import power, rating_power, rating_spread


def test_the_spread_by_hand():
    # sqrt(2) * .5 * 1.05; and 2 (1.05² (.25 + .58 / 3) + 1/36) / 3, with the rounding of 3 ratings
    own, noise = rating_spread(3, 3)
    assert own == pytest.approx(0.742462, abs=1e-6)
    assert noise == pytest.approx(math.sqrt(2 * (1.1025 * (0.25 + 0.58 / 3) + 1 / 36) / 3))


def test_one_run_is_the_paired_test():
    own, noise = rating_spread(1, 3)
    assert rating_power(120, 0.3, draws=1, raters=3) == power(120, math.hypot(own, noise), 0.3)


def test_more_prompts_draws_raters_and_runs_help():
    base = rating_power(40, 0.3, draws=1, raters=3)
    assert rating_power(80, 0.3, draws=1, raters=3) > base
    assert rating_power(40, 0.3, draws=3, raters=3) > base
    assert rating_power(40, 0.3, draws=1, raters=5) > base
    few = rating_power(120, 0.3, draws=1, raters=3, seeds=2)
    assert rating_power(120, 0.3, draws=1, raters=3, seeds=5) > few


def test_counts_below_one_are_refused():
    with pytest.raises(MeasureError):
        rating_power(40, 0.3, draws=0, raters=3)

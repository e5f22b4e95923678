import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.power import TTestPower

from mores.errors import MeasureError
from mores.stats import detectable_difference, power, sample_size
from mores.stats.design_power import units_needed


def test_millers_example():
    # Miller 2024, section 5: ω² = 1/9, δ = .03, .05 two-sided, power .8: 968.997, so 969.
    assert units_needed(1 / 9, 0.03, level=0.975, power=0.8) == 969
    by_hand = (1.959964 + 0.841621) ** 2 / 9 / 0.03**2
    assert by_hand == pytest.approx(968.997, abs=2e-3)
    assert sample_size(0.03, 1 / 3) == 971  # Student's t needs two more
    assert detectable_difference(969, 1 / 3) == pytest.approx(0.03, rel=2e-3)


@pytest.mark.parametrize(
    ("discordance", "margin", "items"),
    [(0.05, 0.01, 3092), (0.05, 0.02, 773), (0.10, 0.01, 6183), (0.10, 0.02, 1546)],
)
def test_units_of_the_table(discordance, margin, items):
    # statistics.md, section A: one-sided .05, power .8. By hand: (1.644854 + .841621)² = 6.182557.
    assert units_needed(discordance, margin, level=0.95, power=0.8) == items
    assert items == math.ceil(6.182557 * discordance / margin**2)


@pytest.mark.parametrize("n", [2, 5, 15, 40, 400])
@pytest.mark.parametrize("difference", [0.0, 0.1, 0.5, 2.0])
def test_agrees_with_statsmodels(n, difference):
    oracle = float(TTestPower().power(difference / 1.3, n, 0.05))
    assert power(n, 1.3, difference) == pytest.approx(oracle, abs=1e-7)
    assert power(n, 1.3, -difference) == power(n, 1.3, difference)


@given(st.floats(0.05, 3), st.floats(0.1, 3), st.floats(0.3, 0.99), st.sampled_from([0.9, 0.95]))
@settings(max_examples=60, deadline=None)
def test_sample_size_is_the_inverse(difference, sd, wanted, level):
    n = sample_size(difference, sd, power=wanted, level=level)
    assert power(n, sd, difference, level=level) >= wanted
    assert n == 2 or power(n - 1, sd, difference, level=level) < wanted


def test_detectable_difference_is_the_other_inverse():
    found = detectable_difference(40, 0.7)
    assert power(40, 0.7, found) == pytest.approx(0.8, abs=1e-6)


@pytest.mark.parametrize("n", [2, 5, 15, 40, 400])
@pytest.mark.parametrize("wanted", [0.5, 0.8, 0.95])
def test_detectable_difference_agrees_with_statsmodels(n, wanted):
    # The chance of the wrong side is left out here and counted there: 4.4e-5 at power .5.
    found = detectable_difference(n, 2.0, power=wanted)
    oracle = TTestPower().power(found / 2, n, 0.05)
    assert oracle == pytest.approx(wanted, abs=1e-4 if wanted == 0.5 else 1e-6)


def test_detectable_difference_scales_with_sd_and_level():
    assert detectable_difference(20, 3.0) == pytest.approx(3 * detectable_difference(20, 1.0))
    assert detectable_difference(20, 1.0, level=0.99) > detectable_difference(20, 1.0)


def test_no_difference_is_shown_at_the_error_rate():
    assert power(30, 1, 0) == pytest.approx(0.05)


@pytest.mark.parametrize("n", [2, 3, 5, 100])
def test_probabilities_far_out(n):
    found = [power(n, 1, d) for d in np.linspace(0, 300, 400)]
    assert all(0 <= p <= 1 for p in found)
    assert (np.diff(found) >= -1e-9).all()


def test_a_difference_can_be_too_small_for_any_number_of_prompts():
    with pytest.raises(MeasureError, match="not even 10000000 prompts"):
        sample_size(1e-6, 0.5)


@pytest.mark.parametrize(
    "call",
    [
        lambda: power(1, 1, 1),
        lambda: power(5, 0, 1),
        lambda: power(5, -1, 1),
        lambda: power(5, math.nan, 1),
        lambda: power(5, 1, math.inf),
        lambda: power(5, 1, 1, level=0),
        lambda: sample_size(0, 1),
        lambda: sample_size(math.nan, 1),
        lambda: sample_size(1, 1, power=1),
        lambda: sample_size(1, 1, power=0.05),
        lambda: detectable_difference(1, 1.0),
        lambda: detectable_difference(5, 0.0),
        lambda: detectable_difference(5, math.nan),
        lambda: detectable_difference(5, 1.0, power=0.4),
    ],
)
def test_refused(call):
    with pytest.raises(MeasureError):
        call()

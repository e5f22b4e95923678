import math

import pytest
from statsmodels.stats.power import TTestPower

from mores.errors import MeasureError
from mores.stats import detectable_difference, items_needed


@pytest.mark.parametrize(
    ("discordance", "margin", "items"),
    [(0.05, 0.01, 3092), (0.05, 0.02, 773), (0.10, 0.01, 6183), (0.10, 0.02, 1546)],
)
def test_items_of_the_table(discordance, margin, items):
    # statistics.md, section A: one-sided .05, power .8. By hand: (1.644854 + .841621)² = 6.182557.
    assert items_needed(discordance, margin) == items
    assert items == math.ceil(6.182557 * discordance / margin**2)


def test_millers_example():
    # Miller 2024, section 5: ω² = 1/9, δ = .03, .05 two-sided, power .8: n = 969 (normal theory).
    assert detectable_difference(969, 1 / 3) == pytest.approx(0.03, rel=2e-3)


@pytest.mark.parametrize("n", [2, 5, 15, 40, 400])
@pytest.mark.parametrize("power", [0.5, 0.8, 0.95])
def test_agrees_with_statsmodels(n, power):
    # The chance of the wrong side is left out here and counted there: 4.4e-5 at power .5.
    found = detectable_difference(n, 2.0, power=power)
    oracle = TTestPower().power(found / 2, n, 0.05)
    assert oracle == pytest.approx(power, abs=1e-4 if power == 0.5 else 1e-6)


def test_scales_with_sd_and_level():
    assert detectable_difference(20, 3.0) == pytest.approx(3 * detectable_difference(20, 1.0))
    assert detectable_difference(20, 1.0, level=0.99) > detectable_difference(20, 1.0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: detectable_difference(1, 1.0),
        lambda: detectable_difference(5, 0.0),
        lambda: detectable_difference(5, math.nan),
        lambda: detectable_difference(5, 1.0, power=0.4),
        lambda: items_needed(0.0, 0.01),
        lambda: items_needed(1.1, 0.01),
        lambda: items_needed(0.1, 0.0),
        lambda: items_needed(0.1, 0.01, power=1.0),
    ],
)
def test_refused(call):
    with pytest.raises(MeasureError):
        call()

"""A bound on a mean that holds for every distribution: by hand, and simulated."""

import numpy as np
import pytest
from scipy.stats import beta

from mores.errors import MeasureError
from mores.stats import bounded_mean_least, bounded_mean_p


def test_zeros_and_ones_give_clopper_and_pearson() -> None:
    """18 of 20 differences are −1 and 2 are +1: the mean is zero or more if the share s is ≥ ½.

    Clopper-Pearson's one-sided p of s ≥ ½ with 2 of 20 is P(B ≤ 2), that of Beta(3, 18) above ½.
    """
    p = bounded_mean_p([-1.0] * 18 + [1.0] * 2, 1.0, rng=1)
    exact = beta.sf(0.5, 3, 18)
    assert exact == pytest.approx(0.000201, abs=1e-6)
    assert p == pytest.approx(exact + 1 / 4001, abs=4 * (exact / 4000) ** 0.5)


def test_equal_differences_by_hand() -> None:
    """n differences of −d and one of +1: D₀ / (1 − D₀) ≥ d, D₀ ~ Beta(1, n): p = (1 + d)⁻ⁿ."""
    for n, d in ((40, 0.02), (40, 0.1), (120, 0.02)):
        p, exact = bounded_mean_p([-d] * n, 1.0, rng=2), (1 + d) ** -n
        assert p == pytest.approx(exact, abs=4 * (exact / 4000) ** 0.5 + 1 / 4000)


def test_the_side_is_that_of_the_worst_value() -> None:
    up = bounded_mean_p([0.1] * 30, -1.0, rng=3)
    down = bounded_mean_p([-0.1] * 30, 1.0, rng=3)
    assert up == down


def test_weights_count() -> None:
    """All the weight on the differences of one sign, nearly: as if the others were not there."""
    heavy = bounded_mean_p([-1.0, 1.0], 0.01, weights=[0.999, 0.001], rng=4)
    assert heavy < 0.02
    assert bounded_mean_p([-1.0, 1.0], 0.01, rng=4) == pytest.approx(0.5, abs=0.05)


def test_the_least_mean_that_stands_it_by_hand() -> None:
    """Equal differences and one of −4: D₀ / (1 − D₀) ≥ m / 4 in (1 + m / 4)⁻ⁿ = .05."""
    exact = 4 * (0.05 ** (-1 / 40) - 1)
    assert bounded_mean_least([0.1] * 40, -4.0, rng=5) == pytest.approx(exact, rel=0.05)
    assert bounded_mean_least([0.1] * 40, 4.0, rng=5) == pytest.approx(-exact, rel=0.05)


def test_the_least_mean_is_where_p_is_the_level() -> None:
    rng, weights = np.random.default_rng(6), np.repeat([2.0, 1.0], 15) / 45
    values = rng.normal(0, 0.5, 30)
    least = bounded_mean_least(values, -4.0, weights=weights, rng=7)
    shifted = values - weights @ values + least
    assert bounded_mean_p(shifted, -4.0, weights=weights, rng=7) == pytest.approx(0.05, abs=0.001)


@pytest.mark.parametrize("rate", [0.01, 0.02, 0.05])
def test_rare_disasters_are_claimed_away_in_at_most_one_study_of_twenty(rate: float) -> None:
    rng = np.random.default_rng(8)
    false = 0
    for seed in range(200):
        hit = rng.random(40) < rate
        values = np.where(hit, 0.9, -0.9 * rate / (1 - rate) + rng.normal(0, 0.01, 40))
        false += bounded_mean_p(values, 0.95, rng=seed) <= 0.05
    assert false <= 20  # 99.9 % of binomials of 200 at .05


def test_bad_input_is_refused() -> None:
    with pytest.raises(MeasureError, match="at least one difference"):
        bounded_mean_p([], 1.0, rng=1)
    with pytest.raises(MeasureError, match="other than zero"):
        bounded_mean_p([1.0], 0.0, rng=1)
    with pytest.raises(MeasureError, match="generator"):
        bounded_mean_p([1.0], 1.0, rng=None)

import numpy as np
import pytest
from scipy.stats import logistic

from mores.stats.clm_likelihood import terms

CUTS = np.array([-1.5, 0.2, 1.0])
CATEGORY = np.array([0, 1, 2, 3, 1])
ETA = np.array([0.3, -0.4, 2.0, 1.1, 0.0])


def test_probabilities_are_those_of_the_logistic_distribution():
    ends = np.concatenate([[-np.inf], CUTS, [np.inf]])
    oracle = logistic.cdf(ends[CATEGORY + 1] - ETA) - logistic.cdf(ends[CATEGORY] - ETA)
    assert np.exp(terms(CUTS, CATEGORY, ETA).log_p) == pytest.approx(oracle)


def test_derivatives_by_the_linear_predictor():
    h = 1e-5
    above, here, below = (terms(CUTS, CATEGORY, ETA + s) for s in (h, 0, -h))
    assert here.slope == pytest.approx((above.log_p - below.log_p) / (2 * h), abs=1e-8)
    assert here.weight == pytest.approx(-(above.slope - below.slope) / (2 * h), abs=1e-8)
    assert here.bend == pytest.approx((above.weight - below.weight) / (2 * h), abs=1e-8)
    assert (here.weight > 0).all()


@pytest.mark.parametrize("cut", [0, 1, 2])
def test_derivatives_by_a_threshold(cut):
    h = 1e-5 * np.eye(3)[cut]
    above, here, below = (terms(CUTS + s, CATEGORY, ETA) for s in (h, 0, -h))
    for name, field in (("slope", "log_p"), ("density", "slope"), ("bend", "weight")):
        found = np.where(cut == CATEGORY, getattr(here.upper, name), 0)
        found += np.where(cut == CATEGORY - 1, getattr(here.lower, name), 0)
        oracle = (getattr(above, field) - getattr(below, field)) / 2e-5
        assert found == pytest.approx(oracle, abs=1e-8), name


def test_tails_keep_their_digits():
    # Far out P(0 < Y* < 1) is e^{-η} (e − 1): at η = 60 the difference of two ones.
    found = terms(np.array([0.0, 1.0]), np.array([1, 1]), np.array([60.0, -60.0]))
    assert found.log_p[0] == pytest.approx(-60 + np.log(np.e - 1))
    assert found.log_p[1] == pytest.approx(-60 + np.log(1 - 1 / np.e))
    assert found.slope == pytest.approx([-1, 1])

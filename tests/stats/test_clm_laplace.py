import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import logistic

from mores.stats.clm_laplace import OUT_OF_REACH, Likelihood, terms

CUTS = np.array([-1.5, 0.2, 1.0])
CATEGORY = np.array([0, 1, 2, 3, 1])
ETA = np.array([0.3, -0.4, 2.0, 1.1, 0.0])


def test_probabilities_are_those_of_the_logistic_distribution():
    ends = np.concatenate([[-np.inf], CUTS, [np.inf]])
    oracle = logistic.cdf(ends[CATEGORY + 1] - ETA) - logistic.cdf(ends[CATEGORY] - ETA)
    assert np.exp(terms(CUTS, CATEGORY, ETA)[0]) == pytest.approx(oracle)


def test_derivatives_by_the_linear_predictor():
    h = 1e-5
    above, here, below = (terms(CUTS, CATEGORY, ETA + s) for s in (h, 0, -h))
    (_, slope, weight) = here
    assert slope == pytest.approx((above[0] - below[0]) / (2 * h), abs=1e-8)
    assert weight == pytest.approx(-(above[1] - below[1]) / (2 * h), abs=1e-8)
    assert (weight > 0).all()


def test_tails_keep_their_digits():
    # Far out P(0 < Y* < 1) is e^{-η} (e − 1): at η = 60 the difference of two ones.
    log_p, slope, _ = terms(np.array([0.0, 1.0]), np.array([1, 1]), np.array([60.0, -60.0]))
    assert log_p[0] == pytest.approx(-60 + np.log(np.e - 1))
    assert log_p[1] == pytest.approx(-60 + np.log(1 - 1 / np.e))
    assert slope == pytest.approx([-1, 1])


def test_one_rating_by_hand():
    # y = 1 of {0, 1}, θ = 0, σ = 1: the mode solves b = 1 − F(b): b = .4010581; then
    # log F(b) − b² / 2 − ½ log(1 + F(b)(1 − F(b))).
    likelihood = Likelihood(np.array([1]), np.zeros((1, 0)), [np.array([0])])
    b = 0.4010581
    F = 1 / (1 + np.exp(-b))
    assert b == pytest.approx(1 - F, abs=1e-7)
    assert likelihood.mode(np.zeros(2))[1][0] == pytest.approx(b, abs=1e-7)
    by_hand = np.log(F) - b**2 / 2 - np.log(1 + F * (1 - F)) / 2
    assert likelihood(np.zeros(2)) == pytest.approx(by_hand, abs=1e-7)


SIZES = (25, 10, 3)
SD = (0.7, 0.9, 0.4)


@pytest.mark.parametrize("factors", [1, 2, 3])
def test_sparse_arithmetic_is_the_dense_one(factors):
    rng = np.random.default_rng(17)
    category, x = rng.integers(0, 3, 120), rng.normal(size=(120, 2))
    levels = [np.append(np.arange(k), rng.integers(0, k, 120 - k)) for k in SIZES[:factors]]
    likelihood = Likelihood(category, x, levels)
    # Thresholds −.6 and −.6 + e^.4, betas .5 and −.3.
    free = np.array([-0.6, 0.4, 0.5, -0.3, *np.log(SD[:factors])])
    cuts = np.array([-0.6, -0.6 + np.exp(0.4)])
    A = np.hstack([s * np.eye(k)[at] for at, k, s in zip(levels, SIZES, SD, strict=False)])

    def minus_height(b):
        log_p, slope, _ = terms(cuts, category, x @ [0.5, -0.3] + A @ b)
        return b @ b / 2 - log_p.sum(), b - A.T @ slope

    oracle = minimize(minus_height, np.zeros(A.shape[1]), jac=True, method="BFGS", tol=1e-9)
    weight = terms(cuts, category, x @ [0.5, -0.3] + A @ oracle.x)[2]
    H = A.T @ (weight[:, None] * A) + np.eye(A.shape[1])
    value, modes, curvature = likelihood.mode(free)
    assert modes == pytest.approx(oracle.x, abs=1e-6)
    assert curvature.solve(np.eye(len(H))) == pytest.approx(np.linalg.inv(H), abs=1e-7)
    by_dense = -oracle.fun - np.linalg.slogdet(H)[1] / 2
    assert value == likelihood(free) == pytest.approx(by_dense, rel=1e-8)


def test_where_the_last_mode_lies_changes_nothing():
    rng = np.random.default_rng(2)
    likelihood = Likelihood(rng.integers(0, 3, 60), np.zeros((60, 0)), [np.arange(60) // 6])
    free = np.array([-0.6, 0.4, 0.1])
    first = likelihood(free)
    likelihood(np.array([3.0, 2.0, 2.0]))
    assert likelihood(free) == pytest.approx(first, rel=1e-13)


def test_parameters_out_of_reach_have_no_likelihood_and_are_no_nan():
    likelihood = Likelihood(np.arange(60) % 3, np.zeros((60, 0)), [np.arange(60) // 6])
    assert likelihood(np.array([0.0, -800.0, 0.0])) == OUT_OF_REACH

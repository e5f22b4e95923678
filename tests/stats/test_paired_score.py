import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from mores.stats.paired_score import score_bound, score_statistic

counts = (
    st.integers(2, 300)
    .flatmap(
        lambda n: st.integers(0, n).flatmap(
            lambda b: st.tuples(st.just(b), st.integers(0, n - b), st.just(n))
        )
    )
    .filter(lambda c: c[0] + c[1] > 0)
)


def by_likelihood(b, c, n, delta):
    """The statistic with the share lost found by maximising the trinomial likelihood."""

    def loss(q):
        terms = [(b, q + delta), (c, q), (n - b - c, 1 - 2 * q - delta)]
        return -sum(k * math.log(max(p, 1e-300)) for k, p in terms if k)

    low, high = max(0.0, -delta), (1 - delta) / 2
    q = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-12}).x
    return (b - c - n * delta) / math.sqrt(n * (2 * q + delta * (1 - delta)))


@pytest.mark.parametrize(
    ("b", "c", "n", "delta"),
    [(86, 150, 1600, -0.05), (3, 1, 40, 0.2), (12, 2, 50, 0.1), (5, 9, 30, -0.4), (0, 4, 60, -0.1)],
)
def test_agrees_with_the_constrained_likelihood(b, c, n, delta):
    assert score_statistic(b, c, n, delta) == pytest.approx(by_likelihood(b, c, n, delta), abs=1e-4)


def test_at_zero_it_is_mcnemar():
    # Agresti's example, z² = 17.356 (statistics.md).
    assert score_statistic(86, 150, 1600, 0.0) == pytest.approx(-64 / math.sqrt(236))
    assert score_statistic(86, 150, 1600, 0.0) ** 2 == pytest.approx(17.356, abs=5e-4)


def test_no_gain_one_loss_by_hand():
    # b = 0, c = 1 under δ < 0: the likelihood has q = −δ (no gains), so the variance is
    # n (−δ)(1 + δ) and T = (−1 + n|δ|) / √(n |δ| (1 − |δ|)): Wilson's bound for 1 of n.
    z = norm.ppf(0.95)
    n = 100
    centre, half = 1 + z**2 / 2, z * math.sqrt(1 * 99 / n + z**2 / 4)
    assert score_bound(0, 1, n, z) == pytest.approx(-(centre + half) / (n + z**2), abs=1e-9)


@settings(max_examples=80, deadline=None)
@given(counts)
def test_bounds_enclose_the_difference_and_mirror(found):
    b, c, n = found
    low, high = score_bound(b, c, n, 1.96), score_bound(b, c, n, -1.96)
    assert -1 <= low <= (b - c) / n <= high <= 1
    assert score_bound(c, b, n, -1.96) == pytest.approx(-low, abs=1e-8)
    if low > -1:
        assert score_statistic(b, c, n, low) == pytest.approx(1.96, abs=1e-5)
    # Zero lies outside exactly when McNemar's statistic exceeds the quantile.
    assert (high < 0) == ((b - c) / math.sqrt(b + c) < -1.96)

"""Two shares of different people: Newcombe's own example, scipy's exact test."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from mores.stats import two_shares

COUNTS = st.integers(1, 40).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_interval_of_newcombes_table():
    # Newcombe 1998, Table II, (a): 56/70 against 48/80, method 10.
    found = two_shares(56, 70, 48, 80)
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_exact_p_by_hand():
    # All three against none of three: one table of C(6, 3) = 20 on each side as rare.
    assert two_shares(3, 3, 0, 3).p == pytest.approx(2 / 20)


@given(COUNTS, COUNTS)
def test_p_as_scipy(first, second):
    (a, n), (b, m) = first, second
    expected = fisher_exact([[a, n - a], [b, m - b]]).pvalue
    found = two_shares(a, n, b, m)
    assert found.p == pytest.approx(expected, rel=1e-6)
    assert -1.0 <= found.low <= found.value <= found.high <= 1.0


def test_thousands_of_people():
    expected = fisher_exact([[3000, 2000], [2900, 2100]]).pvalue
    assert two_shares(3000, 5000, 2900, 5000).p == pytest.approx(expected, rel=1e-6)


def test_nobody_in_a_group():
    found = two_shares(0, 0, 3, 4)
    assert (found.value, found.p) == (None, None)
    assert found.reason == "nobody in one of the groups"

"""The exact interval: by hand at the ends, as statsmodels, and never too narrow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from statsmodels.stats.proportion import proportion_confint

from mores.errors import MeasureError
from mores.stats import clopper_pearson, clopper_pearson_most


def test_by_hand_at_the_ends():
    none, all_ = clopper_pearson(0, 5), clopper_pearson(5, 5)
    assert (none.value, none.low) == (0.0, 0.0)
    assert none.high == pytest.approx(1 - 0.025 ** (1 / 5))  # (1 − p)⁵ = .025
    assert (all_.value, all_.high) == (1.0, 1.0)
    assert all_.low == pytest.approx(0.025 ** (1 / 5))


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_as_statsmodels(counts):
    successes, n = counts
    low, high = proportion_confint(successes, n, alpha=0.05, method="beta")
    found = clopper_pearson(successes, n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-10)


@pytest.mark.parametrize("n", [5, 6, 9, 20])
def test_it_covers_every_share_at_least_as_often_as_it_says(n):
    intervals = [clopper_pearson(s, n) for s in range(n + 1)]
    for p in np.linspace(0.001, 0.999, 333):
        covered = [e.low <= p <= e.high for e in intervals]
        assert binom.pmf(np.arange(n + 1), n, p)[covered].sum() >= 0.95 - 1e-12


def test_nobody_is_not_zero():
    found = clopper_pearson(0, 0, unit="person")
    assert (found.value, found.verdict, found.reason) == (None, "not computable", "no persons")


@pytest.mark.parametrize(("successes", "n"), [(3, 2), (-1, 2), (0.5, 2)])
def test_counts_that_cannot_be_are_refused(successes, n):
    with pytest.raises(MeasureError):
        clopper_pearson(successes, n)


def test_the_one_sided_bound_by_hand():
    # (1 − p)ⁿ = .05: 299 trials without a single event exclude one in a hundred, 298 do not.
    assert clopper_pearson_most(0, 299) == pytest.approx(1 - 0.05 ** (1 / 299))
    assert clopper_pearson_most(0, 299) < 0.01 < clopper_pearson_most(0, 298)
    assert clopper_pearson_most(7, 7) == 1.0


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_one_sided_bound_is_the_upper_end_of_a_ninety_percent_interval(counts):
    successes, n = counts
    _, high = proportion_confint(successes, n, alpha=0.1, method="beta")
    assert clopper_pearson_most(successes, n) == pytest.approx(high, abs=1e-10)


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (3, 2), (-1, 2)])
def test_no_bound_of_counts_that_cannot_be(successes, n):
    with pytest.raises(MeasureError):
        clopper_pearson_most(successes, n)

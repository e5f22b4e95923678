import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.weightstats import ttost_ind, ttost_paired

from mores.errors import MeasureError
from mores.stats import equivalence


def sample(mean, sd, n):
    """Numbers with exactly this mean and standard deviation."""
    raw = np.arange(n, dtype=float)
    return mean + sd * (raw - raw.mean()) / raw.std(ddof=1)


def test_lakens_example():
    # 5.25 (.95, n = 95) against 5.22 (.83, n = 89), bounds d = ±.384 of √((.95² + .83²) / 2):
    # df 181.13; t 2.837, −2.380; p .0025, .0092.
    margin = 0.384 * math.sqrt((0.95**2 + 0.83**2) / 2)
    found = equivalence(sample(5.25, 0.95, 95), sample(5.22, 0.83, 89), margin, paired=False)
    assert found.details["df"] == pytest.approx(181.13, abs=0.01)
    assert found.details["t_low"] == pytest.approx(2.837, abs=2e-3)
    assert found.details["t_high"] == pytest.approx(-2.380, abs=2e-3)
    assert found.details["p_low"] == pytest.approx(0.0025, abs=5e-5)
    assert found.p == found.details["p_high"] == pytest.approx(0.0092, abs=5e-5)
    assert (found.verdict, found.n) == ("shown", 184)
    assert found.level == pytest.approx(0.9)


def test_by_hand():
    # Differences −.1 0 .1 0 .1 −.1: mean 0, s² = .04 / 5 = .008, SE = √(.008 / 6) = .036515;
    # t = ±.1 / .036515 = ±2.738613 with 5 df; t(.95, 5) = 2.015048.
    a, b = [1, 2, 3, 4, 5, 6], [1.1, 2, 2.9, 4, 4.9, 6.1]
    found = equivalence(a, b, 0.1)
    assert found.value == pytest.approx(0, abs=1e-12)
    assert found.details["t_low"] == pytest.approx(2.738613, abs=1e-6)
    half = 2.015048 * 0.036515
    assert (found.low, found.high) == pytest.approx((-half, half), abs=1e-5)
    assert found.verdict == "shown"
    assert equivalence(a, b, 0.07).verdict == "inconclusive"


@given(st.integers(0, 2**32 - 1), st.integers(3, 15), st.booleans(), st.floats(0.05, 2))
@settings(max_examples=80, deadline=None)
def test_agrees_with_statsmodels_and_with_its_interval(seed, n, paired, margin):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(0.1, 1, n), rng.normal(0, 1, n if paired else n + 3)
    limits = (-margin, 0.7 * margin)
    found = equivalence(a, b, limits, paired=paired)
    oracle = ttost_paired(a, b, *limits) if paired else ttost_ind(a, b, *limits, usevar="unequal")
    assert found.p == pytest.approx(float(oracle[0]), abs=1e-10)
    inside = limits[0] < found.low and found.high < limits[1]
    assert (found.verdict == "shown") == inside == (found.p < 0.05)


@given(st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=40, deadline=None)
def test_invariants(seed, paired):
    rng = np.random.default_rng(seed)
    a, b, order = rng.normal(0.4, 1, 9), rng.normal(0, 1, 9), rng.permutation(9)
    found = equivalence(a, b, (-0.5, 0.8), paired=paired)
    turned = equivalence(b, a, (-0.8, 0.5), paired=paired)
    assert (turned.value, turned.low, turned.p) == pytest.approx(
        (-found.value, -found.high, found.p)
    )
    assert turned.verdict == found.verdict
    moved = equivalence(a[order] + 7, b[order if paired else slice(None)] + 7, (-0.5, 0.8),
                        paired=paired)  # fmt: skip
    assert (moved.value, moved.p) == pytest.approx((found.value, found.p))


def test_beyond_the_margin_is_not_called_inconclusive():
    found = equivalence([5, 6, 7, 8], [1, 2.1, 2.9, 4], 1)
    assert (found.verdict, found.reason) == ("not shown", "the difference lies beyond the margin")
    assert equivalence([1, 2.1, 2.9, 4], [5, 6, 7, 8], 1).verdict == "not shown"


@pytest.mark.parametrize(
    ("a", "b", "paired", "value", "reason"),
    [
        ([], [], True, None, "no values"),
        ([1], [2], True, -1.0, "one pair"),
        ([1, 2, 3], [1, 2, 3], True, 0.0, "all differences are equal"),
        ([1.1, 2.1, 3.1], [1, 2, 3], True, 0.1, "all differences are equal"),
        ([1], [2, 3], False, -1.5, "fewer than two"),
        ([1, 1], [2, 2, 2], False, -1.0, "no variance in either"),
    ],
)
def test_degenerate(a, b, paired, value, reason):
    found = equivalence(a, b, 5, paired=paired)
    assert (found.verdict, found.low, found.p) == ("not computable", None, None)
    assert found.value == (value if value is None else pytest.approx(value))
    assert reason in found.reason


@pytest.mark.parametrize(
    "call",
    [
        lambda: equivalence([1, 2], [1, 2, 3], 1),
        lambda: equivalence([1, 2], [1, 3], 0),
        lambda: equivalence([1, 2], [1, 3], -1),
        lambda: equivalence([1, 2], [1, 3], (1, -1)),
        lambda: equivalence([1, 2], [1, 3], math.nan),
        lambda: equivalence([1, 2], [1, 3], 1, level=0.5),
        lambda: equivalence([1, math.nan], [1, 3], 1),
    ],
)
def test_refused(call):
    with pytest.raises(MeasureError):
        call()


def test_a_difference_of_the_margin_is_shown_equivalent_at_most_at_alpha():
    rng = np.random.default_rng(4)
    runs = 1500
    shown = sum(
        equivalence(rng.normal(0.5, 1, 60), np.zeros(60), 0.5).verdict == "shown"
        for _ in range(runs)
    )
    assert 0.035 < shown / runs < 0.065

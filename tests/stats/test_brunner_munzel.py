import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import brunnermunzel

from mores.errors import MeasureError
from mores.stats import brunner_munzel

X = [1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 1, 1]
Y = [3, 3, 4, 3, 1, 2, 3, 1, 1, 5, 4]
LIKERT = st.lists(st.integers(1, 5), min_size=3, max_size=20)


def test_neubert_and_brunner():
    # scipy's tests, from R's lawstat: W = 3.1374674823, p = .0057862087; the rest [M].
    found = brunner_munzel(X, Y)
    assert found.details["t"] == pytest.approx(3.1374674823, abs=1e-9)
    assert found.p == pytest.approx(0.0057862087, abs=1e-9)
    assert found.value == pytest.approx(0.788961, abs=1e-6)
    assert found.details["df"] == pytest.approx(17.683, abs=5e-4)
    assert (found.low, found.high) == pytest.approx((0.5952, 0.9827), abs=5e-5)
    assert 2 * found.value - 1 == pytest.approx(0.577922, abs=1e-6)
    assert (found.n, found.details["n_x"], found.details["n_y"]) == (25, 14, 11)
    assert "independent" in found.reason


def test_by_hand():
    # x = 1 2, y = 2 3: shares of y below x: 0, 1/4; of x below y: 3/4, 1. value 7/8.
    # Both variances 1/32, over 2: 1/64 each; SE² = 1/32; df = (1/32)² / (2 · (1/64)²) = 2.
    found = brunner_munzel([1, 2], [2, 3])
    assert found.value == 7 / 8
    assert found.details["se"] ** 2 == pytest.approx(1 / 32)
    assert found.details["df"] == pytest.approx(2)
    assert found.high == 1.0  # 7/8 + 4.30 · .177 lies beyond


@given(LIKERT, LIKERT)
@settings(max_examples=60, deadline=None)
def test_agrees_with_scipy_and_its_mirror(x, y):
    found, mirror = brunner_munzel(x, y), brunner_munzel(y, x)
    assert found.value == pytest.approx(1 - mirror.value)
    if found.p is None:
        assert found.verdict == mirror.verdict == "not computable"
        return
    oracle = brunnermunzel(x, y)
    assert found.p == pytest.approx(float(oracle.pvalue), abs=1e-9)
    assert found.details["t"] == pytest.approx(float(oracle.statistic))
    assert (found.p, found.low) == pytest.approx((mirror.p, 1 - mirror.high))


@given(LIKERT, LIKERT, st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_order_of_rows_and_rising_scales_change_nothing(x, y, random):
    before = brunner_munzel(x, y)
    random.shuffle(x)
    after = brunner_munzel([math.exp(v) for v in x], [math.exp(v) for v in y])
    assert before.value == pytest.approx(after.value)
    assert before.p == pytest.approx(after.p)


@pytest.mark.parametrize(
    ("x", "y", "value", "reason"),
    [
        ([], [1, 2], None, "without values"),
        ([1], [1, 2], 0.75, "a sample of one row"),
        ([3, 3], [3, 3, 3], 0.5, "all values are tied"),
        ([1, 2], [3, 4], 1.0, "do not overlap"),
        ([5, 6], [3, 4], 0.0, "do not overlap"),
    ],
)
def test_degenerate(x, y, value, reason):
    found = brunner_munzel(x, y)
    assert (found.verdict, found.value, found.low, found.p) == ("not computable", value, None, None)
    assert reason in found.reason


def test_refused():
    with pytest.raises(MeasureError, match="nan"):
        brunner_munzel([1, math.nan], [1, 2])
    with pytest.raises(MeasureError, match="level"):
        brunner_munzel(X, Y, level=1)


def test_covers_at_its_rate():
    # Ordinal values of unequal spread; P is counted out: .5 by symmetry about 3.
    rng = np.random.default_rng(3)
    runs, hits = 800, 0
    for _ in range(runs):
        x = np.clip(np.rint(rng.normal(3, 0.8, 25)), 1, 5)
        y = np.clip(np.rint(rng.normal(3, 1.6, 15)), 1, 5)
        found = brunner_munzel(x, y)
        hits += found.low <= 0.5 <= found.high
    assert 0.93 < hits / runs < 0.97

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mores.errors import MeasureError
from mores.stats import crossed_effect, paired_difference, size_slope

SIZES = [135e6, 360e6, 1.7e9]


def test_by_hand():
    # log10 of 10, 100, 1000: −1 0 1 about the mean; slopes (−a + c) / 2: 1, 1.5, 0.
    found = size_slope([[0, 1, 2], [0, 1, 3], [4, 0, 4]], [10, 100, 1000], rng=None)
    assert found.value == pytest.approx(2.5 / 3)
    oracle = paired_difference([1, 1.5, 0], rng=None)
    assert (found.low, found.high, found.p) == pytest.approx((oracle.low, oracle.high, oracle.p))
    assert (found.n, found.details["sizes"]) == (3, 3)
    assert "slope on log10 parameters" in found.method


def test_slopes_agree_with_polyfit():
    rng = np.random.default_rng(2)
    table = rng.normal(size=(25, 3))
    slopes = np.polyfit(np.log10(SIZES), table.T, 1)[0]
    found = size_slope(table, SIZES, rng=7)
    oracle = paired_difference(slopes, rng=7)
    assert (found.value, found.low, found.p) == pytest.approx((oracle.value, oracle.low, oracle.p))


def test_strata_weigh_the_same():
    table = [[0, 1], [0, 1], [0, 1.5], [0, 5], [0, 6]]
    found = size_slope(table, [1, 10], strata=["a", "a", "a", "b", "b"], rng=None)
    assert found.value == pytest.approx((3.5 / 3 + 5.5) / 2)
    assert "two sizes" in found.reason


@given(st.integers(0, 2**32 - 1), st.integers(3, 12))
@settings(max_examples=40, deadline=None)
def test_invariants(seed, prompts):
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(prompts, 3))
    found = size_slope(table, SIZES, rng=1)
    order, sizes = rng.permutation(prompts), rng.permutation(3)
    # Prompts in another order, each shifted; sizes in another order and another unit.
    moved = table[order][:, sizes] + rng.normal(0, 5, (prompts, 1))
    same = size_slope(moved, np.array(SIZES)[sizes] / 1e6, rng=1)
    scale = max(abs(found.low), abs(found.high))  # with 3 prompts the interval may be very wide
    for a in ("value", "low", "high"):
        assert getattr(found, a) == pytest.approx(getattr(same, a), abs=1e-10 * scale)
    assert found.p == pytest.approx(same.p, rel=1e-8)
    turned = size_slope(-table, SIZES, rng=1)
    assert (turned.value, turned.p) == pytest.approx((-found.value, found.p))


@pytest.mark.parametrize(
    ("table", "sizes", "value", "reason"),
    [
        ([[1], [2]], [10], None, "one size"),
        ([[1, 2], [2, 3]], [10, 10], None, "one size"),
        ([[1, 2, 4]], [1, 10, 100], 1.5, "one prompt"),
        ([[0.3, 0.3, 0.3], [0.1, 0.1, 0.1]], SIZES, 0.0, "all differences"),
        ([], [], None, "no differences"),
    ],
)
def test_degenerate(table, sizes, value, reason):
    table = np.array(table, dtype=float).reshape(len(table), len(sizes))
    found = size_slope(table, sizes, rng=None)
    assert (found.verdict, found.low, found.p) == ("not computable", None, None)
    assert found.value == (value if value is None else pytest.approx(value))
    assert reason in found.reason


@pytest.mark.parametrize("sizes", [[1, 10], [1, 10, 0], [1, 10, -5], [1, 10, math.nan]])
def test_refused_sizes(sizes):
    with pytest.raises(MeasureError, match="parameters"):
        size_slope([[1, 2, 3], [2, 3, 5]], sizes, rng=None)


def test_covers_at_its_rate():
    # Errors that the sizes of a prompt share must do no harm.
    rng = np.random.default_rng(11)
    x = np.log10(SIZES)
    runs, hits = 1500, 0
    for _ in range(runs):
        slopes = 0.4 + rng.normal(0, 0.3, (12, 1))
        table = slopes * x + rng.normal(0, 1, (12, 1)) + rng.normal(0, 0.3, (12, 3))
        found = size_slope(table, SIZES, rng=None)
        hits += found.low <= 0.4 <= found.high
    assert 0.93 < hits / runs < 0.97


def test_runs_are_crossed_with_prompts():
    # Two prompts, sizes 1 and 10, two runs: slopes of the ladders are 1 3 and 2 4.
    table = np.zeros((2, 2, 2))
    table[:, 1, :] = [[1, 3], [2, 4]]
    found = size_slope(table, [1, 10], rng=None)
    oracle = crossed_effect([[1, 3], [2, 4]])
    assert found.value == 2.5
    assert (found.low, found.high, found.p) == (oracle.low, oracle.high, oracle.p)
    assert found.details["runs"] == 2
    # Rows 2 and 3, columns 1.5 and 3.5, no residual: V = .5 / 2 + 2 / 2.
    assert found.details["se"] ** 2 == pytest.approx(1.25)

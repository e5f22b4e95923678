import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as oracle

from mores.stats import paired_t, stratified_t


def test_by_hand():
    # 1 2 3 4: mean 2.5, s² = 5/3, SE = √(5/12) = .645497; t(.975, 3) = 3.182446;
    # 2.5 ± 2.054260.
    found = paired_t([1, 2, 3, 4])
    assert found.value == 2.5
    assert found.details["se"] == pytest.approx(0.6454972244)
    assert (found.low, found.high) == pytest.approx((0.4457397432, 4.5542602568))
    assert found.details["df"] == 3
    assert found.n == 4


def test_agrees_with_scipy():
    values = np.random.default_rng(1).normal(0.4, 2, 17)
    test = oracle.ttest_1samp(values, 0)
    interval = test.confidence_interval(0.95)
    found = paired_t(values)
    assert found.p == pytest.approx(test.pvalue, rel=1e-10)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-10)


def test_one_stratum_is_the_plain_t():
    values = [0.2, 0.5, -0.1, 0.9, 0.3]
    plain, stratified = paired_t(values), stratified_t(values, ["a"] * 5)
    assert (stratified.low, stratified.high) == pytest.approx((plain.low, plain.high), rel=1e-12)
    assert stratified.p == pytest.approx(plain.p, rel=1e-12)
    assert stratified.details["df"] == pytest.approx(4)


def test_two_strata_are_welch_with_one_side_mirrored():
    # (m1 + m2) / 2 over √(v1 + v2) / 2 is Welch's t of a against −b, with the same df.
    rng = np.random.default_rng(4)
    a, b = rng.normal(1, 1, 6), rng.normal(0.2, 3, 14)
    found = stratified_t(np.concatenate([a, b]), ["a"] * 6 + ["b"] * 14)
    welch = oracle.ttest_ind(a, -b, equal_var=False)
    assert found.value == pytest.approx((a.mean() + b.mean()) / 2)
    assert found.details["t"] == pytest.approx(welch.statistic)
    assert found.details["df"] == pytest.approx(welch.df)
    assert found.p == pytest.approx(welch.pvalue)


def test_strata_by_hand():
    # a: 1 3 (mean 2, s² = 2, v = 1); b: 4 5 6 (mean 5, s² = 1, v = 1/3).
    # Mean of means 3.5; SE = √(4/3) / 2 = .577350; df = (4/3)² / (1 + 1/18) = 1.684211.
    found = stratified_t([1, 4, 3, 5, 6], ["a", "b", "a", "b", "b"])
    assert found.value == 3.5
    assert found.details["se"] == pytest.approx(0.5773502692)
    assert found.details["df"] == pytest.approx(32 / 19)


@pytest.mark.parametrize(
    ("found", "value", "reason"),
    [
        (paired_t([]), None, "no differences"),
        (paired_t([3.0]), 3.0, "one prompt"),
        (paired_t([0.0, 0.0]), 0.0, "all differences equal 0: no variance"),
        (paired_t([0.1 + 0.2, 0.3, 0.3]), pytest.approx(0.3), "no variance"),
        (stratified_t([], []), None, "no differences"),
        (stratified_t([1, 2, 3], "aab"), 2.25, "a single prompt in: b"),
        (
            stratified_t([1, 1, 3, 3], "aabb"),
            2.0,
            "no variance: equal differences in every stratum",
        ),
    ],
)
def test_degenerate(found, value, reason):
    assert (found.verdict, found.value) == ("not computable", value)
    assert (found.low, found.high, found.p) == (None, None, None)
    assert reason in found.reason


def test_tiny_numbers_do_not_underflow_into_nonsense():
    values = np.array([1.0, 2.0, 4.0, 3.0])
    strata = [0, 0, 1, 1]
    large, small = stratified_t(values, strata), stratified_t(values * 1e-90, strata)
    assert small.p == pytest.approx(large.p)
    assert small.details["df"] == pytest.approx(large.details["df"])


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(-50, 50), min_size=2, max_size=20).filter(lambda x: len(set(x)) > 1),
    st.integers(-100, 100),
)
def test_shift_moves_the_interval_and_sign_mirrors_it(values, shift):
    found = paired_t(values)
    moved = paired_t([x + shift for x in values])
    close = 1e-12 * (abs(shift) + max(abs(found.low), abs(found.high)))
    assert moved.low == pytest.approx(found.low + shift, abs=close)
    mirrored = paired_t([-x for x in values])
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low), abs=close)
    assert mirrored.p == pytest.approx(found.p)
    assert found.low < found.value < found.high
